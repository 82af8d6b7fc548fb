//! Instructions that give the same value as one that dominates them go (global value numbering).
//!
//! Only what depends on operands alone takes part: arithmetic, addresses, helpers that give the same result throughout an
//! event, and loads from the context, which nothing writes.

use super::Surroundings;
use super::substitution::Substitution;
use crate::ir::{Address, BinaryOp, Block, Function, FunctionKind, Helper, HelperEffect, Inst, Instruction, Value};
use rustc_hash::FxHashMap;

pub(super) fn run(function: &mut Function, surroundings: &Surroundings) -> bool {
    let control_flow = surroundings.control_flow(function);
    let dominators = surroundings.dominators(function);
    let mut numbering = Numbering {
        context_is_constant: !calls(function, Helper::OVERRIDE_RETURN),
        function,
        available: FxHashMap::default(),
        substitution: Substitution::default(),
        constants: Vec::new(),
    };
    enum Step {
        Enter(Block),
        Leave(Vec<Instruction>),
    }
    let mut steps = vec![Step::Enter(numbering.function.entry())];
    while let Some(step) = steps.pop() {
        match step {
            Step::Enter(block) => {
                let added = numbering.block(block);
                steps.push(Step::Leave(added));
                steps.extend(dominators.children(&control_flow, block).rev().map(Step::Enter));
            }
            Step::Leave(added) => added.iter().for_each(|instruction| {
                numbering.available.remove(instruction);
            }),
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

struct Numbering<'a> {
    function: &'a mut Function,
    context_is_constant: bool,
    /// What dominating blocks have computed.
    available: FxHashMap<Instruction, Value>,
    substitution: Substitution,
    /// Constants of other blocks than the first, where they go: a block that others share for nothing but a constant would
    /// have to stay.
    constants: Vec<Inst>,
}

impl Numbering<'_> {
    /// Numbers one block; returns what it made available.
    fn block(&mut self, block: Block) -> Vec<Instruction> {
        let mut added = Vec::new();
        let mut instructions = std::mem::take(&mut self.function.blocks[block].instructions);
        instructions.retain(|inst| {
            let inst = *inst;
            let data = &mut self.function.instructions[inst];
            data.instruction.visit_operands_mut(|value| *value = self.substitution.resolve(*value));
            let Some(result) = data.result.filter(|_| self.is_pure(&self.function.instructions[inst].instruction))
            else {
                return true;
            };
            let key = ordered(self.function.instructions[inst].instruction.clone());
            match self.available.get(&key) {
                Some(earlier) => {
                    self.substitution.replace(result, *earlier);
                    false
                }
                None if block != self.function.entry() && matches!(key, Instruction::Const(_)) => {
                    self.available.insert(key, result);
                    self.constants.push(inst);
                    false
                }
                None => {
                    self.available.insert(key.clone(), result);
                    added.push(key);
                    true
                }
            }
        });
        self.function.blocks[block].instructions = instructions;
        added
    }

    fn is_pure(&self, instruction: &Instruction) -> bool {
        match instruction {
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

/// Operands of commutative operations in one order, so that both orders are the same.
fn ordered(instruction: Instruction) -> Instruction {
    match instruction {
        Instruction::Binary(
            op @ (BinaryOp::Add | BinaryOp::Mul | BinaryOp::And | BinaryOp::Or | BinaryOp::Xor),
            width,
            left,
            right,
        ) => Instruction::Binary(op, width, left.min(right), left.max(right)),
        other => other,
    }
}
