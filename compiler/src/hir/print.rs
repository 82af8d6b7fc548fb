//! The typed tree as text, for `-d hir` and golden tests: one statement a line, types behind colons.

use super::{
    AttachPoint, CompareOperator, Expr, ExprKind, MapContent, MapIndex, Place, Probe, Program, Statement, StatementKind,
};
use std::fmt::Write;

/// Prints a program.
pub fn print(program: &Program) -> String {
    let mut printer = Printer { program, out: String::new(), locals: &[], depth: 0 };
    for map in &program.maps {
        let key = map.key.as_ref().map(|key| format!("[{key}]")).unwrap_or_default();
        let value = match &map.value {
            MapContent::Plain(ty) => ty.to_string(),
            MapContent::Aggregation(value) => format!("{value:?}"),
        };
        printer.line(&format!("map @{}{key}: {value}", map.name));
    }
    for probe in &program.probes {
        printer.probe(probe);
    }
    printer.out
}

struct Printer<'a> {
    program: &'a Program,
    out: String,
    locals: &'a [super::Local],
    depth: usize,
}

impl<'a> Printer<'a> {
    fn line(&mut self, text: &str) {
        let _ = writeln!(self.out, "{:1$}{text}", "", self.depth * 2);
    }

    fn probe(&mut self, probe: &'a Probe) {
        self.locals = &probe.locals;
        for program in &probe.programs {
            let names: Vec<&str> =
                program.attach_points.iter().map(|point: &AttachPoint| point.name.as_str()).collect();
            self.line(&format!("program {} {}", program.section, names.join(", ")));
        }
        if let Some(predicate) = &probe.predicate {
            let predicate = self.expr(predicate);
            self.line(&format!("when {predicate}"));
        }
        self.body(&probe.body);
    }

    fn body(&mut self, statements: &[Statement]) {
        self.line("{");
        self.depth += 1;
        for statement in statements {
            self.statement(statement);
        }
        self.depth -= 1;
        self.line("}");
    }

    fn statement(&mut self, statement: &Statement) {
        match &statement.kind {
            StatementKind::Expression(expr) => {
                let text = self.expr(expr);
                self.line(&text);
            }
            StatementKind::Assign(place, value) => {
                let text = format!("{} = {}", self.place(place), self.expr(value));
                self.line(&text);
            }
            StatementKind::ZeroLocal(local) => {
                let text = format!("{} = zero", self.local(*local));
                self.line(&text);
            }
            StatementKind::If(condition, then, otherwise) => {
                let text = format!("if {}", self.expr(condition));
                self.line(&text);
                self.body(then);
                if !otherwise.is_empty() {
                    self.line("else");
                    self.body(otherwise);
                }
            }
            StatementKind::Unroll(count, body) => {
                self.line(&format!("unroll {count}"));
                self.body(body);
            }
            StatementKind::While(condition, body) => {
                let text = format!("while {}", self.expr(condition));
                self.line(&text);
                self.body(body);
            }
            StatementKind::ForRange { local, start, end, body } => {
                let text = format!("for {} in {}..{}", self.local(*local), self.expr(start), self.expr(end));
                self.line(&text);
                self.body(body);
            }
            StatementKind::ForMap { local, map, body } => {
                let text = format!("for {} in {}", self.local(*local), self.map(*map));
                self.line(&text);
                self.body(body);
            }
            StatementKind::Break => self.line("break"),
            StatementKind::Continue => self.line("continue"),
            StatementKind::Return(None) => self.line("return"),
            StatementKind::Return(Some(value)) => {
                let text = format!("return {}", self.expr(value));
                self.line(&text);
            }
            StatementKind::Block(body) => self.body(body),
        }
    }

    fn place(&mut self, place: &Place) -> String {
        match place {
            Place::Local(local) => self.local(*local),
            Place::Map(map, key) => self.element(*map, key.as_deref()),
            Place::Memory { pointer, ty } => format!("*({}): {ty}", self.expr(pointer)),
        }
    }

    fn local(&self, local: super::LocalIndex) -> String {
        let name = self.locals.get(local.0 as usize).map_or("", |local| &local.name);
        format!("${name}.{}", local.0)
    }

    fn map(&self, map: MapIndex) -> String {
        format!("@{}", self.program.maps.get(map.0 as usize).map_or("", |map| &map.name))
    }

    fn element(&mut self, map: MapIndex, key: Option<&Expr>) -> String {
        match key {
            Some(key) => format!("{}[{}]", self.map(map), self.expr(key)),
            None => self.map(map),
        }
    }

