//! The script's maps: their layout, and reading, writing and counting in them.
//!
//! A map without keys is a one-element array whose value ends with a word that says that something was assigned; a map
//! with keys is a hash. Integers are kept in 8 bytes, so that additions are atomic. Aggregations are kept per CPU.

use super::short_key::KernelMaps;
use super::{Lowerer, value_type};
use crate::hir::{self, Expr, LocalIndex, MapContent, MapIndex, Place};
use crate::ir::{Address, BinaryOp, Comparison, Helper, Instruction, MapData, MapKind, MemorySize, Value};
use crate::types::{Type, UINT64};
use lancet_manifest::{self as manifest, Action, Counter, MapShape, MapValue, hist_bucket_count, lhist_bucket_count};
use lancet_syntax::span::Span;

const NO_PREALLOC: u32 = 1;
const NOEXIST: i64 = 1;

/// Bytes that the kernel keeps beside key and value of a hash's element.
const ELEMENT_BYTES: u32 = 48;
/// Hashes up to that size are allocated at once.
const EARLY_BYTES: u64 = 1 << 20;

/// Where an element is: the kernel's map, and the address of the key.
#[derive(Clone, Copy)]
pub(super) struct ElementPlace {
    /// A reference to the map.
    pub table: Value,
    /// Where the key is.
    pub key: Value,
}

impl<'a> Lowerer<'a> {
    pub(super) fn make_maps(&mut self) {
        for map in &self.program.maps {
            let value_bytes = self.content_size(&map.value);
            let per_cpu = matches!(map.value, MapContent::Aggregation(_));
            let value = match &map.value {
                MapContent::Plain(ty) => MapValue::Plain(value_type(&storage(ty), self.target.structs)),
                MapContent::Aggregation(value) => value.clone(),
            };
            let (shape, kind, key_size, value_size, max_entries) = match &map.key {
                None => {
                    let present_offset = value_bytes.next_multiple_of(8);
                    let kind = if per_cpu { MapKind::PerCpuArray } else { MapKind::Array };
                    (MapShape::Scalar { present_offset }, kind, 4, present_offset + 8, 1)
                }
                Some(key) => {
                    let key_size = self.size_of(key);
                    let short = self.short_keys(map, key);
                    let shape = MapShape::Keyed { key: value_type(key, self.target.structs), key_size, short };
                    (shape, hash_kind(map.kind, per_cpu), key_size, value_bytes.max(1), map.max_entries)
                }
            };
            // Programs address the value of a shared map without keys directly: to libbpf that is a data section.
            let prefix = if kind == MapKind::Array { ".data." } else { "" };
            let symbol = format!("{prefix}AT_{}", map.name);
            let short = match &shape {
                MapShape::Keyed { short: Some(short), .. } => Some(short.clone()),
                MapShape::Keyed { short: None, .. } | MapShape::Scalar { .. } => None,
            };
            let early = !self.allocates_late(kind, short.is_some());
            let mut make = |symbol: &str, key_size: u32, early: bool| {
                let bytes = u64::from(max_entries) * u64::from(ELEMENT_BYTES + key_size + value_size);
                let flags = if early || bytes <= EARLY_BYTES { 0 } else { NO_PREALLOC };
                self.module.maps.push(MapData { symbol: symbol.into(), kind, key_size, value_size, max_entries, flags })
            };
            let short = short.map(|short| make(&short.symbol, short.key_size, early || kind == MapKind::PerCpuHash));
            let whole = make(&symbol, key_size, early);
            self.maps.push(KernelMaps { whole, short });
            let name = map.name.clone();
            let per_cpu = !matches!(kind, MapKind::Array | MapKind::Hash | MapKind::LruHash);
            self.manifest.maps.push(manifest::Map { name, symbol, shape, value, per_cpu, value_size, max_entries });
        }
    }

    /// Whether the memory of elements may be allocated when they are made. That of arrays and LRU maps never is, nor of
    /// hashes where the kernel wants it so for perf events. Of per-CPU hashes it is not because a program cannot wait: the
    /// kernel populates little of that memory ahead, so that of a burst of new keys some would find none; but keys with
    /// long strings are rare, and their memory large. Other hashes are allocated at once if that takes little memory: new
    /// and replaced elements then cost a tenth to a quarter less.
    fn allocates_late(&self, kind: MapKind, are_long_keys: bool) -> bool {
        let possible = kind == MapKind::Hash || (kind == MapKind::PerCpuHash && are_long_keys);
        possible && (self.target.features.dynamic_hash_in_nmi || !self.uses_perf_events())
    }

    pub(super) fn uses_perf_events(&self) -> bool {
        self.program.probes.iter().flat_map(|probe| &probe.programs).any(|part| part.section == "perf_event")
    }

