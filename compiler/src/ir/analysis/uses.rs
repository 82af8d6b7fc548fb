//! From a function to the number of uses of each value in reachable blocks.

use super::ControlFlow;
use crate::ir::entity::Entity;
use crate::ir::{Function, Value};

/// How often each value is used.
#[derive(Clone, Debug)]
pub struct Uses {
    counts: Vec<u32>,
}

impl Uses {
    /// Counts the uses in reachable blocks.
    pub fn new(function: &Function, control_flow: &ControlFlow) -> Self {
        let mut counts = vec![0; function.values.len()];
        for block in &control_flow.order {
            let data = &function.blocks[*block];
            let instructions =
                data.instructions.iter().flat_map(|inst| function.instructions[*inst].instruction.operands());
            let terminator = data.terminator.iter().flat_map(|terminator| terminator.operands());
            for value in instructions.chain(terminator) {
                counts[value.index()] += 1;
            }
        }
        Self { counts }
    }

    /// How often `value` is used.
    pub fn count(&self, value: Value) -> u32 {
        self.counts[value.index()]
    }
}
