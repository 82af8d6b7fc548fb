//! A map as text or JSON: names and keys around the values, in order, cut to what was asked for.

use super::Values;
use super::combine::{Combined, combine};
use super::order::write_place;
use super::sort::{Entries, Sorted};
use crate::format::histogram::{self, Scale};
use crate::format::json::{self, Object};
use crate::format::output::Output;
use crate::format::time_series::{self, Series};
use crate::format::{Context, Style, text};
use lancet_manifest::{Map, MapShape, MapValue, ValueType};
use std::io;

/// What of a map is printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Selection {
    /// How many of the last entries; 0 for all.
    pub top: u64,
    /// What values are divided by; 0 for nothing.
    pub divisor: u64,
    /// An element without keys that nothing was assigned to prints as zero.
    pub unset: bool,
}

/// What is printed, how, and of which map.
#[derive(Clone, Copy)]
pub struct Request<'m> {
    /// Its number in the manifest.
    pub index: u32,
    /// Its description.
    pub map: &'m Map,
    /// Text or JSON.
    pub style: Style,
    /// What of it.
    pub selection: Selection,
}

/// Prints a map with its name; nothing if there is nothing in it.
pub fn write_map(output: &mut Output, request: Request, context: &mut Context) -> io::Result<()> {
    let Request { index, map, style, selection } = request;
    let maps = context.maps;
    match &map.shape {
        MapShape::Scalar { present_offset } => maps.visit(index, &mut |_, values| {
            let told_from = if map.value.shows_assignment() { 0 } else { *present_offset as usize };
            let assigned = values.iter().any(|value| value.iter().skip(told_from).any(|byte| *byte != 0));
            if assigned || (selection.unset && !spans_lines(&map.value)) {
                let mut value = combine(&map.value, values);
                value.divide(selection.divisor);
                write_scalar(output.buffer(), style, map, &value, context);
            }
        }),
        MapShape::Keyed { key, .. } => {
            let mut sorted = Sorted::new(selection.top);
            maps.visit(index, &mut |bytes, values| {
                let value = combine(&map.value, values);
                sorted.insert(bytes, value, |place, value| write_place(place, key, bytes, value, context));
            })?;
            let mut entries = sorted.into_entries();
            if !entries.is_empty() {
                entries.values_mut().for_each(|value| value.divide(selection.divisor));
                write_keyed(output, style, map, key, &entries, context);
            }
            Ok(())
        }
    }
}

/// Appends the value of one element, without a name: what `print(@map[key])` shows.
pub fn write_element(out: &mut Vec<u8>, style: Style, map: &Map, values: Values, divisor: u64, context: &mut Context) {
    let mut value = combine(&map.value, values);
    value.divide(divisor);
    match style {
        Style::Text => {
            write_value_text(out, map, &value, context);
            out.push(b'\n');
        }
        Style::Json => {
            out.extend_from_slice(b"{\"type\": \"value\", \"data\": ");
            write_value_json(out, map, &value, context);
            out.extend_from_slice(b"}\n");
        }
    }
}

fn write_scalar(out: &mut Vec<u8>, style: Style, map: &Map, value: &Combined, context: &mut Context) {
    match style {
        Style::Text => {
            write_name(out, map);
            write_named_value(out, map, value, context);
        }
        Style::Json => {
            let object = open_message(out, map);
            write_value_json(out, map, value, context);
            close_message(out, object);
        }
    }
}

fn write_keyed(
    output: &mut Output,
    style: Style,
    map: &Map,
    key_type: &ValueType,
    entries: &Entries,
    context: &mut Context,
) {
    match style {
        Style::Text => {
            for (key, value) in entries.iter() {
                let out = output.buffer();
                write_name(out, map);
                out.push(b'[');
                text::write_key(out, key_type, key, context);
                out.push(b']');
                write_named_value(out, map, value, context);
                output.written();
            }
        }
        Style::Json => {
            let message = open_message(output.buffer(), map);
            let mut object = Object::open(output.buffer());
            for (key, value) in entries.iter() {
                let out = output.buffer();
                object.separate(out);
                json::write_key_name(out, key_type, key, context);
                out.extend_from_slice(b": ");
                write_value_json(out, map, value, context);
                output.written();
            }
            object.close(output.buffer());
            close_message(output.buffer(), message);
        }
    }
}

