//! Statements.

use super::conversion::convert;
use super::{Checker, constant};
use crate::hir::{Expr, ExprKind, MapContent, Statement, StatementKind};
use crate::types::{INT64, Type};
use lancet_manifest::MapValue;
use lancet_syntax::ast::{self, ForSource};
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;

impl<'a> Checker<'a> {
    /// A block in its own scope; its value, if there is one, is a statement.
    pub(super) fn block_statements(&mut self, block: &'a ast::Block) -> Vec<Statement> {
        self.scoped(|checker| {
            let mut statements = checker.statements(&block.statements);
            if let Some(value) = &block.value
                && let Some(kind) = checker.expression_statement(value)
            {
                statements.push(Statement { span: value.span, kind });
            }
            statements
        })
    }

    pub(super) fn statements(&mut self, statements: &'a [ast::Statement]) -> Vec<Statement> {
        if let Some(pair) = statements.windows(2).find(|pair| leaves(&pair[0]))
            && !self.is_in_library(pair[1].span)
        {
            let message = "this is never reached";
            self.report(
                Diagnostic::warning(Code::Suspicious, pair[1].span, message)
                    .label(pair[0].span, "the code ends here")
                    .help("remove it, or move it before that"),
            );
        }
        let mut checked = Vec::with_capacity(statements.len());
        checked.extend(statements.iter().filter_map(|statement| {
            Some(Statement { span: self.place(statement.span), kind: self.statement(statement)? })
        }));
        checked
    }

    fn statement(&mut self, statement: &'a ast::Statement) -> Option<StatementKind> {
        let span = self.place(statement.span);
        match &statement.kind {
            ast::StatementKind::Expression(expr) => self.expression_statement(expr),
            ast::StatementKind::Assign { target, operator, value } => self.assignment(target, *operator, value, span),
            ast::StatementKind::Discard(expr) => Some(StatementKind::Expression(self.expression(expr)?)),
            ast::StatementKind::Let { variable, ty, value } => self.declaration(variable, ty.as_ref(), value.as_ref()),
            ast::StatementKind::If { condition, then, otherwise } => {
                let condition = self.condition(condition);
                // What is known not to run is not even checked: it may be meant for another kernel.
                if let Some(Expr { kind: ExprKind::Constant(value), .. }) = condition {
                    let taken = if value != 0 { Some(then) } else { otherwise.as_ref() };
                    return Some(StatementKind::Block(
                        taken.map(|block| self.block_statements(block)).unwrap_or_default(),
                    ));
                }
                let then = self.block_statements(then);
                let otherwise = otherwise.as_ref().map(|block| self.block_statements(block)).unwrap_or_default();
                Some(StatementKind::If(condition?, then, otherwise))
            }
            ast::StatementKind::While { condition, body } => {
                let note = Diagnostic::note(Code::OldSpelling, condition.span, "while is an old spelling");
                self.report(note.help("write for ($i : 0..n) { … }, which has no limit on its rounds"));
                let condition = self.condition(condition);
                let body = self.loop_body(body);
                Some(StatementKind::While(condition?, body))
            }
            ast::StatementKind::Unroll { count, body } => self.unroll(count, body),
            ast::StatementKind::For { variable, over, body } => self.for_loop(variable, over, body),
            ast::StatementKind::Break => self.in_loop("break", span).then_some(StatementKind::Break),
            ast::StatementKind::Continue => self.in_loop("continue", span).then_some(StatementKind::Continue),
            ast::StatementKind::Return(value) => {
                let Some(value) = value else { return Some(StatementKind::Return(None)) };
                let value = self.expression(value)?;
                if !value.ty.is_integer() {
                    let message = format!("a probe returns an integer, not {}", value.ty);
                    self.error(Code::BadOperand, value.span, message);
                    return None;
                }
                Some(StatementKind::Return(Some(value)))
            }
            ast::StatementKind::Block(block) => Some(StatementKind::Block(self.block_statements(block))),
        }
    }

