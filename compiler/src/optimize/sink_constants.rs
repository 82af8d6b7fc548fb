//! Constants and addresses are made anew right before the instruction that uses them, instead of being kept in a register
//! across calls: only four registers survive a call, and making a constant costs one instruction.
//!
//! Runs once at the end: value numbering would merge the copies again.

use super::Surroundings;
use super::rewrite::new_instruction;
use crate::ir::analysis::ControlFlow;
use crate::ir::{Block, Function, Inst, Instruction, Value, ValueDef};
use lancet_syntax::span::Span;
use rustc_hash::FxHashMap;

pub(super) fn run(function: &mut Function, _: &Surroundings) -> bool {
    for block in ControlFlow::new(function).order {
        let instructions = std::mem::take(&mut function.blocks[block].instructions);
        let mut sinking = Sinking { function, output: Vec::new(), copies: FxHashMap::default() };
        for inst in instructions {
            sinking.instruction(inst);
        }
        sinking.terminator(block);
        function.blocks[block].instructions = sinking.output;
    }
    false
}

struct Sinking<'a> {
    function: &'a mut Function,
    output: Vec<Inst>,
    /// What has been made since the last call of this block.
    copies: FxHashMap<Value, Value>,
}

impl Sinking<'_> {
    fn instruction(&mut self, inst: Inst) {
        let mut instruction = self.function.instructions[inst].instruction.clone();
        if is_cheap(&instruction) {
            return;
        }
        let span = self.function.instructions[inst].span;
        instruction.visit_operands_mut(|value| *value = self.copy(*value, span));
        if matches!(instruction, Instruction::Call(..) | Instruction::CallFunction(..) | Instruction::CallKernel { .. })
        {
            self.copies.clear();
        }
        self.function.instructions[inst].instruction = instruction;
        self.output.push(inst);
    }

    fn terminator(&mut self, block: Block) {
        let Some(mut terminator) = self.function.blocks[block].terminator.take() else { return };
        let span = self.output.last().map_or(Span::default(), |inst| self.function.instructions[*inst].span);
        terminator.visit_operands_mut(|value| *value = self.copy(*value, span));
        self.function.blocks[block].terminator = Some(terminator);
    }

    /// The value to use here instead of `value`.
    fn copy(&mut self, value: Value, span: Span) -> Value {
        let ValueDef::Result(inst) = self.function.values[value].definition else { return value };
        let instruction = self.function.instructions[inst].instruction.clone();
        if !is_cheap(&instruction) {
            return value;
        }
        if let Some(copy) = self.copies.get(&value) {
            return *copy;
        }
        let (inst, copy) = new_instruction(self.function, instruction, span);
        self.output.push(inst);
        self.copies.insert(value, copy);
        copy
    }
}

fn is_cheap(instruction: &Instruction) -> bool {
    match instruction {
        Instruction::Const(_)
        | Instruction::SlotAddress(..)
        | Instruction::MapReference(_)
        | Instruction::MapValueAddress(..)
        | Instruction::GlobalAddress(_)
        | Instruction::FunctionAddress(_) => true,
        Instruction::Binary(..)
        | Instruction::Unary(..)
        | Instruction::Compare(..)
        | Instruction::Load { .. }
        | Instruction::Store { .. }
        | Instruction::AtomicAdd { .. }
        | Instruction::Copy { .. }
        | Instruction::Zero { .. }
        | Instruction::StoreBytes { .. }
        | Instruction::Context
        | Instruction::Call(..)
        | Instruction::CallFunction(..)
        | Instruction::CallKernel { .. } => false,
    }
}
