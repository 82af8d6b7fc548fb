//! Looking for one string in another, joining two, and comparing memory: what needs places that are computed.
//!
//! Where the kernel has a function that searches, it does. Else such memory is in scratch slots: a map's value may be read anywhere, unaligned too, on every kernel. Loops are counted
//! up from 0, so that the verifier knows the place in each round; it walks through all rounds, which bounds how long
//! strings may be.

use super::loops::Frame;
use super::{Lowerer, scan};
use crate::hir::{Expr, ExprKind};
use crate::ir::{Address, BinaryOp, Comparison, Helper, Instruction, MemorySize, UnaryOp, Value, Width};
use crate::types::Type;

/// The most bytes that are searched: the verifier remembers 8192 branches, and a round has two or three.
pub const LONGEST_SEARCHED: u32 = 2048;
/// The most that the verifier may have to walk through for one search, of the million instructions that it allows a program.
const MOST_INSTRUCTIONS: u32 = 450_000;
/// The kernel's function `int bpf_strstr(const char *, const char *)` (Linux 6.17), which looks at 65,536 bytes and no more.
const KERNEL_SEARCH: &str = "bpf_strstr";
const LONGEST_BY_KERNEL: u32 = 60_000;
/// Longer literals are in read-only memory: making that costs more than a few stores.
const LONG_LITERAL: usize = 16;
/// Instructions per round, and per word of the needle in each.
const ROUND: u32 = 8;
const WORD: u32 = 6;

/// True when the verifier can walk through a search for an unknown string.
pub fn can_search(haystack: u32, needle: u32) -> bool {
    haystack <= LONGEST_SEARCHED && haystack * (ROUND + WORD * needle.div_ceil(8)) <= MOST_INSTRUCTIONS
}

