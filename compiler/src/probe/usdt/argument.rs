//! The words in which a note says where its arguments are, such as `-4@%edi 8@-16(%rbp) 4@limit(%rip)`: the size in bytes,
//! negative for signed numbers, and the operand as the compiler gave it to the assembler.
//!
//! Invariant: any text has a result. What is not understood becomes [`Operand::Unknown`], which is an error only for those
//! who use that argument.

use super::Register;
use lancet_kernel::Executable;

/// One argument.
#[derive(Clone, PartialEq, Debug)]
pub struct UsdtArgument {
    /// Bytes: 1, 2, 4 or 8.
    pub size: u8,
    /// Two's complement.
    pub is_signed: bool,
    /// Where it is.
    pub operand: Operand,
}

/// Where an argument is.
#[derive(Clone, PartialEq, Debug)]
pub enum Operand {
    /// The value itself: `$5`.
    Constant(i64),
    /// In a register: `%edi`.
    Register(Register),
    /// In memory: `-16(%rbp)`.
    Memory(Address),
    /// An address: `$name`.
    Address(Address),
    /// Nothing that probes can read, in the note's words.
    Unknown(String),
}

/// How an address comes about: the sum of all that is there.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Address {
    /// The address of the instruction that the probe is at.
    pub from_instruction: bool,
    /// A register.
    pub base: Option<Register>,
    /// A register times a number.
    pub index: Option<(Register, u8)>,
    /// A number.
    pub displacement: i64,
    /// A symbol of the program, until [`UsdtArgument::placed`] has looked it up.
    symbol: Option<String>,
}

/// Reads all arguments of a note.
pub(super) fn parse(text: &str) -> Vec<UsdtArgument> {
    text.split_ascii_whitespace().map(UsdtArgument::parse).collect()
}

impl UsdtArgument {
    fn parse(text: &str) -> Self {
        let (size, operand) = text.split_once('@').unwrap_or(("8", text));
        let number = size.strip_suffix('f').unwrap_or(size).parse::<i8>().unwrap_or_default();
        let bytes = number.unsigned_abs();
        let is_integer = matches!(bytes, 1 | 2 | 4 | 8) && !size.ends_with('f');
        let parsed = if is_integer { Operand::parse(operand) } else { None };
        Self {
            size: if matches!(bytes, 1 | 2 | 4 | 8) { bytes } else { 8 },
            is_signed: number < 0,
            operand: parsed.unwrap_or_else(|| Operand::Unknown(text.to_owned())),
        }
    }

    /// Its type as lists of probes show it.
    pub(super) fn type_name(&self) -> String {
        let bits = u32::from(self.size) * 8;
        match &self.operand {
            Operand::Unknown(text) if text.split('@').next().is_some_and(|size| size.ends_with('f')) => {
                format!("float{bits}")
            }
            _ => format!("{}int{bits}", if self.is_signed { "" } else { "u" }),
        }
    }

    /// The same for a probe at that address: symbols become distances from there, since where in memory the program will be
    /// is not known.
    pub(super) fn placed<'a>(self, location: u64, executable: impl Fn() -> Option<&'a dyn Executable>) -> Self {
        let place = |address: Address| -> Option<Address> {
            let Some(name) = &address.symbol else { return Some(address) };
            let symbol = executable()?.symbol(name)?;
            let distance = symbol.address.wrapping_sub(location) as i64;
            let displacement = address.displacement.wrapping_add(distance);
            Some(Address { from_instruction: true, displacement, symbol: None, ..address })
        };
        let unknown = |symbol: Option<String>| Operand::Unknown(symbol.unwrap_or_default());
        let operand = match self.operand {
            Operand::Memory(address) => {
                let symbol = address.symbol.clone();
                place(address).map_or_else(|| unknown(symbol), Operand::Memory)
            }
            Operand::Address(address) => {
                let symbol = address.symbol.clone();
                place(address).map_or_else(|| unknown(symbol), Operand::Address)
            }
            other => other,
        };
        Self { operand, ..self }
    }
}

impl Operand {
    fn parse(text: &str) -> Option<Self> {
        if let Some(immediate) = text.strip_prefix('$') {
            let (displacement, symbol) = displacement(immediate)?;
            return Some(match symbol {
                None => Self::Constant(displacement),
                Some(_) => Self::Address(Address { displacement, symbol, ..Address::default() }),
            });
        }
        if let Some(register) = text.strip_prefix('%') {
            // What stands behind a colon is relative to a segment, such as a thread's own memory.
            return Register::parse(register).map(Self::Register);
        }
        Address::parse(text).map(Self::Memory)
    }
}

impl Address {
    /// Reads `displacement(base,index,scale)`, of which each part may be missing.
    fn parse(text: &str) -> Option<Self> {
        let (before, registers) = match text.split_once('(') {
            Some((before, rest)) => (before, Some(rest.strip_suffix(')')?)),
            None => (text, None),
        };
        let (displacement, symbol) = if before.is_empty() { (0, None) } else { displacement(before)? };
        let mut address = Self { displacement, symbol, ..Self::default() };
        let Some(registers) = registers else { return Some(address) };
        let mut parts = registers.split(',').map(str::trim);
        match parts.next()? {
            "" => {}
            "%rip" | "%eip" => address.from_instruction = true,
            base => address.base = Some(Register::parse(base.strip_prefix('%')?)?),
        }
        if let Some(index) = parts.next() {
            let index = Register::parse(index.strip_prefix('%')?)?;
            let scale = parts.next().map_or(Some(1), |scale| scale.parse().ok())?;
            address.index = matches!(scale, 1 | 2 | 4 | 8).then_some((index, scale));
            address.index?;
        }
        if parts.next().is_some() { None } else { Some(address) }
    }
}

/// Reads a sum of numbers and at most one symbol: `-16`, `name`, `name+8`, `16+name`.
fn displacement(text: &str) -> Option<(i64, Option<String>)> {
    let (mut number, mut symbol) = (0i64, None);
    let mut rest = text;
    while !rest.is_empty() {
        let (negative, term) = match rest.as_bytes() {
            [b'-', ..] => (true, &rest[1..]),
            [b'+', ..] => (false, &rest[1..]),
            _ => (false, rest),
        };
        let end = term.find(['+', '-']).unwrap_or(term.len());
        let (term, behind) = term.split_at(end);
        rest = behind;
        match parse_number(term) {
            Some(value) => number = number.wrapping_add(if negative { value.wrapping_neg() } else { value }),
            None if !negative && symbol.is_none() && is_symbol(term) => symbol = Some(term.to_owned()),
            None => return None,
        }
    }
    Some((number, symbol))
}

/// Numbers up to 64 bits, signed or not.
fn parse_number(text: &str) -> Option<i64> {
    let value = match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16).ok()?,
        None => text.parse::<u64>().ok()?,
    };
    Some(value as i64)
}

fn is_symbol(text: &str) -> bool {
    let letter = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '$');
    text.starts_with(|c: char| letter(c) && !c.is_ascii_digit()) && text.chars().all(letter)
}

#[cfg(test)]
mod tests;
