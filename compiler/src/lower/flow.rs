//! Control flow: branches, values chosen by branches, leaving loops and the probe.

use super::Lowerer;
use crate::ir::{Address, Block, Comparison, Instruction, MemorySize, Terminator, Value};

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

    /// Runs a piece of code if the condition holds.
    pub fn when(&mut self, condition: Value, then: impl FnOnce(&mut Self)) {
        let (block, end) = (self.builder.block(), self.builder.block());
        self.builder.branch(condition, block, end);
        self.run_before(block, end, then);
    }

    /// Runs a piece of code if the condition does not hold.
    pub fn unless(&mut self, condition: Value, then: impl FnOnce(&mut Self)) {
        let (block, end) = (self.builder.block(), self.builder.block());
        self.builder.branch(condition, end, block);
        self.run_before(block, end, then);
    }

    fn run_before(&mut self, block: Block, end: Block, code: impl FnOnce(&mut Self)) {
        self.builder.seal(block);
        self.builder.switch_to(block);
        code(self);
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

    /// A loop of `rounds` rounds within the function; `body` gets the number of the round and the block that leaves the loop.
    pub(super) fn count_up(&mut self, rounds: u32, body: impl FnOnce(&mut Self, Value, Block)) {
        let counter = self.builder.variable();
        let zero = self.constant(0);
        self.builder.define(counter, zero);
        let (head, end) = (self.builder.block(), self.builder.block());
        self.builder.jump(head);
        self.builder.switch_to(head);
        let round = self.builder.read(counter);
        body(self, round, end);
        let next = self.add_constant(round, 1);
        self.builder.define(counter, next);
        let most = self.constant(i64::from(rounds));
        let more = self.compare(Comparison::UnsignedLess, next, most);
        self.builder.branch(more, head, end);
        self.builder.seal(head);
        self.builder.seal(end);
        self.builder.switch_to(end);
    }

    /// Goes on when the condition holds, else goes to `end`, which is not yet sealed.
    pub fn go_on_or(&mut self, condition: Value, end: Block) {
        let next = self.builder.block();
        self.builder.branch(condition, next, end);
        self.builder.seal(next);
        self.builder.switch_to(next);
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
