//! printf: conversions as C has them, on values of a record.
//!
//! What bpftrace's users see differently from C is kept: zeros go before a minus sign (`00000-42`), and the space flag
//! does nothing. `%s` takes anything, as print shows it.

use super::buffer::{Escape, content, write_escaped};
use super::number::{Integer, LOWER, UPPER, sign_extend, word, write_digits};
use super::text::{part, write_text};
use super::{Context, allocation_flags};
use lancet_manifest::{Argument, Conversion, ConversionKind, Format, Piece, ValueType};

/// Appends the formatted text; the arguments lie in `record`.
pub fn write_format(out: &mut Vec<u8>, format: &Format, arguments: &[Argument], record: &[u8], context: &mut Context) {
    let mut arguments = arguments.iter();
    for piece in &format.pieces {
        match piece {
            Piece::Text(text) => out.extend_from_slice(text),
            Piece::Conversion(conversion) => {
                if let Some(argument) = arguments.next() {
                    let bytes = part(record, argument.offset);
                    write_conversion(out, conversion, &argument.ty, bytes, context);
                }
            }
        }
    }
}

fn write_conversion(out: &mut Vec<u8>, conversion: &Conversion, ty: &ValueType, bytes: &[u8], context: &mut Context) {
    let start = out.len();
    match conversion.kind {
        ConversionKind::Signed => write_signed(out, conversion, number(ty, bytes)),
        ConversionKind::Unsigned => write_unsigned(out, conversion, number(ty, bytes), 10, b""),
        ConversionKind::Octal => write_unsigned(out, conversion, number(ty, bytes), 8, b""),
        ConversionKind::Hex => write_unsigned(out, conversion, number(ty, bytes), 16, b"0x"),
        ConversionKind::UpperHex => write_unsigned(out, conversion, number(ty, bytes), 16, b"0X"),
        ConversionKind::Pointer => {
            let wide = Conversion { alternate: true, integer_size: 8, ..conversion.clone() };
            write_unsigned(out, &wide, number(ty, bytes), 16, b"0x");
        }
        ConversionKind::Character => out.push(number(ty, bytes) as u8),
        ConversionKind::Text => {
            write_text(out, ty, bytes, context);
            if let Some(precision) = conversion.precision {
                out.truncate(out.len().min(start + precision as usize));
            }
        }
        ConversionKind::Escaped => write_buffer(out, Escape::Unprintable, ty, bytes, context),
        ConversionKind::EscapedHex => write_buffer(out, Escape::All, ty, bytes, context),
        ConversionKind::HexDump => write_buffer(out, Escape::Hex, ty, bytes, context),
        ConversionKind::AllocationFlags => allocation_flags::write(out, number(ty, bytes)),
    }
    pad(out, start, conversion);
}

/// The number in a value: its integer, or the address or id it consists of.
fn number(ty: &ValueType, bytes: &[u8]) -> u64 {
    match ty {
        ValueType::Int { size, signed } | ValueType::Enum { size, signed, .. } => {
            Integer::read(bytes, *size, *signed).bits
        }
        _ => word(bytes, 0, (ty.size() as usize).min(8)),
    }
}

fn write_signed(out: &mut Vec<u8>, conversion: &Conversion, bits: u64) {
    let value = sign_extend(bits, width_in_bits(conversion)) as i64;
    if value < 0 {
        out.push(b'-');
    } else if conversion.plus {
        out.push(b'+');
    }
    write_padded_digits(out, conversion, value.unsigned_abs(), 10, LOWER);
}

fn write_unsigned(out: &mut Vec<u8>, conversion: &Conversion, bits: u64, base: u64, prefix: &[u8]) {
    let value = bits & (u64::MAX >> (64 - width_in_bits(conversion)));
    if conversion.alternate && value != 0 {
        out.extend_from_slice(prefix);
    }
    let digits = out.len();
    write_padded_digits(out, conversion, value, base, if prefix == b"0X" { UPPER } else { LOWER });
    if conversion.alternate && base == 8 && out.get(digits) != Some(&b'0') {
        out.insert(digits, b'0');
    }
}

fn width_in_bits(conversion: &Conversion) -> u32 {
    u32::from(conversion.integer_size).clamp(1, 8) * 8
}

/// Digits, with zeros in front up to the precision.
fn write_padded_digits(out: &mut Vec<u8>, conversion: &Conversion, value: u64, base: u64, alphabet: &[u8; 16]) {
    let start = out.len();
    write_digits(out, value, base, alphabet);
    let precision = conversion.precision.unwrap_or(0) as usize;
    insert(out, start, b'0', precision.saturating_sub(out.len() - start));
}

fn write_buffer(out: &mut Vec<u8>, escape: Escape, ty: &ValueType, bytes: &[u8], context: &mut Context) {
    match ty {
        ValueType::Buffer { .. } => write_escaped(out, content(bytes), escape),
        _ => write_text(out, ty, bytes, context),
    }
}

/// Fills what was written from `start` on up to the width.
fn pad(out: &mut Vec<u8>, start: usize, conversion: &Conversion) {
    let Some(width) = conversion.width else { return };
    let missing = (width as usize).saturating_sub(out.len() - start);
    if conversion.left {
        out.resize(out.len() + missing, b' ');
    } else if conversion.zero && zeros_apply(conversion) {
        let prefix = if matches!(&out[start..], [b'0', b'x' | b'X', ..]) { 2 } else { 0 };
        insert(out, start + prefix, b'0', missing);
    } else {
        insert(out, start, b' ', missing);
    }
}

/// As in C, a precision switches the zero flag off, and only numbers have one.
fn zeros_apply(conversion: &Conversion) -> bool {
    match conversion.kind {
        ConversionKind::Signed
        | ConversionKind::Unsigned
        | ConversionKind::Octal
        | ConversionKind::Hex
        | ConversionKind::UpperHex => conversion.precision.is_none(),
        ConversionKind::Pointer => true,
        ConversionKind::Character
        | ConversionKind::Text
        | ConversionKind::Escaped
        | ConversionKind::EscapedHex
        | ConversionKind::HexDump
        | ConversionKind::AllocationFlags => false,
    }
}

/// Inserts `count` copies of `byte` at `position`.
fn insert(out: &mut Vec<u8>, position: usize, byte: u8, count: usize) {
    if count > 0 {
        out.resize(out.len() + count, byte);
        out[position..].rotate_right(count);
    }
}
