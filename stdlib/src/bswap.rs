//! `bswap(n)`.

use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::Expr;
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
    summary: "Reverses the bytes of an integer of its own width.",
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
