//! The values of numbers, characters and strings.
//!
//! Each function takes the text of one token and gives its value or a sentence that says what is wrong with it;
//! places and codes are the caller's.

use crate::ast::{IntegerLiteral, IntegerSuffix};

/// The duration suffixes with their nanoseconds.
const DURATIONS: &[(&str, u64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

/// Reads a number: decimal, octal, hexadecimal, binary or scientific, with a C or duration suffix.
pub fn integer(text: &str) -> Result<IntegerLiteral, String> {
    let digits: String = text.chars().filter(|c| *c != '_').collect();
    let (base, rest) = match digits.get(..2) {
        Some("0x" | "0X") => (16, &digits[2..]),
        Some("0b" | "0B") => (2, &digits[2..]),
        Some(two) if two.starts_with('0') && two.as_bytes()[1].is_ascii_digit() => (8, &digits[1..]),
        _ => (10, &digits[..]),
    };
    let end = rest.find(|c: char| !c.is_digit(base)).unwrap_or(rest.len());
    let (mantissa, suffix) = rest.split_at(end);
    if base == 8 && suffix.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(format!("`{text}` is octal because it starts with 0, where digits go up to 7"));
    }
    if mantissa.is_empty() {
        return Err(format!("`{text}` has no digits"));
    }
    let too_large = || format!("`{text}` is larger than the largest number, {}", u64::MAX);
    let value = u64::from_str_radix(mantissa, base).map_err(|_| too_large())?;
    let (value, suffix) = match suffix.strip_prefix(['e', 'E']) {
        Some(exponent) if base == 10 => scientific(text, value, exponent)?,
        _ => (value, suffix),
    };
    if suffix.is_empty() {
        return Ok(IntegerLiteral { value, suffix: None });
    }
    if let Some((_, factor)) = DURATIONS.iter().find(|(name, _)| *name == suffix) {
        let value = value.checked_mul(*factor).ok_or_else(too_large)?;
        return Ok(IntegerLiteral { value, suffix: None });
    }
    match c_suffix(suffix) {
        Some(suffix) => Ok(IntegerLiteral { value, suffix: Some(suffix) }),
        None => Err(format!("`{suffix}` is no suffix of a number")),
    }
}

/// Applies an exponent; gives the value and the suffix after the exponent.
fn scientific<'a>(text: &str, value: u64, exponent: &'a str) -> Result<(u64, &'a str), String> {
    if exponent.starts_with('-') {
        return Err(format!("`{text}` has a negative exponent, but numbers are integers"));
    }
    let exponent = exponent.trim_start_matches('+');
    let end = exponent.find(|c: char| !c.is_ascii_digit()).unwrap_or(exponent.len());
    let (digits, suffix) = exponent.split_at(end);
    if digits.is_empty() {
        return Err(format!("`{text}` has no exponent"));
    }
    let too_large = || format!("`{text}` is larger than the largest number, {}", u64::MAX);
    if value == 0 {
        return Ok((0, suffix));
    }
    let power = digits.parse().ok().and_then(|digits| 10u64.checked_pow(digits)).ok_or_else(too_large)?;
    Ok((value.checked_mul(power).ok_or_else(too_large)?, suffix))
}

/// True when the number ends with the suffix of a duration.
pub fn is_duration(text: &str) -> bool {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    !text.contains(['x', 'X']) && DURATIONS.iter().any(|(name, _)| *name == &text[digits.len()..])
}

fn c_suffix(suffix: &str) -> Option<IntegerSuffix> {
    let suffix = suffix.to_ascii_lowercase();
    let (unsigned, long) = match suffix.as_str() {
        "u" => (true, false),
        "l" | "ll" => (false, true),
        "ul" | "ull" | "lu" | "llu" => (true, true),
        _ => return None,
    };
    Some(IntegerSuffix { unsigned, long })
}

/// Reads a character between single quotes.
pub fn character(text: &str) -> Result<u64, String> {
    let inside = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).unwrap_or("");
    let bytes = escapes(inside).map_err(|(_, message)| message)?;
    match bytes.as_slice() {
        [byte] => Ok(u64::from(*byte)),
        [] => Err("a character is missing between the quotes".to_string()),
        _ => Err("single quotes hold one byte; a string is written with double quotes".to_string()),
    }
}

/// Reads a string between double quotes. An error comes with its offset and length in `text`.
pub fn string(text: &str) -> Result<Vec<u8>, ((usize, usize), String)> {
    let inside = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or("");
    escapes(inside).map_err(|((offset, length), message)| ((offset + 1, length), message))
}

/// Replaces escapes. An error comes with its offset and length.
fn escapes(text: &str) -> Result<Vec<u8>, ((usize, usize), String)> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] != b'\\' {
            out.push(bytes[at]);
            at += 1;
            continue;
        }
        let length = escape(&text[at..], &mut out).map_err(|(length, message)| ((at, length), message))?;
        at += length;
    }
    Ok(out)
}

/// Reads one escape at the start of `text`; gives its length.
fn escape(text: &str, out: &mut Vec<u8>) -> Result<usize, (usize, String)> {
    let Some(character) = text[1..].chars().next() else {
        return Err((1, "an escape is missing after the backslash".to_string()));
    };
    let simple = match character {
        'n' => b'\n',
        't' => b'\t',
        'r' => b'\r',
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'v' => 11,
        'e' => 27,
        '\\' | '"' | '\'' | '?' => character as u8,
        // A continued line: nothing.
        '\n' => return Ok(2),
        '\r' => return Ok(3.min(text.len())),
        '0'..='7' => return octal(text, out),
        'x' => return hexadecimal(text, out),
        'u' => return unicode(text, 4, out),
        'U' => return unicode(text, 8, out),
        _ => {
            let message = format!("`\\{}` is no escape; a backslash itself is written \\\\", character.escape_debug());
            return Err((1 + character.len_utf8(), message));
        }
    };
    out.push(simple);
    Ok(2)
}

fn octal(text: &str, out: &mut Vec<u8>) -> Result<usize, (usize, String)> {
    let digits = text[1..].bytes().take(3).take_while(|byte| matches!(byte, b'0'..=b'7')).count();
    let value = u32::from_str_radix(&text[1..1 + digits], 8).unwrap_or(0);
    let byte = u8::try_from(value).map_err(|_| (1 + digits, "an octal escape goes up to \\377".to_string()))?;
    out.push(byte);
    Ok(1 + digits)
}

fn hexadecimal(text: &str, out: &mut Vec<u8>) -> Result<usize, (usize, String)> {
    let digits = text[2..].bytes().take(2).take_while(u8::is_ascii_hexdigit).count();
    let value = u8::from_str_radix(&text[2..2 + digits], 16);
    out.push(value.map_err(|_| (2, "hexadecimal digits are missing after \\x".to_string()))?);
    Ok(2 + digits)
}

fn unicode(text: &str, wanted: usize, out: &mut Vec<u8>) -> Result<usize, (usize, String)> {
    let digits = text[2..].bytes().take(wanted).take_while(u8::is_ascii_hexdigit).count();
    let value = u32::from_str_radix(&text[2..2 + digits], 16).ok().and_then(char::from_u32);
    match value {
        Some(character) if digits == wanted => {
            out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            Ok(2 + digits)
        }
        _ => Err((2 + digits, format!("`{}` wants {wanted} digits of a character's number", &text[..2]))),
    }
}
