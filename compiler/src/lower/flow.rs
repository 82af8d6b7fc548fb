//! Control flow: branches, values chosen by branches, leaving loops and the probe.

use super::Lowerer;
use crate::ir::{Address, Block, Instruction, MemorySize, Terminator, Value};

/// The loop around the current code.
#[derive(Clone, Copy)]
pub(super) enum Loop {
    /// A loop within the function.
    Blocks {
        /// Where `continue` goes.
        next: Block,
        /// Where `break` goes.
        end: Block,
    },
    /// A callback's body: `continue` returns 0, `break` returns 1.
    Callback,
}

impl Lowerer<'_> {
    /// Runs one of two pieces of code.
    pub fn if_else(&mut self, condition: Value, then: impl FnOnce(&mut Self), otherwise: impl FnOnce(&mut Self)) {
        let (then_block, else_block, end) = (self.builder.block(), self.builder.block(), self.builder.block());
        self.builder.branch(condition, then_block, else_block);
        self.builder.seal(then_block);
        self.builder.seal(else_block);
        self.builder.switch_to(then_block);
        then(self);
        self.builder.jump(end);
        self.builder.switch_to(else_block);
        otherwise(self);
        self.builder.jump(end);
        self.builder.seal(end);
        self.builder.switch_to(end);
    }

    /// The value of one of two pieces of code.
    pub fn choose(
        &mut self,
        condition: Value,
        then: impl FnOnce(&mut Self) -> Value,
        otherwise: impl FnOnce(&mut Self) -> Value,
    ) -> Value {
        let result = self.builder.variable();
        self.if_else(
            condition,
            |lowerer| {
                let value = then(lowerer);
                lowerer.builder.define(result, value);
            },
            |lowerer| {
                let value = otherwise(lowerer);
                lowerer.builder.define(result, value);
            },
        );
        self.builder.read(result)
    }

    /// Ends the action: code that follows is not reached.
    pub fn return_from_probe(&mut self) {
        match self.frame {
            // In a callback: tell the function that started the loop, and stop the loop.
            Some(frame) if frame.in_callback() => {
                let flag = self.frame_flag();
                let one = self.constant(1);
                self.push(Instruction::Store { address: flag, size: MemorySize::B8, value: one });
                self.builder.terminate(Terminator::Return(one));
            }
            _ => self.return_zero(),
        }
    }

    pub(super) fn leave_loop(&mut self) {
        match self.loops.last() {
            Some(Loop::Blocks { end, .. }) => self.builder.jump(*end),
            Some(Loop::Callback) => {
                let one = self.constant(1);
                self.builder.terminate(Terminator::Return(one));
            }
            None => {}
        }
    }

    pub(super) fn next_round(&mut self) {
        match self.loops.last() {
            Some(Loop::Blocks { next, .. }) => self.builder.jump(*next),
            Some(Loop::Callback) => {
                let zero = self.constant(0);
                self.builder.terminate(Terminator::Return(zero));
            }
            None => {}
        }
    }

    /// The frame's word that says "the probe has ended".
    pub(super) fn frame_flag(&mut self) -> Address {
        self.frame.map_or(Address::Pointer(self.builder.parameter(0), 0), |frame| frame.address(&self.builder, 0))
    }
}
