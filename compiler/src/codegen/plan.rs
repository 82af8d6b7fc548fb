//! Where slots live: on the stack, coloured by lifetime, or in per-CPU scratch memory when they do not fit there.
//!
//! A slot lives from its first to its last mention in the layout order of the blocks, over whole loops where it crosses
//! their edge, and as long as its address is in use. Slots whose lives do not overlap share bytes.

use crate::ir::{Address, Block, Function, Inst, Instruction, Slot, SlotHome, Value, ValueDef};
use rustc_hash::FxHashMap;

/// The places of a function's slots.
pub(super) struct Plan {
    /// By slot: where.
    pub(super) places: FxHashMap<Slot, Place>,
    /// Bytes of stack used by slots.
    pub(super) stack: u32,
    /// Bytes of scratch memory used.
    pub(super) scratch: u32,
    /// The blocks in the order that code is laid out.
    pub(super) order: Vec<Block>,
}

/// Where a slot is.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Place {
    /// Bytes below the frame pointer: the slot starts at r10 - this.
    Stack(u32),
    /// Bytes into the scratch region.
    Scratch(u32),
}

#[derive(Clone, Copy, Debug)]
struct Life {
    first: u32,
    last: u32,
}

/// Plans with at most `budget` bytes of stack.
pub(super) fn plan(function: &Function, budget: u32) -> Plan {
    let order = reverse_postorder(function);
    let lives = lives(function, &order);
    let mut slots: Vec<(Slot, Life)> = lives.into_iter().collect();
    // What must be on the stack comes first, then the small ones.
    slots.sort_by_key(|(slot, _)| {
        let data = &function.slots[*slot];
        (data.home != SlotHome::Stack, data.size, *slot)
    });
    let mut plan = Plan { places: FxHashMap::default(), stack: 0, scratch: 0, order };
    let (mut on_stack, mut in_scratch) = (Vec::new(), Vec::new());
    for (slot, life) in slots {
        let data = &function.slots[slot];
        let size = data.size.next_multiple_of(8);
        let offset = lowest_free(&on_stack, life, size);
        let fits = offset + size <= budget && size <= 128;
        if data.home == SlotHome::Stack || (fits && data.home == SlotHome::Anywhere) {
            on_stack.push((life, offset, size));
            plan.stack = plan.stack.max(offset + size);
            plan.places.insert(slot, Place::Stack(offset + size));
        } else {
            let offset = lowest_free(&in_scratch, life, size);
            in_scratch.push((life, offset, size));
            plan.scratch = plan.scratch.max(offset + size);
            plan.places.insert(slot, Place::Scratch(offset));
        }
    }
    plan
}

/// The lowest offset at which `size` bytes are free during the life.
fn lowest_free(taken: &[(Life, u32, u32)], life: Life, size: u32) -> u32 {
    let mut overlapping: Vec<(u32, u32)> = taken
        .iter()
        .filter(|(other, ..)| other.first <= life.last && life.first <= other.last)
        .map(|(_, offset, size)| (*offset, *size))
        .collect();
    overlapping.sort_unstable();
    let mut candidate = 0;
    for (offset, taken_size) in overlapping {
        if candidate + size <= offset {
            break;
        }
        candidate = candidate.max(offset + taken_size);
    }
    candidate
}

/// Blocks so that each comes after its predecessors, loops aside.
fn reverse_postorder(function: &Function) -> Vec<Block> {
    let mut seen = vec![false; function.blocks.len()];
    let mut order = Vec::new();
    let mut stack = vec![(function.entry(), false)];
    while let Some((block, done)) = stack.pop() {
        if done {
            order.push(block);
            continue;
        }
        if std::mem::replace(&mut seen[block.0 as usize], true) {
            continue;
        }
        stack.push((block, true));
        if let Some(terminator) = &function.blocks[block].terminator {
            for (target, _) in terminator.targets() {
                stack.push((target, false));
            }
        }
    }
    order.reverse();
    order
}

