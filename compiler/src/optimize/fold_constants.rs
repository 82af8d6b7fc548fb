//! Operations on constants become constants.

use super::rewrite::{Rewrite, rewrite};
use super::substitution::constant;
use super::{Surroundings, arithmetic};
use crate::ir::{Function, Instruction};

pub(super) fn run(function: &mut Function, surroundings: &Surroundings) -> bool {
    rewrite(function, &surroundings.control_flow(function), |rewriter, inst| {
        match fold(rewriter.function, &rewriter.function.instructions[inst].instruction) {
            Some(number) => Rewrite::Become(Instruction::Const(number as i64)),
            None => Rewrite::Keep,
        }
    })
}

fn fold(function: &Function, instruction: &Instruction) -> Option<u64> {
    match instruction {
        Instruction::Binary(op, width, left, right) => {
            Some(arithmetic::binary(*op, *width, constant(function, *left)?, constant(function, *right)?))
        }
        Instruction::Unary(op, operand) => Some(arithmetic::unary(*op, constant(function, *operand)?)),
        Instruction::Compare(comparison, width, left, right) => {
            let (left, right) = (constant(function, *left)?, constant(function, *right)?);
            Some(arithmetic::compare(*comparison, *width, left, right).into())
        }
        _ => None,
    }
}