fn write_name(out: &mut Vec<u8>, map: &Map) {
    out.push(b'@');
    out.extend_from_slice(map.name.as_bytes());
}

/// What comes after a name: the value in the same line, or in lines of its own with an empty one behind.
fn write_named_value(out: &mut Vec<u8>, map: &Map, value: &Combined, context: &mut Context) {
    out.extend_from_slice(if spans_lines(&map.value) { b":\n" } else { b": " });
    write_value_text(out, map, value, context);
    out.push(b'\n');
}

fn open_message(out: &mut Vec<u8>, map: &Map) -> Object {
    let kind = match map.value {
        MapValue::Average { .. } | MapValue::Stats { .. } => "stats",
        MapValue::Histogram { .. } | MapValue::LinearHistogram { .. } => "hist",
        MapValue::TimeSeries { .. } => "tseries",
        MapValue::Plain(_) | MapValue::Count | MapValue::Sum { .. } | MapValue::Min { .. } | MapValue::Max { .. } => {
            "map"
        }
    };
    out.extend_from_slice(b"{\"type\": \"");
    out.extend_from_slice(kind.as_bytes());
    out.extend_from_slice(b"\", \"data\": ");
    let mut object = Object::open(out);
    object.name(out, format!("@{}", map.name).as_bytes());
    object
}

fn close_message(out: &mut Vec<u8>, object: Object) {
    object.close(out);
    out.extend_from_slice(b"}\n");
}

fn write_value_text(out: &mut Vec<u8>, map: &Map, value: &Combined, context: &mut Context) {
    match value {
        Combined::Plain(bytes) => {
            if let MapValue::Plain(ty) = &map.value {
                text::write_text(out, ty, bytes, context);
            }
        }
        Combined::Number(number) => number.write(out),
        Combined::Stats(stats) => {
            out.extend_from_slice(b"{ .count = ");
            crate::format::number::write_decimal(out, stats.count);
            out.extend_from_slice(b", .average = ");
            stats.average.write(out);
            out.extend_from_slice(b", .total = ");
            stats.total.write(out);
            out.extend_from_slice(b" }");
        }
        Combined::Buckets(buckets) => {
            if let Some(scale) = scale(&map.value) {
                histogram::write_text(out, scale, &buckets.counters, buckets.divisor.unwrap_or(1));
            }
        }
        Combined::Series(values) => {
            if let MapValue::TimeSeries { interval, .. } = map.value {
                time_series::write_text(out, Series { values, interval });
            }
        }
    }
}

fn write_value_json(out: &mut Vec<u8>, map: &Map, value: &Combined, context: &mut Context) {
    match value {
        Combined::Plain(bytes) => {
            if let MapValue::Plain(ty) = &map.value {
                json::write_json(out, ty, bytes, context);
            }
        }
        Combined::Number(number) => json::write_integer(out, *number),
        Combined::Stats(stats) => {
            let mut object = Object::open(out);
            let count = crate::format::number::Integer::unsigned(stats.count);
            for (name, number) in [("count", count), ("average", stats.average), ("total", stats.total)] {
                object.name(out, name.as_bytes());
                json::write_integer(out, number);
            }
            object.close(out);
        }
        Combined::Buckets(buckets) => {
            if let Some(scale) = scale(&map.value) {
                histogram::write_json(out, scale, &buckets.counters, buckets.divisor.unwrap_or(1));
            }
        }
        Combined::Series(values) => {
            if let MapValue::TimeSeries { interval, .. } = map.value {
                time_series::write_json(out, Series { values, interval });
            }
        }
    }
}

fn scale(value: &MapValue) -> Option<Scale> {
    match *value {
        MapValue::Histogram { bits } => Some(Scale::Logarithmic { bits }),
        MapValue::LinearHistogram { min, max, step } => Some(Scale::Linear { min, max, step }),
        _ => None,
    }
}

fn spans_lines(value: &MapValue) -> bool {
    match value {
        MapValue::Histogram { .. } | MapValue::LinearHistogram { .. } | MapValue::TimeSeries { .. } => true,
        MapValue::Plain(_)
        | MapValue::Count
        | MapValue::Sum { .. }
        | MapValue::Min { .. }
        | MapValue::Max { .. }
        | MapValue::Average { .. }
        | MapValue::Stats { .. } => false,
    }
}
