//! Values as people read them: `(1, a, true)`, `{ .a = 1 }`, `[1,2,3]`, names of symbols.
//!
//! What is a name or a string here is a string in JSON and a key's text too, so those build upon this file.

use super::buffer::{Escape, content, write_escaped};
use super::number::{Integer, UPPER, sign_extend, word, write_address, write_decimal};
use super::{Context, stack, strftime};
use lancet_manifest::{Field, ValueType};
use std::io::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Appends the value of type `ty` that `bytes` hold.
pub fn write_text(out: &mut Vec<u8>, ty: &ValueType, bytes: &[u8], context: &mut Context) {
    match ty {
        ValueType::Int { size, signed } => Integer::read(bytes, *size, *signed).write(out),
        ValueType::Bool => out.extend_from_slice(if word(bytes, 0, 1) == 0 { b"false" } else { b"true" }),
        ValueType::Enum { size, signed, names } => {
            let value = Integer::read(bytes, *size, *signed);
            match names.iter().find(|(number, _)| *number as u64 == value.bits) {
                Some((_, name)) => out.extend_from_slice(name.as_bytes()),
                None => value.write(out),
            }
        }
        ValueType::Pointer => write_address(out, word(bytes, 0, 8)),
        ValueType::String { size } => {
            let (characters, cut) = string_content(bytes, *size);
            out.extend_from_slice(characters);
            if cut {
                out.extend_from_slice(context.config.str_trunc_trailer.as_bytes());
            }
        }
        ValueType::Buffer { .. } => write_escaped(out, content(bytes), Escape::Unprintable),
        ValueType::Inet => write_inet(out, bytes),
        ValueType::Mac => write_mac(out, bytes),
        ValueType::KernelSymbol => context.names.write_kernel_symbol(out, word(bytes, 0, 8)),
        ValueType::UserSymbol => {
            context.names.write_user_symbol(out, word(bytes, 0, 8), word(bytes, 8, 4) as u32);
        }
        ValueType::KernelStack(mode) => stack::write_kernel(out, *mode, bytes, context),
        ValueType::UserStack(mode) => stack::write_user(out, *mode, bytes, context),
        ValueType::Username => context.names.write_user_name(out, word(bytes, 0, 8)),
        ValueType::Timestamp { clock, format } => {
            strftime::write_timestamp(out, format, context.names.clocks().wall(*clock, word(bytes, 0, 8)));
        }
        ValueType::CgroupPath { filter } => context.names.write_cgroup_path(out, word(bytes, 0, 8), filter),
        ValueType::ProbeName => write_probe_name(out, word(bytes, 0, 4), context),
        ValueType::Array { element, count } => {
            out.push(b'[');
            for (index, stored) in elements(bytes, element, *count).enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                write_text(out, element, stored, context);
            }
            out.push(b']');
        }
        ValueType::Tuple { fields, .. } => {
            out.push(b'(');
            write_fields(out, fields, bytes, context);
            out.push(b')');
        }
        ValueType::Record { fields, .. } => write_record(out, fields, bytes, context),
    }
}

/// Appends a key: a tuple (several keys, or one) goes without its parentheses.
pub fn write_key(out: &mut Vec<u8>, ty: &ValueType, bytes: &[u8], context: &mut Context) {
    match ty {
        ValueType::Tuple { fields, .. } => write_fields(out, fields, bytes, context),
        _ => write_text(out, ty, bytes, context),
    }
}

/// Visits the fields of a record with their bytes; the fields of anonymous members count as the parent's own. Bit fields
/// are put at the start of a word of their own.
pub fn visit_fields(fields: &[Field], bytes: &[u8], visit: &mut dyn FnMut(&Field, &[u8])) {
    for field in fields {
        let stored = part(bytes, field.offset);
        match (&field.ty, field.bits) {
            (ValueType::Record { fields: members, .. }, None) if field.name.is_empty() => {
                visit_fields(members, stored, visit);
            }
            (ty, Some((first, width))) => {
                let signed = matches!(ty, ValueType::Int { signed: true, .. } | ValueType::Enum { signed: true, .. });
                visit(field, &bit_field(stored, ty.size() as usize, first, width, signed));
            }
            _ => visit(field, stored),
        }
    }
}