    fn list(&mut self, exprs: &[Expr]) -> String {
        exprs.iter().map(|expr| self.expr(expr)).collect::<Vec<_>>().join(", ")
    }

    fn expr(&mut self, expr: &Expr) -> String {
        let ty = &expr.ty;
        match &expr.kind {
            ExprKind::Constant(value) => format!("{value}: {ty}"),
            ExprKind::String(bytes) => format!("{:?}: {ty}", String::from_utf8_lossy(&bytes[..bytes.len().max(1) - 1])),
            ExprKind::Local(local) => format!("{}: {ty}", self.local(*local)),
            ExprKind::MapRead(map, key) => format!("{}: {ty}", self.element(*map, key.as_deref())),
            ExprKind::AggregationRead(map, key) => format!("combined {}: {ty}", self.element(*map, key.as_deref())),
            ExprKind::Unary(operator, operand) => format!("{operator:?}({}): {ty}", self.expr(operand)),
            ExprKind::Not(operand) => format!("Not({})", self.expr(operand)),
            ExprKind::Arithmetic(operator, left, right) => {
                format!("{operator:?}({}, {}): {ty}", self.expr(left), self.expr(right))
            }
            ExprKind::PointerOffset(pointer, bytes) => {
                format!("Offset({}, {}): {ty}", self.expr(pointer), self.expr(bytes))
            }
            ExprKind::Compare { operator, signed, left, right } => {
                let sign = if *signed || matches!(operator, CompareOperator::Equal | CompareOperator::NotEqual) {
                    ""
                } else {
                    "Unsigned"
                };
                format!("{sign}{operator:?}({}, {})", self.expr(left), self.expr(right))
            }
            ExprKind::MemoryEqual { negated, left, right } => {
                let name = if *negated { "MemoryDiffers" } else { "MemoryEqual" };
                format!("{name}({}, {})", self.expr(left), self.expr(right))
            }
            ExprKind::Logical(and, left, right) => {
                format!("{}({}, {})", if *and { "And" } else { "Or" }, self.expr(left), self.expr(right))
            }
            ExprKind::Ternary(condition, then, otherwise) => {
                format!("If({}, {}, {}): {ty}", self.expr(condition), self.expr(then), self.expr(otherwise))
            }
            ExprKind::Elvis(value, otherwise) => format!("Elvis({}, {}): {ty}", self.expr(value), self.expr(otherwise)),
            ExprKind::Convert(inner) => format!("Convert({}): {ty}", self.expr(inner)),
            ExprKind::Reinterpret(inner) => format!("Reinterpret({}): {ty}", self.expr(inner)),
            ExprKind::Load { pointer, offset, access, bits } => {
                let bits = bits.map(|(first, width)| format!(" bits {first}+{width}")).unwrap_or_default();
                format!("{access:?}Load({} + {offset}{bits}): {ty}", self.expr(pointer))
            }
            ExprKind::Context => "Context".into(),
            ExprKind::Extract { base, offset, bits } => {
                let bits = bits.map(|(first, width)| format!(" bits {first}+{width}")).unwrap_or_default();
                format!("Extract({} + {offset}{bits}): {ty}", self.expr(base))
            }
            ExprKind::Element { base, index } => format!("Element({}, {}): {ty}", self.expr(base), self.expr(index)),
            ExprKind::Aggregate(fields) => format!("({}): {ty}", self.list(fields)),
            ExprKind::AddressOfLocal(local) => format!("&{}: {ty}", self.local(*local)),
            ExprKind::AddressOfElement(map, key) => format!("&{}: {ty}", self.element(*map, key.as_deref())),
            ExprKind::Step { place, delta, old } => {
                let when = if *old { "before" } else { "after" };
                format!("Step({} by {delta}, {when}): {ty}", self.place(place))
            }
            ExprKind::AtomicAdd(map, key, value) => {
                format!("{} atomically += {}", self.element(*map, key.as_deref()), self.expr(value))
            }
            ExprKind::Block(statements, value) => {
                let outer = std::mem::take(&mut self.out);
                self.body(statements);
                let body = std::mem::replace(&mut self.out, outer);
                format!("Block({} {})", body.split_whitespace().collect::<Vec<_>>().join(" "), self.expr(value))
            }
            ExprKind::Call(call) => {
                format!("{}({}): {ty}", call.builtin.signature().name, self.list(&call.arguments))
            }
            ExprKind::AggregationUpdate(map, key, call) => {
                let element = self.element(*map, key.as_deref());
                format!("{element} <- {}({})", call.builtin.signature().name, self.list(&call.arguments))
            }
            ExprKind::Initial(value) => format!("{value:?}"),
            ExprKind::Void => "()".into(),
        }
    }
}
