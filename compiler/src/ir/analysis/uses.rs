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
            let mut count = |value: Value| counts[value.index()] += 1;
            for inst in &data.instructions {
                function.instructions[*inst].instruction.visit_operands(&mut count);
            }
            if let Some(terminator) = &data.terminator {
                terminator.visit_operands(count);
            }
        }
        Self { counts }
    }

    /// How often `value` is used.
    pub fn count(&self, value: Value) -> u32 {
        self.counts[value.index()]
    }
}
