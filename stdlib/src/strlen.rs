//! `strlen(string)`.

use crate::str::string_like;
use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::Expr;
use lancet_compiler::hir::ExprKind;
use lancet_compiler::ir::Address;
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::Type;
use lancet_compiler::types::UINT64;
use lancet_syntax::ast;
use lancet_syntax::span::Span;

pub(crate) struct Strlen;

static SIGNATURE: Signature = Signature {
    name: "strlen",
    aliases: &[],
    min: 1,
    max: 1,
    usage: "strlen(string)",
    summary: "The number of bytes of a string.",
    is_unsafe: false,
};

impl Builtin for Strlen {
    fn signature(&'static self) -> &'static Signature {
        &SIGNATURE
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let string = string_like(checker, &arguments[0], SIGNATURE.name)?;
        match (&string.ty, &string.kind) {
            (Type::String(_), ExprKind::String(bytes)) => {
                let length = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
                Some(checker.integer(length as i64, span))
            }
            _ => Some(Call::expr(self, UINT64, span, vec![string], Extra::None)),
        }
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, _: &Type, _: Option<Address>) -> Operand {
        Operand::Scalar(lowerer.string_length(&call.arguments[0]))
    }
}
