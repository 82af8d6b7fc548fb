//! A module: all functions and maps of one object file.

use super::{Arena, Function, FunctionId, GlobalId, MapId};

/// Everything that becomes one object file.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Module {
    /// Programs, sub-programs and callbacks.
    pub functions: Arena<FunctionId, Function>,
    /// Maps: the script's and our own.
    pub maps: Arena<MapId, MapData>,
    /// Constant byte strings (they become one read-only array map).
    pub globals: Arena<GlobalId, Vec<u8>>,
}

/// The kernel's map types that we use (enum bpf_map_type).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MapKind {
    /// BPF_MAP_TYPE_HASH = 1.
    Hash,
    /// BPF_MAP_TYPE_ARRAY = 2.
    Array,
    /// BPF_MAP_TYPE_PERF_EVENT_ARRAY = 4.
    PerfEventArray,
    /// BPF_MAP_TYPE_PERCPU_HASH = 5.
    PerCpuHash,
    /// BPF_MAP_TYPE_PERCPU_ARRAY = 6.
    PerCpuArray,
    /// BPF_MAP_TYPE_LRU_HASH = 9.
    LruHash,
    /// BPF_MAP_TYPE_LRU_PERCPU_HASH = 10.
    LruPerCpuHash,
    /// BPF_MAP_TYPE_RINGBUF = 27: `max_entries` is its size in bytes.
    RingBuffer,
}

/// A map of the object file.
#[derive(Clone, PartialEq, Debug)]
pub struct MapData {
    /// ELF symbol, without `@` and `:`.
    pub symbol: String,
    /// Kernel map type.
    pub kind: MapKind,
    /// Bytes of a key (0 for ring buffers).
    pub key_size: u32,
    /// Bytes of a value.
    pub value_size: u32,
    /// Capacity.
    pub max_entries: u32,
    /// BPF_F_… flags.
    pub flags: u32,
}
