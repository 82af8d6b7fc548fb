//! A call reads its key or value from an earlier slot that holds the same bytes: what was stored a second time need not be.
//!
//! Runs once at the end, before the last elimination of dead stores.

use super::Surroundings;
use super::rewrite::{Rewrite, rewrite};
use crate::ir::analysis::{Access, AccessKind, ControlFlow, SlotAccesses};
use crate::ir::entity::Entity;
use crate::ir::{Function, Inst, Instruction, Slot};
use rustc_hash::FxHashMap;

pub(super) fn run(function: &mut Function, surroundings: &Surroundings) -> bool {
    if function.slots.len() < 2 {
        return false;
    }
    let control_flow = surroundings.control_flow(function);
    let found = find(function, &control_flow, surroundings);
    if found.is_empty() {
        return false;
    }
    rewrite(function, &control_flow, |rewriter, inst| {
        let (Some(reused), Instruction::Call(helper, arguments)) =
            (found.get(&inst), &rewriter.function.instructions[inst].instruction)
        else {
            return Rewrite::Keep;
        };
        let (helper, mut arguments) = (*helper, arguments.clone());
        for argument in &mut arguments {
            if let Some(Instruction::SlotAddress(slot, offset)) = rewriter.function.definition(*argument)
                && let Some((_, earlier)) = reused.iter().find(|(later, _)| later == slot)
            {
                *argument = rewriter.insert(Instruction::SlotAddress(*earlier, *offset));
            }
        }
        Rewrite::Become(Instruction::Call(helper, arguments))
    })
}

/// By call: slots that it reads, each with an earlier one to read instead.
fn find(
    function: &Function,
    control_flow: &ControlFlow,
    surroundings: &Surroundings,
) -> FxHashMap<Inst, Vec<(Slot, Slot)>> {
    let accesses = surroundings.accesses(function);
    let on_entry = surroundings.contents(function);
    let mut found = FxHashMap::default();
    for block in &control_flow.order {
        let Some(mut contents) = on_entry[block.index()].clone() else { continue };
        for inst in &function.blocks[*block].instructions {
            if matches!(function.instructions[*inst].instruction, Instruction::Call(..)) {
                let reads = accesses.of(*inst).iter().filter(|access| is_only_read(&accesses, *inst, access));
                let earlier = |access: &Access| {
                    let same = contents.with_same_bytes(access.slot, access.start, access.end)?;
                    let alike =
                        !accesses.has_escaped(same) && function.slots[same].home == function.slots[access.slot].home;
                    alike.then_some((access.slot, same))
                };
                let reused: Vec<(Slot, Slot)> = reads.filter_map(earlier).collect();
                if !reused.is_empty() {
                    found.insert(*inst, reused);
                }
            }
            contents.apply(function, &accesses, *inst);
        }
    }
    found
}

/// True when the instruction does nothing else with the slot.
fn is_only_read(accesses: &SlotAccesses, inst: Inst, read: &Access) -> bool {
    accesses.of(inst).iter().all(|access| access.slot != read.slot || access == read && access.kind == AccessKind::Read)
}
