//! A store of a few bytes in front of zeros becomes a store of the whole word where the value's upper bits are zero: the
//! word need not be zeroed before. So a key's padding costs nothing.
//!
//! Runs once at the end, before the last elimination of dead stores: smaller stores tell other passes more.

use super::Surroundings;
use super::slot_contents::{Byte, Contents};
use crate::ir::analysis::{ControlFlow, KnownBits};
use crate::ir::entity::Entity;
use crate::ir::{Address, Function, Inst, Instruction, MemorySize};

const WORD: u32 = MemorySize::B8.bytes();

pub(super) fn run(function: &mut Function, surroundings: &Surroundings) -> bool {
    let control_flow = surroundings.control_flow(function);
    let mut instructions = control_flow.order.iter().flat_map(|block| &function.blocks[*block].instructions);
    if !instructions.any(|inst| is_part_of_word(function, *inst)) {
        return false;
    }
    let found = find(function, &control_flow, surroundings);
    for inst in &found {
        if let Instruction::Store { size, .. } = &mut function.instructions[*inst].instruction {
            *size = MemorySize::B8;
        }
    }
    !found.is_empty()
}

/// True for a store at the start of a word of a slot that does not fill it.
fn is_part_of_word(function: &Function, inst: Inst) -> bool {
    match function.instructions[inst].instruction {
        Instruction::Store { address: Address::Slot(slot, start), size, .. } => {
            size != MemorySize::B8 && start % WORD == 0 && start + WORD <= function.slots[slot].size
        }
        _ => false,
    }
}

fn find(function: &Function, control_flow: &ControlFlow, surroundings: &Surroundings) -> Vec<Inst> {
    let accesses = surroundings.accesses(function);
    let on_entry = surroundings.contents(function);
    let known = KnownBits::new(function, control_flow);
    let fills = |contents: &Contents, inst: Inst| match function.instructions[inst].instruction {
        Instruction::Store { address: Address::Slot(slot, start), size, value } if is_part_of_word(function, inst) => {
            let bits = u64::MAX >> (u64::BITS - 8 * size.bytes());
            let behind = contents.range(slot, start + size.bytes(), start + WORD);
            known.possible(value) & !bits == 0
                && behind.is_some_and(|bytes| bytes.iter().all(|byte| *byte == Byte::Constant(0)))
        }
        _ => false,
    };
    let mut found = Vec::new();
    for block in &control_flow.order {
        let Some(mut contents) = on_entry[block.index()].clone() else { continue };
        for inst in &function.blocks[*block].instructions {
            if fills(&contents, *inst) {
                found.push(*inst);
            }
            contents.apply(function, &accesses, *inst);
        }
    }
    found
}
