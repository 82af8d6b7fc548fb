//! Constant offsets move from pointer arithmetic into the accesses; pointers to slots become slots.
//!
//! The second matters most: a slot whose address is only seen by helpers can be analysed, and the kernel's verifier wants
//! context accesses at constant offsets.

use super::Surroundings;
use super::rewrite::{Rewrite, rewrite};
use super::substitution::constant;
use crate::ir::{Address, BinaryOp, Function, Instruction, Slot, Value, Width};

pub(super) fn run(function: &mut Function, surroundings: &Surroundings) -> bool {
    rewrite(function, &surroundings.control_flow(function), |rewriter, inst| {
        let instruction = &rewriter.function.instructions[inst].instruction;
        if let Some((slot, offset)) = slot_sum(rewriter.function, instruction) {
            return Rewrite::Become(Instruction::SlotAddress(slot, offset));
        }
        // Atomic operations on slots are not allowed.
        let is_atomic = matches!(instruction, Instruction::AtomicAdd { .. });
        let is_better = |folded: &Address| !(is_atomic && matches!(folded, Address::Slot(..)));
        let step = |address| fold(rewriter.function, address).filter(is_better);
        if !instruction.addresses().into_iter().any(|address| step(*address).is_some()) {
            return Rewrite::Keep;
        }
        let mut instruction = instruction.clone();
        for address in instruction.addresses_mut() {
            while let Some(folded) = step(*address) {
                *address = folded;
            }
        }
        Rewrite::Become(instruction)
    })
}

/// One step towards the origin of a pointer.
fn fold(function: &Function, address: Address) -> Option<Address> {
    let Address::Pointer(pointer, offset) = address else { return None };
    match function.definition(pointer)? {
        Instruction::SlotAddress(slot, base) => {
            let (slot, offset) = inside(function, *slot, i64::from(*base) + i64::from(offset))?;
            Some(Address::Slot(slot, offset))
        }
        Instruction::Binary(BinaryOp::Add, Width::W64, base, number) => {
            let offset = i64::from(offset).checked_add(constant(function, *number)? as i64)?;
            // What one machine instruction can hold.
            i16::try_from(offset).ok().map(|offset| Address::Pointer(*base, offset.into()))
        }
        _ => None,
    }
}

/// The address of a slot plus a constant.
fn slot_sum(function: &Function, instruction: &Instruction) -> Option<(Slot, u32)> {
    let Instruction::Binary(BinaryOp::Add, Width::W64, base, number) = instruction else { return None };
    let (slot, offset) = slot_address(function, *base)?;
    inside(function, slot, i64::from(offset).checked_add(constant(function, *number)? as i64)?)
}

fn slot_address(function: &Function, value: Value) -> Option<(Slot, u32)> {
    match function.definition(value)? {
        Instruction::SlotAddress(slot, offset) => Some((*slot, *offset)),
        _ => None,
    }
}

fn inside(function: &Function, slot: Slot, offset: i64) -> Option<(Slot, u32)> {
    let offset = u32::try_from(offset).ok()?;
    (offset < function.slots[slot].size).then_some((slot, offset))
}
