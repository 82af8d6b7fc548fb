//! Writes to bytes of slots that nobody reads before they are written again go; zeroing shrinks to what is read.

use super::Surroundings;
use crate::ir::analysis::{AccessKind, ByteSet, SlotAccesses, SlotLiveness};
use crate::ir::{Address, Function, Inst, Instruction};

/// Zeroing keeps this alignment: whole words are cheapest.
const WORD: u32 = 8;

pub(super) fn run(function: &mut Function, surroundings: &Surroundings) -> bool {
    let control_flow = surroundings.control_flow(function);
    let accesses = surroundings.accesses(function);
    if !control_flow.order.iter().any(|block| !accesses.in_block(*block).is_empty()) {
        return false;
    }
    let liveness = SlotLiveness::new(function, &control_flow, &accesses);
    let mut changed = false;
    for block in &control_flow.order {
        if accesses.in_block(*block).is_empty() {
            continue;
        }
        let mut live = liveness.on_exit(function, *block);
        let mut instructions = std::mem::take(&mut function.blocks[*block].instructions);
        // From the last to the first; those that stay go to the end.
        let mut first_kept = instructions.len();
        for index in (0..instructions.len()).rev() {
            let inst = instructions[index];
            match needed(function, &accesses, &liveness, &live, inst) {
                Needed::Whole => {}
                Needed::Part(instruction) => {
                    function.instructions[inst].instruction = instruction;
                    changed = true;
                }
                Needed::Nothing => {
                    changed = true;
                    continue;
                }
            }
            // Of what it now does less, nothing is live.
            liveness.step_back(&mut live, inst);
            first_kept -= 1;
            instructions[first_kept] = inst;
        }
        instructions.drain(..first_kept);
        function.blocks[*block].instructions = instructions;
    }
    changed
}

/// What of an instruction is needed.
enum Needed {
    Whole,
    Part(Instruction),
    Nothing,
}

fn needed(function: &Function, accesses: &SlotAccesses, liveness: &SlotLiveness, live: &ByteSet, inst: Inst) -> Needed {
    let instruction = &function.instructions[inst].instruction;
    let only_writes = matches!(
        instruction,
        Instruction::Store { .. }
            | Instruction::Copy { .. }
            | Instruction::Zero { .. }
            | Instruction::StoreBytes { .. }
    );
    let written = accesses.of(inst).iter().find(|access| access.kind == AccessKind::Write);
    let Some(write) = written.filter(|_| only_writes) else { return Needed::Whole };
    let Some(read) = live.extent(liveness.range(write)) else { return Needed::Nothing };
    if !matches!(instruction, Instruction::Zero { .. }) {
        return Needed::Whole;
    }
    let start = ((write.start + read.start as u32) / WORD * WORD).max(write.start);
    let end = (write.start + read.end as u32).next_multiple_of(WORD).min(write.end);
    if (start, end) == (write.start, write.end) {
        return Needed::Whole;
    }
    Needed::Part(Instruction::Zero { address: Address::Slot(write.slot, start), size: end - start })
}
