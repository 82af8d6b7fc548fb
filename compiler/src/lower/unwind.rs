//! User stacks by tables instead of frame pointers: for each frame the row of a table says where the caller's address and
//! registers are. The runtime makes the tables from call frame information ([`lancet_manifest::unwind`]).
//!
//! Frames are a callback of bpf_loop, and so are the steps of both searches within: the verifier walks through each once.

use super::Lowerer;
use crate::ir::{
    Address, BinaryOp, Comparison, FunctionId, Helper, Instruction, MapData, MapId, MapKind, MemorySize, Terminator,
    Value,
};
use lancet_manifest::Counter;
use lancet_manifest::unwind::{self, Row, Rule};

/// Where `struct pt_regs` of x86-64 has bp, ip and sp (arch/x86/include/asm/ptrace.h).
const BP: i32 = 32;
const IP: i32 = 128;
const SP: i32 = 152;

/// The frames known so far and the registers of the next, on the stack of the function that takes the trace.
mod walk {
    pub(super) const TRACE: i32 = 0;
    pub(super) const PC: i32 = 8;
    pub(super) const SP: i32 = 16;
    pub(super) const BP: i32 = 24;
    pub(super) const FRAMES: i32 = 32;
    /// The process's code: the first element, and the one behind the last.
    pub(super) const LOW: i32 = 40;
    pub(super) const HIGH: i32 = 48;
    /// 1 where `PC` is behind a call, which may be the last instruction of its function.
    pub(super) const AFTER_CALL: i32 = 56;
    /// 1 when the stack goes on where nothing is known of it.
    pub(super) const CUT: i32 = 64;
    pub(super) const SIZE: u32 = 72;
}

/// A search: the address, and between which elements the first above it is.
mod search {
    pub(super) const ADDRESS: i32 = 0;
    pub(super) const LOW: i32 = 8;
    pub(super) const HIGH: i32 = 16;
    pub(super) const SIZE: u32 = 24;
}

/// What all programs share.
#[derive(Clone, Copy)]
pub(super) struct Unwinder {
    processes: MapId,
    frame: FunctionId,
}

