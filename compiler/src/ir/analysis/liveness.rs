//! From a function to the values that are live where its blocks begin and end.
//!
//! Block parameters are defined at the start of their block and not live into it; arguments are used by the
//! predecessor's terminator.

use super::ControlFlow;
use super::control_flow::successors;
use crate::ir::entity::Entity;
use crate::ir::{Block, Function, Value};

/// Live values, one bit each, for every block.
#[derive(Clone, Debug)]
pub struct Liveness {
    words: usize,
    live_in: Vec<u64>,
    live_out: Vec<u64>,
}

impl Liveness {
    /// Solves the equations backwards to a fixed point.
    pub fn new(function: &Function, control_flow: &ControlFlow) -> Self {
        let words = function.values.len().div_ceil(64);
        let size = words * function.blocks.len();
        let mut liveness = Self { words, live_in: vec![0; size], live_out: vec![0; size] };
        let mut changed = true;
        while changed {
            changed = false;
            for block in control_flow.order.iter().rev() {
                changed |= liveness.update(function, *block);
            }
        }
        liveness
    }

    /// True when `value` is needed at the start of `block`.
    pub fn is_live_in(&self, block: Block, value: Value) -> bool {
        self.live_in[block.index() * self.words + value.index() / 64] & bit(value) != 0
    }

    /// True when `value` is needed after the end of `block`.
    pub fn is_live_out(&self, block: Block, value: Value) -> bool {
        self.live_out[block.index() * self.words + value.index() / 64] & bit(value) != 0
    }

    /// Computes one block again; true when its live-in set grew.
    fn update(&mut self, function: &Function, block: Block) -> bool {
        let base = block.index() * self.words;
        for successor in successors(function, block) {
            for word in 0..self.words {
                self.live_out[base + word] |= self.live_in[successor.index() * self.words + word];
            }
        }
        let mut live = self.live_out[base..base + self.words].to_vec();
        let data = &function.blocks[block];
        if let Some(terminator) = &data.terminator {
            terminator.visit_operands(|value| live[value.index() / 64] |= bit(value));
        }
        for inst in data.instructions.iter().rev() {
            let data = &function.instructions[*inst];
            if let Some(result) = data.result {
                live[result.index() / 64] &= !bit(result);
            }
            data.instruction.visit_operands(|value| live[value.index() / 64] |= bit(value));
        }
        for parameter in &data.parameters {
            live[parameter.index() / 64] &= !bit(*parameter);
        }
        let changed = self.live_in[base..base + self.words] != live[..];
        self.live_in[base..base + self.words].copy_from_slice(&live);
        changed
    }
}

fn bit(value: Value) -> u64 {
    1 << (value.index() % 64)
}
