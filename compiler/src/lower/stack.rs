//! Stack traces: taken into scratch memory, kept once each in a map by the hash of their frames.

use super::Lowerer;
use super::loops::Frame;
use crate::ir::{
    Address, BinaryOp, Comparison, FunctionId, Helper, Instruction, MapData, MapId, MapKind, MemorySize, Terminator,
    Value,
};
use crate::types::StackType;
use lancet_manifest::Counter;

const SYMBOL: &str = "lancet_stacks";
/// Bytes of the most frames that the kernel takes (PERF_MAX_STACK_DEPTH).
const TRACE_BYTES: u32 = 127 * 8;
/// Bytes that are hashed at a time, and room for a whole number of them.
const GROUP: u32 = 64;
const ROOM: u32 = TRACE_BYTES.next_multiple_of(GROUP);
/// The same in a callback.
const CALLBACK_GROUP: u32 = 32;
/// Bytes that are zeroed at a time.
const MOST_ZEROED: u32 = 512;
/// Where hashing starts, and what is multiplied with: small enough to be part of an instruction.
const SEED: i64 = 0x2f6b_9d31;
const PRIME: i64 = 0x5bd1_e995;
const TRACES: u32 = 1 << 16;
/// BPF_F_USER_STACK of bpf_get_stack.
const USER: i64 = 1 << 8;

/// Whose stack is taken, and how its frames are found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StackSource {
    /// The kernel's.
    Kernel,
    /// The process's, by frame pointers.
    User,
    /// The process's, by tables.
    Unwound,
}