impl Lowerer<'_> {
    /// The index of the first occurrence of a string in another, -1 without one.
    pub fn find_string(&mut self, haystack: &Expr, needle: &Expr) -> Value {
        self.search(haystack, needle, Answer::Place)
    }

    /// 1 when a string occurs in another, else 0.
    pub fn contains_string(&mut self, haystack: &Expr, needle: &Expr) -> Value {
        self.search(haystack, needle, Answer::Presence)
    }

    fn search(&mut self, haystack: &Expr, needle: &Expr, answer: Answer) -> Value {
        let (Type::String(size), Type::String(most)) = (&haystack.ty, &needle.ty) else {
            return self.constant(answer.absent());
        };
        let (size, most) = (*size, *most);
        let literal = match &needle.kind {
            ExprKind::String(bytes) => bytes.split(|byte| *byte == 0).next(),
            _ => None,
        };
        match literal {
            Some([]) => return self.constant(answer.at_start()),
            Some(literal) if literal.len() as u32 > size => return self.constant(answer.absent()),
            _ => {}
        }
        if size.max(most) <= LONGEST_BY_KERNEL
            && let Some(function) = self.kernel_function(KERNEL_SEARCH)
        {
            let haystack = self.terminated(haystack, size);
            let needle = match literal {
                Some(literal) => self.terminated_literal(literal),
                None => self.terminated(needle, most),
            };
            return self.search_by_kernel(function, haystack, needle, answer);
        }
        if let Some(literal) = literal {
            return self.find_literal(haystack, size, literal, answer);
        }
        let pattern = self.pattern(needle, most);
        // Every round compares whole words, behind the end too.
        let base = self.computed(haystack, size, size + most.next_multiple_of(8));
        self.first_place(base, size, answer, |lowerer, at| {
            let mut different = lowerer.constant(0);
            for offset in (0..most).step_by(8) {
                let found = lowerer.load_word(Address::Pointer(at, offset as i32), MemorySize::B8);
                let wanted = lowerer.load8(Address::Slot(pattern.wanted, offset));
                let mask = lowerer.load8(Address::Slot(pattern.mask, offset));
                let other = lowerer.binary(BinaryOp::Xor, found, wanted);
                let other = lowerer.binary(BinaryOp::And, other, mask);
                different = lowerer.binary(BinaryOp::Or, different, other);
            }
            let zero = lowerer.constant(0);
            lowerer.compare(Comparison::Equal, different, zero)
        })
    }

    fn find_literal(&mut self, haystack: &Expr, size: u32, needle: &[u8], answer: Answer) -> Value {
        let length = needle.len() as u32;
        let in_callback = self.frame.is_some_and(Frame::in_callback);
        if self.target.features.bpf_loop && (!in_callback || size > LONGEST_SEARCHED) {
            let base = self.searched(haystack, size, scan::room(size, needle));
            let place = self.scan(base, size, needle);
            return match answer {
                Answer::Place => place,
                Answer::Presence => {
                    let zero = self.constant(0);
                    self.compare(Comparison::SignedGreaterEqual, place, zero)
                }
            };
        }
        let base = self.computed(haystack, size, size);
        self.first_place(base, size - length + 1, answer, |lowerer, at| {
            lowerer.equals_bytes(Address::Pointer(at, 0), needle)
        })
    }

    fn search_by_kernel(&mut self, function: u32, haystack: Value, needle: Value, answer: Answer) -> Value {
        let found = self.call_kernel(KERNEL_SEARCH, function, vec![haystack, needle]);
        // It gives an int: an index, or an error.
        let zero = self.constant(0);
        let is_place = self.value(Instruction::Compare(Comparison::SignedGreaterEqual, Width::W32, found, zero));
        match answer {
            Answer::Presence => is_place,
            Answer::Place => self.choose(is_place, |_| found, |lowerer| lowerer.constant(answer.absent())),
        }
    }

    /// The address of a string with a NUL in it or behind it.
    fn terminated(&mut self, expr: &Expr, size: u32) -> Value {
        let memory = self.text(expr, size);
        let is_whole = matches!(expr.kind, ExprKind::Call(_) | ExprKind::Load { .. } | ExprKind::Local(_));
        let to = match memory {
            Address::Slot(slot, 0) if is_whole => {
                self.builder.grow_slot(slot, size + 1);
                memory
            }
            _ => {
                let copy = Address::Slot(self.slot(size + 1, 8, "searched"), 0);
                self.push(Instruction::Copy { to: copy, from: memory, size });
                copy
            }
        };
        self.end_at(to, size);
        self.address_of(to)
    }

    fn terminated_literal(&mut self, literal: &[u8]) -> Value {
        let bytes = [literal, &[0]].concat();
        if bytes.len() > LONG_LITERAL {
            return self.constant_bytes(&bytes);
        }
        let to = Address::Slot(self.slot(bytes.len() as u32, 8, "wanted"), 0);
        self.push(Instruction::StoreBytes { address: to, bytes });
        self.address_of(to)
    }

    /// Puts a NUL behind the string there.
    fn end_at(&mut self, string: Address, size: u32) {
        let (end, nul) = (self.offset_address(string, size), self.constant(0));
        self.push(Instruction::Store { address: end, size: MemorySize::B1, value: nul });
    }

    /// The first of `places` bytes behind `base` where the test holds, unless the NUL comes before.
    fn first_place(
        &mut self,
        base: Value,
        places: u32,
        answer: Answer,
        test: impl FnOnce(&mut Self, Value) -> Value,
    ) -> Value {
        let (index, result) = (self.builder.variable(), self.builder.variable());
        let (head, failed, next) = (self.builder.block(), self.builder.block(), self.builder.block());
        let (hit, miss, end) = (self.builder.block(), self.builder.block(), self.builder.block());
        let zero = self.constant(0);
        self.builder.define(index, zero);
        self.builder.jump(head);

        self.builder.switch_to(head);
        let now = self.builder.read(index);
        let at = self.binary(BinaryOp::Add, base, now);
        let holds = test(self, at);
        self.builder.branch(holds, hit, failed);

        self.builder.seal(failed);
        self.builder.switch_to(failed);
        let byte = self.load_word(Address::Pointer(at, 0), MemorySize::B1);
        self.builder.branch(byte, next, miss);

        self.builder.seal(next);
        self.builder.switch_to(next);
        let following = self.add_constant(now, 1);
        self.builder.define(index, following);
        let most = self.constant(i64::from(places));
        let more = self.compare(Comparison::UnsignedLess, following, most);
        self.builder.branch(more, head, miss);
        self.builder.seal(head);

        self.builder.seal(hit);
        self.builder.switch_to(hit);
        let found = match answer {
            Answer::Place => now,
            // The same for all places, so that the verifier follows what comes after only once.
            Answer::Presence => self.constant(1),
        };
        self.builder.define(result, found);
        self.builder.jump(end);
        self.builder.seal(miss);
        self.builder.switch_to(miss);
        let none = self.constant(answer.absent());
        self.builder.define(result, none);
        self.builder.jump(end);
        self.builder.seal(end);
        self.builder.switch_to(end);
        self.builder.read(result)
    }

    /// The words of a string that is not known, and which of their bits are of it.
    fn pattern(&mut self, needle: &Expr, size: u32) -> Pattern {
        let bytes = size.next_multiple_of(8);
        let pattern = Pattern {
            wanted: self.builder.scratch_slot(bytes, 8, "wanted"),
            mask: self.builder.scratch_slot(bytes, 8, "mask"),
        };
        let from = self.memory(needle);
        self.push(Instruction::Zero { address: Address::Slot(pattern.wanted, 0), size: bytes });
        self.push(Instruction::Copy { to: Address::Slot(pattern.wanted, 0), from, size });
        for offset in (0..size).step_by(8) {
            let word = self.load8(Address::Slot(pattern.wanted, offset));
            // Every bit below the highest that is set, then whole bytes: strings are zero behind their NUL.
            let mut mask = word;
            for shift in [1, 2, 4, 8, 16, 32] {
                let by = self.constant(shift);
                let shifted = self.binary(BinaryOp::ShiftRight, mask, by);
                mask = self.binary(BinaryOp::Or, mask, shifted);
            }
            let (lowest, whole) = (self.constant(0x0101_0101_0101_0101), self.constant(0xff));
            let mask = self.binary(BinaryOp::And, mask, lowest);
            let mask = self.binary(BinaryOp::Mul, mask, whole);
            self.store8(Address::Slot(pattern.mask, offset), mask);
        }
        pattern
    }

    /// The address of a value's memory that may be read at computed places, `room` bytes of it: zero behind the value.
    pub(super) fn computed(&mut self, expr: &Expr, size: u32, room: u32) -> Value {
        let memory = self.memory(expr);
        if let Address::Slot(slot, 0) = memory
            && room == size
            && self.builder.move_to_scratch(slot)
        {
            return self.address_of(memory);
        }
        let copy = Address::Slot(self.builder.scratch_slot(room, 8, "searched"), 0);
        if room > size {
            self.push(Instruction::Zero { address: copy, size: room });
        }
        self.push(Instruction::Copy { to: copy, from: memory, size });
        self.address_of(copy)
    }

    /// The address of a string's memory that may be read at computed places, `room` bytes of it; a NUL is in it, and what is
    /// behind that may be anything.
    fn searched(&mut self, expr: &Expr, size: u32, room: u32) -> Value {
        let memory = self.text(expr, size);
        let is_whole = matches!(expr.kind, ExprKind::Call(_) | ExprKind::Load { .. } | ExprKind::Local(_));
        let to = match memory {
            Address::Slot(slot, 0) if is_whole && self.builder.move_to_scratch(slot) => {
                self.builder.grow_slot(slot, room);
                memory
            }
            _ => {
                let copy = Address::Slot(self.builder.scratch_slot(room, 8, "searched"), 0);
                self.push(Instruction::Copy { to: copy, from: memory, size });
                copy
            }
        };
        self.end_at(to, size);
        self.address_of(to)
    }

    /// Two strings one behind the other, cut where `to_size` bytes end.
    pub fn join_strings(&mut self, a: &Expr, b: &Expr, to_size: u32) -> Address {
        let (Type::String(m), Type::String(n)) = (&a.ty, &b.ty) else { unreachable!("lowering: strings are joined") };
        let (m, n) = (*m, *n);
        let (first, second) = (self.memory(a), self.memory(b));
        let to = Address::Slot(self.builder.scratch_slot(to_size.max(m + n) + 1, 8, "joined"), 0);
        self.push(Instruction::Zero { address: to, size: to_size.max(m + n) + 1 });
        if self.helpers_read_own_memory() {
            let (start, from, size) = (self.address_of(to), self.address_of(first), self.constant(i64::from(m) + 1));
            // The kernel copies up to the NUL and tells how far that was.
            let copied = self.call(Helper::PROBE_READ_KERNEL_STR, &[start, size, from]);
            let length = self.length_of_copied(copied, m);
            let (start, from) = (self.address_of(to), self.address_of(second));
            let behind = self.binary(BinaryOp::Add, start, length);
            let size = self.constant(i64::from(n) + 1);
            self.call(Helper::PROBE_READ_KERNEL_STR, &[behind, size, from]);
        } else {
            self.push(Instruction::Copy { to, from: first, size: m });
            let length = self.counted_length(first, m);
            let start = self.address_of(to);
            let behind = self.binary(BinaryOp::Add, start, length);
            self.push(Instruction::Copy { to: Address::Pointer(behind, 0), from: second, size: n });
        }
        if to_size < m + n {
            let (end, nul) = (self.offset_address(to, to_size - 1), self.constant(0));
            self.push(Instruction::Store { address: end, size: MemorySize::B1, value: nul });
        }
        to
    }

    /// How two values compare byte by byte in their first `limit` bytes: negative, 0 or positive. What one of them lacks
    /// counts as 0.
    pub fn memory_order(&mut self, a: &Expr, b: &Expr, limit: u32) -> Value {
        let (a_size, b_size) = (self.size_of(&a.ty), self.size_of(&b.ty));
        let (a, b) = (self.stored(a, a_size), self.stored(b, b_size));
        let (left, right) = (self.builder.variable(), self.builder.variable());
        let zero = self.constant(0);
        self.builder.define(left, zero);
        self.builder.define(right, zero);
        let end = self.builder.block();
        let mut offset = 0;
        while offset < limit.min(a_size.max(b_size)) {
            let ends = [limit, a_size, b_size].into_iter().filter(|end| *end > offset);
            let left_of_it = ends.map(|end| end - offset).min().unwrap_or(1);
            // The stack is read at aligned places only.
            let aligned = if offset == 0 { 8 } else { 1 << offset.trailing_zeros().min(3) };
            let size = MemorySize::largest_within(left_of_it.min(aligned));
            let x = self.word_or_zero(a, a_size, offset, size);
            let y = self.word_or_zero(b, b_size, offset, size);
            self.builder.define(left, x);
            self.builder.define(right, y);
            let equal = self.compare(Comparison::Equal, x, y);
            let next = self.builder.block();
            self.builder.branch(equal, next, end);
            self.builder.seal(next);
            self.builder.switch_to(next);
            offset += size.bytes();
        }
        self.builder.jump(end);
        self.builder.seal(end);
        self.builder.switch_to(end);
        let (x, y) = (self.builder.read(left), self.builder.read(right));
        let swap =
            |lowerer: &mut Self, value| lowerer.value(Instruction::Unary(UnaryOp::ByteSwap(MemorySize::B8), value));
        let (x, y) = (swap(self, x), swap(self, y));
        let (above, below) =
            (self.compare(Comparison::UnsignedGreater, x, y), self.compare(Comparison::UnsignedLess, x, y));
        self.binary(BinaryOp::Sub, above, below)
    }

    /// A value's memory; scalars are stored first.
    fn stored(&mut self, expr: &Expr, size: u32) -> Address {
        if !expr.ty.is_scalar() {
            return self.memory(expr);
        }
        let to = Address::Slot(self.slot(size, 8, "compared"), 0);
        self.lower_into(expr, to);
        to
    }

    fn word_or_zero(&mut self, memory: Address, length: u32, offset: u32, size: MemorySize) -> Value {
        if offset >= length {
            return self.constant(0);
        }
        let address = self.offset_address(memory, offset);
        self.load_word(address, size)
    }
}

/// A string to look for.
#[derive(Clone, Copy)]
struct Pattern {
    wanted: crate::ir::Slot,
    mask: crate::ir::Slot,
}

/// What a search tells.
#[derive(Clone, Copy)]
enum Answer {
    /// Where: an index, or -1.
    Place,
    /// Whether: 1 or 0.
    Presence,
}

impl Answer {
    fn absent(self) -> i64 {
        match self {
            Self::Place => -1,
            Self::Presence => 0,
        }
    }

    fn at_start(self) -> i64 {
        match self {
            Self::Place => 0,
            Self::Presence => 1,
        }
    }
}
