//! The object's own BTF (kernel Documentation/bpf/btf.rst): types of maps and functions, and strings.

use crate::ir::{MapData, MapKind};
use rustc_hash::FxHashMap;

/// Collects types and strings.
#[derive(Default)]
pub(super) struct BtfWriter {
    types: Vec<u8>,
    count: u32,
    strings: Vec<u8>,
    /// Where strings are that were added.
    known: FxHashMap<String, u32>,
    int: Option<u32>,
    void_pointer: Option<u32>,
}

const MAGIC: u16 = 0xeb9f;
const HEADER: u32 = 24;

const KIND_INT: u32 = 1;
const KIND_PTR: u32 = 2;
const KIND_ARRAY: u32 = 3;
const KIND_STRUCT: u32 = 4;
const KIND_FUNC: u32 = 12;
const KIND_FUNC_PROTO: u32 = 13;
const KIND_VAR: u32 = 14;
const KIND_DATASEC: u32 = 15;
const INT_SIGNED: u32 = 1 << 24;
const LINKAGE_GLOBAL: u32 = 1;

impl BtfWriter {
    /// The offset of a string, added when it is new.
    pub(super) fn string(&mut self, text: &str) -> u32 {
        if self.strings.is_empty() {
            self.strings.push(0);
        }
        if text.is_empty() {
            return 0;
        }
        if let Some(at) = self.known.get(text) {
            return *at;
        }
        let offset = self.strings.len() as u32;
        self.strings.extend(text.bytes().filter(|byte| *byte != 0));
        self.strings.push(0);
        self.known.insert(text.to_owned(), offset);
        offset
    }

    fn add(&mut self, name: u32, kind: u32, count: u32, flag: u32, size_or_type: u32, rest: &[u32]) -> u32 {
        for word in [name, flag << 31 | kind << 24 | count, size_or_type].iter().chain(rest) {
            self.types.extend(word.to_le_bytes());
        }
        self.count += 1;
        self.count
    }

    fn int(&mut self) -> u32 {
        if let Some(int) = self.int {
            return int;
        }
        let name = self.string("int");
        let id = self.add(name, KIND_INT, 0, 0, 4, &[INT_SIGNED | 32]);
        self.int = Some(id);
        id
    }

    /// `ptr → array[n] of int`: how map definitions say a number.
    fn number(&mut self, number: u32) -> u32 {
        let int = self.int();
        let array = self.add(0, KIND_ARRAY, 0, 0, 0, &[int, int, number]);
        self.add(0, KIND_PTR, 0, 0, array, &[])
    }

    /// The definitions of all maps and their section.
    pub(super) fn maps(&mut self, maps: &[&MapData]) {
        let mut variables = Vec::new();
        for map in maps {
            let members = map_members(map);
            let mut words = Vec::new();
            for (index, (name, number)) in members.iter().enumerate() {
                let ty = self.number(*number);
                words.extend([self.string(name), ty, 64 * index as u32]);
            }
            let size = 8 * members.len() as u32;
            let definition = self.add(0, KIND_STRUCT, members.len() as u32, 0, size, &words);
            let name = self.string(&map.symbol);
            let variable = self.add(name, KIND_VAR, 0, 0, definition, &[LINKAGE_GLOBAL]);
            variables.extend([variable, 0, size]);
        }
        let name = self.string(".maps");
        self.add(name, KIND_DATASEC, maps.len() as u32, 0, 0, &variables);
    }

    /// A function from number to number that the verifier walks through by itself: its type id.
    pub(super) fn global_function(&mut self, name: &str, parameters: u32) -> u32 {
        let word_name = self.string("unsigned long");
        let word = self.add(word_name, KIND_INT, 0, 0, 8, &[64]);
        let mut words = Vec::new();
        for index in 0..parameters {
            words.extend([self.string(&format!("a{index}")), word]);
        }
        let prototype = self.add(0, KIND_FUNC_PROTO, parameters, 0, word, &words);
        let name = self.string(name);
        self.add(name, KIND_FUNC, LINKAGE_GLOBAL, 0, prototype, &[])
    }

    /// A program, or a callback of that many parameters: its type id.
    pub(super) fn function(&mut self, name: &str, parameters: u32, global: bool) -> u32 {
        let int = self.int();
        let pointer = match self.void_pointer {
            Some(pointer) => pointer,
            None => {
                let pointer = self.add(0, KIND_PTR, 0, 0, 0, &[]);
                self.void_pointer = Some(pointer);
                pointer
            }
        };
        let mut words = Vec::new();
        for index in 0..parameters {
            let name = if index == 0 && parameters == 1 { "ctx".to_owned() } else { format!("a{index}") };
            words.extend([self.string(&name), pointer]);
        }
        let prototype = self.add(0, KIND_FUNC_PROTO, parameters, 0, int, &words);
        let name = self.string(name);
        self.add(name, KIND_FUNC, u32::from(global), 0, prototype, &[])
    }

    /// The section's bytes.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.string("");
        let mut out = Vec::new();
        out.extend(MAGIC.to_le_bytes());
        out.extend([1, 0]);
        let (types, strings) = (self.types.len() as u32, self.strings.len() as u32);
        for word in [HEADER, 0, types, types, strings] {
            out.extend(word.to_le_bytes());
        }
        out.extend(self.types);
        out.extend(self.strings);
        out
    }
}

/// Bytes of a map's definition in `.maps`: a pointer for each member.
pub(super) fn definition_size(map: &MapData) -> u32 {
    8 * map_members(map).len() as u32
}

/// What a definition says of its map.
fn map_members(map: &MapData) -> Vec<(&'static str, u32)> {
    let mut members = vec![("type", map_type(map.kind))];
    if map.kind != MapKind::RingBuffer {
        members.extend([("key_size", map.key_size), ("value_size", map.value_size)]);
    }
    members.push(("max_entries", map.max_entries));
    if map.flags != 0 {
        members.push(("map_flags", map.flags));
    }
    members
}

/// enum bpf_map_type (include/uapi/linux/bpf.h).
fn map_type(kind: MapKind) -> u32 {
    match kind {
        MapKind::Hash => 1,
        MapKind::Array => 2,
        MapKind::PerfEventArray => 4,
        MapKind::PerCpuHash => 5,
        MapKind::PerCpuArray => 6,
        MapKind::LruHash => 9,
        MapKind::LruPerCpuHash => 10,
        MapKind::RingBuffer => 27,
    }
}
