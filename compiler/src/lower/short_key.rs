//! Keys that end with a long string are in two maps of the kernel: those of which the string is short, as most are, and
//! all others. The kernel hashes and compares the whole room of a key at each look-up, which for a kilobyte costs more than
//! everything else that an event does.
//!
//! Invariant: what follows a string's NUL in a key is zero, so that one byte tells a short key, whose first bytes are the key
//! in the map of short ones.

use super::Lowerer;
use crate::hir::{self, MapIndex, StatementKind};
use crate::ir::{Address, Comparison, Instruction, MapId, MemorySize, Value};
use crate::types::Type;
use lancet_manifest::{MapShape, ShortKeys};

/// Room for a short string and its NUL.
const SHORT: u32 = 128;
/// Strings with at least that much room are told apart.
const LONG: u32 = 4 * SHORT;

/// The maps of the kernel that a map of the script consists of.
#[derive(Clone, Copy)]
pub(super) struct KernelMaps {
    /// The map of whole keys.
    pub whole: MapId,
    /// The map of short keys, if there is one.
    pub short: Option<MapId>,
}

impl Lowerer<'_> {
    /// What the map of short keys is, if the map gets one: loops would have to be made for each of two kinds of keys, and of
    /// the least recently used elements of two maps none is the one of both.
    pub(super) fn short_keys(&self, map: &hir::Map, key: &Type) -> Option<ShortKeys> {
        let is_simple = matches!(map.kind, hir::MapKind::Hash | hir::MapKind::PerCpuHash);
        if !is_simple {
            return None;
        }
        // The walk through all probes comes last.
        let offset = self.last_long_string(key).filter(|_| !self.is_iterated(map))?;
        Some(ShortKeys { symbol: format!("short_AT_{}", map.name), key_size: offset + SHORT })
    }

    fn is_iterated(&self, map: &hir::Map) -> bool {
        let maps = &self.program.maps;
        self.program.probes.iter().flat_map(hir::loops_in_probe).any(|statement| match &statement.kind {
            StatementKind::ForMap { map: over, .. } => maps[over.0 as usize].name == map.name,
            _ => false,
        })
    }

    /// Where the long string begins that a key ends with.
    fn last_long_string(&self, key: &Type) -> Option<u32> {
        match key {
            Type::String(size) if *size >= LONG => Some(0),
            Type::Tuple(_) | Type::Record(_) => {
                let layout = key.aggregate_layout(self.target.structs)?;
                let last = layout.fields.last()?;
                Some(last.offset + self.last_long_string(&last.ty)?)
            }
            _ => None,
        }
    }

    /// The map of the kernel that has the key at that address.
    pub(super) fn table_of(&mut self, map: MapIndex, key: Value) -> Value {
        let KernelMaps { whole, short } = self.maps[map.0 as usize];
        let (Some(short), Some(last)) = (short, self.last_byte_of_short_keys(map)) else {
            return self.value(Instruction::MapReference(whole));
        };
        let byte = self.load_word(Address::Pointer(key, last), MemorySize::B1);
        let zero = self.constant(0);
        let is_short = self.compare(Comparison::Equal, byte, zero);
        self.choose(
            is_short,
            |lowerer| lowerer.value(Instruction::MapReference(short)),
            |lowerer| lowerer.value(Instruction::MapReference(whole)),
        )
    }

    fn last_byte_of_short_keys(&self, map: MapIndex) -> Option<i32> {
        match &self.manifest.maps[map.0 as usize].shape {
            MapShape::Keyed { short: Some(short), .. } => i32::try_from(short.key_size).ok().map(|size| size - 1),
            MapShape::Keyed { short: None, .. } | MapShape::Scalar { .. } => None,
        }
    }

    /// All maps of the kernel that a map consists of.
    pub(super) fn tables(&mut self, map: MapIndex) -> Vec<Value> {
        let KernelMaps { whole, short } = self.maps[map.0 as usize];
        let maps = short.into_iter().chain([whole]);
        maps.map(|map| self.value(Instruction::MapReference(map))).collect()
    }

    /// The map of whole keys, which is all of a map that a loop goes over.
    pub(super) fn map_reference(&mut self, map: MapIndex) -> Value {
        let whole = self.maps[map.0 as usize].whole;
        self.value(Instruction::MapReference(whole))
    }
}