impl Lowerer<'_> {
    fn unwinder(&mut self) -> Unwinder {
        if let Some(unwinder) = self.unwinder {
            return unwinder;
        }
        let mut map = |symbol: &str, kind, key_size, value_size, max_entries, flags| {
            let data = MapData { symbol: symbol.into(), kind, key_size, value_size, max_entries, flags };
            self.module.maps.push(data)
        };
        let processes = map(unwind::PROCESSES, MapKind::Hash, 4, 8, unwind::MOST_PROCESSES, 0);
        let shared = unwind::WRITTEN_BY_MAPPING;
        let code = map(unwind::CODE, MapKind::Array, 4, size_of::<unwind::Code>() as u32, unwind::MOST_CODE, shared);
        let rows = map(unwind::ROWS, MapKind::Array, 4, size_of::<Row>() as u32, unwind::MOST_ROWS, shared);
        self.manifest.unwinds = true;
        let search_code = self.plain_callback(2, |lowerer| lowerer.search_step(code));
        let search_rows = self.plain_callback(2, |lowerer| lowerer.search_step(rows));
        let frame = self.plain_callback(2, |lowerer| lowerer.frame_step((code, search_code), (rows, search_rows)));
        let unwinder = Unwinder { processes, frame };
        self.unwinder = Some(unwinder);
        unwinder
    }

    /// Takes at most `limit` frames of the current process's stack; the value is how many bytes that are.
    pub(super) fn unwound_stack(&mut self, trace: Address, limit: u32) -> Value {
        let unwinder = self.unwinder();
        let walked = self.builder.stack_slot(walk::SIZE, 8, "walk");
        let at = move |offset: i32| Address::Slot(walked, offset as u32);
        self.push(Instruction::Zero { address: at(0), size: walk::SIZE });
        let process = self.process_id();
        let key = Address::Slot(self.slot(4, 4, "process"), 0);
        self.push(Instruction::Store { address: key, size: MemorySize::B4, value: process });
        let code = self.look_up_in(unwinder.processes, key);
        self.if_else(
            code,
            |lowerer| {
                let task = lowerer.call(Helper::GET_CURRENT_TASK_BTF, &[]);
                let registers = lowerer.call(Helper::TASK_PT_REGS, &[task]);
                for (register, to) in [(IP, walk::PC), (SP, walk::SP), (BP, walk::BP)] {
                    let value = lowerer.load8(Address::Pointer(registers, register));
                    lowerer.store8(at(to), value);
                }
                let low = lowerer.load4(Address::Pointer(code, 0));
                let count = lowerer.load4(Address::Pointer(code, 4));
                let high = lowerer.binary(BinaryOp::Add, low, count);
                let trace = lowerer.address_of(trace);
                for (value, to) in [(low, walk::LOW), (high, walk::HIGH), (trace, walk::TRACE)] {
                    lowerer.store8(at(to), value);
                }
                let most = lowerer.constant(i64::from(limit));
                lowerer.loop_over(most, unwinder.frame, at(0));
                let is_cut = lowerer.load8(at(walk::CUT));
                lowerer.when(is_cut, |lowerer| lowerer.count(Counter::StacksCut));
            },
            |lowerer| lowerer.count(Counter::StacksWithoutTables),
        );
        let (frames, three) = (self.load8(at(walk::FRAMES)), self.constant(3));
        self.binary(BinaryOp::ShiftLeft, frames, three)
    }

    /// One frame: its address goes to the trace, the registers of its caller to the walk.
    fn frame_step(&mut self, code: (MapId, FunctionId), rows: (MapId, FunctionId)) {
        let (index, walked) = (self.builder.parameter(0), self.builder.parameter(1));
        let at = |offset: i32| Address::Pointer(walked, offset);
        let most = self.constant(127);
        let inside = self.compare(Comparison::UnsignedLess, index, most);
        self.unless_return(inside, 1);
        let (trace, pc, three) = (self.load8(at(walk::TRACE)), self.load8(at(walk::PC)), self.constant(3));
        let offset = self.binary(BinaryOp::ShiftLeft, index, three);
        let place = self.binary(BinaryOp::Add, trace, offset);
        self.store8(Address::Pointer(place, 0), pc);
        let frames = self.add_constant(index, 1);
        self.store8(at(walk::FRAMES), frames);
        // Until the caller is known, this is where the stack is cut.
        let (yes, no) = (self.constant(1), self.constant(0));
        self.store8(at(walk::CUT), yes);
        let after_call = self.load8(at(walk::AFTER_CALL));
        let address = self.binary(BinaryOp::Sub, pc, after_call);
        let (low, high) = (self.load8(at(walk::LOW)), self.load8(at(walk::HIGH)));
        let mapped = self.last_not_above(code, address, low, high);
        let end = self.load8(Address::Pointer(mapped, unwind::Code::END));
        let is_inside = self.compare(Comparison::UnsignedLess, address, end);
        self.unless_return(is_inside, 1);
        let bias = self.load8(Address::Pointer(mapped, unwind::Code::BIAS));
        let first = self.load4(Address::Pointer(mapped, unwind::Code::FIRST));
        let count = self.load4(Address::Pointer(mapped, unwind::Code::COUNT));
        let own_address = self.binary(BinaryOp::Sub, address, bias);
        let behind = self.binary(BinaryOp::Add, first, count);
        let row = self.last_not_above(rows, own_address, first, behind);
        let rule = self.value(Instruction::Load {
            address: Address::Pointer(row, Row::RULE),
            size: MemorySize::B2,
            signed: false,
        });
        let is_last = self.is_rule(rule, Rule::Last);
        self.when(is_last, |lowerer| lowerer.store8(at(walk::CUT), no));
        let goes_on = self.compare(Comparison::Equal, is_last, no);
        self.unless_return(goes_on, 1);
        let is_signal = self.is_rule(rule, Rule::SignalFrame);
        let caller = self.choose(
            is_signal,
            |lowerer| lowerer.interrupted(walked),
            |lowerer| lowerer.caller(walked, row, rule, pc),
        );
        // What cannot be read is 0 too, and cut off.
        self.unless_return(caller, 1);
        self.store8(at(walk::PC), caller);
        self.store8(at(walk::CUT), no);
        self.builder.terminate(Terminator::Return(no));
    }

    /// Behind the frame of a signal handler: the registers that the kernel saved (struct rt_sigframe, from where
    /// __restore_rt finds the stack pointer). The value is the address, 0 if that cannot be read.
    fn interrupted(&mut self, walked: Value) -> Value {
        const SAVED_BP: i64 = 120;
        const SAVED_SP: i64 = 160;
        const SAVED_IP: i64 = 168;
        let frame = self.load8(Address::Pointer(walked, walk::SP));
        for (from, to) in [(SAVED_BP, walk::BP), (SAVED_SP, walk::SP)] {
            let saved = self.user_word(frame, from);
            self.store8(Address::Pointer(walked, to), saved);
        }
        let no = self.constant(0);
        self.store8(Address::Pointer(walked, walk::AFTER_CALL), no);
        self.user_word(frame, SAVED_IP)
    }

    /// The address that a frame returns to, 0 if that is not known; its caller's registers go to the walk.
    fn caller(&mut self, walked: Value, row: Value, rule: Value, pc: Value) -> Value {
        let at = |offset: i32| Address::Pointer(walked, offset);
        let (sp, bp) = (self.load8(at(walk::SP)), self.load8(at(walk::BP)));
        let offset = self.value(Instruction::Load {
            address: Address::Pointer(row, Row::FRAME),
            size: MemorySize::B4,
            signed: true,
        });
        let by_bp = self.is_rule(rule, Rule::FramePointer);
        let base = self.choose(by_bp, |_| bp, |_| sp);
        let frame = self.binary(BinaryOp::Add, base, offset);
        // An entry of the procedure linkage table has pushed a word from its eleventh byte on.
        let is_linkage = self.is_rule(rule, Rule::Linkage);
        let frame = self.choose(
            is_linkage,
            |lowerer| {
                let (fifteen, ten) = (lowerer.constant(15), lowerer.constant(10));
                let within = lowerer.binary(BinaryOp::And, pc, fifteen);
                let pushed = lowerer.compare(Comparison::UnsignedGreater, within, ten);
                let three = lowerer.constant(3);
                let bytes = lowerer.binary(BinaryOp::ShiftLeft, pushed, three);
                lowerer.binary(BinaryOp::Add, frame, bytes)
            },
            |_| frame,
        );
        // Stacks grow downwards: a caller's frame that is not above is damage, or unknown.
        let is_above = self.compare(Comparison::UnsignedGreater, frame, sp);
        let unknown = self.is_rule(rule, Rule::Unknown);
        let no = self.constant(0);
        let is_known = self.compare(Comparison::Equal, unknown, no);
        let usable = self.binary(BinaryOp::And, is_above, is_known);
        self.unless_return(usable, 1);
        let saved_at = self.value(Instruction::Load {
            address: Address::Pointer(row, Row::FRAME_POINTER),
            size: MemorySize::B2,
            signed: true,
        });
        self.when(saved_at, |lowerer| {
            let place = lowerer.binary(BinaryOp::Add, frame, saved_at);
            let saved = lowerer.user_word(place, 0);
            lowerer.store8(at(walk::BP), saved);
        });
        self.store8(at(walk::SP), frame);
        let yes = self.constant(1);
        self.store8(at(walk::AFTER_CALL), yes);
        self.user_word(frame, -8)
    }

    fn is_rule(&mut self, rule: Value, wanted: Rule) -> Value {
        let wanted = self.constant(wanted as i64);
        self.compare(Comparison::Equal, rule, wanted)
    }

    /// The element of a sorted part of an array whose address is the last not above the wanted one; returns from the callback
    /// if there is none.
    fn last_not_above(&mut self, (map, step): (MapId, FunctionId), address: Value, low: Value, high: Value) -> Value {
        let searched = self.builder.stack_slot(search::SIZE, 8, "search");
        let at = |offset: i32| Address::Slot(searched, offset as u32);
        for (value, to) in [(address, search::ADDRESS), (low, search::LOW), (high, search::HIGH)] {
            self.store8(at(to), value);
        }
        let steps = self.constant(i64::from(u32::BITS));
        self.loop_over(steps, step, at(0));
        let above = self.load8(at(search::LOW));
        let any = self.compare(Comparison::NotEqual, above, low);
        self.unless_return(any, 1);
        let last = self.add_constant(above, -1);
        let element = self.array_element(map, last);
        self.unless_return(element, 1);
        element
    }

    /// One step of the search: the middle element is below the first one above, or is at or behind it.
    fn search_step(&mut self, map: MapId) {
        let searched = self.builder.parameter(1);
        let at = |offset: i32| Address::Pointer(searched, offset);
        let (low, high) = (self.load8(at(search::LOW)), self.load8(at(search::HIGH)));
        let any = self.compare(Comparison::UnsignedLess, low, high);
        self.unless_return(any, 1);
        let (sum, one) = (self.binary(BinaryOp::Add, low, high), self.constant(1));
        let middle = self.binary(BinaryOp::ShiftRight, sum, one);
        let element = self.array_element(map, middle);
        self.unless_return(element, 1);
        let start = self.load8(Address::Pointer(element, 0));
        let address = self.load8(at(search::ADDRESS));
        let is_above = self.compare(Comparison::UnsignedGreater, start, address);
        self.if_else(
            is_above,
            |lowerer| lowerer.store8(at(search::HIGH), middle),
            |lowerer| {
                let next = lowerer.add_constant(middle, 1);
                lowerer.store8(at(search::LOW), next);
            },
        );
        let go_on = self.constant(0);
        self.builder.terminate(Terminator::Return(go_on));
    }

    fn loop_over(&mut self, rounds: Value, callback: FunctionId, context: Address) {
        let function = self.value(Instruction::FunctionAddress(callback));
        let (context, flags) = (self.address_of(context), self.constant(0));
        self.call(Helper::LOOP, &[rounds, function, context, flags]);
    }

    fn array_element(&mut self, map: MapId, index: Value) -> Value {
        let key = Address::Slot(self.slot(4, 4, "index"), 0);
        self.push(Instruction::Store { address: key, size: MemorySize::B4, value: index });
        self.look_up_in(map, key)
    }

    fn look_up_in(&mut self, map: MapId, key: Address) -> Value {
        let (reference, key) = (self.value(Instruction::MapReference(map)), self.address_of(key));
        self.call(Helper::MAP_LOOKUP_ELEM, &[reference, key])
    }

    fn load4(&mut self, address: Address) -> Value {
        self.value(Instruction::Load { address, size: MemorySize::B4, signed: false })
    }

    /// A word of the process's memory; the helper makes one that cannot be read 0.
    fn user_word(&mut self, base: Value, offset: i64) -> Value {
        let word = Address::Slot(self.slot(8, 8, "word"), 0);
        let (to, size) = (self.address_of(word), self.constant(8));
        let from = self.add_constant(base, offset);
        self.call(Helper::PROBE_READ_USER, &[to, size, from]);
        self.load8(word)
    }
}
