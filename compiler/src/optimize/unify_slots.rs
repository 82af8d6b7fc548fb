//! A slot that is copied to or from another becomes part of it where the two never hold different contents that are both
//! still needed; the copy goes. So a string is read right into the key or tuple that it is for.
//!
//! This is register coalescing (Chaitin, 1982) for bytes: writing a byte of one slot must not hurt a byte of the other
//! that lies in the same place and is read later.

use super::Surroundings;
use crate::ir::analysis::{Access, AccessKind, ByteSet, ControlFlow, SlotAccesses, SlotLiveness};
use crate::ir::{Address, Function, Helper, Inst, Instruction, MemorySize, Slot};

/// How many bytes a slot may grow by to hold another.
const MAX_GROWTH: u32 = 8;

/// Keeps every alignment.
const WORD: u32 = 8;

pub(super) fn run(function: &mut Function, surroundings: &Surroundings) -> bool {
    let mut changed = false;
    let mut accesses = surroundings.accesses(function);
    let control_flow = surroundings.control_flow(function);
    loop {
        let mut unified: Vec<Slot> = Vec::new();
        for placement in find(function, &control_flow, &accesses) {
            // What is known of other slots still holds.
            let slots = [placement.inner, placement.outer];
            if !slots.iter().any(|slot| unified.contains(slot)) {
                apply(function, placement);
                unified.extend(slots);
            }
        }
        if unified.is_empty() {
            return changed;
        }
        accesses = SlotAccesses::new(function, &control_flow, surroundings.maps).into();
        changed = true;
    }
}

/// One slot at a place in another.
#[derive(Clone, Copy, PartialEq)]
struct Placement {
    inner: Slot,
    outer: Slot,
    offset: u32,
}

/// The placements that change nothing but where bytes are, each by itself.
fn find(function: &Function, control_flow: &ControlFlow, accesses: &SlotAccesses) -> Vec<Placement> {
    let mut candidates: Vec<Placement> = Vec::new();
    for inst in control_flow.order.iter().flat_map(|block| &function.blocks[*block].instructions) {
        for placement in placements(function, accesses, &function.instructions[*inst].instruction) {
            if !candidates.contains(&placement) {
                candidates.push(placement);
            }
        }
    }
    if candidates.is_empty() {
        return candidates;
    }
    let liveness = SlotLiveness::new(function, control_flow, accesses);
    for block in &control_flow.order {
        let mut live = liveness.on_exit(function, *block);
        for inst in function.blocks[*block].instructions.iter().rev() {
            candidates.retain(|placement| is_harmless(function, accesses, &liveness, &live, *inst, *placement));
            liveness.step_back(&mut live, *inst);
        }
    }
    candidates
}

/// How the slots of a copy could lie in each other so that the copy does nothing.
fn placements(function: &Function, accesses: &SlotAccesses, instruction: &Instruction) -> Vec<Placement> {
    let Instruction::Copy { to: Address::Slot(to, to_offset), from: Address::Slot(from, from_offset), .. } =
        *instruction
    else {
        return Vec::new();
    };
    let mut found = Vec::new();
    if let Some(offset) = to_offset.checked_sub(from_offset) {
        found.push(Placement { inner: from, outer: to, offset });
    }
    if let Some(offset) = from_offset.checked_sub(to_offset) {
        found.push(Placement { inner: to, outer: from, offset });
    }
    found.retain(|placement| {
        let (inner, outer) = (&function.slots[placement.inner], &function.slots[placement.outer]);
        placement.inner != placement.outer
            && !accesses.has_escaped(placement.inner)
            && !accesses.has_escaped(placement.outer)
            && inner.home == outer.home
            && stays_aligned(function, *placement)
            && placement.offset + inner.size <= outer.size + MAX_GROWTH
    });
    found
}

/// True when no access to the inner slot needs an alignment that it would lose. Instructions on runs of bytes need none.
fn stays_aligned(function: &Function, placement: Placement) -> bool {
    let Placement { inner, offset, .. } = placement;
    let size_at = |address: &Address, size: MemorySize| match address {
        Address::Slot(slot, start) if *slot == inner => (start + offset) % size.bytes() == 0,
        Address::Slot(..) | Address::Pointer(..) => true,
    };
    offset % WORD == 0
        || function.instructions.values().all(|data| match &data.instruction {
            Instruction::Load { address, size, .. } | Instruction::Store { address, size, .. } => size_at(address, *size),
            Instruction::Call(helper, arguments) => {
                takes_any_alignment(*helper)
                    || !arguments.iter().any(|argument| {
                        matches!(function.definition(*argument), Some(Instruction::SlotAddress(slot, _)) if *slot == inner)
                    })
            }
            _ => true,
        })
}

fn takes_any_alignment(helper: Helper) -> bool {
    matches!(
        helper,
        Helper::MAP_LOOKUP_ELEM
            | Helper::MAP_UPDATE_ELEM
            | Helper::MAP_DELETE_ELEM
            | Helper::PROBE_READ
            | Helper::PROBE_READ_KERNEL
            | Helper::PROBE_READ_USER
            | Helper::PROBE_READ_STR
            | Helper::PROBE_READ_KERNEL_STR
            | Helper::PROBE_READ_USER_STR
            | Helper::GET_CURRENT_COMM
    )
}

/// True when an instruction does the same with both slots in one place.
fn is_harmless(
    function: &Function,
    accesses: &SlotAccesses,
    liveness: &SlotLiveness,
    live: &ByteSet,
    inst: Inst,
    placement: Placement,
) -> bool {
    let instruction = &function.instructions[inst].instruction;
    if placements(function, accesses, instruction).contains(&placement) {
        return true;
    }
    let all = accesses.of(inst);
    for write in all.iter().filter(|access| access.kind != AccessKind::Read) {
        let Some(other) = counterpart(function, write, placement) else { continue };
        let overlaps =
            |access: &Access| access.slot == other.slot && access.start < other.end && other.start < access.end;
        if all.iter().any(overlaps) || live.meets(liveness.range(&other)) {
            return false;
        }
    }
    true
}

/// The bytes of the other slot in the place of those that are accessed.
fn counterpart(function: &Function, access: &Access, placement: Placement) -> Option<Access> {
    let Placement { inner, outer, offset } = placement;
    let (slot, start, end) = if access.slot == inner {
        (outer, access.start + offset, (access.end + offset).min(function.slots[outer].size))
    } else if access.slot == outer {
        let end = access.end.saturating_sub(offset).min(function.slots[inner].size);
        (inner, access.start.saturating_sub(offset), end)
    } else {
        return None;
    };
    (start < end).then_some(Access { slot, start, end, kind: access.kind })
}

fn apply(function: &mut Function, placement: Placement) {
    let Placement { inner, outer, offset } = placement;
    let inner_data = function.slots[inner].clone();
    let outer_data = &mut function.slots[outer];
    outer_data.size = outer_data.size.max(offset + inner_data.size);
    outer_data.align = outer_data.align.max(inner_data.align);
    for (_, data) in function.instructions.iter_mut() {
        if let Instruction::SlotAddress(slot, start) = &mut data.instruction
            && *slot == inner
        {
            (*slot, *start) = (outer, *start + offset);
        }
        for address in data.instruction.addresses_mut() {
            if let Address::Slot(slot, start) = address
                && *slot == inner
            {
                (*slot, *start) = (outer, *start + offset);
            }
        }
    }
    let instructions = &function.instructions;
    for (_, block) in function.blocks.iter_mut() {
        block.instructions.retain(
            |inst| !matches!(&instructions[*inst].instruction, Instruction::Copy { to, from, .. } if to == from),
        );
    }
}
