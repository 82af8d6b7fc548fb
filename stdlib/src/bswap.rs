//! `bswap(n)`.

use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::{Checker, is_written_integer};
use lancet_compiler::hir::{Expr, ExprKind};
use lancet_compiler::ir::Address;
use lancet_compiler::ir::{Instruction, MemorySize, UnaryOp};
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::Type;
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::span::Span;

pub(crate) struct Bswap;

static SIGNATURE: Signature = Signature {
    name: "bswap",
    aliases: &[],
    min: 1,
    max: 1,
    usage: "bswap(n)",
    summary: "Reverses the bytes of an integer of its own width; a literal has that of the smallest signed type that holds it.",
    is_unsafe: false,
};

impl Builtin for Bswap {
    fn signature(&'static self) -> &'static Signature {
        &SIGNATURE
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let number = checker.argument(&arguments[0])?;
        let Type::Int { size, .. } = number.ty else {
            checker.error(Code::BadArgument, number.span, format!("bswap() takes an integer, not {}", number.ty));
            return None;
        };
        // A literal is of the smallest signed type that holds it.
        let size = match (&arguments[0], &number.kind) {
            (ast::Argument::Expr(written), ExprKind::Constant(value)) if is_written_integer(written) => {
                let spare = |size: &u8| 64 - 8 * u32::from(*size);
                [1, 2, 4].into_iter().find(|size| *value << spare(size) >> spare(size) == *value).unwrap_or(8)
            }
            _ => size,
        };
        Some(Call::expr(self, Type::Int { size, signed: false }, span, vec![number], Extra::None))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, ty: &Type, _: Option<Address>) -> Operand {
        let number = lowerer.scalar(&call.arguments[0]);
        let size = match ty {
            Type::Int { size, .. } => MemorySize::from_bytes(u32::from(*size)),
            _ => None,
        };
        Operand::Scalar(match size {
            Some(MemorySize::B1) | None => number,
            Some(size) => lowerer.value(Instruction::Unary(UnaryOp::ByteSwap(size), number)),
        })
    }
}
