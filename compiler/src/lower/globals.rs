//! The page of global variables: values that the runtime writes, counters that it reads.

use super::Lowerer;
use crate::ir::{Address, Instruction, MapData, MapId, MapKind, Value};
use lancet_manifest::{self as manifest, Counter, InitialValue};

/// The globals that programs have asked for.
#[derive(Default)]
pub(super) struct Globals {
    map: Option<MapId>,
    initial: Vec<InitialValue>,
    counters: Vec<Counter>,
}

/// Counters start behind the initial values, of which there are at most this many: each kind once, and the numbers 0 and 1.
const INITIAL_VALUES: u32 = 8;
const SYMBOL: &str = ".data.lancet";

impl Lowerer<'_> {
    fn globals_map(&mut self) -> MapId {
        if let Some(map) = self.globals.map {
            return map;
        }
        let data = MapData {
            symbol: SYMBOL.into(),
            kind: MapKind::Array,
            key_size: 4,
            value_size: 8 * INITIAL_VALUES,
            max_entries: 1,
            flags: 0,
        };
        let map = self.module.maps.push(data);
        self.globals.map = Some(map);
        map
    }

    /// A value that the runtime writes before attaching.
    pub fn initial(&mut self, value: InitialValue) -> Value {
        let address = self.initial_address(value);
        self.load8(address)
    }

    /// Where such a value is.
    pub(super) fn initial_address(&mut self, value: InitialValue) -> Address {
        let map = self.globals_map();
        let index = match self.globals.initial.iter().position(|known| *known == value) {
            Some(index) => index,
            None => {
                self.globals.initial.push(value);
                self.globals.initial.len() - 1
            }
        };
        Address::Pointer(self.value(Instruction::MapValueAddress(map, 8 * index as u32)), 0)
    }

    /// The address of a number in memory that stays as it is.
    pub(super) fn number_address(&mut self, number: u64) -> Value {
        let address = self.initial_address(InitialValue::Number(number));
        self.address_of(address)
    }

    /// The address of constant bytes.
    pub fn constant_bytes(&mut self, bytes: &[u8]) -> Value {
        let known = self.module.globals.iter().find(|(_, known)| known.starts_with(bytes)).map(|(id, _)| id);
        let id = known.unwrap_or_else(|| self.module.globals.push(bytes.to_vec()));
        self.value(Instruction::GlobalAddress(id))
    }

    /// Adds one to a counter that is reported at the end.
    pub(super) fn count(&mut self, counter: Counter) {
        let map = self.globals_map();
        let index = match self.globals.counters.iter().position(|known| *known == counter) {
            Some(index) => index,
            None => {
                self.globals.counters.push(counter);
                self.globals.counters.len() - 1
            }
        };
        let offset = 8 * (INITIAL_VALUES + index as u32);
        let address = self.value(Instruction::MapValueAddress(map, offset));
        let one = self.constant(1);
        self.atomic_add(Address::Pointer(address, 0), one);
    }

    pub(super) fn finish_globals(&mut self) {
        let Some(map) = self.globals.map else { return };
        let size = 8 * (INITIAL_VALUES + self.globals.counters.len() as u32);
        self.module.maps[map].value_size = size;
        let offsets = |first: u32| move |index: usize| 8 * (first + index as u32);
        let (initial_at, counter_at) = (offsets(0), offsets(INITIAL_VALUES));
        self.manifest.globals = Some(manifest::Globals {
            symbol: SYMBOL.into(),
            size,
            initial: self.globals.initial.iter().enumerate().map(|(i, value)| (initial_at(i), *value)).collect(),
            counters: self.globals.counters.iter().enumerate().map(|(i, counter)| (counter_at(i), *counter)).collect(),
        });
    }
}
