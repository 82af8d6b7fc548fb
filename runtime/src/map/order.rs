//! The order of a map's entries.
//!
//! Maps of numbers and statistics ascend by value, histograms by total count, and equal ones, and all others, by key:
//! integers by number, tuples field by field, addresses, buffers and strings by bytes, everything
//! else by the bytes of its text. An entry's place is a string of
//! bytes, made once; comparing two entries is comparing bytes.

use super::combine::Combined;
use crate::format::Context;
use crate::format::buffer::content;
use crate::format::number::Integer;
use crate::format::text::{elements, string_content, visit_fields, write_text};
use lancet_manifest::ValueType;

/// Appends the place of an entry: first by value where that counts, then by key.
pub fn write_place(place: &mut Vec<u8>, key: &ValueType, key_bytes: &[u8], value: &Combined, context: &mut Context) {
    match value {
        Combined::Number(number) => push_integer(place, *number),
        Combined::Stats(stats) => push_integer(place, stats.average),
        Combined::Buckets(buckets) => {
            let total = buckets.counters.iter().fold(0u64, |total, counter| total.wrapping_add(*counter));
            push_integer(place, Integer::unsigned(total));
        }
        Combined::Plain(_) | Combined::Series(_) => {}
    }
    push_key(place, key, key_bytes, context);
}

fn push_key(place: &mut Vec<u8>, ty: &ValueType, bytes: &[u8], context: &mut Context) {
    match ty {
        ValueType::Int { size, signed } | ValueType::Enum { size, signed, .. } => {
            push_integer(place, Integer::read(bytes, *size, *signed));
        }
        ValueType::Bool => push_integer(place, Integer::read(bytes, 1, false)),
        ValueType::Pointer | ValueType::Timestamp { .. } => push_integer(place, Integer::read(bytes, 8, false)),
        ValueType::String { size } => push_text(place, string_content(bytes, *size).0),
        ValueType::Array { element, count } => {
            for stored in elements(bytes, element, *count) {
                push_key(place, element, stored, context);
            }
        }
        ValueType::Tuple { fields, .. } | ValueType::Record { fields, .. } => {
            visit_fields(fields, bytes, &mut |field, stored| push_key(place, &field.ty, stored, context));
        }
        ValueType::Buffer { .. } => push_text(place, content(bytes)),
        ValueType::Inet | ValueType::Mac => {
            place.extend_from_slice(&bytes[..bytes.len().min(ty.size() as usize)]);
        }
        ValueType::KernelSymbol
        | ValueType::UserSymbol
        | ValueType::KernelStack(_)
        | ValueType::UserStack(_)
        | ValueType::Username
        | ValueType::CgroupPath { .. }
        | ValueType::ProbeName => {
            let mut text = Vec::new();
            write_text(&mut text, ty, bytes, context);
            push_text(place, &text);
        }
    }
}

/// Big endian, with the sign turned so that negative numbers come first.
fn push_integer(place: &mut Vec<u8>, number: Integer) {
    let sign = if number.signed { 1 << 63 } else { 0 };
    place.extend_from_slice(&(number.bits ^ sign).to_be_bytes());
}

/// With an end that is smaller than any byte, so that a prefix comes before what it is a prefix of.
fn push_text(place: &mut Vec<u8>, text: &[u8]) {
    for &byte in text {
        place.push(byte);
        if byte == 0 {
            place.push(1);
        }
    }
    place.extend_from_slice(&[0, 0]);
}
