//! What the kernel's readers of strings do, done with our own memory where they may not be called: on a kernel that is
//! locked down they read nothing, not even what is ours.
//!
//! Everything is word by word and without branches, so that the verifier follows it once. Strings are zero behind their
//! NUL in all memory that we make.

use super::Lowerer;
use crate::ir::{Address, BinaryOp, Comparison, Instruction, MemorySize, UnaryOp, Value};

/// The lowest bit of each byte.
const EACH_BYTE: i64 = 0x0101_0101_0101_0101;

impl Lowerer<'_> {
    /// True where helpers may read kernel memory, to which ours belongs.
    pub fn helpers_read_own_memory(&self) -> bool {
        self.target.features.kernel_reads
    }

    /// The number of bytes of a string before its NUL.
    pub(super) fn counted_length(&mut self, string: Address, capacity: u32) -> Value {
        let mut total = self.constant(0);
        let mut offset = 0;
        while offset < capacity {
            let size = MemorySize::largest_within(capacity - offset);
            let place = self.offset_address(string, offset);
            let mut mask = self.load_word(place, size);
            // Every bit below the highest that is set; then one bit of each byte, and their sum in the highest byte.
            for shift in [1, 2, 4, 8, 16, 32] {
                let by = self.constant(shift);
                let shifted = self.binary(BinaryOp::ShiftRight, mask, by);
                mask = self.binary(BinaryOp::Or, mask, shifted);
            }
            let (each, down) = (self.constant(EACH_BYTE), self.constant(56));
            // A byte whose lowest bit the smearing did not reach is zero, and so are those above it.
            let bits = self.binary(BinaryOp::And, mask, each);
            let sum = self.binary(BinaryOp::Mul, bits, each);
            let count = self.binary(BinaryOp::ShiftRight, sum, down);
            total = self.binary(BinaryOp::Add, total, count);
            offset += size.bytes();
        }
        let most = self.constant(i64::from(capacity));
        let fits = self.compare(Comparison::UnsignedLessEqual, total, most);
        self.choose(fits, |_| total, |_| most)
    }

    /// Copies a string of whole words up to its NUL, and makes what is behind it zero.
    pub(super) fn copy_text(&mut self, from: Address, to: Address, size: u32) {
        let (each, highest) = (self.constant(EACH_BYTE), self.constant(EACH_BYTE << 7));
        let (zero, one, mut goes_on) = (self.constant(0), self.constant(1), self.constant(-1));
        for offset in (0..size).step_by(8) {
            let (place, target) = (self.offset_address(from, offset), self.offset_address(to, offset));
            let word = self.load8(place);
            // The highest bit of the first byte that is zero, and then those below it: all, if there is none.
            let less = self.binary(BinaryOp::Sub, word, each);
            let unset = self.value(Instruction::Unary(UnaryOp::Not, word));
            let borrowed = self.binary(BinaryOp::And, less, unset);
            let zeros = self.binary(BinaryOp::And, borrowed, highest);
            let negated = self.value(Instruction::Unary(UnaryOp::Negate, zeros));
            let first = self.binary(BinaryOp::And, zeros, negated);
            let below = self.binary(BinaryOp::Sub, first, one);
            let kept = self.binary(BinaryOp::And, word, below);
            let kept = self.binary(BinaryOp::And, kept, goes_on);
            self.store8(target, kept);
            let none = self.compare(Comparison::Equal, zeros, zero);
            let mask = self.value(Instruction::Unary(UnaryOp::Negate, none));
            goes_on = self.binary(BinaryOp::And, goes_on, mask);
        }
    }

    /// Copies the first `count` of `most` bytes, and makes the others zero.
    pub fn copy_first(&mut self, to: Address, from: Address, most: u32, count: Value) {
        for offset in 0..most {
            let (place, target) = (self.offset_address(from, offset), self.offset_address(to, offset));
            let byte = self.load_word(place, MemorySize::B1);
            let index = self.constant(i64::from(offset));
            let wanted = self.compare(Comparison::UnsignedLess, index, count);
            let mask = self.value(Instruction::Unary(UnaryOp::Negate, wanted));
            let value = self.binary(BinaryOp::And, byte, mask);
            self.push(Instruction::Store { address: target, size: MemorySize::B1, value });
        }
    }
}
