//! `print(value)`, `print(@m[, top[, div]])`, `print(@m[key])`.

use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::Expr;
use lancet_compiler::hir::{ExprKind, MapContent};
use lancet_compiler::ir::Address;
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::Type;
use lancet_manifest::Action;
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::span::Span;

pub(crate) struct Print;

static SIGNATURE: Signature = Signature {
    name: "print",
    aliases: &[],
    min: 1,
    max: 3,
    usage: "print(value) or print(@map[, top[, divisor]])",
    summary: "Prints a value and a newline, or a map with its name: all of it or its top entries, values divided.",
    is_unsafe: false,
};

impl Builtin for Print {
    fn signature(&'static self) -> &'static Signature {
        &SIGNATURE
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        match &arguments[0] {
            ast::Argument::Expr(ast::Expr { kind: ast::ExprKind::Map(_), .. }) => self.map(checker, arguments, span),
            ast::Argument::Expr(ast::Expr { kind: ast::ExprKind::Index(base, _), .. })
                if matches!(base.kind, ast::ExprKind::Map(_)) =>
            {
                self.element(checker, arguments, span)
            }
            _ => self.value(checker, arguments, span),
        }
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, _: &Type, _: Option<Address>) -> Operand {
        match &call.extra {
            Extra::Action(action @ Action::PrintMap { .. }) => {
                let numbers: Vec<_> = call.arguments.iter().map(|argument| lowerer.scalar(argument)).collect();
                lowerer.emit(action.clone(), &numbers);
            }
            Extra::Action(Action::PrintElement { map }) => lowerer.emit_element(*map, &call.arguments),
            _ => lowerer.emit_value(&call.arguments[0]),
        }
        Operand::Void
    }

    fn has_effect(&self) -> bool {
        true
    }
}

impl Print {
    fn map<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let map = checker.map_argument(&arguments[0])?;
        let mut numbers = Vec::new();
        for (index, what) in [(1, "top"), (2, "the divisor")] {
            numbers.push(match arguments.get(index) {
                Some(number) => {
                    let number = checker.integer_argument(number, what)?;
                    if let ExprKind::Constant(value) = number.kind
                        && value < 0
                    {
                        checker.error(Code::BadArgument, number.span, format!("{what} must not be negative"));
                        return None;
                    }
                    number
                }
                None => checker.integer(0, span),
            });
        }
        let action = Action::PrintMap { map: map.index.0 };
        Some(Call::expr(self, Type::Void, span, numbers, Extra::Action(action)))
    }

    /// An element of an aggregation is combined over the CPUs by the runtime; any other is a value.
    fn element<'a>(
        &'static self,
        checker: &mut Checker<'a>,
        arguments: &'a [ast::Argument],
        span: Span,
    ) -> Option<Expr> {
        let map = checker.map_argument(&arguments[0])?;
        match checker.map_content(&map) {
            Some(MapContent::Aggregation(_)) => {
                let mut values: Vec<Expr> = map.key.into_iter().collect();
                if let Some(divisor) = arguments.get(2) {
                    values.push(checker.integer_argument(divisor, "the divisor")?);
                }
                let action = Action::PrintElement { map: map.index.0 };
                Some(Call::expr(self, Type::Void, span, values, Extra::Action(action)))
            }
            _ => self.value(checker, arguments, span),
        }
    }

    fn value<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        if arguments.len() > 1 {
            let message = "only maps are printed with top and divisor";
            checker.error(Code::BadArgumentCount, span, message);
            return None;
        }
        let value = checker.argument(&arguments[0])?;
        Some(Call::expr(self, Type::Void, span, vec![value], Extra::None))
    }
}
