//! A walk over a function that replaces instructions one by one: the frame of the passes that look at single
//! instructions.
//!
//! Invariant: blocks are visited in reverse postorder and operands are rewritten before an instruction is shown, so a pass
//! sees the outcome of its own earlier decisions (except around loops, where the next round does).

use super::substitution::Substitution;
use crate::ir::analysis::ControlFlow;
use crate::ir::{Block, Function, Inst, InstData, Instruction, Value, ValueData, ValueDef};
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
    /// Those of the block that is walked through.
    instructions: Vec<Inst>,
    /// The place among them of the one that is shown.
    shown: usize,
    /// What becomes of those before, if it is not the same.
    output: Vec<Inst>,
    differs: bool,
    span: Span,
}

impl Rewriter<'_> {
    /// Inserts an instruction with a result before the one that is shown.
    pub fn insert(&mut self, instruction: Instruction) -> Value {
        let (inst, value) = new_instruction(self.function, instruction, self.span);
        self.differ();
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

    /// From here on the block's instructions are not what they were.
    fn differ(&mut self) {
        if !std::mem::replace(&mut self.differs, true) {
            self.output.clear();
            self.output.extend_from_slice(&self.instructions[..self.shown]);
        }
    }

    /// The instruction that is shown stays.
    fn keep(&mut self) {
        if self.differs {
            self.output.push(self.instructions[self.shown]);
        }
    }

    /// Gives a block its instructions back.
    fn finish(&mut self, block: Block) {
        if std::mem::take(&mut self.differs) {
            self.instructions.clear();
            self.instructions.extend_from_slice(&self.output);
        }
        self.function.blocks[block].instructions = std::mem::take(&mut self.instructions);
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
    let (instructions, output) = (Vec::new(), Vec::new());
    let mut rewriter = Rewriter { function, instructions, shown: 0, output, differs: false, span: Span::default() };
    for block in control_flow.order.iter().copied() {
        rewriter.instructions = std::mem::take(&mut rewriter.function.blocks[block].instructions);
        for shown in 0..rewriter.instructions.len() {
            let inst = rewriter.instructions[shown];
            rewriter.shown = shown;
            let data = &mut rewriter.function.instructions[inst];
            rewriter.span = data.span;
            if !substitution.is_empty() {
                data.instruction.visit_operands_mut(|value| *value = substitution.resolve(*value));
            }
            let result = data.result;
            match decide(&mut rewriter, inst) {
                Rewrite::Keep => rewriter.keep(),
                Rewrite::Become(instruction) => {
                    rewriter.function.instructions[inst].instruction = instruction;
                    rewriter.keep();
                    changed = true;
                }
                Rewrite::Replace(value) => {
                    result.into_iter().for_each(|result| substitution.replace(result, value));
                    rewriter.differ();
                    changed = true;
                }
            }
        }
        rewriter.finish(block);
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
