//! A walk over a function that replaces instructions one by one: the frame of the passes that look at single
//! instructions.
//!
//! Invariant: blocks are visited in reverse postorder and operands are rewritten before an instruction is shown, so a pass
//! sees the outcome of its own earlier decisions (except around loops, where the next round does).

use super::substitution::Substitution;
use crate::ir::analysis::ControlFlow;
use crate::ir::{Function, Inst, InstData, Instruction, Value, ValueData, ValueDef};
use lancet_syntax::span::Span;

/// What is to become of an instruction.
pub(super) enum Rewrite {
    /// It stays.
    Keep,
    /// It does something else, with the same result.
    Become(Instruction),
    /// It goes; its result is this value.
    Replace(Value),
}

/// The function while it is rewritten.
pub(super) struct Rewriter<'a> {
    /// The function; instruction lists may only be changed through the rewriter.
    pub function: &'a mut Function,
    output: Vec<Inst>,
    span: Span,
}

impl Rewriter<'_> {
    /// Inserts an instruction with a result before the one that is shown.
    pub fn insert(&mut self, instruction: Instruction) -> Value {
        let (inst, value) = new_instruction(self.function, instruction, self.span);
        self.output.push(inst);
        value
    }

    /// Inserts a constant.
    pub fn constant(&mut self, number: u64) -> Value {
        self.insert(Instruction::Const(number as i64))
    }

    /// The number that a value always is.
    pub fn known(&self, value: Value) -> Option<u64> {
        super::substitution::constant(self.function, value)
    }
}

/// Shows every reachable instruction to `decide`; true when something changed.
pub(super) fn rewrite(
    function: &mut Function,
    control_flow: &ControlFlow,
    mut decide: impl FnMut(&mut Rewriter, Inst) -> Rewrite,
) -> bool {
    let mut substitution = Substitution::default();
    let mut changed = false;
    let mut output = Vec::new();
    for block in control_flow.order.iter().copied() {
        let mut instructions = std::mem::take(&mut function.blocks[block].instructions);
        let mut rewriter = Rewriter { function, output, span: Span::default() };
        for inst in instructions.iter().copied() {
            let data = &mut rewriter.function.instructions[inst];
            rewriter.span = data.span;
            if !substitution.is_empty() {
                data.instruction.visit_operands_mut(|value| *value = substitution.resolve(*value));
            }
            let result = data.result;
            match decide(&mut rewriter, inst) {
                Rewrite::Keep => rewriter.output.push(inst),
                Rewrite::Become(instruction) => {
                    rewriter.function.instructions[inst].instruction = instruction;
                    rewriter.output.push(inst);
                    changed = true;
                }
                Rewrite::Replace(value) => {
                    result.into_iter().for_each(|result| substitution.replace(result, value));
                    changed = true;
                }
            }
        }
        output = rewriter.output;
        if output != instructions {
            instructions.clear();
            instructions.extend_from_slice(&output);
        }
        output.clear();
        function.blocks[block].instructions = instructions;
    }
    substitution.apply(function);
    changed
}

/// A new instruction with its result, in no block yet.
pub(super) fn new_instruction(function: &mut Function, instruction: Instruction, span: Span) -> (Inst, Value) {
    let inst = function.instructions.push(InstData { instruction, result: None, span });
    let value = function.values.push(ValueData { definition: ValueDef::Result(inst) });
    function.instructions[inst].result = Some(value);
    (inst, value)
}
