//! Extensions and masks that change nothing go: the bits they clear are known to be clear.

use super::Surroundings;
use super::arithmetic::mask;
use super::rewrite::{Rewrite, rewrite};
use crate::ir::analysis::{ControlFlow, KnownBits};
use crate::ir::{BinaryOp, Function, Instruction, MemorySize, UnaryOp, Width};

pub(super) fn run(function: &mut Function, _: &Surroundings) -> bool {
    let known = KnownBits::new(function, &ControlFlow::new(function));
    rewrite(function, |rewriter, inst| match rewriter.function.instructions[inst].instruction {
        Instruction::Unary(UnaryOp::ZeroExtend(size), operand) if known.possible(operand) & !mask(size) == 0 => {
            Rewrite::Replace(operand)
        }
        Instruction::Unary(UnaryOp::SignExtend(size), operand) if known.possible(operand) & !(mask(size) >> 1) == 0 => {
            Rewrite::Replace(operand)
        }
        Instruction::Binary(BinaryOp::And, width, operand, number) => {
            let Some(number) = rewriter.known(number) else { return Rewrite::Keep };
            let kept = if width == Width::W32 { number & mask(MemorySize::B4) } else { number };
            if known.possible(operand) & !kept == 0 { Rewrite::Replace(operand) } else { Rewrite::Keep }
        }
        _ => Rewrite::Keep,
    })
}
