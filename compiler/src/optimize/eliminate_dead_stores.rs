//! Writes to bytes of slots that nobody reads before they are written again go; zeroing shrinks to what is read.

use super::Surroundings;
use crate::ir::analysis::control_flow::successors;
use crate::ir::analysis::{Access, AccessKind, ControlFlow, SlotAccesses};
use crate::ir::entity::Entity;
use crate::ir::{Address, Block, Function, Inst, Instruction};

/// Zeroing keeps this alignment: whole words are cheapest.
const WORD: u32 = 8;

pub(super) fn run(function: &mut Function, surroundings: &Surroundings) -> bool {
    let control_flow = ControlFlow::new(function);
    let accesses = SlotAccesses::new(function, &control_flow, surroundings.maps);
    let layout = Layout::new(function);
    let on_exit = solve(function, &control_flow, &accesses, &layout);
    let mut changed = false;
    for block in &control_flow.order {
        let mut live = on_exit[block.index()].clone();
        let mut kept = Vec::new();
        for inst in function.blocks[*block].instructions.clone().into_iter().rev() {
            match trimmed(function, &accesses, &layout, &live, inst) {
                Trimmed::Whole => kept.push(inst),
                Trimmed::Shorter(instruction) => {
                    function.instructions[inst].instruction = instruction;
                    kept.push(inst);
                    changed = true;
                }
                Trimmed::Nothing => {
                    changed = true;
                    continue;
                }
            }
            step(function, &accesses, &layout, &mut live, inst);
        }
        kept.reverse();
        function.blocks[*block].instructions = kept;
    }
    changed
}

/// Where each slot's bytes are in a set of all bytes.
struct Layout {
    starts: Vec<usize>,
    size: usize,
}

impl Layout {
    fn new(function: &Function) -> Self {
        let mut size = 0;
        let starts = function.slots.values().map(|slot| {
            size += slot.size as usize;
            size - slot.size as usize
        });
        let starts = starts.collect();
        Self { starts, size }
    }

    fn range(&self, access: &Access) -> std::ops::Range<usize> {
        let start = self.starts[access.slot.index()];
        start + access.start as usize..start + access.end as usize
    }
}

/// The bytes that are read after each block.
fn solve(function: &Function, control_flow: &ControlFlow, accesses: &SlotAccesses, layout: &Layout) -> Vec<Vec<bool>> {
    let nothing = vec![false; layout.size];
    let mut on_entry = vec![nothing.clone(); function.blocks.len()];
    let mut on_exit = vec![nothing; function.blocks.len()];
    let mut changed = true;
    while changed {
        changed = false;
        for block in control_flow.order.iter().rev() {
            let live = after(function, &on_entry, *block, layout.size);
            on_exit[block.index()].clone_from(&live);
            let mut live = live;
            for inst in function.blocks[*block].instructions.iter().rev() {
                step(function, accesses, layout, &mut live, *inst);
            }
            if on_entry[block.index()] != live {
                on_entry[block.index()] = live;
                changed = true;
            }
        }
    }
    on_exit
}

fn after(function: &Function, on_entry: &[Vec<bool>], block: Block, size: usize) -> Vec<bool> {
    let mut live = vec![false; size];
    for successor in successors(function, block) {
        for (live, theirs) in live.iter_mut().zip(&on_entry[successor.index()]) {
            *live |= *theirs;
        }
    }
    live
}

/// Goes back over one instruction.
fn step(function: &Function, accesses: &SlotAccesses, layout: &Layout, live: &mut [bool], inst: Inst) {
    // Reads come first, so in reverse what is written dies before what is read lives.
    for access in accesses.of(function, &function.instructions[inst].instruction).iter().rev() {
        match access.kind {
            AccessKind::Read => live[layout.range(access)].fill(true),
            AccessKind::Write => live[layout.range(access)].fill(false),
            AccessKind::MayWrite => {}
        }
    }
}

enum Trimmed {
    Whole,
    Shorter(Instruction),
    Nothing,
}

/// What of a write is needed.
fn trimmed(function: &Function, accesses: &SlotAccesses, layout: &Layout, live: &[bool], inst: Inst) -> Trimmed {
    let instruction = &function.instructions[inst].instruction;
    let is_write = matches!(
        instruction,
        Instruction::Store { .. }
            | Instruction::Copy { .. }
            | Instruction::Zero { .. }
            | Instruction::StoreBytes { .. }
    );
    let mut writes = accesses.of(function, instruction).into_iter().filter(|access| access.kind == AccessKind::Write);
    let Some(write) = writes.next_back().filter(|_| is_write) else { return Trimmed::Whole };
    let live = &live[layout.range(&write)];
    let (Some(first), Some(last)) = (live.iter().position(|live| *live), live.iter().rposition(|live| *live)) else {
        return Trimmed::Nothing;
    };
    if !matches!(instruction, Instruction::Zero { .. }) {
        return Trimmed::Whole;
    }
    let start = ((write.start + first as u32) / WORD * WORD).max(write.start);
    let end = (write.start + last as u32 + 1).next_multiple_of(WORD).min(write.end);
    if (start, end) == (write.start, write.end) {
        return Trimmed::Whole;
    }
    Trimmed::Shorter(Instruction::Zero { address: Address::Slot(write.slot, start), size: end - start })
}
