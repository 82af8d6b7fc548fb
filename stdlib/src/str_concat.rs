//! `str_concat(a, b)`.

use crate::str::string_like;
use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::{Expr, ExprKind};
use lancet_compiler::ir::Address;
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::Type;
use lancet_syntax::ast;
use lancet_syntax::span::Span;

pub(crate) struct StrConcat;

static SIGNATURE: Signature = Signature {
    name: "str_concat",
    aliases: &[],
    min: 2,
    max: 2,
    usage: "str_concat(a, b)",
    summary: "Two strings one behind the other.",
    is_unsafe: false,
};

impl Builtin for StrConcat {
    fn signature(&'static self) -> &'static Signature {
        &SIGNATURE
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let a = string_like(checker, &arguments[0], SIGNATURE.name);
        let b = string_like(checker, &arguments[1], SIGNATURE.name);
        let (a, b) = (a?, b?);
        if let (ExprKind::String(a), ExprKind::String(b)) = (&a.kind, &b.kind) {
            let text = |bytes: &[u8]| bytes.split(|byte| *byte == 0).next().unwrap_or_default().to_vec();
            return Some(checker.string(&[text(a), text(b)].concat(), span));
        }
        let (Type::String(m), Type::String(n)) = (&a.ty, &b.ty) else { return None };
        let whole = m + n;
        let most = checker.settings().config.max_strlen.max(*m).max(*n);
        let size = if checker.is_settling() { most } else { whole };
        Some(Call::expr(self, Type::String(size), span, vec![a, b], Extra::None))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, ty: &Type, _: Option<Address>) -> Operand {
        let size = lowerer.size_of(ty);
        Operand::Memory(lowerer.join_strings(&call.arguments[0], &call.arguments[1], size))
    }
}
