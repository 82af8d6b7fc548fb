//! From a function to the bits of each value that may be set, as far as the kernel's verifier can tell, too.
//!
//! That restriction matters: a mask that only we know to be useless is what lets a program load. So the results of
//! multiplication, division and calls are unknown here, although more could be said.

use super::ControlFlow;
use crate::ir::entity::Entity;
use crate::ir::{BinaryOp, Function, Instruction, UnaryOp, Value, ValueDef, Width};

/// A mask for each value: a clear bit is 0 in every run.
#[derive(Clone, Debug)]
pub struct KnownBits {
    possible: Vec<u64>,
}

impl KnownBits {
    /// One walk in reverse postorder; parameters of loop headers are unknown.
    pub fn new(function: &Function, control_flow: &ControlFlow) -> Self {
        let mut known = Self { possible: vec![u64::MAX; function.values.len()] };
        for block in &control_flow.order {
            for inst in &function.blocks[*block].instructions {
                let data = &function.instructions[*inst];
                if let Some(result) = data.result {
                    known.possible[result.index()] = known.result(function, &data.instruction);
                }
            }
        }
        known
    }

    /// The bits of `value` that may be set.
    pub fn possible(&self, value: Value) -> u64 {
        self.possible[value.index()]
    }

    fn result(&self, function: &Function, instruction: &Instruction) -> u64 {
        match instruction {
            Instruction::Const(number) => *number as u64,
            Instruction::Binary(op, width, left, right) => self.binary(function, *op, *width, *left, *right),
            Instruction::Unary(UnaryOp::ZeroExtend(size), operand) => {
                self.possible(*operand) & (u64::MAX >> (64 - 8 * size.bytes()))
            }
            Instruction::Compare(..) => 1,
            Instruction::Load { size, signed: false, .. } => u64::MAX >> (64 - 8 * size.bytes()),
            _ => u64::MAX,
        }
    }

    fn binary(&self, function: &Function, op: BinaryOp, width: Width, left: Value, right: Value) -> u64 {
        let limit = if width == Width::W32 { u64::from(u32::MAX) } else { u64::MAX };
        let (left, amount) = (self.possible(left) & limit, self.shift_amount(function, right, width));
        let right = self.possible(right) & limit;
        let possible = match (op, amount) {
            (BinaryOp::And, _) => left & right,
            (BinaryOp::Or | BinaryOp::Xor, _) => left | right,
            (BinaryOp::ShiftLeft, Some(amount)) => left << amount,
            (BinaryOp::ShiftRight, Some(amount)) => left >> amount,
            (BinaryOp::Add, _) => left.checked_add(right).map_or(u64::MAX, |sum| {
                // Any bit up to the highest of the largest sum.
                u64::MAX.checked_shr(sum.leading_zeros()).unwrap_or(0)
            }),
            _ => u64::MAX,
        };
        possible & limit
    }

    fn shift_amount(&self, function: &Function, value: Value, width: Width) -> Option<u32> {
        let ValueDef::Result(inst) = function.values[value].definition else { return None };
        match function.instructions[inst].instruction {
            Instruction::Const(number) if width == Width::W32 => Some(number as u32 % 32),
            Instruction::Const(number) => Some(number as u32 % 64),
            _ => None,
        }
    }
}
