//! Loads from slots give what was stored there; copies of constant bytes store those bytes.

use super::Surroundings;
use super::rewrite::{Rewrite, Rewriter, rewrite};
use super::slot_contents::{Byte, Contents, OnEntry};
use crate::ir::analysis::{ControlFlow, SlotAccesses};
use crate::ir::entity::Entity;
use crate::ir::{Address, Function, Inst, Instruction, MemorySize, UnaryOp, Value};
use rustc_hash::FxHashMap;

/// Longer runs of constant bytes stay copies: those are loops or calls.
const MAX_CONSTANT_COPY: u32 = 64;

pub(super) fn run(function: &mut Function, surroundings: &Surroundings) -> bool {
    let control_flow = surroundings.control_flow(function);
    let accesses = surroundings.accesses(function);
    if !reads_slots(function, &control_flow) {
        return false;
    }
    let found = find(function, &control_flow, &accesses, &surroundings.contents(function));
    if found.is_empty() {
        return false;
    }
    rewrite(function, &control_flow, |rewriter, inst| match found.get(&inst) {
        Some(Known::Constant(bytes)) => constant(rewriter, inst, bytes),
        Some(Known::Value(value)) => value_of(rewriter, inst, *value),
        None => Rewrite::Keep,
    })
}

/// Whether there is anything to forward, told without following what slots hold.
fn reads_slots(function: &Function, control_flow: &ControlFlow) -> bool {
    let mut instructions = control_flow.order.iter().flat_map(|block| &function.blocks[*block].instructions);
    instructions.any(|inst| match &function.instructions[*inst].instruction {
        Instruction::Load { address: Address::Slot(..), .. } => true,
        Instruction::Copy { from: Address::Slot(..), size, .. } => *size <= MAX_CONSTANT_COPY,
        _ => false,
    })
}

/// What the bytes that an instruction reads are.
enum Known {
    Constant(Vec<u8>),
    /// The low bytes of a value.
    Value(Value),
}

fn find(
    function: &Function,
    control_flow: &ControlFlow,
    accesses: &SlotAccesses,
    on_entry: &OnEntry<Contents>,
) -> FxHashMap<Inst, Known> {
    let mut found = FxHashMap::default();
    for block in &control_flow.order {
        let Some(mut contents) = on_entry[block.index()].clone() else { continue };
        for inst in &function.blocks[*block].instructions {
            let data = &function.instructions[*inst];
            match &data.instruction {
                Instruction::Load { address: Address::Slot(slot, start), size, signed }
                    if !accesses.has_escaped(*slot) =>
                {
                    let end = *start + size.bytes();
                    let known = contents.range(*slot, *start, end).and_then(known);
                    match (known, data.result) {
                        (Some(known), _) => {
                            found.insert(*inst, known);
                        }
                        (None, Some(result)) if !signed || *size == MemorySize::B8 => {
                            contents.learn(function, *slot, *start, end, result);
                        }
                        (None, _) => {}
                    }
                }
                Instruction::Copy { from: Address::Slot(slot, start), size, .. }
                    if !accesses.has_escaped(*slot) && *size <= MAX_CONSTANT_COPY =>
                {
                    let known = contents.range(*slot, *start, *start + *size).and_then(known);
                    if let Some(Known::Constant(bytes)) = known {
                        found.insert(*inst, Known::Constant(bytes));
                    }
                }
                _ => {}
            }
            contents.apply(function, accesses, *inst);
        }
    }
    found
}

fn known(bytes: &[Byte]) -> Option<Known> {
    if let Some(Byte::Part(value, 0)) = bytes.first() {
        let whole = bytes.iter().enumerate().all(|(index, byte)| *byte == Byte::Part(*value, index as u8));
        return whole.then_some(Known::Value(*value));
    }
    let constant = |byte: &Byte| match byte {
        Byte::Constant(number) => Some(*number),
        Byte::Unknown | Byte::Part(..) | Byte::Written(..) => None,
    };
    bytes.iter().map(constant).collect::<Option<Vec<u8>>>().map(Known::Constant)
}

fn constant(rewriter: &mut Rewriter, inst: Inst, bytes: &[u8]) -> Rewrite {
    match rewriter.function.instructions[inst].instruction {
        Instruction::Load { size, signed, .. } => {
            let mut number = [0; 8];
            number[..bytes.len()].copy_from_slice(bytes);
            let number = u64::from_le_bytes(number);
            let number = if signed { super::arithmetic::sign_extend(size, number) } else { number };
            Rewrite::Become(Instruction::Const(number as i64))
        }
        Instruction::Copy { to, size, .. } if bytes.iter().all(|byte| *byte == 0) => {
            Rewrite::Become(Instruction::Zero { address: to, size })
        }
        Instruction::Copy { to, .. } => Rewrite::Become(Instruction::StoreBytes { address: to, bytes: bytes.to_vec() }),
        _ => Rewrite::Keep,
    }
}

fn value_of(rewriter: &mut Rewriter, inst: Inst, value: Value) -> Rewrite {
    let Instruction::Load { size, signed, .. } = rewriter.function.instructions[inst].instruction else {
        return Rewrite::Keep;
    };
    match (size, signed) {
        (MemorySize::B8, _) => Rewrite::Replace(value),
        (_, true) => Rewrite::Become(Instruction::Unary(UnaryOp::SignExtend(size), value)),
        (_, false) => Rewrite::Become(Instruction::Unary(UnaryOp::ZeroExtend(size), value)),
    }
}
