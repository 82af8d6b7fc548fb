//! How the bytes of a value read: the types that the runtime prints, sorts and uses as keys.

use serde::{Deserialize, Serialize};

/// The type of a value in a record, map key or map value. Sizes are [`ValueType::size`].
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum ValueType {
    /// An integer of 1, 2, 4 or 8 bytes.
    Int {
        /// Bytes.
        size: u8,
        /// Two's complement.
        signed: bool,
    },
    /// One byte, 0 or 1.
    Bool,
    /// An enum; values without a name print as numbers.
    Enum {
        /// Bytes: 1, 2, 4 or 8.
        size: u8,
        /// Two's complement.
        signed: bool,
        /// Value to name.
        names: Vec<(i64, String)>,
    },
    /// 8 bytes, printed as 0x….
    Pointer,
    /// `size` bytes, ended by the first NUL; without a NUL in it, the string was cut and the trailer is printed.
    String {
        /// Capacity in bytes, NUL included.
        size: u32,
    },
    /// A u32 length, then `capacity` bytes.
    Buffer {
        /// Bytes after the length.
        capacity: u32,
    },
    /// u32 address family (2 or 10), u32 zero, 16 bytes of address in network order.
    Inet,
    /// 6 bytes of a MAC address.
    Mac,
    /// u64 kernel address, printed as its function's name.
    KernelSymbol,
    /// u64 user address, u32 process id, u32 zero; printed as its function's name.
    UserSymbol,
    /// u64 stack id in [`crate::Manifest::stacks`] (0: empty), u32 number of frames, u32 zero.
    KernelStack(crate::StackMode),
    /// u64 stack id, u32 number of frames, u32 process id.
    UserStack(crate::StackMode),
    /// u64 user id, printed as a name.
    Username,
    /// u64 nanoseconds; printed by strftime with the format.
    Timestamp {
        /// What the nanoseconds count from.
        clock: Clock,
        /// strftime format.
        format: String,
    },
    /// u64 cgroup id, printed as a path below the hierarchy `filter` (all for an empty one).
    CgroupPath {
        /// Wildcard for hierarchies.
        filter: String,
    },
    /// u32 index in [`crate::Manifest::probes`], printed as the probe's full name; u32 zero.
    ProbeName,
    /// Elements one after the other.
    Array {
        /// Element type.
        element: Box<ValueType>,
        /// How many.
        count: u32,
    },
    /// Fields at offsets, printed `(a, b)`.
    Tuple {
        /// Size with padding.
        size: u32,
        /// The fields; their names are empty.
        fields: Vec<Field>,
    },
    /// Fields at offsets, printed `{ .a = 1, .b = 2 }`: records, structs, unions.
    Record {
        /// Size with padding.
        size: u32,
        /// The fields.
        fields: Vec<Field>,
    },
}

/// A field of a tuple, record or struct.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Field {
    /// Name, empty in tuples and for anonymous members (whose fields print as if they were the parent's).
    pub name: String,
    /// Byte offset.
    pub offset: u32,
    /// Type.
    pub ty: ValueType,
    /// A bit field: first bit (from the least significant of the integer at `offset`) and width.
    pub bits: Option<(u8, u8)>,
}

/// What a timestamp counts from.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Clock {
    /// Boot, with suspend (CLOCK_BOOTTIME).
    Boot,
    /// CLOCK_MONOTONIC.
    Monotonic,
    /// The epoch, TAI.
    Tai,
    /// The epoch (wall clock).
    Realtime,
}

impl ValueType {
    /// Size in bytes as stored.
    pub fn size(&self) -> u32 {
        match self {
            Self::Int { size, .. } | Self::Enum { size, .. } => u32::from(*size),
            Self::Bool => 1,
            Self::Mac => 6,
            Self::Pointer
            | Self::KernelSymbol
            | Self::Username
            | Self::Timestamp { .. }
            | Self::CgroupPath { .. }
            | Self::ProbeName => 8,
            Self::UserSymbol | Self::KernelStack(_) | Self::UserStack(_) => 16,
            Self::String { size } | Self::Tuple { size, .. } | Self::Record { size, .. } => *size,
            Self::Buffer { capacity } => 4 + capacity,
            Self::Inet => 24,
            Self::Array { element, count } => element.size() * count,
        }
    }
}
