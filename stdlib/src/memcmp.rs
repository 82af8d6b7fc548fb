//! `memcmp(a, b, n)`.

use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::{Expr, ExprKind};
use lancet_compiler::ir::Address;
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::{INT64, Type};
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::span::Span;

pub(crate) struct Memcmp;

static SIGNATURE: Signature = Signature {
    name: "memcmp",
    aliases: &[],
    min: 3,
    max: 3,
    usage: "memcmp(a, b, n)",
    summary: "How the first n bytes of two values compare: 0 when they are equal, else -1 or 1; n is a literal.",
    is_unsafe: false,
};

impl Builtin for Memcmp {
    fn signature(&'static self) -> &'static Signature {
        &SIGNATURE
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let (a, b) = (checker.argument(&arguments[0]), checker.argument(&arguments[1]));
        let n = checker.constant_argument(&arguments[2], "the length of memcmp()")?;
        let (a, b) = (a?, b?);
        for side in [&a, &b] {
            if matches!(side.ty, Type::Void) {
                checker.error(Code::BadArgument, side.span, "memcmp() compares values; this has none");
                return None;
            }
        }
        let Ok(n) = u32::try_from(n) else {
            checker.error(Code::BadArgument, span, format!("memcmp() cannot compare {n} bytes"));
            return None;
        };
        let (a, b) = (narrowed(checker, a), narrowed(checker, b));
        Some(Call::expr(self, INT64, span, vec![a, b], Extra::Number(i64::from(n))))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, _: &Type, _: Option<Address>) -> Operand {
        let Extra::Number(n) = call.extra else { return Operand::Void };
        let limit = u32::try_from(n).unwrap_or(u32::MAX);
        Operand::Scalar(lowerer.memory_order(&call.arguments[0], &call.arguments[1], limit))
    }
}

/// Literals in a tuple take as many bytes as their value needs, as bpftrace has it.
fn narrowed(checker: &Checker<'_>, expr: Expr) -> Expr {
    match expr.kind {
        ExprKind::Constant(value) => checker.constant(value, smallest(value), expr.span),
        ExprKind::Aggregate(elements) if matches!(expr.ty, Type::Tuple(_)) => {
            let elements: Vec<Expr> = elements.into_iter().map(|element| narrowed(checker, element)).collect();
            let types = elements.iter().map(|element| element.ty.clone()).collect();
            Expr { span: expr.span, ty: Type::Tuple(types), kind: ExprKind::Aggregate(elements) }
        }
        kind => Expr { kind, ..expr },
    }
}

fn smallest(value: i64) -> Type {
    let size = if i8::try_from(value).is_ok() {
        1
    } else if i16::try_from(value).is_ok() {
        2
    } else if i32::try_from(value).is_ok() {
        4
    } else {
        8
    };
    Type::Int { size, signed: true }
}
