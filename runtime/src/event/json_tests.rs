//! Whatever bytes a script sends, its JSON is one valid object a line.

use super::tests::{JSON, location, manifest, run_with};
use super::*;
use crate::map::fake::Entry;
use crate::map::fake::FakeMaps;
use lancet_manifest::{
    Clock, Combine, Conversion, ConversionKind, Field, Map, MapValue, Piece, ProbeName, StackMode, hist_bucket_count,
    lhist_bucket_count,
};
use proptest::prelude::*;
use std::cell::RefCell;
use strict::assert_objects;

mod strict;

/// Bytes that break naive writers: quotes, backslashes, controls, halves of characters, and anything.
fn hostile_bytes(size: usize) -> impl Strategy<Value = Vec<u8>> {
    const FAVOURITES: &[u8] = &[b'"', b'\\', 0, b'\n', 0x1f, 0x7f, 0xff, 0xc3, 0xed, 0xa0, 0x80, b'{', b' '];
    any::<u64>().prop_map(move |mut seed| {
        let mut next = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize
        };
        (0..size).map(|_| if next() % 3 == 0 { next() as u8 } else { FAVOURITES[next() % FAVOURITES.len()] }).collect()
    })
}

fn hostile_text() -> impl Strategy<Value = String> {
    hostile_bytes(12).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// Any type of value; aggregates up to two deep.
fn value_type() -> impl Strategy<Value = ValueType> {
    let modes =
        prop_oneof![Just(StackMode::Bpftrace), Just(StackMode::Perf), Just(StackMode::Raw), Just(StackMode::BuildId),];
    let size = prop_oneof![Just(1u8), Just(2), Just(4), Just(8)];
    let leaf = prop_oneof![
        (size.clone(), any::<bool>()).prop_map(|(size, signed)| ValueType::Int { size, signed }),
        (size, any::<bool>(), hostile_text()).prop_map(|(size, signed, name)| ValueType::Enum {
            size,
            signed,
            names: vec![(1, name)]
        }),
        Just(ValueType::Bool),
        Just(ValueType::Pointer),
        Just(ValueType::KernelSymbol),
        prop_oneof![1u32..40, 1000u32..5000].prop_map(|size| ValueType::String { size }),
        (0u32..40).prop_map(|capacity| ValueType::Buffer { capacity }),
        Just(ValueType::Inet),
        Just(ValueType::Mac),
        modes.clone().prop_map(ValueType::KernelStack),
        modes.prop_map(ValueType::UserStack),
        Just(ValueType::UserSymbol),
        Just(ValueType::Username),
        hostile_text().prop_map(|format| ValueType::Timestamp { clock: Clock::Realtime, format }),
        hostile_text().prop_map(|filter| ValueType::CgroupPath { filter }),
        Just(ValueType::ProbeName),
    ];
    leaf.prop_recursive(2, 12, 3, |inner| {
        prop_oneof![
            (inner.clone(), 0u32..4)
                .prop_map(|(element, count)| ValueType::Array { element: Box::new(element), count }),
            prop::collection::vec(inner.clone(), 0..3).prop_map(|types| {
                let (size, fields) = lay_out(types, "");
                ValueType::Tuple { size, fields }
            }),
            (prop::collection::vec(inner, 0..3), hostile_text()).prop_map(|(types, name)| {
                let (size, fields) = lay_out(types, &name);
                ValueType::Record { size, fields }
            }),
        ]
    })
}

fn lay_out(types: Vec<ValueType>, name: &str) -> (u32, Vec<Field>) {
    let mut offset = 0;
    let fields = types.into_iter().enumerate().map(|(index, ty)| {
        let at = offset;
        offset += ty.size();
        let name = if name.is_empty() { String::new() } else { format!("{name}{index}") };
        Field { name, offset: at, ty, bits: None }
    });
    let fields = fields.collect();
    (offset, fields)
}

/// What a map can hold.
fn map_value() -> impl Strategy<Value = MapValue> {
    let series = |combine| MapValue::TimeSeries { interval: 1_000_000, intervals: 4, combine, signed: true };
    prop_oneof![
        value_type().prop_map(MapValue::Plain),
        Just(MapValue::Count),
        any::<bool>().prop_map(|signed| MapValue::Sum { signed }),
        any::<bool>().prop_map(|signed| MapValue::Min { signed }),
        any::<bool>().prop_map(|signed| MapValue::Average { signed }),
        any::<bool>().prop_map(|signed| MapValue::Stats { signed }),
        Just(MapValue::Histogram { bits: 1 }),
        Just(MapValue::LinearHistogram { min: 0, max: 10, step: 2 }),
        Just(series(Combine::Last)),
        Just(series(Combine::Average)),
    ]
}

fn value_size(value: &MapValue) -> u32 {
    match value {
        MapValue::Plain(ty) => ty.size(),
        MapValue::Histogram { bits } => 8 * hist_bucket_count(*bits),
        MapValue::LinearHistogram { min, max, step } => 8 * lhist_bucket_count(*min, *max, *step),
        MapValue::TimeSeries { .. } => 24 * 4,
        _ => 16,
    }
}

fn lines(actions: Vec<Action>, payload: &[u8], file: &str, maps: &FakeMaps, described: Vec<Map>) -> String {
    let mut manifest = manifest(actions);
    manifest.config.str_trunc_trailer = file.to_owned();
    manifest.maps = described;
    manifest.probes = vec![ProbeName { name: file.to_owned(), provider: file.to_owned(), location: location() }];
    run_with(JSON, &manifest, payload, maps).0
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn values_of_any_type(ty in value_type(), bytes in hostile_bytes(50_000), file in hostile_text()) {
        let argument = Argument { offset: 8, ty };
        let conversion = Conversion {
            left: false, zero: false, plus: false, space: false, alternate: false, width: None, precision: None,
            integer_size: 8, kind: ConversionKind::Text,
        };
        let pieces = vec![Piece::Text(bytes[..20].to_vec()), Piece::Conversion(conversion)];
        let format = Format { pieces };
        let place = Location { file: file.clone(), ..location() };
        let text = |sink| Action::Text { sink, format: format.clone(), arguments: vec![argument.clone()] };
        let actions = vec![
            Action::Value(argument.clone()),
            text(TextSink::Output),
            text(TextSink::Error(place.clone())),
            text(TextSink::Warning(place.clone())),
            Action::Time { format: file.clone() },
            Action::HelperError { helper: file.clone(), location: place.clone() },
            Action::RuntimeError { message: file.clone(), location: place },
            Action::Join { delimiter: file.clone(), arguments: vec![Argument { offset: 8, ty: ValueType::String { size: 16 } }; 3] },
        ];
        let count = actions.len();
        assert_objects(&lines(actions, &bytes, &file, &FakeMaps::default(), Vec::new()), count);
    }

    #[test]
    fn maps_of_any_type(
        key in value_type(),
        value in map_value(),
        keys in prop::collection::vec(hostile_bytes(50_000), 1..4),
        content in hostile_bytes(50_000),
        file in hostile_text(),
    ) {
        let (key_size, value_size) = (key.size(), value_size(&value));
        let name = "m".to_owned();
        let described = vec![
            Map {
                name: name.clone(), symbol: name.clone(), shape: MapShape::Keyed { key, key_size, short: None }, value: value.clone(),
                per_cpu: true, value_size, max_entries: 10,
            },
            Map {
                name: name.clone(), symbol: name, shape: MapShape::Scalar { present_offset: value_size }, value,
                per_cpu: true, value_size: value_size + 8, max_entries: 1,
            },
        ];
        let cpu = content[..value_size as usize].to_vec();
        // A map has a key once.
        let keys: std::collections::BTreeSet<&[u8]> = keys.iter().map(|key| &key[..key_size as usize]).collect();
        let entries = keys.iter().map(|key| Entry { key: key.to_vec(), values: vec![cpu.clone()] });
        let scalar = [cpu.clone(), vec![1; 8]].concat();
        let maps = FakeMaps {
            maps: RefCell::new(vec![entries.collect(), vec![Entry { key: vec![0; 4], values: vec![scalar] }]]),
            stacks: Vec::new(),
        };
        let print = vec![Action::PrintMap { map: 0 }, Action::PrintMap { map: 1 }, Action::PrintElement { map: 0 }];
        assert_objects(&lines(print, &[&[0; 8], &*content].concat(), &file, &maps, described), 3);
    }
}

#[test]
fn losses_and_counts_of_probes() {
    let (output, diagnostics) = (super::tests::Captured::default(), super::tests::Captured::default());
    let manifest = manifest(Vec::new());
    let destination = Output::new(Box::new(output.clone()), crate::format::output::Buffering::Full);
    let mut printer = Printer::new(&manifest, JSON, destination, Box::new(diagnostics));
    printer.attached_probes(3);
    printer.lost_events(7, "more room");
    printer.flush();
    assert_objects(&output.text(), 2);
}
