//! A branch on a condition that a dominating branch has decided becomes a jump.

use super::Surroundings;
use crate::ir::analysis::ControlFlow;
use crate::ir::{Block, Function, Terminator, Value};
use rustc_hash::FxHashMap;

pub(super) fn run(function: &mut Function, surroundings: &Surroundings) -> bool {
    let control_flow = surroundings.control_flow(function);
    let dominators = surroundings.dominators(function);
    let mut changed = false;
    // Reverse postorder: a block's dominator comes before it.
    let mut decisions: FxHashMap<Block, FxHashMap<Value, bool>> = FxHashMap::default();
    for block in &control_flow.order {
        let dominator = dominators.immediate(&control_flow, *block);
        let mut known = dominator.and_then(|dominator| decisions.get(&dominator)).cloned().unwrap_or_default();
        known.extend(decision_on_entry(function, &control_flow, *block));
        if let Some(Terminator::Branch { condition, then, otherwise }) = &function.blocks[*block].terminator
            && let Some(holds) = known.get(condition)
        {
            let (target, arguments) = if *holds { then.clone() } else { otherwise.clone() };
            function.blocks[*block].terminator = Some(Terminator::Jump(target, arguments));
            changed = true;
        }
        decisions.insert(*block, known);
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
