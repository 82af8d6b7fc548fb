//! Strings: comparison by words and length. All rely on strings being zero behind their NUL.

use super::Lowerer;
use crate::hir::{Expr, ExprKind};
use crate::ir::{Address, BinaryOp, Comparison, Helper, Instruction, MemorySize, Value};
use crate::types::Type;

impl Lowerer<'_> {
    /// `==` and `!=` of values in memory.
    pub(super) fn memory_equal(&mut self, negated: bool, left: &Expr, right: &Expr) -> Value {
        let equal = match (&left.ty, &right.ty) {
            (Type::String(_), Type::String(_)) => self.strings_equal(left, right, None),
            _ => {
                let (a, b) = (self.memory(left), self.memory(right));
                self.fields_equal(a, &left.ty, b, &right.ty)
            }
        };
        if negated {
            let zero = self.constant(0);
            return self.compare(Comparison::Equal, equal, zero);
        }
        equal
    }

    /// 1 when two strings are equal (in their first `limit` bytes, when given), else 0.
    pub fn strings_equal(&mut self, a: &Expr, b: &Expr, limit: Option<u32>) -> Value {
        if let (_, ExprKind::String(bytes)) | (ExprKind::String(bytes), _) = (&a.kind, &b.kind) {
            let other = if matches!(b.kind, ExprKind::String(_)) { a } else { b };
            if let Type::String(capacity) = other.ty {
                let wanted = wanted(bytes, limit);
                let memory = self.text(other, wanted.len() as u32);
                return self.equals_literal(memory, capacity, wanted);
            }
        }
        let (x, y) = (self.memory(a), self.memory(b));
        let (Type::String(m), Type::String(n)) = (&a.ty, &b.ty) else { return self.constant(0) };
        let both = (*m).min(*n);
        let compared = limit.map_or(both, |limit| limit.min(both));
        let same = self.bytes_equal(x, y, compared);
        // Equal so far, and the shorter one fills its memory: then the longer must end there too.
        let longer = if m > n { x } else { y };
        if m == n || limit.is_some_and(|limit| limit <= both) {
            return same;
        }
        self.choose(
            same,
            |lowerer| {
                let behind = lowerer.offset_address(longer, both);
                let next = lowerer.load_word(behind, MemorySize::B1);
                let zero = lowerer.constant(0);
                lowerer.compare(Comparison::Equal, next, zero)
            },
            |lowerer| lowerer.constant(0),
        )
    }

    /// A string of which only the first `most` bytes matter, up to the NUL; behind that its memory may hold anything.
    pub(super) fn text(&mut self, expr: &Expr, most: u32) -> Address {
        let outer = self.builder.span();
        self.builder.set_span(expr.span);
        let text = match &expr.kind {
            ExprKind::Call(call) => call.builtin.lower_text(self, call, &expr.ty, None, most).map(|(text, _)| text),
            ExprKind::Load { .. } => self.load_text(expr, most),
            _ => None,
        };
        self.builder.set_span(outer);
        text.unwrap_or_else(|| self.memory(expr))
    }

    fn equals_literal(&mut self, memory: Address, capacity: u32, literal: &[u8]) -> Value {
        let compared = literal.len().min(capacity as usize);
        // A literal longer than the memory can only be equal up to a NUL that does not fit.
        if literal.len() > capacity as usize && literal[capacity as usize] != 0 {
            return self.constant(0);
        }
        self.equals_bytes(memory, &literal[..compared])
    }

    /// Compares memory with constant bytes, a word at a time.
    pub(super) fn equals_bytes(&mut self, memory: Address, bytes: &[u8]) -> Value {
        self.all_words(bytes.len() as u32, |lowerer, offset, size| {
            let address = lowerer.offset_address(memory, offset);
            let word = lowerer.load_word(address, size);
            let mut expected = [0; 8];
            let start = offset as usize;
            expected[..size.bytes() as usize].copy_from_slice(&bytes[start..start + size.bytes() as usize]);
            (word, lowerer.constant(i64::from_le_bytes(expected)))
        })
    }

    fn bytes_equal(&mut self, a: Address, b: Address, size: u32) -> Value {
        self.all_words(size, |lowerer, offset, size| {
            let (x, y) = (lowerer.offset_address(a, offset), lowerer.offset_address(b, offset));
            (lowerer.load_word(x, size), lowerer.load_word(y, size))
        })
    }

    /// 1 when all pairs of words are equal; stops at the first that are not.
    fn all_words(&mut self, bytes: u32, mut words: impl FnMut(&mut Self, u32, MemorySize) -> (Value, Value)) -> Value {
        let result = self.builder.variable();
        let zero = self.constant(0);
        self.builder.define(result, zero);
        let end = self.builder.block();
        let mut offset = 0;
        while offset < bytes {
            let size = MemorySize::largest_within(bytes - offset);
            let (a, b) = words(self, offset, size);
            let equal = self.compare(Comparison::Equal, a, b);
            let next = self.builder.block();
            self.builder.branch(equal, next, end);
            self.builder.seal(next);
            self.builder.switch_to(next);
            offset += size.bytes();
        }
        let one = self.constant(1);
        self.builder.define(result, one);
        self.builder.jump(end);
        self.builder.seal(end);
        self.builder.switch_to(end);
        self.builder.read(result)
    }

    /// Equality of two values in memory, field by field where there is padding or types differ.
    fn fields_equal(&mut self, a: Address, a_type: &Type, b: Address, b_type: &Type) -> Value {
        let size = self.size_of(a_type);
        if a_type == b_type && !matches!(a_type, Type::Struct(_)) {
            // Padding is zero in all memory that we make.
            return self.bytes_equal(a, b, size);
        }
        if let (Type::Struct(_), Type::Struct(_)) = (a_type, b_type) {
            return self.bytes_equal(a, b, size);
        }
        let copy = Address::Slot(self.slot(size, 8, "compared"), 0);
        let b_size = self.size_of(b_type);
        if b_size >= size {
            let wider = Address::Slot(self.slot(b_size, 8, "compared"), 0);
            self.convert_memory(a, a_type, wider, b_type);
            return self.bytes_equal(wider, b, b_size);
        }
        self.convert_memory(b, b_type, copy, a_type);
        self.bytes_equal(a, copy, size)
    }

    /// The number of bytes before the NUL.
    pub fn string_length(&mut self, string: &Expr) -> Value {
        let Type::String(capacity) = string.ty else { return self.constant(0) };
        let memory = self.memory(string);
        if !self.helpers_read_own_memory() {
            return self.counted_length(memory, capacity);
        }
        // The kernel counts: reading the string onto itself gives its length with the NUL.
        let scratch = Address::Slot(self.slot(capacity + 1, 8, "counted"), 0);
        self.push(Instruction::Zero { address: scratch, size: 8.min(capacity + 1) });
        let (to, size) = (self.address_of(scratch), self.constant(i64::from(capacity) + 1));
        let from = self.address_of(memory);
        let length = self.call(Helper::PROBE_READ_KERNEL_STR, &[to, size, from]);
        self.length_of_copied(length, capacity)
    }

    /// The length of a string from what the helper that copied it said: at most its capacity, 0 when that failed.
    pub(super) fn length_of_copied(&mut self, length: Value, capacity: u32) -> Value {
        let zero = self.constant(0);
        let good = self.compare(Comparison::SignedGreater, length, zero);
        let one = self.constant(1);
        let most = self.constant(i64::from(capacity));
        let counted = self.choose(good, |lowerer| lowerer.binary(BinaryOp::Sub, length, one), |_| zero);
        let fits = self.compare(Comparison::UnsignedLessEqual, counted, most);
        self.choose(fits, |_| counted, |_| most)
    }
}

/// The bytes of a literal that a string has to have: up to its NUL, at most `limit`.
fn wanted(literal: &[u8], limit: Option<u32>) -> &[u8] {
    let end = literal.iter().position(|byte| *byte == 0).map_or(literal.len(), |nul| nul + 1);
    &literal[..limit.map_or(end, |limit| (limit as usize).min(end))]
}
