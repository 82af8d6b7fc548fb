//! A branch on a condition that a dominating branch has decided becomes a jump.

use super::Surroundings;
use crate::ir::analysis::ControlFlow;
use crate::ir::{Block, Function, Terminator, Value};
use std::iter;

pub(super) fn run(function: &mut Function, surroundings: &Surroundings) -> bool {
    let control_flow = surroundings.control_flow(function);
    let dominators = surroundings.dominators(function);
    let mut changed = false;
    for block in &control_flow.order {
        let Some(Terminator::Branch { condition, then, otherwise }) = &function.blocks[*block].terminator else {
            continue;
        };
        let above = iter::successors(Some(*block), |block| dominators.immediate(&control_flow, *block));
        let mut decisions = above.filter_map(|block| decision_on_entry(function, &control_flow, block));
        if let Some((_, holds)) = decisions.find(|(decided, _)| decided == condition) {
            let (target, arguments) = if holds { then.clone() } else { otherwise.clone() };
            function.blocks[*block].terminator = Some(Terminator::Jump(target, arguments));
            changed = true;
        }
    }
    changed
}

/// What the only edge into a block says.
fn decision_on_entry(function: &Function, control_flow: &ControlFlow, block: Block) -> Option<(Value, bool)> {
    let [predecessor] = control_flow.predecessors(block) else { return None };
    match function.blocks[*predecessor].terminator.as_ref()? {
        Terminator::Branch { condition, then, .. } => Some((*condition, then.0 == block)),
        Terminator::Jump(..) | Terminator::Return(_) => None,
    }
}
