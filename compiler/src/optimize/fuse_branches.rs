//! Each branch on a comparison gets that comparison right before it, so that the two become one machine instruction.
//!
//! Runs once at the end: value numbering would merge the copies again.

use super::Surroundings;
use super::rewrite::new_instruction;
use crate::ir::{Block, Function, Instruction, Terminator, Value, ValueDef};
use lancet_syntax::span::Span;

pub(super) fn run(function: &mut Function, surroundings: &Surroundings) -> bool {
    let control_flow = surroundings.control_flow(function);
    let uses = surroundings.uses(function);
    let mut changed = false;
    for block in control_flow.order.iter().copied() {
        let Some(Terminator::Branch { condition, .. }) = function.blocks[block].terminator else { continue };
        let Some((instruction, span)) = comparison(function, condition) else { continue };
        if uses.count(condition) == 1 && is_last(function, block, condition) {
            continue;
        }
        let (inst, copy) = new_instruction(function, instruction, span);
        function.blocks[block].instructions.push(inst);
        if let Some(Terminator::Branch { condition, .. }) = &mut function.blocks[block].terminator {
            *condition = copy;
        }
        changed = true;
    }
    changed
}

fn comparison(function: &Function, condition: Value) -> Option<(Instruction, Span)> {
    let ValueDef::Result(inst) = function.values[condition].definition else { return None };
    let data = &function.instructions[inst];
    matches!(data.instruction, Instruction::Compare(..)).then(|| (data.instruction.clone(), data.span))
}

fn is_last(function: &Function, block: Block, condition: Value) -> bool {
    let last = function.blocks[block].instructions.last();
    last.is_some_and(|inst| function.instructions[*inst].result == Some(condition))
}
