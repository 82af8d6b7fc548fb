//! Scratch memory: a region of the per-CPU map `lancet_scratch` for each function that has slots off the stack.
//!
//! The region is looked up once at entry. A program that the kernel may start again on the same CPU before it has ended (a
//! uprobe's may be preempted by another task) has several copies of its region. Each copy has an owner count in front:
//! who adds to it and finds 1 has the copy until the end, anyone else takes his addition back and tries the next. That
//! works however the tasks are interleaved, and needs no atomic operation that returns a value. When all copies are
//! taken, the event is dropped, and counted behind the owner count of the last copy.
//!
//! The kernel allows 32 KiB for a CPU's value of a map. Where a region is larger, the map is an array with an element for
//! each CPU and each copy, and the program asks for its own.

use super::Relocation;
use super::insn::{Alu, Condition};
use super::select::Selector;
use super::vcode::{Base, Callee, Op, Registers, Source};
use crate::ir::{FunctionKind, Helper, MemorySize, Slot, Width};
use regalloc2::VReg;
use smallvec::smallvec;

/// Copies of the region of a program that may be interrupted by itself.
const COPIES: u32 = 4;

/// Sections of programs that the kernel does not start on a CPU where one of them runs: it counts such events as missed.
const GUARDED: [&str; 10] = [
    "kprobe",
    "kretprobe",
    "ksyscall",
    "kretsyscall",
    "tracepoint",
    "tp/",
    "perf_event",
    "fentry",
    "fexit",
    "fmod_ret",
];

/// Where events are counted that found all copies taken: in the last one.
pub const DROPPED: u32 = 8;

/// The place of the key that the map is asked with: behind the slots on the stack.
pub(super) const KEY: Slot = Slot(u32::MAX);

/// The most bytes of a per-CPU value (PCPU_MIN_UNIT_SIZE).
pub(super) const MOST_PER_CPU: u32 = 32 << 10;

/// The elements of the scratch map that a function may use.
#[derive(Clone, Copy, Debug)]
pub(super) struct Region {
    /// The first element.
    pub(super) first: u32,
    /// How many.
    pub(super) copies: u32,
    /// The map is an array with this many elements for each copy, one a CPU; otherwise it is a per-CPU map.
    pub(super) cpus: Option<u32>,
}

impl Region {
    /// How many copies of its region a function wants.
    pub(super) fn copies_for(kind: &FunctionKind, all_guarded: bool) -> u32 {
        let guarded = match kind {
            FunctionKind::Program { section } => is_guarded(section),
            FunctionKind::Subprogram | FunctionKind::Callback => all_guarded,
        };
        if guarded { 1 } else { COPIES }
    }

    /// Bytes before the slots: the owner count and the count of events dropped, if there are any.
    pub(super) fn header(self) -> u32 {
        if self.copies > 1 { DROPPED + 8 } else { 0 }
    }

    /// Blocks of code before the function's own.
    pub(super) fn prologue_blocks(self) -> usize {
        if self.copies > 1 { 5 * self.copies as usize + 1 } else { 3 }
    }
}

/// True when the kernel does not start the program while it runs on the same CPU.
pub(super) fn is_guarded(section: &str) -> bool {
    GUARDED.iter().any(|prefix| section.starts_with(prefix))
}

impl Selector<'_> {
    /// Finds the scratch memory, then goes to `body`; returns 0 when there is none. The current block is the first.
    pub(super) fn acquire_scratch(&mut self, body: usize) {
        let mut start = 0;
        if self.region.copies == 1 {
            let base = self.look_up(self.region.first);
            self.branch_and_finish(start, Condition::Eq, base, 0, [1, 2]);
            self.fail();
            start = self.code.ops.len();
            self.jump_and_finish(start, body, &[], &[]);
            self.scratch = Some(base);
            return;
        }
        // Each copy has five blocks: look up, no such element, own, owned, not owned; the last block joins them.
        let join = self.region.prologue_blocks() - 1;
        for copy in 0..self.region.copies {
            let first = 5 * copy as usize;
            let base = self.look_up(self.region.first + copy);
            self.branch_and_finish(start, Condition::Eq, base, 0, [first + 1, first + 2]);
            self.fail();
            start = self.code.ops.len();
            self.add(base, 0, 1);
            let owners = self.code.vreg();
            self.push(Op::Load { size: MemorySize::B8, signed: false, dst: owners, from: Base::Reg(base, 0) });
            self.branch_and_finish(start, Condition::Eq, owners, 1, [first + 3, first + 4]);
            start = self.code.ops.len();
            self.jump_and_finish(start, join, &[base], &[]);
            start = self.code.ops.len();
            self.add(base, 0, -1);
            if copy + 1 < self.region.copies {
                self.jump_and_finish(start, first + 5, &[], &[]);
                start = self.code.ops.len();
            } else {
                self.add(base, DROPPED, 1);
                self.fail_from(start);
            }
        }
        let base = self.code.vreg();
        start = self.code.ops.len();
        self.jump_and_finish(start, body, &[], &[base]);
        self.scratch = Some(base);
    }

    /// Gives the region back, at the end of the function.
    pub(super) fn release_scratch(&mut self) {
        if let (Some(base), 2..) = (self.scratch, self.region.copies) {
            self.add(base, 0, -1);
        }
    }

    fn look_up(&mut self, element: u32) -> VReg {
        let (map, key, base) = (self.code.vreg(), self.code.vreg(), self.code.vreg());
        let src = match self.region.cpus {
            None => Source::Imm(element as i32),
            Some(cpus) => {
                let (cpu, own) = (self.code.vreg(), self.code.vreg());
                let callee = Callee::Helper(Helper::GET_SMP_PROCESSOR_ID);
                self.push(Op::Call { callee, arguments: Registers::new(), result: cpu });
                let b = Source::Imm((element * cpus) as i32);
                self.push(Op::Alu { op: Alu::Add, width: Width::W64, dst: own, a: cpu, b });
                Source::Reg(own)
            }
        };
        self.push(Op::Store { size: MemorySize::B4, to: Base::Stack(KEY, 0), src });
        self.push(Op::Refer { dst: map, to: Relocation::Scratch });
        self.push(Op::StackAddress { dst: key, slot: KEY, offset: 0 });
        let callee = Callee::Helper(Helper::MAP_LOOKUP_ELEM);
        self.push(Op::Call { callee, arguments: smallvec![map, key], result: base });
        base
    }

    fn add(&mut self, base: VReg, offset: u32, number: i64) {
        let src = self.immediate(number);
        self.push(Op::AtomicAdd { size: MemorySize::B8, base, offset: offset as i16, src, old: None });
    }

    fn branch_and_finish(&mut self, start: usize, condition: Condition, a: VReg, b: i32, targets: [usize; 2]) {
        let ([then, otherwise], width) = (targets, Width::W64);
        self.push(Op::Branch { condition, width, a, b: Source::Imm(b), then, otherwise });
        self.finish_block(start, Registers::new(), &targets);
    }

    fn jump_and_finish(&mut self, start: usize, target: usize, arguments: &[VReg], parameters: &[VReg]) {
        self.push(Op::Jump { target, arguments: arguments.into() });
        self.finish_block(start, parameters.into(), &[target]);
    }

    fn fail(&mut self) {
        self.fail_from(self.code.ops.len());
    }

    fn fail_from(&mut self, start: usize) {
        let zero = self.immediate(0);
        self.push(Op::Return(zero));
        self.finish_block(start, Registers::new(), &[]);
    }
}
