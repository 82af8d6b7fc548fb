//! `strncmp(a, b, n)`.

use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::Expr;
use lancet_compiler::ir::Address;
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::INT64;
use lancet_compiler::types::Type;
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::span::Span;

pub(crate) struct Strncmp;

static SIGNATURE: Signature = Signature {
    name: "strncmp",
    aliases: &[],
    min: 3,
    max: 3,
    usage: "strncmp(a, b, n)",
    summary: "0 when the first n bytes of two strings are equal, 1 otherwise; n is a literal.",
    is_unsafe: false,
};

impl Builtin for Strncmp {
    fn signature(&'static self) -> &'static Signature {
        &SIGNATURE
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let (a, b) = (checker.argument(&arguments[0]), checker.argument(&arguments[1]));
        let n = checker.constant_argument(&arguments[2], "the length of strncmp()")?;
        let (a, b) = (a?, b?);
        for side in [&a, &b] {
            if checker.wants_text(&side.ty) {
                return None;
            }
            if !matches!(side.ty, Type::String(_)) {
                let message = format!("strncmp() compares strings, not {}", side.ty);
                checker.error(Code::BadArgument, side.span, message);
                return None;
            }
        }
        if n < 0 {
            checker.error(Code::BadArgument, span, format!("a length of {n} is negative"));
            return None;
        }
        Some(Call::expr(self, INT64, span, vec![a, b], Extra::Number(n)))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, _: &Type, _: Option<Address>) -> Operand {
        let Extra::Number(n) = call.extra else { return Operand::Void };
        let equal = lowerer.strings_equal(&call.arguments[0], &call.arguments[1], u32::try_from(n).ok());
        let zero = lowerer.constant(0);
        Operand::Scalar(lowerer.compare(lancet_compiler::ir::Comparison::Equal, equal, zero))
    }
}