fn lives(function: &Function, order: &[Block]) -> FxHashMap<Slot, Life> {
    let mut positions: FxHashMap<Block, (u32, u32)> = FxHashMap::default();
    let mut at = 0;
    let mut lives: FxHashMap<Slot, Life> = FxHashMap::default();
    // Values that are slots' addresses, and which slots.
    let mut addresses: FxHashMap<Value, Vec<Slot>> = FxHashMap::default();
    for block in order {
        let first = at;
        for inst in &function.blocks[*block].instructions {
            at += 1;
            mention_slots(function, *inst, at, &mut lives, &mut addresses);
        }
        at += 1;
        if let Some(terminator) = &function.blocks[*block].terminator {
            for (_, arguments) in terminator.targets() {
                for argument in arguments {
                    // An address that flows into a block parameter may be used anywhere.
                    for slot in addresses.get(argument).cloned().unwrap_or_default() {
                        lives.insert(slot, Life { first: 0, last: u32::MAX });
                    }
                }
            }
        }
        positions.insert(*block, (first, at));
    }
    extend_over_loops(function, order, &positions, &mut lives);
    lives
}

fn mention_slots(
    function: &Function,
    inst: Inst,
    at: u32,
    lives: &mut FxHashMap<Slot, Life>,
    addresses: &mut FxHashMap<Value, Vec<Slot>>,
) {
    let data = &function.instructions[inst];
    let mut mention = |slot: Slot| {
        let life = lives.entry(slot).or_insert(Life { first: at, last: at });
        life.first = life.first.min(at);
        life.last = life.last.max(at);
    };
    let mut result_slots: Vec<Slot> = Vec::new();
    if let Instruction::SlotAddress(slot, _) = data.instruction {
        mention(slot);
        result_slots.push(slot);
    }
    for address in data.instruction.addresses() {
        if let Address::Slot(slot, _) = address {
            mention(*slot);
        }
    }
    data.instruction.visit_operands(|value| {
        for slot in addresses.get(&value).into_iter().flatten() {
            mention(*slot);
            result_slots.push(*slot);
        }
    });
    // Stored addresses may come back from memory at any time.
    if let Instruction::Store { value, .. } = &data.instruction {
        for slot in addresses.get(value).cloned().unwrap_or_default() {
            lives.insert(slot, Life { first: 0, last: u32::MAX });
        }
    }
    let carries =
        matches!(data.instruction, Instruction::SlotAddress(..) | Instruction::Binary(..) | Instruction::Unary(..));
    if let (true, false, Some(result)) = (carries, result_slots.is_empty(), data.result) {
        addresses.insert(result, result_slots);
    }
}

/// A slot that is alive across a loop's edge is alive in all of the loop.
fn extend_over_loops(
    function: &Function,
    order: &[Block],
    positions: &FxHashMap<Block, (u32, u32)>,
    lives: &mut FxHashMap<Slot, Life>,
) {
    let mut edges: Vec<(u32, u32)> = Vec::new();
    for block in order {
        let (_, end) = positions[block];
        if let Some(terminator) = &function.blocks[*block].terminator {
            for (target, _) in terminator.targets() {
                let (start, _) = positions[&target];
                if start < end {
                    edges.push((start, end));
                }
            }
        }
    }
    let mut changed = !edges.is_empty();
    while changed {
        changed = false;
        for (start, end) in &edges {
            for life in lives.values_mut() {
                let overlaps = life.first <= *end && life.last > *start;
                let inside = life.first > *start && life.last <= *end;
                if overlaps && !inside && (life.last < *end || life.first > *start) {
                    let before = (life.first, life.last);
                    life.first = life.first.min(*start);
                    life.last = life.last.max(*end);
                    changed |= before != (life.first, life.last);
                }
            }
        }
    }
}

/// True when the value is a parameter of the entry block: its index.
pub(super) fn entry_parameter(function: &Function, value: Value) -> Option<usize> {
    match function.values[value].definition {
        ValueDef::Parameter(block, index) if block == function.entry() => Some(index as usize),
        _ => None,
    }
}
