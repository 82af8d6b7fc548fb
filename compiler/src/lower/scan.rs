//! Looking for a literal in a string of any length: a callback of bpf_loop takes eight bytes a round, and looks at single
//! bytes only where the literal's first byte or the end is among them.
//!
//! The verifier walks through the callback a few times, however long the string is. The place that was found goes behind the
//! string: of what is on the stack, every possible value would be one more way to walk.

use super::Lowerer;
use crate::ir::{
    Address, BinaryOp, Comparison, FunctionBuilder, FunctionId, FunctionKind, Helper, Instruction, MemorySize,
    Terminator, UnaryOp, Value,
};

/// The lowest, and the highest, bit of each byte of a word.
const LOWEST: i64 = 0x0101_0101_0101_0101;
const HIGHEST: i64 = 0x8080_8080_8080_8080_u64 as i64;

/// Bytes that have to be there behind `base` for a string of `size` bytes and a NUL.
pub(super) fn room(size: u32, literal: &[u8]) -> u32 {
    result_at(size, literal) + 8
}

/// Where the result goes: behind what is compared with the literal when the string's last byte may be its first.
fn result_at(size: u32, literal: &[u8]) -> u32 {
    (size + 1).next_multiple_of(8) + (literal.len() as u32).next_multiple_of(8)
}

impl Lowerer<'_> {
    /// Where the literal, which is not empty, first is behind `base`, before a NUL, which there is within `size` bytes and
    /// one; -1 when it is not there.
    pub(super) fn scan(&mut self, base: Value, size: u32, literal: &[u8]) -> Value {
        let words = (size + 1).div_ceil(8);
        let result = result_at(size, literal);
        let callback = self.scanning_callback(words, literal, result);
        let context = self.builder.stack_slot(8, 8, "search");
        let none = self.constant(-1);
        self.store8(Address::Slot(context, 0), base);
        self.store8(Address::Pointer(base, result as i32), none);
        let (rounds, flags) = (self.constant(i64::from(words)), self.constant(0));
        let function = self.value(Instruction::FunctionAddress(callback));
        let pointer = self.address_of(Address::Slot(context, 0));
        self.call(Helper::LOOP, &[rounds, function, pointer, flags]);
        self.load8(Address::Pointer(base, result as i32))
    }

    fn scanning_callback(&mut self, words: u32, literal: &[u8], result: u32) -> FunctionId {
        self.plain_callback(2, |lowerer| lowerer.look_at_word(words, literal, result))
    }

    /// A callback function that has nothing of the function around it; its body ends with a return.
    pub(super) fn plain_callback(&mut self, parameters: usize, body: impl FnOnce(&mut Self)) -> FunctionId {
        self.functions += 1;
        let name = format!("callback{}", self.functions - 1);
        let mut builder = FunctionBuilder::new(name, FunctionKind::Callback, parameters);
        builder.set_span(self.builder.span());
        let outer = std::mem::replace(&mut self.builder, builder);
        body(self);
        let built = std::mem::replace(&mut self.builder, outer);
        self.module.functions.push(built.finish())
    }

    /// The callback: 0 goes on, 1 ends the search.
    fn look_at_word(&mut self, words: u32, literal: &[u8], result: u32) {
        let (index, context) = (self.builder.parameter(0), self.builder.parameter(1));
        let most = self.constant(i64::from(words));
        let inside = self.compare(Comparison::UnsignedLess, index, most);
        self.unless_return(inside, 1);
        let base = self.load8(Address::Pointer(context, 0));
        let eight = self.constant(8);
        let offset = self.binary(BinaryOp::Mul, index, eight);
        let at = self.binary(BinaryOp::Add, base, offset);
        let word = self.load8(Address::Pointer(at, 0));
        let first = self.constant(i64::from(literal[0]).wrapping_mul(LOWEST));
        let differing = self.binary(BinaryOp::Xor, word, first);
        let (end, candidate) = (self.zero_bytes(word), self.zero_bytes(differing));
        let either = self.binary(BinaryOp::Or, end, candidate);
        let highest = self.constant(HIGHEST);
        let either = self.binary(BinaryOp::And, either, highest);
        self.unless_return(either, 0);
        let found = Address::Pointer(base, result as i32);
        self.look_at_bytes(word, at, offset, found, literal);
        let zero = self.constant(0);
        self.builder.terminate(Terminator::Return(zero));
    }

    /// The highest bit of the lowest byte that is zero, and others above it and besides.
    fn zero_bytes(&mut self, word: Value) -> Value {
        let lowest = self.constant(LOWEST);
        let borrowed = self.binary(BinaryOp::Sub, word, lowest);
        let clear = self.value(Instruction::Unary(UnaryOp::Not, word));
        self.binary(BinaryOp::And, borrowed, clear)
    }

    /// The places of the word one after the other. Each is compared as a whole, without a branch that would come back: the
    /// verifier walks through every way there is through the rounds.
    fn look_at_bytes(&mut self, word: Value, at: Value, offset: Value, result: Address, literal: &[u8]) {
        let rest = self.builder.variable();
        self.builder.define(rest, word);
        self.count_up(8, |lowerer, index, _| {
            let bytes = lowerer.builder.read(rest);
            let mask = lowerer.constant(0xff);
            let byte = lowerer.binary(BinaryOp::And, bytes, mask);
            lowerer.unless_return(byte, 1);
            let here = lowerer.binary(BinaryOp::Add, at, index);
            let different = lowerer.differing_bits(here, literal);
            let (found, next) = (lowerer.builder.block(), lowerer.builder.block());
            lowerer.builder.branch(different, next, found);
            lowerer.builder.seal(found);
            lowerer.builder.seal(next);
            lowerer.builder.switch_to(found);
            let place = lowerer.binary(BinaryOp::Add, offset, index);
            lowerer.store8(result, place);
            let one = lowerer.constant(1);
            lowerer.builder.terminate(Terminator::Return(one));
            lowerer.builder.switch_to(next);
            let by = lowerer.constant(8);
            let bytes = lowerer.binary(BinaryOp::ShiftRight, bytes, by);
            lowerer.builder.define(rest, bytes);
        });
    }

    /// 0 when the bytes at an address are those of the literal.
    fn differing_bits(&mut self, at: Value, literal: &[u8]) -> Value {
        let mut different = self.constant(0);
        let mut offset = 0;
        while offset < literal.len() {
            let size = MemorySize::largest_within((literal.len() - offset) as u32);
            let end = offset + size.bytes() as usize;
            let mut expected = [0; 8];
            expected[..end - offset].copy_from_slice(&literal[offset..end]);
            let expected = self.constant(i64::from_le_bytes(expected));
            let word = self.load_word(Address::Pointer(at, offset as i32), size);
            let other = self.binary(BinaryOp::Xor, word, expected);
            different = self.binary(BinaryOp::Or, different, other);
            offset = end;
        }
        different
    }

    /// Returns `otherwise` from the callback unless the condition holds.
    pub(super) fn unless_return(&mut self, condition: Value, otherwise: i64) {
        let (go_on, leave) = (self.builder.block(), self.builder.block());
        self.builder.branch(condition, go_on, leave);
        self.builder.seal(go_on);
        self.builder.seal(leave);
        self.builder.switch_to(leave);
        let result = self.constant(otherwise);
        self.builder.terminate(Terminator::Return(result));
        self.builder.switch_to(go_on);
    }
}
