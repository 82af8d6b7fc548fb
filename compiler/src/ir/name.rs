//! The words of the printed form for operations and sizes, shared by printer and parser.
//!
//! Invariant: within each enum every variant has exactly one word.

use super::{BinaryOp, Comparison, Helper, MapKind, MemorySize, UnaryOp, Width};

impl Width {
    /// `32` or `64`.
    pub fn name(self) -> &'static str {
        match self {
            Self::W32 => "32",
            Self::W64 => "64",
        }
    }

    /// The width of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::W32, Self::W64].into_iter().find(|width| width.name() == name)
    }
}

impl MemorySize {
    /// `b1`, `b2`, `b4` or `b8`.
    pub fn name(self) -> &'static str {
        match self {
            Self::B1 => "b1",
            Self::B2 => "b2",
            Self::B4 => "b4",
            Self::B8 => "b8",
        }
    }

    /// The size of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::B1, Self::B2, Self::B4, Self::B8].into_iter().find(|size| size.name() == name)
    }
}

impl BinaryOp {
    /// All operations.
    pub const ALL: [Self; 13] = [
        Self::Add,
        Self::Sub,
        Self::Mul,
        Self::UnsignedDiv,
        Self::UnsignedMod,
        Self::SignedDiv,
        Self::SignedMod,
        Self::And,
        Self::Or,
        Self::Xor,
        Self::ShiftLeft,
        Self::ShiftRight,
        Self::SignedShiftRight,
    ];

    /// Its word, such as `udiv`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Sub => "sub",
            Self::Mul => "mul",
            Self::UnsignedDiv => "udiv",
            Self::UnsignedMod => "umod",
            Self::SignedDiv => "sdiv",
            Self::SignedMod => "smod",
            Self::And => "and",
            Self::Or => "or",
            Self::Xor => "xor",
            Self::ShiftLeft => "shl",
            Self::ShiftRight => "shr",
            Self::SignedShiftRight => "sar",
        }
    }

    /// The operation of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|op| op.name() == name)
    }
}

impl Comparison {
    /// All comparisons.
    pub const ALL: [Self; 10] = [
        Self::Equal,
        Self::NotEqual,
        Self::UnsignedLess,
        Self::UnsignedLessEqual,
        Self::UnsignedGreater,
        Self::UnsignedGreaterEqual,
        Self::SignedLess,
        Self::SignedLessEqual,
        Self::SignedGreater,
        Self::SignedGreaterEqual,
    ];

    /// Its word, such as `ult`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Equal => "eq",
            Self::NotEqual => "ne",
            Self::UnsignedLess => "ult",
            Self::UnsignedLessEqual => "ule",
            Self::UnsignedGreater => "ugt",
            Self::UnsignedGreaterEqual => "uge",
            Self::SignedLess => "slt",
            Self::SignedLessEqual => "sle",
            Self::SignedGreater => "sgt",
            Self::SignedGreaterEqual => "sge",
        }
    }

    /// The comparison of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|comparison| comparison.name() == name)
    }
}

impl UnaryOp {
    /// Its word: `neg`, `not`, or `zext`, `sext`, `bswap` which take a size.
    pub fn name(self) -> &'static str {
        match self {
            Self::Negate => "neg",
            Self::Not => "not",
            Self::ZeroExtend(_) => "zext",
            Self::SignExtend(_) => "sext",
            Self::ByteSwap(_) => "bswap",
        }
    }

    /// The size it works on, if it says one.
    pub fn size(self) -> Option<MemorySize> {
        match self {
            Self::Negate | Self::Not => None,
            Self::ZeroExtend(size) | Self::SignExtend(size) | Self::ByteSwap(size) => Some(size),
        }
    }

    /// The operation of that name and size.
    pub fn from_name(name: &str, size: Option<MemorySize>) -> Option<Self> {
        match (name, size) {
            ("neg", None) => Some(Self::Negate),
            ("not", None) => Some(Self::Not),
            ("zext", Some(size)) => Some(Self::ZeroExtend(size)),
            ("sext", Some(size)) => Some(Self::SignExtend(size)),
            ("bswap", Some(size)) => Some(Self::ByteSwap(size)),
            _ => None,
        }
    }
}

impl MapKind {
    /// All kinds.
    pub const ALL: [Self; 8] = [
        Self::Hash,
        Self::Array,
        Self::PerfEventArray,
        Self::PerCpuHash,
        Self::PerCpuArray,
        Self::LruHash,
        Self::LruPerCpuHash,
        Self::RingBuffer,
    ];

    /// The kernel's word, such as `percpu_hash`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hash => "hash",
            Self::Array => "array",
            Self::PerfEventArray => "perf_event_array",
            Self::PerCpuHash => "percpu_hash",
            Self::PerCpuArray => "percpu_array",
            Self::LruHash => "lru_hash",
            Self::LruPerCpuHash => "lru_percpu_hash",
            Self::RingBuffer => "ringbuf",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl Helper {
    /// The helper of that name without `bpf_`; `helper_N` for those without a name here.
    pub fn from_name(name: &str) -> Option<Self> {
        const NUMBERS: u32 = 256;
        if let Some(number) = name.strip_prefix("helper_") {
            return number.parse().ok().map(Helper);
        }
        (0..NUMBERS).map(Helper).find(|helper| helper.name() == name)
    }
}