    fn content_size(&self, content: &MapContent) -> u32 {
        match content {
            MapContent::Plain(ty) => self.size_of(&storage(ty)),
            MapContent::Aggregation(value) => match value {
                MapValue::Plain(ty) => ty.size(),
                MapValue::Count | MapValue::Sum { .. } => 8,
                MapValue::Min { .. } | MapValue::Max { .. } | MapValue::Average { .. } | MapValue::Stats { .. } => 16,
                MapValue::Histogram { bits } => 8 * hist_bucket_count(*bits),
                MapValue::LinearHistogram { min, max, step } => 8 * lhist_bucket_count(*min, *max, *step),
                MapValue::TimeSeries { intervals, .. } => 24 * intervals,
            },
        }
    }

    pub(super) fn map(&self, map: MapIndex) -> &'a hir::Map {
        &self.program.maps[map.0 as usize]
    }

    fn plain_type(&self, map: MapIndex) -> Type {
        match &self.map(map).value {
            MapContent::Plain(ty) => storage(ty),
            MapContent::Aggregation(_) => UINT64,
        }
    }

    fn is_per_cpu(&self, map: MapIndex) -> bool {
        self.manifest.maps[map.0 as usize].per_cpu
    }

    pub(super) fn value_size(&self, map: MapIndex) -> u32 {
        self.manifest.maps[map.0 as usize].value_size
    }

    /// Where the element of a key is.
    pub(super) fn place(&mut self, map: MapIndex, key: Option<&Expr>) -> ElementPlace {
        let key = self.key(map, key);
        ElementPlace { table: self.table_of(map, key), key }
    }

    /// The key in memory, as the map wants it.
    fn key(&mut self, map: MapIndex, key: Option<&Expr>) -> Value {
        let address = match (key, &self.map(map).key) {
            (Some(key), Some(ty)) => {
                let size = self.size_of(ty);
                let slot = Address::Slot(self.slot(size, 8, "key"), 0);
                self.convert_into(key, ty, slot);
                slot
            }
            _ => {
                let slot = Address::Slot(self.slot(4, 4, "key"), 0);
                self.push(Instruction::Zero { address: slot, size: 4 });
                slot
            }
        };
        self.address_of(address)
    }

    pub(super) fn look_up(&mut self, place: ElementPlace) -> Value {
        self.call(Helper::MAP_LOOKUP_ELEM, &[place.table, place.key])
    }

    /// The element's value, null when the key is absent. Of a map without keys it is never null, unless kept per CPU.
    pub fn map_pointer(&mut self, map: MapIndex, key: Option<&Expr>) -> Value {
        if self.map(map).key.is_none() && !self.is_per_cpu(map) {
            let id = self.maps[map.0 as usize].whole;
            return self.value(Instruction::MapValueAddress(id, 0));
        }
        let place = self.place(map, key);
        self.look_up(place)
    }

    /// The element, made with a value of zero when it is absent; null when the map is full.
    pub(super) fn element_or_new(&mut self, map: MapIndex, key: Option<&Expr>) -> Value {
        if self.map(map).key.is_none() {
            return self.map_pointer(map, None);
        }
        let place = self.place(map, key);
        let found = self.look_up(place);
        self.choose(
            found,
            |_| found,
            |lowerer| {
                let size = lowerer.value_size(map);
                let zero = lowerer.zeros(size);
                let flags = lowerer.constant(NOEXIST);
                lowerer.call(Helper::MAP_UPDATE_ELEM, &[place.table, place.key, zero, flags]);
                lowerer.look_up(place)
            },
        )
    }

    /// The address of that many zero bytes.
    fn zeros(&mut self, size: u32) -> Value {
        match size {
            ..=8 => return self.number_address(0),
            9..=16 => {}
            _ => return self.constant_bytes(&vec![0; size as usize]),
        }
        let slot = Address::Slot(self.slot(size, 8, "zero"), 0);
        self.push(Instruction::Zero { address: slot, size });
        self.address_of(slot)
    }

    /// Runs code with the element's pointer; a full map is counted.
    pub(super) fn with_element(&mut self, map: MapIndex, element: Value, use_it: impl FnOnce(&mut Self)) {
        let scalar = self.map(map).key.is_none();
        if scalar && !self.is_per_cpu(map) {
            use_it(self);
            self.mark_present(map, element);
            return;
        }
        self.if_else(
            element,
            |lowerer| {
                use_it(lowerer);
                if scalar {
                    lowerer.mark_present(map, element);
                }
            },
            |lowerer| {
                if !scalar {
                    lowerer.map_full(map);
                }
            },
        );
    }

    /// An update found no room: that is counted, and told with its place where that is asked for.
    pub(super) fn map_full(&mut self, map: MapIndex) {
        self.count(Counter::MapFull(map.0));
        if self.target.settings.report_helper_errors {
            let too_big = self.constant(-7);
            let span = self.builder.span();
            self.report_failure(Helper::MAP_UPDATE_ELEM, too_big, span);
        }
    }

    /// Something was assigned to a map without keys.
    fn mark_present(&mut self, map: MapIndex, value: Value) {
        let map = &self.manifest.maps[map.0 as usize];
        if let MapShape::Scalar { present_offset } = map.shape
            && !map.value.shows_assignment()
        {
            let one = self.constant(1);
            self.store8(Address::Pointer(value, present_offset as i32), one);
        }
    }

    /// Reports a look-up that found nothing, when that is asked for.
    fn absent_key(&mut self) {
        if self.target.settings.report_helper_errors {
            let location = self.location(self.builder.span());
            let not_found = self.constant(0);
            let helper = Helper::MAP_LOOKUP_ELEM.name().to_owned();
            self.emit(Action::HelperError { helper, location }, &[not_found]);
        }
    }

    pub(super) fn read_map_scalar(&mut self, map: MapIndex, key: Option<&Expr>, ty: &Type) -> Value {
        let stored = self.plain_type(map);
        let element = self.map_pointer(map, key);
        if self.map(map).key.is_none() && !self.is_per_cpu(map) {
            return self.load_scalar(Address::Pointer(element, 0), &stored);
        }
        let value = self.choose(
            element,
            |lowerer| lowerer.load_scalar(Address::Pointer(element, 0), &stored),
            |lowerer| {
                lowerer.absent_key();
                lowerer.constant(0)
            },
        );
        self.convert(value, &stored, ty)
    }

    pub(super) fn read_map_memory(&mut self, map: MapIndex, key: Option<&Expr>, ty: &Type) -> Address {
        let size = self.size_of(ty);
        let to = Address::Slot(self.slot(size, 8, "element"), 0);
        let element = self.map_pointer(map, key);
        let from = Address::Pointer(element, 0);
        if self.map(map).key.is_none() && !self.is_per_cpu(map) {
            self.push(Instruction::Copy { to, from, size });
            return to;
        }
        self.if_else(
            element,
            |lowerer| lowerer.push(Instruction::Copy { to, from, size }),
            |lowerer| {
                lowerer.absent_key();
                lowerer.push(Instruction::Zero { address: to, size });
            },
        );
        to
    }

    pub(super) fn assign_map(&mut self, map: MapIndex, key: Option<&Expr>, value: &Expr) {
        let stored = self.plain_type(map);
        let size = self.size_of(&stored);
        if self.map(map).key.is_none() && !self.is_per_cpu(map) {
            if stored.is_scalar() {
                let value = self.scalar(value);
                let element = self.map_pointer(map, None);
                self.store_sized(Address::Pointer(element, 0), size, value);
                self.mark_present(map, element);
            } else {
                let from = self.memory(value);
                let element = self.map_pointer(map, None);
                self.push(Instruction::Copy { to: Address::Pointer(element, 0), from, size });
                self.mark_present(map, element);
            }
            return;
        }
        let slot = Address::Slot(self.slot(self.value_size(map), 8, "value"), 0);
        self.convert_into(value, &stored, slot);
        let place = self.place(map, key);
        let (value, flags) = (self.address_of(slot), self.constant(0));
        let result = self.call(Helper::MAP_UPDATE_ELEM, &[place.table, place.key, value, flags]);
        let zero = self.constant(0);
        // Before 6.4 the result is an int: its upper half is not the sign.
        let failed = self.compare(Comparison::NotEqual, result, zero);
        self.when(failed, |lowerer| lowerer.map_full(map));
    }

    pub(super) fn add_to_map(&mut self, map: MapIndex, key: Option<&Expr>, value: &Expr) {
        let value = self.scalar(value);
        let element = self.element_or_new(map, key);
        self.with_element(map, element, |lowerer| lowerer.atomic_add(Address::Pointer(element, 0), value));
    }

    /// `++` and `--` on an element: the value before or after.
    pub(super) fn step_map(&mut self, map: MapIndex, key: Option<&Expr>, delta: i64, old: bool) -> Value {
        let element = self.element_or_new(map, key);
        let result = self.builder.variable();
        let zero = self.constant(0);
        self.builder.define(result, zero);
        let fetch = self.target.features.atomic_fetch;
        self.with_element(map, element, |lowerer| {
            let address = Address::Pointer(element, 0);
            let number = lowerer.constant(delta);
            let before = if fetch {
                let add = Instruction::AtomicAdd { address, size: MemorySize::B8, value: number, fetch };
                lowerer.value(add)
            } else {
                let before = lowerer.load8(address);
                lowerer.atomic_add(address, number);
                before
            };
            let after = if old { before } else { lowerer.add_constant(before, delta) };
            lowerer.builder.define(result, after);
        });
        self.builder.read(result)
    }

    /// Removes an element; 1 when it was there.
    pub fn delete(&mut self, map: MapIndex, key: Option<&Expr>) -> Value {
        if self.map(map).key.is_none() {
            if self.is_per_cpu(map) {
                // Other CPUs' values are out of reach here; the runtime clears them all.
                self.emit(Action::ClearMap { map: map.0 }, &[]);
                return self.constant(1);
            }
            let size = self.value_size(map);
            let value = self.map_pointer(map, None);
            let present = self.load8(Address::Pointer(value, size as i32 - 8));
            self.push(Instruction::Zero { address: Address::Pointer(value, 0), size });
            return present;
        }
        let place = self.place(map, key);
        let result = self.call(Helper::MAP_DELETE_ELEM, &[place.table, place.key]);
        let zero = self.constant(0);
        self.compare(Comparison::Equal, result, zero)
    }

    /// Tells that a key which was to be deleted was not there: a count at the end, or each with its place under `-k`.
    pub fn absent_deleted(&mut self, map: MapIndex, span: Span) {
        if self.target.settings.report_helper_errors {
            let not_found = self.constant(-2);
            self.report_failure(Helper::MAP_DELETE_ELEM, not_found, span);
        } else {
            self.count(Counter::AbsentDeleted(map.0));
        }
    }

    /// The number of elements.
    pub fn map_length(&mut self, map: MapIndex) -> Value {
        let callback = self.counting_callback();
        let function = self.value(Instruction::FunctionAddress(callback));
        let zero = self.constant(0);
        let tables = self.tables(map);
        let count = |lowerer: &mut Self, table| lowerer.call(Helper::FOR_EACH_MAP_ELEM, &[table, function, zero, zero]);
        tables
            .into_iter()
            .fold(None, |total, table| {
                let counted = count(self, table);
                Some(total.map_or(counted, |total| self.binary(BinaryOp::Add, total, counted)))
            })
            .unwrap_or(zero)
    }

    /// Gives a variable the value that a look-up found.
    pub fn assign_from_element(&mut self, place: &Place, map: MapIndex, element: Value) {
        let Place::Local(local) = place else { return };
        let stored = self.plain_type(map);
        let ty = self.local_types[local.0 as usize].ty.clone();
        let from = Address::Pointer(element, 0);
        if ty.is_scalar() {
            let value = self.load_scalar(from, &stored);
            let value = self.convert(value, &stored, &ty);
            self.write_local(*local, value);
        } else if let super::Home::Memory(to) = self.home(*local) {
            self.convert_memory(from, &stored, to, &ty);
        }
    }

    /// Fills the loop variable with (key, value) from pointers that the kernel handed to a callback.
    pub(super) fn write_element(&mut self, local: LocalIndex, of: &hir::Map, map: MapIndex, key: Value, value: Value) {
        let (super::Home::Memory(to), Some(key_type)) = (self.home(local), &of.key) else { return };
        let ty = self.local_types[local.0 as usize].ty.clone();
        let Some(layout) = ty.aggregate_layout(self.target.structs) else { return };
        let [key_field, value_field] = layout.fields.as_slice() else { return };
        let key_to = self.offset_address(to, key_field.offset);
        self.convert_memory(Address::Pointer(key, 0), key_type, key_to, &key_field.ty);
        let value_to = self.offset_address(to, value_field.offset);
        match &of.value {
            MapContent::Plain(ty) => {
                self.convert_memory(Address::Pointer(value, 0), &storage(ty), value_to, &value_field.ty);
            }
            MapContent::Aggregation(_) if self.target.features.bpf_loop => {
                let table = self.map_reference(map);
                let combined = self.combine(map, ElementPlace { table, key });
                self.store8(value_to, combined);
            }
            MapContent::Aggregation(_) => {
                let here = self.load8(Address::Pointer(value, 0));
                self.store8(value_to, here);
            }
        }
    }
}

/// How a map keeps a value of that type: integers in 8 bytes.
pub(super) fn storage(ty: &Type) -> Type {
    match ty {
        Type::Int { signed, .. } => Type::Int { size: 8, signed: *signed },
        other => other.clone(),
    }
}

fn hash_kind(kind: hir::MapKind, per_cpu: bool) -> MapKind {
    match (kind, per_cpu) {
        (hir::MapKind::LruHash | hir::MapKind::LruPerCpuHash, true) => MapKind::LruPerCpuHash,
        (hir::MapKind::Hash | hir::MapKind::PerCpuHash, true) => MapKind::PerCpuHash,
        (hir::MapKind::LruHash | hir::MapKind::LruPerCpuHash, false) => MapKind::LruHash,
        (hir::MapKind::Hash | hir::MapKind::PerCpuHash, false) => MapKind::Hash,
    }
}