    fn expression_statement(&mut self, expr: &'a ast::Expr) -> Option<StatementKind> {
        let mut checked = self.expression(expr)?;
        let discards = match &checked.kind {
            ExprKind::Call(call) => checked.ty != Type::Void && !call.builtin.has_effect(),
            ExprKind::Step { .. } | ExprKind::Block(..) | ExprKind::Ternary(..) | ExprKind::Void => false,
            _ => checked.ty != Type::Void,
        };
        if discards {
            self.report(
                Diagnostic::warning(Code::Unused, checked.span, "this value is thrown away")
                    .help("write `_ = …` when that is meant"),
            );
        }
        if let ExprKind::Call(call) = &mut checked.kind {
            call.discarded = true;
        }
        Some(StatementKind::Expression(checked))
    }

    /// `let $x: type = value`.
    fn declaration(
        &mut self,
        variable: &'a ast::Name,
        ty: Option<&'a ast::TypeExpr>,
        value: Option<&'a ast::Expr>,
    ) -> Option<StatementKind> {
        if self.find_local(&variable.text).is_some() {
            let message = format!("${} is already defined", variable.text);
            self.report(
                Diagnostic::error(Code::Duplicate, variable.span, message)
                    .help("assign it without let, or choose another name"),
            );
            return None;
        }
        let declared = match ty {
            Some(ty) => Some(self.written_type(ty)?),
            None => None,
        };
        let holds_cast = value.is_some_and(|value| self.holds_cast(value));
        let value = match value.map(|value| self.value(value)) {
            Some(None) => {
                let index = self.declare_local(&variable.text, variable.span, declared);
                self.given_up.insert(index);
                return None;
            }
            Some(Some(value)) => Some(value),
            None => None,
        };
        let declared = declared.map(|ty| self.complete_declared(ty, value.as_ref()));
        let index = self.declare_local(&variable.text, variable.span, declared);
        match value {
            Some(value) => {
                self.literal_fits(index, &value)?;
                let is_literal = constant::is_flexible(&value) && !holds_cast;
                self.store_local(index, &variable.text, value, is_literal)
            }
            None => Some(StatementKind::ZeroLocal(index)),
        }
    }

    /// `string` without a capacity takes that of the value, or of any string.
    fn complete_declared(&mut self, ty: Type, value: Option<&Expr>) -> Type {
        match (&ty, value.map(|value| &value.ty)) {
            (Type::String(0), Some(Type::String(size))) => Type::String((*size).max(self.settings().config.max_strlen)),
            (Type::String(0), _) => Type::String(self.settings().config.max_strlen),
            (Type::Buffer(0), Some(Type::Buffer(size))) => Type::Buffer(*size),
            _ => ty,
        }
    }

    /// A literal that a declared integer type cannot hold is a mistake.
    pub(super) fn literal_fits(&mut self, index: crate::hir::LocalIndex, value: &Expr) -> Option<()> {
        let ty = self.local_type(index);
        if let (Some(ty @ Type::Int { .. }), ExprKind::Constant(number)) = (ty, &value.kind)
            && value.ty.is_integer()
            && (constant::extend(*number, &ty) != *number || (*number < 0 && value.ty == INT64 && !ty.is_signed()))
        {
            let message = format!("{number} does not fit {ty}");
            self.report(
                Diagnostic::error(Code::TypeMismatch, value.span, message)
                    .help(format!("cast it if it is meant: ({ty}){number}")),
            );
            return None;
        }
        Some(())
    }

    fn unroll(&mut self, count: &'a ast::Expr, body: &'a ast::Block) -> Option<StatementKind> {
        let checked = self.expression(count);
        let body = self.loop_body(body);
        match checked?.kind {
            ExprKind::Constant(times @ 1..=100) => Some(StatementKind::Unroll(times as u32, body)),
            ExprKind::Constant(times) => {
                let message = format!("unroll repeats 1 to 100 times, not {times}");
                self.report(Diagnostic::error(Code::BadArgument, count.span, message).help("use a for loop"));
                None
            }
            _ => {
                self.report(
                    Diagnostic::error(Code::NotConstant, count.span, "the count of unroll must be a literal")
                        .help("a for loop takes any number: for ($i : 0..$n) { … }"),
                );
                None
            }
        }
    }