/// The bytes from `offset` on.
pub fn part(bytes: &[u8], offset: u32) -> &[u8] {
    bytes.get(offset as usize..).unwrap_or_default()
}

/// The bytes of each element of an array; those that a damaged record lacks are left out.
pub fn elements<'b>(bytes: &'b [u8], element: &ValueType, count: u32) -> impl Iterator<Item = &'b [u8]> {
    bytes.chunks(element.size().max(1) as usize).take(count as usize)
}

/// The characters of a stored string, and whether it was cut: no NUL ends it within its `size`.
pub fn string_content(bytes: &[u8], size: u32) -> (&[u8], bool) {
    let bytes = &bytes[..bytes.len().min(size as usize)];
    match bytes.iter().position(|&byte| byte == 0) {
        Some(end) => (&bytes[..end], false),
        None => (bytes, !bytes.is_empty()),
    }
}

fn bit_field(stored: &[u8], size: usize, first: u8, width: u8, signed: bool) -> [u8; 8] {
    let width = u32::from(width).clamp(1, 64);
    let shifted = word(stored, 0, size).checked_shr(u32::from(first)).unwrap_or(0);
    let bits = if signed { sign_extend(shifted, width) } else { shifted & (u64::MAX >> (64 - width)) };
    if cfg!(target_endian = "big") { (bits << (64 - 8 * size as u32)).to_ne_bytes() } else { bits.to_ne_bytes() }
}

fn write_fields(out: &mut Vec<u8>, fields: &[Field], bytes: &[u8], context: &mut Context) {
    for (index, field) in fields.iter().enumerate() {
        if index > 0 {
            out.extend_from_slice(b", ");
        }
        write_text(out, &field.ty, part(bytes, field.offset), context);
    }
}

fn write_record(out: &mut Vec<u8>, fields: &[Field], bytes: &[u8], context: &mut Context) {
    let mut empty = true;
    out.push(b'{');
    visit_fields(fields, bytes, &mut |field, stored| {
        out.extend_from_slice(if empty { b" ." } else { b", ." });
        empty = false;
        out.extend_from_slice(field.name.as_bytes());
        out.extend_from_slice(b" = ");
        write_text(out, &field.ty, stored, context);
    });
    out.extend_from_slice(if empty { b"}" } else { b" }" });
}

fn write_inet(out: &mut Vec<u8>, bytes: &[u8]) {
    const INET: u64 = 2;
    const INET6: u64 = 10;
    let address = bytes.get(8..24).unwrap_or(&[0; 16]);
    let mut octets = [0; 16];
    octets.copy_from_slice(address);
    // Writing to a Vec cannot fail.
    let _ = match word(bytes, 0, 4) {
        INET => write!(out, "{}", Ipv4Addr::new(octets[0], octets[1], octets[2], octets[3])),
        INET6 => write!(out, "{}", Ipv6Addr::from(octets)),
        // An element that is absent has no family; of others nobody knows how they are written.
        _ => Ok(()),
    };
}

fn write_mac(out: &mut Vec<u8>, bytes: &[u8]) {
    for index in 0..6 {
        if index > 0 {
            out.push(b':');
        }
        let byte = word(bytes, index, 1) as usize;
        out.push(UPPER[byte >> 4]);
        out.push(UPPER[byte & 15]);
    }
}

fn write_probe_name(out: &mut Vec<u8>, index: u64, context: &Context) {
    match context.probes.get(index as usize) {
        Some(probe) => out.extend_from_slice(probe.name.as_bytes()),
        None => write_decimal(out, index),
    }
}
