//! Questions about types, answered at compile time: `is_str(x)`, `is_literal(x)` …

use lancet_compiler::builtin::{Builtin, Call, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::check::is_literal;
use lancet_compiler::hir::Expr;
use lancet_compiler::ir::Address;
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::Type;
use lancet_syntax::ast;
use lancet_syntax::span::Span;

/// A question about an expression that is not evaluated.
pub(crate) struct Question {
    signature: Signature,
    answer: Answer,
}

/// How it is answered.
enum Answer {
    /// By the expression.
    Of(fn(&Expr) -> bool),
    /// By whether a map has no keys.
    HasNoKeys,
}

const fn signature(name: &'static str, usage: &'static str, summary: &'static str) -> Signature {
    Signature { name, aliases: &[], min: 1, max: 1, usage, summary, is_unsafe: false }
}

pub(crate) static ALL: &[Question] = &[
    Question {
        signature: signature("is_literal", "is_literal(x)", "True when x is a literal."),
        answer: Answer::Of(is_literal),
    },
    Question {
        signature: signature("is_str", "is_str(x)", "True when x is a string."),
        answer: Answer::Of(|expr| matches!(expr.ty, Type::String(_))),
    },
    Question {
        signature: signature("is_integer", "is_integer(x)", "True when x is an integer."),
        answer: Answer::Of(|expr| matches!(expr.ty, Type::Int { .. } | Type::Enum(_))),
    },
    Question {
        signature: signature("is_unsigned_integer", "is_unsigned_integer(x)", "True when x is an unsigned integer."),
        answer: Answer::Of(|expr| matches!(expr.ty, Type::Int { signed: false, .. })),
    },
    Question {
        signature: signature("is_ptr", "is_ptr(x)", "True when x is a pointer."),
        answer: Answer::Of(|expr| matches!(expr.ty, Type::Pointer(..))),
    },
    Question {
        signature: signature("is_array", "is_array(x)", "True when x is an array."),
        answer: Answer::Of(|expr| matches!(expr.ty, Type::Array(..))),
    },
    Question {
        signature: signature("is_scalar", "is_scalar(@map)", "True when a map has no keys."),
        answer: Answer::HasNoKeys,
    },
];

impl Builtin for Question {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let holds = match self.answer {
            Answer::Of(answer) => answer(&checker.argument(&arguments[0])?),
            Answer::HasNoKeys => {
                let map = checker.map_argument(&arguments[0])?;
                checker.map_key_type(&map)?.is_none()
            }
        };
        Some(checker.constant(i64::from(holds), Type::Bool, span))
    }

    fn lower(&self, _: &mut Lowerer<'_>, _: &Call, _: &Type, _: Option<Address>) -> Operand {
        unreachable!("{}() is a constant", self.signature.name)
    }
}
