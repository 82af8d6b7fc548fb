//! Instructions that give the same value as one that dominates them go (global value numbering).
//!
//! Only what depends on operands alone takes part: arithmetic, addresses, helpers that give the same result throughout an
//! event, and loads from the context, which nothing writes.

use super::Surroundings;
use super::substitution::Substitution;
use crate::ir::{
    Address, BinaryOp, Block, Function, FunctionKind, Helper, HelperEffect, Inst, Instruction, Value, Width,
};
use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;
use std::hash::BuildHasher;

pub(super) fn run(function: &mut Function, surroundings: &Surroundings) -> bool {
    let control_flow = surroundings.control_flow(function);
    let dominators = surroundings.dominators(function);
    let room = function.instructions.len().min(MAX_ROOM);
    let mut numbering = Numbering {
        context_is_constant: !calls(function, Helper::OVERRIDE_RETURN),
        available: HashTable::with_capacity(room),
        function,
        added: Vec::with_capacity(room),
        substitution: Substitution::default(),
        constants: Vec::with_capacity(32),
    };
    enum Step {
        Enter(Block),
        /// What was added since goes.
        Leave(usize),
    }
    let mut steps = Vec::with_capacity(2 * control_flow.order.len());
    steps.push(Step::Enter(numbering.function.entry()));
    while let Some(step) = steps.pop() {
        match step {
            Step::Enter(block) => {
                steps.push(Step::Leave(numbering.added.len()));
                numbering.block(block);
                let first = steps.len();
                steps.extend(dominators.children(&control_flow, block).map(Step::Enter));
                steps[first..].reverse();
            }
            // At the end nobody asks any more.
            Step::Leave(_) if steps.is_empty() => {}
            Step::Leave(before) => {
                for gone in numbering.added.drain(before..) {
                    if let Ok(entry) = numbering.available.find_entry(gone.hash, |other| other.inst == gone.inst) {
                        entry.remove();
                    }
                }
            }
        }
    }
    let Numbering { function, substitution, constants, .. } = numbering;
    let entry = function.entry();
    function.blocks[entry].instructions.extend(constants);
    substitution.apply(function)
}

fn calls(function: &Function, helper: Helper) -> bool {
    function
        .instructions
        .values()
        .any(|data| matches!(data.instruction, Instruction::Call(called, _) if called == helper))
}

/// The table that most functions need, without growing.
const MAX_ROOM: usize = 256;

/// An instruction whose value later ones may take.
#[derive(Clone, Copy)]
struct Available {
    hash: u64,
    inst: Inst,
    value: Value,
}

struct Numbering<'a> {
    function: &'a mut Function,
    context_is_constant: bool,
    /// What dominating blocks have computed.
    available: HashTable<Available>,
    /// The same in the order of the walk, without shared constants.
    added: Vec<Available>,
    substitution: Substitution,
    /// Constants of other blocks than the first, where they go: a block that others share for nothing but a constant would
    /// have to stay.
    constants: Vec<Inst>,
}

impl Numbering<'_> {
    /// Numbers one block.
    fn block(&mut self, block: Block) {
        let mut instructions = std::mem::take(&mut self.function.blocks[block].instructions);
        instructions.retain(|inst| {
            let inst = *inst;
            let data = &mut self.function.instructions[inst];
            data.instruction.visit_operands_mut(|value| *value = self.substitution.resolve(*value));
            let instruction = &self.function.instructions[inst].instruction;
            let Some(value) = self.function.instructions[inst].result.filter(|_| self.is_pure(instruction)) else {
                return true;
            };
            let hash = hash(instruction);
            let is_same = |other: &Available| is_same(instruction, &self.function.instructions[other.inst].instruction);
            if let Some(earlier) = self.available.find(hash, is_same) {
                self.substitution.replace(value, earlier.value);
                return false;
            }
            let is_shared = block != self.function.entry() && matches!(instruction, Instruction::Const(_));
            let available = Available { hash, inst, value };
            self.available.insert_unique(hash, available, |other| other.hash);
            if is_shared {
                self.constants.push(inst);
            } else {
                self.added.push(available);
            }
            !is_shared
        });
        self.function.blocks[block].instructions = instructions;
    }

    fn is_pure(&self, instruction: &Instruction) -> bool {
        match instruction {
            cast if cast.is_cast() => true,
            Instruction::Const(_)
            | Instruction::Binary(..)
            | Instruction::Unary(..)
            | Instruction::Compare(..)
            | Instruction::SlotAddress(..)
            | Instruction::MapReference(_)
            | Instruction::MapValueAddress(..)
            | Instruction::GlobalAddress(_)
            | Instruction::Context
            | Instruction::FunctionAddress(_) => true,
            Instruction::Call(helper, _) => helper.effect() == HelperEffect::Pure,
            Instruction::Load { address: Address::Pointer(pointer, _), .. } => {
                self.context_is_constant && self.is_context(*pointer)
            }
            Instruction::Load { .. }
            | Instruction::Store { .. }
            | Instruction::AtomicAdd { .. }
            | Instruction::Copy { .. }
            | Instruction::Zero { .. }
            | Instruction::StoreBytes { .. }
            | Instruction::CallFunction(..)
            | Instruction::CallKernel { .. } => false,
        }
    }

    fn is_context(&self, value: Value) -> bool {
        let is_program = matches!(self.function.kind, FunctionKind::Program { .. });
        let is_parameter = self.function.blocks[self.function.entry()].parameters.contains(&value);
        matches!(self.function.definition(value), Some(Instruction::Context)) || (is_program && is_parameter)
    }
}

/// The operands of a commutative operation, in one order.
fn commutative(instruction: &Instruction) -> Option<(BinaryOp, Width, Value, Value)> {
    match *instruction {
        Instruction::Binary(
            op @ (BinaryOp::Add | BinaryOp::Mul | BinaryOp::And | BinaryOp::Or | BinaryOp::Xor),
            width,
            left,
            right,
        ) => Some((op, width, left.min(right), left.max(right))),
        _ => None,
    }
}

fn hash(instruction: &Instruction) -> u64 {
    match commutative(instruction) {
        Some(operation) => FxBuildHasher.hash_one(operation),
        None => FxBuildHasher.hash_one(instruction),
    }
}

fn is_same(one: &Instruction, other: &Instruction) -> bool {
    one == other || commutative(one).is_some_and(|operation| commutative(other) == Some(operation))
}
