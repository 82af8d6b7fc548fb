//! Visits all expressions below statements: for questions about a body.

use super::{Expr, ExprKind, LocalIndex, Place, Probe, Statement, StatementKind};

/// All variables that the statements mention.
pub fn locals_in(statements: &[Statement]) -> Vec<LocalIndex> {
    let mut found = Found::default();
    visit_all(statements, &mut found);
    found.mentioned
}

/// The variables that the statements change; those of loops are not among them.
pub fn locals_changed_in(statements: &[Statement]) -> Vec<LocalIndex> {
    let mut found = Found::default();
    visit_all(statements, &mut found);
    found.changed
}

/// All variables that the probe mentions, its predicate too.
pub fn locals_in_probe(probe: &Probe) -> Vec<LocalIndex> {
    found_in(probe).mentioned
}

/// All loops of the probe over ranges and maps, those within others and within expressions too.
pub fn loops_in_probe(probe: &Probe) -> Vec<&Statement> {
    found_in(probe).loops
}

/// Whether the probe calls the builtin of that name.
pub fn calls(name: &str, probe: &Probe) -> bool {
    found_in(probe).called.contains(&name)
}

/// Whether evaluating the expression changes a variable or a map.
pub fn changes_something(expr: &Expr) -> bool {
    let mut found = Found::default();
    visit(expr, &mut found);
    found.steps
}

/// How often an aggregation of that name is in the probe.
pub fn aggregations(name: &str, probe: &Probe) -> usize {
    found_in(probe).aggregated.iter().filter(|aggregated| **aggregated == name).count()
}

fn found_in(probe: &Probe) -> Found<'_> {
    let mut found = Found::default();
    visit_option(probe.predicate.as_ref(), &mut found);
    visit_all(&probe.body, &mut found);
    found
}

#[derive(Default)]
struct Found<'a> {
    mentioned: Vec<LocalIndex>,
    changed: Vec<LocalIndex>,
    loops: Vec<&'a Statement>,
    called: Vec<&'static str>,
    aggregated: Vec<&'static str>,
    steps: bool,
}

impl Found<'_> {
    fn change(&mut self, local: LocalIndex) {
        self.mentioned.push(local);
        self.changed.push(local);
    }
}

fn visit_all<'a>(statements: &'a [Statement], found: &mut Found<'a>) {
    for statement in statements {
        visit_statement(statement, found);
    }
}

fn visit_statement<'a>(statement: &'a Statement, found: &mut Found<'a>) {
    match &statement.kind {
        StatementKind::Expression(expr) => visit(expr, found),
        StatementKind::Assign(place, value) => {
            visit_place(place, found);
            visit(value, found);
        }
        StatementKind::ZeroLocal(local) => found.change(*local),
        StatementKind::If(condition, then, otherwise) => {
            visit(condition, found);
            visit_all(then, found);
            visit_all(otherwise, found);
        }
        StatementKind::Unroll(_, body) | StatementKind::Block(body) => visit_all(body, found),
        StatementKind::While(condition, body) => {
            visit(condition, found);
            visit_all(body, found);
        }
        StatementKind::ForRange { local, start, end, body } => {
            found.loops.push(statement);
            found.mentioned.push(*local);
            visit(start, found);
            visit(end, found);
            visit_all(body, found);
        }
        StatementKind::ForMap { local, body, .. } => {
            found.loops.push(statement);
            found.mentioned.push(*local);
            visit_all(body, found);
        }
        StatementKind::Return(value) => visit_option(value.as_ref(), found),
        StatementKind::Break | StatementKind::Continue => {}
    }
}

fn visit_place<'a>(place: &'a Place, found: &mut Found<'a>) {
    match place {
        Place::Local(local) => found.change(*local),
        Place::Map(_, key) => visit_option(key.as_deref(), found),
        Place::Memory { pointer, .. } => visit(pointer, found),
    }
}

fn visit_option<'a>(expr: Option<&'a Expr>, found: &mut Found<'a>) {
    if let Some(expr) = expr {
        visit(expr, found);
    }
}

fn visit<'a>(expr: &'a Expr, found: &mut Found<'a>) {
    match &expr.kind {
        ExprKind::Constant(_) | ExprKind::String(_) | ExprKind::Context | ExprKind::Initial(_) | ExprKind::Void => {}
        ExprKind::Local(local) | ExprKind::AddressOfLocal(local) => found.mentioned.push(*local),
        ExprKind::MapRead(_, key) | ExprKind::AggregationRead(_, key) | ExprKind::AddressOfElement(_, key) => {
            visit_option(key.as_deref(), found);
        }
        ExprKind::Unary(_, inner)
        | ExprKind::Not(inner)
        | ExprKind::Convert(inner)
        | ExprKind::Reinterpret(inner)
        | ExprKind::Load { pointer: inner, .. }
        | ExprKind::Extract { base: inner, .. } => visit(inner, found),
        ExprKind::Arithmetic(_, left, right)
        | ExprKind::PointerOffset(left, right)
        | ExprKind::Compare { left, right, .. }
        | ExprKind::MemoryEqual { left, right, .. }
        | ExprKind::Logical(_, left, right)
        | ExprKind::Elvis(left, right)
        | ExprKind::Element { base: left, index: right } => {
            visit(left, found);
            visit(right, found);
        }
        ExprKind::Ternary(condition, then, otherwise) => {
            visit(condition, found);
            visit(then, found);
            visit(otherwise, found);
        }
        ExprKind::Aggregate(fields) => fields.iter().for_each(|field| visit(field, found)),
        ExprKind::Step { place, .. } => {
            found.steps = true;
            visit_place(place, found);
        }
        ExprKind::AtomicAdd(_, key, value) => {
            found.steps = true;
            visit_option(key.as_deref(), found);
            visit(value, found);
        }
        ExprKind::Block(statements, value) => {
            found.steps = true;
            visit_all(statements, found);
            visit(value, found);
        }
        ExprKind::Call(call) => {
            found.steps |= call.builtin.has_effect();
            found.called.push(call.builtin.signature().name);
            call.arguments.iter().for_each(|argument| visit(argument, found));
        }
        ExprKind::AggregationUpdate(_, key, call) => {
            found.aggregated.push(call.builtin.signature().name);
            visit_option(key.as_deref(), found);
            call.arguments.iter().for_each(|argument| visit(argument, found));
        }
    }
}
