//! Where slots live: on the stack, coloured by lifetime, or in per-CPU scratch memory when they do not fit there.
//!
//! A slot lives from its first to its last mention in the layout order of the blocks, over whole loops where it crosses
//! their edge, and as long as its address is in use. Slots whose lives do not overlap share bytes.

use crate::ir::analysis::control_flow::successors;
use crate::ir::entity::Entity;
use crate::ir::{Address, Block, Function, Inst, Instruction, Slot, SlotHome, Value, ValueDef};
use smallvec::SmallVec;

/// The places of a function's slots.
pub(super) struct Plan {
    /// By slot: where, if it is used.
    places: Vec<Option<Place>>,
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

impl Plan {
    /// Where a slot is.
    pub(super) fn place(&self, slot: Slot) -> Option<Place> {
        self.places.get(slot.index()).copied().flatten()
    }
}

/// Plans with at most `budget` bytes of stack.
pub(super) fn plan(function: &Function, budget: u32) -> Plan {
    let order = reverse_postorder(function);
    let lives = lives(function, &order);
    let used = lives.iter().enumerate().filter_map(|(index, life)| Some((Slot::new(index), (*life)?)));
    let mut slots: Vec<(Slot, Life)> = used.collect();
    // What must be on the stack comes first, then the small ones.
    slots.sort_by_key(|(slot, _)| {
        let data = &function.slots[*slot];
        (data.home != SlotHome::Stack, data.size, *slot)
    });
    let mut plan = Plan { places: vec![None; lives.len()], stack: 0, scratch: 0, order };
    let (mut on_stack, mut in_scratch) = (Vec::new(), Vec::new());
    for (slot, life) in slots {
        let data = &function.slots[slot];
        let size = data.size.next_multiple_of(8);
        let offset = lowest_free(&on_stack, life, size);
        let fits = offset + size <= budget && size <= 128;
        if data.home == SlotHome::Stack || (fits && data.home == SlotHome::Anywhere) {
            on_stack.push((life, offset, size));
            plan.stack = plan.stack.max(offset + size);
            plan.places[slot.index()] = Some(Place::Stack(offset + size));
        } else {
            let offset = lowest_free(&in_scratch, life, size);
            in_scratch.push((life, offset, size));
            plan.scratch = plan.scratch.max(offset + size);
            plan.places[slot.index()] = Some(Place::Scratch(offset));
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
    let mut order = Vec::with_capacity(function.blocks.len());
    let mut stack = Vec::with_capacity(function.blocks.len());
    stack.push((function.entry(), false));
    while let Some((block, done)) = stack.pop() {
        if done {
            order.push(block);
            continue;
        }
        if std::mem::replace(&mut seen[block.index()], true) {
            continue;
        }
        stack.push((block, true));
        stack.extend(successors(function, block).map(|target| (target, false)));
    }
    order.reverse();
    order
}

/// By slot, if it is mentioned.
type Lives = Vec<Option<Life>>;

/// By value: the slots whose address it is.
type Addresses = Vec<SmallVec<[Slot; 2]>>;

fn lives(function: &Function, order: &[Block]) -> Lives {
    let mut positions = vec![(0, 0); function.blocks.len()];
    let mut at = 0;
    let mut lives: Lives = vec![None; function.slots.len()];
    if lives.is_empty() {
        return lives;
    }
    let mut addresses: Addresses = vec![SmallVec::new(); function.values.len()];
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
                    live_everywhere(&addresses[argument.index()], &mut lives);
                }
            }
        }
        positions[block.index()] = (first, at);
    }
    extend_over_loops(function, order, &positions, &mut lives);
    lives
}

fn live_everywhere(slots: &[Slot], lives: &mut Lives) {
    slots.iter().for_each(|slot| lives[slot.index()] = Some(Life { first: 0, last: u32::MAX }));
}

fn mention_slots(function: &Function, inst: Inst, at: u32, lives: &mut Lives, addresses: &mut Addresses) {
    let data = &function.instructions[inst];
    let mut mention = |slot: Slot| {
        let life = lives[slot.index()].get_or_insert(Life { first: at, last: at });
        life.first = life.first.min(at);
        life.last = life.last.max(at);
    };
    let mut result_slots: SmallVec<[Slot; 2]> = SmallVec::new();
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
        for slot in &addresses[value.index()] {
            mention(*slot);
            result_slots.push(*slot);
        }
    });
    // Stored addresses may come back from memory at any time.
    if let Instruction::Store { value, .. } = &data.instruction {
        live_everywhere(&addresses[value.index()], lives);
    }
    let carries =
        matches!(data.instruction, Instruction::SlotAddress(..) | Instruction::Binary(..) | Instruction::Unary(..));
    if let (true, false, Some(result)) = (carries, result_slots.is_empty(), data.result) {
        addresses[result.index()] = result_slots;
    }
}

/// A slot that is alive across a loop's edge is alive in all of the loop.
fn extend_over_loops(function: &Function, order: &[Block], positions: &[(u32, u32)], lives: &mut Lives) {
    let mut edges: Vec<(u32, u32)> = Vec::new();
    for block in order {
        let (_, end) = positions[block.index()];
        for target in successors(function, *block) {
            let (start, _) = positions[target.index()];
            if start < end {
                edges.push((start, end));
            }
        }
    }
    let mut changed = !edges.is_empty();
    while changed {
        changed = false;
        for (start, end) in &edges {
            for life in lives.iter_mut().flatten() {
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
