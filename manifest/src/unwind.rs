//! Tables for stacks without frame pointers: what the runtime writes and programs read. All numbers are little-endian.
//!
//! A process has a sorted list of its executable mappings, a mapping of a file the file's sorted rows. Both lists are parts of
//! arrays that all processes share.

/// Symbol of the hash map from process id (u32) to the first element of [`CODE`] and how many follow (u32 each).
pub const PROCESSES: &str = "lancet_unwind_processes";
/// Symbol of the array of [`Code`].
pub const CODE: &str = "lancet_unwind_code";
/// Symbol of the array of [`Row`].
pub const ROWS: &str = "lancet_unwind_rows";

/// Processes that can have tables.
pub const MOST_PROCESSES: u32 = 256;
/// Mappings of all of them.
pub const MOST_CODE: u32 = 1 << 15;
/// Rows of all files: 32 MiB.
pub const MOST_ROWS: u32 = 1 << 21;

/// BPF_F_MMAPABLE of include/uapi/linux/bpf.h.
pub const WRITTEN_BY_MAPPING: u32 = 1 << 10;

/// Executable memory of a process.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Code {
    /// The first address.
    pub start: u64,
    /// The address behind the last.
    pub end: u64,
    /// What is subtracted from an address to get the one that the file gives it.
    pub bias: u64,
    /// Its file's first row.
    pub first: u32,
    /// How many rows the file has.
    pub count: u32,
}

impl Code {
    /// Offsets of the members.
    pub const END: i32 = std::mem::offset_of!(Self, end) as i32;
    /// See [`Code::END`].
    pub const BIAS: i32 = std::mem::offset_of!(Self, bias) as i32;
    /// See [`Code::END`].
    pub const FIRST: i32 = std::mem::offset_of!(Self, first) as i32;
    /// See [`Code::END`].
    pub const COUNT: i32 = std::mem::offset_of!(Self, count) as i32;
}

/// How to find the caller of code from an address on, up to the next row's.
#[repr(C)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Row {
    /// The address, as the file gives it.
    pub start: u64,
    /// The caller's stack pointer (the canonical frame address), from what the rule names. The return address is 8 below.
    pub frame: i32,
    /// Where the caller's rbp is saved, from its stack pointer; 0 where rbp is still the caller's.
    pub frame_pointer: i16,
    /// A [`Rule`].
    pub rule: u16,
}

impl Row {
    /// Offsets of the members.
    pub const FRAME: i32 = std::mem::offset_of!(Self, frame) as i32;
    /// See [`Row::FRAME`].
    pub const FRAME_POINTER: i32 = std::mem::offset_of!(Self, frame_pointer) as i32;
    /// See [`Row::FRAME`].
    pub const RULE: i32 = std::mem::offset_of!(Self, rule) as i32;
}

/// Where [`Row::frame`] counts from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rule {
    /// Nothing is known of the code.
    Unknown,
    /// There is no caller: the start of a thread.
    Last,
    /// The stack pointer.
    StackPointer,
    /// rbp.
    FramePointer,
    /// The stack pointer, in a procedure linkage table whose entries push a word from their eleventh byte on.
    Linkage,
    /// The code that a signal handler returns to: the kernel saved all registers.
    SignalFrame,
}
