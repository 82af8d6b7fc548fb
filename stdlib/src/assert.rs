//! `assert`, `static_assert` and `fail`.

use crate::format;
use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::Expr;
use lancet_compiler::hir::ExprKind;
use lancet_compiler::ir::Address;
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::Type;
use lancet_manifest::{Action, TextSink};
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::span::Span;

pub(crate) struct Assert;
pub(crate) struct StaticAssert;
pub(crate) struct Fail;

static ASSERT: Signature = Signature {
    name: "assert",
    aliases: &[],
    min: 2,
    max: 2,
    usage: "assert(condition, \"message\")",
    summary: "When the condition is false, reports the message with its place and ends tracing with exit code 1.",
    is_unsafe: false,
};

static STATIC_ASSERT: Signature = Signature {
    name: "static_assert",
    aliases: &[],
    min: 2,
    max: 2,
    usage: "static_assert(condition, \"message\")",
    summary: "Refuses to compile when the condition, known at compile time, is false.",
    is_unsafe: false,
};

static FAIL: Signature = Signature {
    name: "fail",
    aliases: &[],
    min: 1,
    max: usize::MAX,
    usage: "fail(format, …)",
    summary: "Refuses to compile with a message, unless the code that calls it is known never to run.",
    is_unsafe: false,
};

impl Builtin for Assert {
    fn signature(&'static self) -> &'static Signature {
        &ASSERT
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let condition = checker.condition_argument(&arguments[0]);
        let message = checker.text_argument(&arguments[1], "the message of assert()")?;
        Some(Call::expr(self, Type::Void, span, vec![condition?], Extra::Text(message)))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, _: &Type, _: Option<Address>) -> Operand {
        let Extra::Text(message) = &call.extra else { return Operand::Void };
        let holds = lowerer.scalar(&call.arguments[0]);
        lowerer.unless(holds, |lowerer| {
            let sink = TextSink::Error(lowerer.location(call.span));
            let text = lancet_manifest::Piece::Text(format!("assert failed: {message}\n").into_bytes());
            lowerer.emit_text(sink, lancet_manifest::Format { pieces: vec![text] }, &[]);
            let code = lowerer.constant(1);
            lowerer.emit(Action::Exit, &[code]);
            lowerer.return_from_probe();
        });
        Operand::Void
    }

    fn has_effect(&self) -> bool {
        true
    }
}

impl Builtin for StaticAssert {
    fn signature(&'static self) -> &'static Signature {
        &STATIC_ASSERT
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let condition = checker.condition_argument(&arguments[0])?;
        let message = checker.text_argument(&arguments[1], "the message of static_assert()")?;
        match condition.kind {
            ExprKind::Constant(0) => {
                checker.error(Code::StaticAssertion, span, message);
                None
            }
            ExprKind::Constant(_) => Some(Expr { span, ty: Type::Void, kind: ExprKind::Void }),
            _ => {
                checker.error(Code::NotConstant, condition.span, "this is not known at compile time");
                None
            }
        }
    }

    fn lower(&self, _: &mut Lowerer<'_>, _: &Call, _: &Type, _: Option<Address>) -> Operand {
        unreachable!("static_assert() leaves no code")
    }
}

impl Builtin for Fail {
    fn signature(&'static self) -> &'static Signature {
        &FAIL
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let (format, values) = format::check(checker, "fail", arguments, span)?;
        let mut text = String::new();
        let mut values = values.iter();
        for piece in &format.pieces {
            match piece {
                lancet_manifest::Piece::Text(bytes) => text.push_str(&String::from_utf8_lossy(bytes)),
                lancet_manifest::Piece::Conversion(_) => match values.next().map(|value| &value.kind) {
                    Some(ExprKind::Constant(value)) => text.push_str(&value.to_string()),
                    Some(ExprKind::String(bytes)) => {
                        text.push_str(&String::from_utf8_lossy(&bytes[..bytes.len() - 1]));
                    }
                    _ => text.push('…'),
                },
            }
        }
        checker.error(Code::StaticAssertion, span, text);
        None
    }

    fn lower(&self, _: &mut Lowerer<'_>, _: &Call, _: &Type, _: Option<Address>) -> Operand {
        unreachable!("fail() leaves no code")
    }
}