    fn for_loop(
        &mut self,
        variable: &'a ast::Name,
        over: &'a ForSource,
        body: &'a ast::Block,
    ) -> Option<StatementKind> {
        if self.find_local(&variable.text).is_some() {
            let message = format!("${} is already defined: a loop has a variable of its own", variable.text);
            self.report(Diagnostic::error(Code::Duplicate, variable.span, message).help("choose another name"));
            return None;
        }
        match over {
            ForSource::Range(start, end) => {
                let (start, end) = (self.bound(start), self.bound(end));
                self.doubt_bounds(start.as_ref(), end.as_ref());
                let (local, body) = self.loop_over(variable, INT64, body);
                Some(StatementKind::ForRange { local, start: start?, end: end?, body })
            }
            ForSource::Map(expr) => {
                let argument = match &expr.kind {
                    ast::ExprKind::Map(name) => self.map_name(name),
                    _ => {
                        self.error(Code::BadArgument, expr.span, "a for loop runs over a range or a map");
                        return None;
                    }
                };
                if !self.kernel().features().for_each_map_elem {
                    let message = "a loop over a map needs kernel 5.13";
                    let help = format!("this is {}", self.kernel().version());
                    self.report(Diagnostic::error(Code::NotOnThisKernel, expr.span, message).help(help));
                    return None;
                }
                let element = self.element_type(&argument, expr.span)?;
                let (local, body) = self.loop_over(variable, element, body);
                Some(StatementKind::ForMap { local, map: self.map_index(&argument), body })
            }
        }
    }

    /// (key, value) of a map.
    fn element_type(&mut self, name: &str, span: Span) -> Option<Type> {
        let facts = self.map_facts(name, span).clone();
        if facts.key == Some(None) {
            let message = format!("@{name} has no keys to loop over");
            self.report(Diagnostic::error(Code::BadKey, span, message).label(facts.key_span, "used without key"));
            return None;
        }
        let value = match facts.content? {
            MapContent::Plain(ty) => ty,
            MapContent::Aggregation(
                MapValue::Count
                | MapValue::Sum { .. }
                | MapValue::Min { .. }
                | MapValue::Max { .. }
                | MapValue::Average { .. },
            ) => INT64,
            MapContent::Aggregation(_) => {
                let message = format!("the values of @{name} are no numbers: a loop cannot read them");
                self.report(
                    Diagnostic::error(Code::BadAggregation, span, message)
                        .label(facts.content_span, "assigned here")
                        .help("print(@map) shows all of it"),
                );
                return None;
            }
        };
        Some(Type::Tuple(vec![facts.key??, value].into()))
    }

    fn loop_over(
        &mut self,
        variable: &'a ast::Name,
        ty: Type,
        body: &'a ast::Block,
    ) -> (crate::hir::LocalIndex, Vec<Statement>) {
        self.scoped(|checker| {
            let local = checker.declare_local(&variable.text, variable.span, Some(ty));
            checker.frame().loop_variables.push(local);
            (local, checker.loop_body(body))
        })
    }

    fn bound(&mut self, expr: &'a ast::Expr) -> Option<Expr> {
        let expr = self.expression(expr)?;
        if !expr.ty.is_integer() {
            self.error(Code::BadOperand, expr.span, format!("a bound must be an integer, not {}", expr.ty));
            return None;
        }
        Some(convert(expr, INT64))
    }

    fn loop_body(&mut self, body: &'a ast::Block) -> Vec<Statement> {
        self.loops += 1;
        let body = self.block_statements(body);
        self.loops -= 1;
        body
    }

    fn in_loop(&mut self, word: &str, span: Span) -> bool {
        if self.loops == 0 {
            self.error(Code::OutsideLoop, span, format!("{word} outside of a loop"));
        }
        self.loops > 0
    }
}

/// Whether nothing behind the statement runs.
fn leaves(statement: &ast::Statement) -> bool {
    match &statement.kind {
        ast::StatementKind::Return(_) | ast::StatementKind::Break | ast::StatementKind::Continue => true,
        ast::StatementKind::Expression(expr) => {
            matches!(&expr.kind, ast::ExprKind::Call { function, .. } if matches!(function.text.as_str(), "exit" | "fail"))
        }
        _ => false,
    }
}
