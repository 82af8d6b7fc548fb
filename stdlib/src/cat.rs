//! `cat(format, …)` and `system(format, …)`.

use crate::format;
use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::Expr;
use lancet_compiler::ir::Address;
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::Type;
use lancet_manifest::TextSink;
use lancet_syntax::ast;
use lancet_syntax::span::Span;

pub(crate) struct Cat;
pub(crate) struct System;

static CAT: Signature = Signature {
    name: "cat",
    aliases: &[],
    min: 1,
    max: usize::MAX,
    usage: "cat(format, …)",
    summary: "Copies the file whose name is formatted like printf to the output, after the event, up to max_cat_bytes.",
    is_unsafe: false,
};

static SYSTEM: Signature = Signature {
    name: "system",
    aliases: &[],
    min: 1,
    max: usize::MAX,
    usage: "system(format, …)",
    summary: "Runs a shell command that is formatted like printf, after the event.",
    is_unsafe: true,
};

impl Builtin for Cat {
    fn signature(&'static self) -> &'static Signature {
        &CAT
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let (format, values) = format::check(checker, "cat", arguments, span)?;
        Some(Call::expr(self, Type::Void, span, values, Extra::Format(format)))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, _: &Type, _: Option<Address>) -> Operand {
        if let Extra::Format(format) = &call.extra {
            lowerer.emit_text(TextSink::Cat, format.clone(), &call.arguments);
        }
        Operand::Void
    }

    fn has_effect(&self) -> bool {
        true
    }
}

impl Builtin for System {
    fn signature(&'static self) -> &'static Signature {
        &SYSTEM
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let (format, values) = format::check(checker, "system", arguments, span)?;
        Some(Call::expr(self, Type::Void, span, values, Extra::Format(format)))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, _: &Type, _: Option<Address>) -> Operand {
        if let Extra::Format(format) = &call.extra {
            lowerer.emit_text(TextSink::System, format.clone(), &call.arguments);
        }
        Operand::Void
    }

    fn has_effect(&self) -> bool {
        true
    }
}
