//! `printf`, `errorf` and `warnf`.

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

/// A function that formats text.
pub(crate) struct Printf {
    signature: Signature,
    level: Level,
}

#[derive(Clone, Copy)]
enum Level {
    Output,
    Error,
    Warning,
}

const fn signature(name: &'static str, usage: &'static str, summary: &'static str) -> Signature {
    Signature { name, aliases: &[], min: 1, max: usize::MAX, usage, summary, is_unsafe: false }
}

pub(crate) static PRINTF: Printf = Printf {
    signature: signature("printf", "printf(format, …)", "Prints text as C's printf does; %s takes anything printable."),
    level: Level::Output,
};

pub(crate) static ERRORF: Printf = Printf {
    signature: signature(
        "errorf",
        "errorf(format, …)",
        "Prints an error with its place in the script to standard error.",
    ),
    level: Level::Error,
};

pub(crate) static WARNF: Printf = Printf {
    signature: signature(
        "warnf",
        "warnf(format, …)",
        "Prints a warning with its place in the script to standard error.",
    ),
    level: Level::Warning,
};

impl Builtin for Printf {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let (format, values) = format::check(checker, self.signature.name, arguments, span)?;
        Some(Call::expr(self, Type::Void, span, values, Extra::Format(format)))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, _: &Type, _: Option<Address>) -> Operand {
        let Extra::Format(format) = &call.extra else { return Operand::Void };
        let sink = match self.level {
            Level::Output => TextSink::Output,
            Level::Error => TextSink::Error(lowerer.location(call.span)),
            Level::Warning => TextSink::Warning(lowerer.location(call.span)),
        };
        lowerer.emit_text(sink, format.clone(), &call.arguments);
        Operand::Void
    }

    fn has_effect(&self) -> bool {
        true
    }
}
