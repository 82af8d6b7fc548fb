//! Literals and parts of attach points: as written where that is faithful, else in their normal form.

use std::fmt::Write;

use super::Printer;
use crate::ast::{IntegerLiteral, Name};
use crate::literal;
use crate::span::Span;

impl Printer<'_> {
    pub(super) fn integer(&mut self, value: IntegerLiteral, span: Span) {
        let written = self.written(span);
        let number = literal::integer(written) == Ok(value);
        let character = value.suffix.is_none() && literal::character(written) == Ok(value.value);
        if number || (character && written.starts_with('\'')) {
            return self.push(written);
        }
        let (unsigned, long) = value.suffix.map_or((false, false), |suffix| (suffix.unsigned, suffix.long));
        let text = format!("{}{}{}", value.value, if unsigned { "U" } else { "" }, if long { "L" } else { "" });
        self.push(&text);
    }

    pub(super) fn string(&mut self, bytes: &[u8], span: Span) {
        let written = self.written(span);
        if literal::string(written).as_deref() == Ok(bytes) && is_one_string(written) {
            return self.push(written);
        }
        self.push(&quoted(bytes));
    }

    /// A part of an attach point, with quotes where it needs them.
    pub(super) fn part(&mut self, part: &Name) {
        let written = self.written(part.span);
        if crate::parser::unquoted(written) == part.text && is_part(written) {
            return self.push(written);
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-.+*?[]$@".contains(c);
        if part.text.chars().all(plain) {
            self.push(&part.text.clone());
        } else {
            let text = format!("\"{}\"", part.text.replace('\\', "\\\\").replace('"', "\\\""));
            self.push(&text);
        }
    }
}

/// True when a text is a single literal, not several.
fn is_one_string(text: &str) -> bool {
    let inside = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    inside.is_some_and(|inside| {
        let mut escaped = false;
        inside.bytes().all(|byte| {
            let ends = byte == b'"' && !escaped;
            escaped = byte == b'\\' && !escaped;
            !ends && byte != b'\n'
        })
    })
}

/// True when a text can be one part of an attach point as it stands.
fn is_part(text: &str) -> bool {
    let mut quoted = false;
    let mut escaped = false;
    let is_whole = text.chars().all(|c| {
        let plain = quoted || escaped || !(c.is_whitespace() || ":{};()".contains(c));
        quoted ^= c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        plain && c != '\n'
    });
    // A backslash at the end would take what follows.
    is_whole && !escaped
}

/// A string literal with those bytes.
pub(super) fn quoted(bytes: &[u8]) -> String {
    let mut out = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\n' => out.push_str("\\n"),
                '\t' => out.push_str("\\t"),
                '\r' => out.push_str("\\r"),
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                // Writing into a String cannot fail.
                _ if (character as u32) < 0x20 || character as u32 == 0x7f => {
                    let _ = write!(out, "\\x{:02x}", character as u32);
                }
                _ => out.push(character),
            }
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out.push('"');
    out
}
