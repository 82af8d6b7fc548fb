//! Values as JSON, always valid UTF-8.
//!
//! Objects are written `{"a": 1, "b": 2}`, arrays `[1,2]`. Pointers and enums are numbers, buffers arrays of signed
//! bytes, everything that prints as a name is a string. An integer that a double cannot hold exactly is a string. Bytes
//! that are no UTF-8 become U+FFFD, one for each sequence that cannot be part of a character.

use super::Context;
use super::buffer::content;
use super::number::{Integer, LOWER, word};
use super::text::{elements, part, string_content, visit_fields, write_key, write_text};
use lancet_manifest::ValueType;

/// Appends the value of type `ty` that `bytes` hold.
pub fn write_json(out: &mut Vec<u8>, ty: &ValueType, bytes: &[u8], context: &mut Context) {
    match ty {
        ValueType::Int { size, signed } | ValueType::Enum { size, signed, .. } => {
            write_integer(out, Integer::read(bytes, *size, *signed));
        }
        ValueType::Pointer => write_integer(out, Integer::unsigned(word(bytes, 0, 8))),
        ValueType::Bool => write_text(out, ty, bytes, context),
        ValueType::Buffer { .. } => {
            let bytes = content(bytes).iter().map(|&byte| Integer::read(&[byte], 1, true));
            write_list(out, bytes, write_integer);
        }
        ValueType::Array { element, count } => write_list(out, elements(bytes, element, *count), |out, stored| {
            write_json(out, element, stored, context);
        }),
        ValueType::Tuple { fields, .. } => write_list(out, fields, |out, field| {
            write_json(out, &field.ty, part(bytes, field.offset), context);
        }),
        ValueType::Record { fields, .. } => {
            let mut object = Object::open(out);
            visit_fields(fields, bytes, &mut |field, stored| {
                object.name(out, field.name.as_bytes());
                write_json(out, &field.ty, stored, context);
            });
            object.close(out);
        }
        ValueType::String { size } if !string_content(bytes, *size).1 => {
            write_string(out, string_content(bytes, *size).0);
        }
        ValueType::String { .. }
        | ValueType::Inet
        | ValueType::Mac
        | ValueType::KernelSymbol
        | ValueType::UserSymbol
        | ValueType::KernelStack(_)
        | ValueType::UserStack(_)
        | ValueType::Username
        | ValueType::Timestamp { .. }
        | ValueType::CgroupPath { .. }
        | ValueType::ProbeName => {
            let mut text = Vec::new();
            write_text(&mut text, ty, bytes, context);
            write_string(out, &text);
        }
    }
}

/// Appends a map's key as the name of a member: its text without any space.
pub fn write_key_name(out: &mut Vec<u8>, ty: &ValueType, bytes: &[u8], context: &mut Context) {
    let mut text = Vec::new();
    write_key(&mut text, ty, bytes, context);
    text.retain(|&byte| byte != b' ');
    write_string(out, &text);
}

/// Appends a number, or a string where a double would lose digits.
pub fn write_integer(out: &mut Vec<u8>, value: Integer) {
    if value.fits_double() {
        value.write(out);
    } else {
        out.push(b'"');
        value.write(out);
        out.push(b'"');
    }
}

/// Appends a string with its quotes.
pub fn write_string(out: &mut Vec<u8>, text: &[u8]) {
    out.push(b'"');
    for chunk in text.utf8_chunks() {
        for &byte in chunk.valid().as_bytes() {
            match byte {
                b'"' => out.extend_from_slice(b"\\\""),
                b'\\' => out.extend_from_slice(b"\\\\"),
                b'\n' => out.extend_from_slice(b"\\n"),
                b'\r' => out.extend_from_slice(b"\\r"),
                b'\t' => out.extend_from_slice(b"\\t"),
                0..32 => {
                    out.extend_from_slice(b"\\u00");
                    out.push(LOWER[usize::from(byte >> 4)]);
                    out.push(LOWER[usize::from(byte & 15)]);
                }
                _ => out.push(byte),
            }
        }
        if !chunk.invalid().is_empty() {
            out.extend_from_slice("\u{FFFD}".as_bytes());
        }
    }
    out.push(b'"');
}

/// Appends `[a,b]`.
pub fn write_list<T>(out: &mut Vec<u8>, items: impl IntoIterator<Item = T>, mut write: impl FnMut(&mut Vec<u8>, T)) {
    out.push(b'[');
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

/// The state of an object that is being written: `{"a": 1, "b": 2}`.
pub struct Object {
    empty: bool,
}

impl Object {
    /// Appends the opening brace.
    pub fn open(out: &mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { empty: true }
    }

    /// Appends a member's name; its value comes next.
    pub fn name(&mut self, out: &mut Vec<u8>, name: &[u8]) {
        self.separate(out);
        write_string(out, name);
        out.extend_from_slice(b": ");
    }

    /// Appends the comma before a member, if it is not the first.
    pub fn separate(&mut self, out: &mut Vec<u8>) {
        if !self.empty {
            out.extend_from_slice(b", ");
        }
        self.empty = false;
    }

    /// Appends the closing brace.
    pub fn close(self, out: &mut Vec<u8>) {
        out.push(b'}');
    }
}
