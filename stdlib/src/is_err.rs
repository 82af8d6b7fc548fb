//! `is_err(pointer)`: the kernel's IS_ERR.

use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::Expr;
use lancet_compiler::ir::{Address, Comparison};
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::Type;
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::span::Span;

pub(crate) struct IsErr;

/// MAX_ERRNO of the kernel (include/linux/err.h).
const MAX_ERRNO: i64 = 4095;

static SIGNATURE: Signature = Signature {
    name: "is_err",
    aliases: &[],
    min: 1,
    max: 1,
    usage: "is_err(pointer)",
    summary: "True when a pointer that a kernel function returned is an error code.",
    is_unsafe: false,
};

impl Builtin for IsErr {
    fn signature(&'static self) -> &'static Signature {
        &SIGNATURE
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let pointer = checker.argument(&arguments[0])?;
        if !pointer.ty.is_integer() && !matches!(pointer.ty, Type::Pointer(..)) {
            let message = format!("is_err() takes a pointer, not {}", pointer.ty);
            checker.error(Code::BadArgument, pointer.span, message);
            return None;
        }
        Some(Call::expr(self, Type::Bool, span, vec![pointer], Extra::None))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, _: &Type, _: Option<Address>) -> Operand {
        let pointer = lowerer.scalar(&call.arguments[0]);
        let least = lowerer.constant(-MAX_ERRNO);
        Operand::Scalar(lowerer.compare(Comparison::UnsignedGreaterEqual, pointer, least))
    }
}
