//! `strcap(string)`: a constant, because every string's memory has a size that is known when compiling.

use lancet_compiler::builtin::{Builtin, Call, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::Expr;
use lancet_compiler::ir::Address;
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::{Type, UINT64};
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::span::Span;

pub(crate) struct Strcap;

static SIGNATURE: Signature = Signature {
    name: "strcap",
    aliases: &[],
    min: 1,
    max: 1,
    usage: "strcap(string)",
    summary: "The number of bytes of a string's memory, the NUL with it.",
    is_unsafe: false,
};

impl Builtin for Strcap {
    fn signature(&'static self) -> &'static Signature {
        &SIGNATURE
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let string = checker.argument(&arguments[0])?;
        let Type::String(size) = string.ty else {
            let message = format!("strcap() takes a string, not {}", string.ty);
            checker.error(Code::BadArgument, string.span, message);
            return None;
        };
        Some(checker.constant(i64::from(size), UINT64, span))
    }

    fn lower(&self, _: &mut Lowerer<'_>, _: &Call, _: &Type, _: Option<Address>) -> Operand {
        unreachable!("strcap() is a constant")
    }
}
