//! A line of the printed form, read word by word.

use crate::ir::entity::Entity;
use crate::ir::{Address, Slot, Value};

/// Larger numbers of entities are mistakes, not modules.
const MAX_ENTITY: u32 = 1 << 20;

/// What is left of a line.
pub(super) struct Line<'a> {
    rest: &'a str,
}

pub(super) type Parsed<T> = Result<T, String>;

impl<'a> Line<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { rest: text.trim() }
    }

    /// Takes `token` if it comes next.
    pub(super) fn take(&mut self, token: &str) -> bool {
        let Some(rest) = self.rest.strip_prefix(token) else { return false };
        self.rest = rest.trim_start();
        true
    }

    pub(super) fn expect(&mut self, token: &str) -> Parsed<()> {
        if self.take(token) { Ok(()) } else { Err(format!("expected `{token}` before `{}`", self.rest)) }
    }

    pub(super) fn end(&self) -> Parsed<()> {
        if self.rest.is_empty() { Ok(()) } else { Err(format!("`{}` is too much", self.rest)) }
    }

    pub(super) fn next_is(&self, token: &str) -> bool {
        self.rest.starts_with(token)
    }

    /// The longest run of letters, digits and underscores.
    pub(super) fn word(&mut self) -> Parsed<&'a str> {
        let length = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        if length == 0 {
            return Err(format!("expected a word before `{}`", self.rest));
        }
        let (word, rest) = self.rest.split_at(length);
        self.rest = rest.trim_start();
        Ok(word)
    }

    pub(super) fn number<N: std::str::FromStr>(&mut self) -> Parsed<N> {
        let sign = usize::from(self.rest.starts_with(['-', '+']));
        let digits = self.rest[sign..].bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = self.rest.split_at(sign + digits);
        self.rest = rest.trim_start();
        number.parse().map_err(|_| format!("`{number}` is no number that fits"))
    }

    /// `keyword`, then a number.
    pub(super) fn field<N: std::str::FromStr>(&mut self, keyword: &str) -> Parsed<N> {
        self.expect(keyword)?;
        self.number()
    }

    pub(super) fn entity<E: Entity>(&mut self, prefix: &str) -> Parsed<E> {
        let word = self.word()?;
        let number = word.strip_prefix(prefix).and_then(|digits| digits.parse::<u32>().ok());
        match number {
            Some(number) if number < MAX_ENTITY => Ok(E::new(number as usize)),
            _ => Err(format!("expected {prefix}0, {prefix}1 … instead of `{word}`")),
        }
    }

    pub(super) fn value(&mut self) -> Parsed<Value> {
        self.entity("v")
    }

    /// `(v1, v2)`, also empty.
    pub(super) fn values(&mut self) -> Parsed<Vec<Value>> {
        let mut values = Vec::new();
        self.expect("(")?;
        while !self.take(")") {
            if !values.is_empty() {
                self.expect(",")?;
            }
            values.push(self.value()?);
        }
        Ok(values)
    }

    /// `(v1, v2)`, or nothing.
    pub(super) fn arguments(&mut self) -> Parsed<Vec<Value>> {
        if self.next_is("(") { self.values() } else { Ok(Vec::new()) }
    }

    /// `[s0+8]` or `[v1-4]`.
    pub(super) fn address(&mut self) -> Parsed<Address> {
        self.expect("[")?;
        let address = if self.next_is("s") {
            let slot: Slot = self.entity("s")?;
            Address::Slot(slot, if self.next_is("+") { self.number()? } else { 0 })
        } else {
            let value = self.value()?;
            Address::Pointer(value, if self.next_is("]") { 0 } else { self.number()? })
        };
        self.expect("]")?;
        Ok(address)
    }

    /// A word with dots, or quoted bytes that are UTF-8.
    pub(super) fn symbol(&mut self, mark: &str) -> Parsed<String> {
        self.expect(mark)?;
        if self.next_is("\"") {
            return self.text();
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '.';
        let length = self.rest.find(|c| !plain(c)).unwrap_or(self.rest.len());
        let (symbol, rest) = self.rest.split_at(length);
        self.rest = rest.trim_start();
        if symbol.is_empty() { Err(format!("expected a name after `{mark}`")) } else { Ok(symbol.into()) }
    }

    pub(super) fn text(&mut self) -> Parsed<String> {
        String::from_utf8(self.bytes()?).map_err(|_| "a name must be UTF-8".into())
    }

    /// Quoted bytes with the escapes of [`slice::escape_ascii`].
    pub(super) fn bytes(&mut self) -> Parsed<Vec<u8>> {
        if !self.next_is("\"") {
            return Err(format!("expected a string before `{}`", self.rest));
        }
        let text = &self.rest.as_bytes()[1..];
        let mut bytes = Vec::new();
        let mut index = 0;
        loop {
            let (byte, length) = match (text.get(index), text.get(index + 1)) {
                (Some(b'"'), _) => break,
                (Some(b'\\'), Some(b'x')) => (hexadecimal(text.get(index + 2..index + 4))?, 4),
                (Some(b'\\'), Some(escaped)) => (unescape(*escaped)?, 2),
                (Some(byte), _) => (*byte, 1),
                (None, _) => return Err("a string does not end".into()),
            };
            bytes.push(byte);
            index += length;
        }
        self.rest = self.rest[index + 2..].trim_start();
        Ok(bytes)
    }
}

fn unescape(escaped: u8) -> Parsed<u8> {
    match escaped {
        b't' => Ok(b'\t'),
        b'r' => Ok(b'\r'),
        b'n' => Ok(b'\n'),
        b'\'' | b'"' | b'\\' => Ok(escaped),
        _ => Err(format!("unknown escape `\\{}`", escaped.escape_ascii())),
    }
}

fn hexadecimal(digits: Option<&[u8]>) -> Parsed<u8> {
    let digits = digits.and_then(|digits| std::str::from_utf8(digits).ok());
    digits
        .and_then(|digits| u8::from_str_radix(digits, 16).ok())
        .ok_or_else(|| "expected two digits after `\\x`".into())
}
