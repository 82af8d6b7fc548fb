//! Constants and addresses are made anew right before the instruction that uses them, instead of being kept in a register
//! across calls: only four registers survive a call, and making a constant costs one instruction.
//!
//! Runs once at the end: value numbering would merge the copies again.

use super::Surroundings;
use super::rewrite::new_instruction;
use crate::ir::{Block, Function, Inst, InstData, Instruction, Value, ValueDef};
use lancet_syntax::span::Span;

pub(super) fn run(function: &mut Function, surroundings: &Surroundings) -> bool {
    let mut sinking = Sinking { function, output: Vec::new(), copies: Vec::new() };
    for block in &surroundings.control_flow(sinking.function).order {
        let mut instructions = std::mem::take(&mut sinking.function.blocks[*block].instructions);
        for inst in instructions.drain(..) {
            sinking.instruction(inst);
        }
        sinking.terminator(*block);
        sinking.copies.clear();
        instructions.append(&mut sinking.output);
        sinking.function.blocks[*block].instructions = instructions;
    }
    true
}

struct Sinking<'a> {
    function: &'a mut Function,
    output: Vec<Inst>,
    /// What has been made since the last call of this block.
    copies: Vec<(Value, Value)>,
}

impl Sinking<'_> {
    fn instruction(&mut self, inst: Inst) {
        let InstData { instruction, span, .. } = &mut self.function.instructions[inst];
        if is_cheap(instruction) {
            return;
        }
        // The operands' definitions are other instructions.
        let (mut instruction, span) = (std::mem::replace(instruction, Instruction::Context), *span);
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
        let instruction = &self.function.instructions[inst].instruction;
        if !is_cheap(instruction) {
            return value;
        }
        if let Some((_, copy)) = self.copies.iter().find(|(copied, _)| *copied == value) {
            return *copy;
        }
        let (inst, copy) = new_instruction(self.function, instruction.clone(), span);
        self.output.push(inst);
        self.copies.push((value, copy));
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