impl Lowerer<'_> {
    fn stacks(&mut self) -> MapId {
        if let Some(map) = self.stacks {
            return map;
        }
        let early = !self.target.features.dynamic_hash_in_nmi && self.uses_perf_events();
        let data = MapData {
            symbol: SYMBOL.into(),
            kind: MapKind::Hash,
            key_size: 8,
            value_size: TRACE_BYTES,
            max_entries: if early { TRACES / 8 } else { TRACES },
            flags: u32::from(!early),
        };
        let map = self.module.maps.push(data);
        self.stacks = Some(map);
        self.manifest.stacks = Some(SYMBOL.into());
        map
    }

    /// Takes a stack trace: u64 id, u32 number of frames, u32 process id (0 for the kernel's).
    pub fn stack_trace(&mut self, source: StackSource, stack: StackType, into: Option<Address>) -> Address {
        let to = into.unwrap_or_else(|| Address::Slot(self.slot(16, 8, "stack"), 0));
        self.push(Instruction::Zero { address: to, size: 16 });
        let bytes = stack.limit * 8;
        if bytes == 0 {
            return to;
        }
        let trace = Address::Slot(self.builder.scratch_slot(ROOM, 8, "trace"), 0);
        let rest = self.offset_address(trace, bytes);
        self.push(Instruction::Zero { address: rest, size: ROOM - bytes });
        let user = source != StackSource::Kernel;
        let taken = if source == StackSource::Unwound {
            // Word by word: a kernel that is locked down has no helper for it.
            for start in (0..bytes).step_by(MOST_ZEROED as usize) {
                let (address, size) = (self.offset_address(trace, start), MOST_ZEROED.min(bytes - start));
                self.push(Instruction::Zero { address, size });
            }
            self.unwound_stack(trace, stack.limit)
        } else {
            let context = self.context();
            let (buffer, size) = (self.address_of(trace), self.constant(i64::from(bytes)));
            let flags = self.constant(if user { USER } else { 0 });
            self.call(Helper::GET_STACK, &[context, buffer, size, flags])
        };
        let zero = self.constant(0);
        let any = self.compare(Comparison::SignedGreater, taken, zero);
        self.when(any, |lowerer| lowerer.keep_trace(user, trace, bytes, taken, to));
        to
    }

    fn keep_trace(&mut self, user: bool, trace: Address, bytes: u32, taken: Value, to: Address) {
        let id = self.hash(trace, bytes, taken);
        self.store8(to, id);
        let three = self.constant(3);
        let frames = self.binary(BinaryOp::ShiftRight, taken, three);
        let at = self.offset_address(to, 8);
        self.push(Instruction::Store { address: at, size: MemorySize::B4, value: frames });
        if user {
            // The runtime looks for it in /proc, which shows the numbers of its own namespace.
            let process = self.process_id();
            let at = self.offset_address(to, 12);
            self.push(Instruction::Store { address: at, size: MemorySize::B4, value: process });
        }
        let map = self.stacks();
        let key = Address::Slot(self.slot(8, 8, "stack_id"), 0);
        self.store8(key, id);
        let (reference, key) = (self.value(Instruction::MapReference(map)), self.address_of(key));
        let known = self.call(Helper::MAP_LOOKUP_ELEM, &[reference, key]);
        self.unless(known, |lowerer| {
            let reference = lowerer.value(Instruction::MapReference(map));
            let (value, flags) = (lowerer.address_of(trace), lowerer.constant(0));
            let result = lowerer.call(Helper::MAP_UPDATE_ELEM, &[reference, key, value, flags]);
            let zero = lowerer.constant(0);
            let failed = lowerer.compare(Comparison::NotEqual, result, zero);
            lowerer.when(failed, |lowerer| lowerer.count(Counter::StacksLost));
        });
    }

    /// A hash of all frames, never 0: multiply and add, as FNV does. Groups of some frames are taken until one ends behind
    /// the last frame; the kernel leaves zeros there, up to `bytes`.
    fn hash(&mut self, trace: Address, bytes: u32, taken: Value) -> Value {
        let base = self.address_of(trace);
        let mixed = if bytes <= GROUP {
            let seed = self.constant(SEED);
            self.mix(seed, base, bytes)
        } else if self.target.features.bpf_loop && !self.frame.is_some_and(Frame::in_callback) {
            self.hash_by_callback(base, taken)
        } else {
            self.hash_in_place(base, taken)
        };
        let one = self.constant(1);
        self.binary(BinaryOp::Or, mixed, one)
    }

    fn hash_in_place(&mut self, base: Value, taken: Value) -> Value {
        let (hash, offset) = (self.builder.variable(), self.builder.variable());
        let (seed, zero) = (self.constant(SEED), self.constant(0));
        self.builder.define(hash, seed);
        self.builder.define(offset, zero);
        let (group, done) = (self.builder.block(), self.builder.block());
        self.builder.jump(group);
        self.builder.switch_to(group);
        let now = self.builder.read(offset);
        let at = self.binary(BinaryOp::Add, base, now);
        let mixed = self.builder.read(hash);
        let mixed = self.mix(mixed, at, GROUP);
        self.builder.define(hash, mixed);
        let next = self.add_constant(now, i64::from(GROUP));
        self.builder.define(offset, next);
        // Verifiers before 5.14 decide a comparison of registers only when the right one is the known one.
        let more = self.compare(Comparison::UnsignedGreater, taken, next);
        self.builder.branch(more, group, done);
        self.builder.seal(group);
        self.builder.seal(done);
        self.builder.switch_to(done);
        self.builder.read(hash)
    }

    /// The verifier walks through a callback twice, and through a loop as often as it may go round.
    fn hash_by_callback(&mut self, base: Value, taken: Value) -> Value {
        let function = self.hashing_callback();
        let context = self.builder.stack_slot(16, 8, "hash");
        let seed = self.constant(SEED);
        self.store8(Address::Slot(context, 0), base);
        self.store8(Address::Slot(context, 8), seed);
        let last = self.add_constant(taken, i64::from(CALLBACK_GROUP) - 1);
        let shift = self.constant(i64::from(CALLBACK_GROUP.ilog2()));
        let rounds = self.binary(BinaryOp::ShiftRight, last, shift);
        let function = self.value(Instruction::FunctionAddress(function));
        let (pointer, flags) = (self.address_of(Address::Slot(context, 0)), self.constant(0));
        self.call(Helper::LOOP, &[rounds, function, pointer, flags]);
        self.load8(Address::Slot(context, 8))
    }

    fn hashing_callback(&mut self) -> FunctionId {
        if let Some(callback) = self.hashing_callback {
            return callback;
        }
        let callback = self.plain_callback(2, |lowerer| {
            let (index, context) = (lowerer.builder.parameter(0), lowerer.builder.parameter(1));
            let most = lowerer.constant(i64::from(ROOM / CALLBACK_GROUP));
            let inside = lowerer.compare(Comparison::UnsignedLess, index, most);
            // It never is outside, and going on ends like any other round.
            lowerer.unless_return(inside, 0);
            let base = lowerer.load8(Address::Pointer(context, 0));
            let shift = lowerer.constant(i64::from(CALLBACK_GROUP.ilog2()));
            let offset = lowerer.binary(BinaryOp::ShiftLeft, index, shift);
            let at = lowerer.binary(BinaryOp::Add, base, offset);
            let before = lowerer.load8(Address::Pointer(context, 8));
            let mixed = lowerer.mix(before, at, CALLBACK_GROUP);
            lowerer.store8(Address::Pointer(context, 8), mixed);
            let go_on = lowerer.constant(0);
            lowerer.builder.terminate(Terminator::Return(go_on));
        });
        self.hashing_callback = Some(callback);
        callback
    }

    /// The hash with so many bytes of frames more.
    fn mix(&mut self, hash: Value, at: Value, bytes: u32) -> Value {
        let prime = self.constant(PRIME);
        (0..bytes).step_by(8).fold(hash, |mixed, word| {
            let frame = self.load8(Address::Pointer(at, word as i32));
            let different = self.binary(BinaryOp::Xor, mixed, frame);
            self.binary(BinaryOp::Mul, different, prime)
        })
    }
}
