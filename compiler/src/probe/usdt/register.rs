//! The assembler's names of registers: `%eax` is the low half of the register that `struct pt_regs` calls `ax`.

use crate::check::calling_convention::REGISTERS;

/// A register of the traced program, or part of one; its width is the argument's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Register {
    /// Its offset in `struct pt_regs`.
    pub offset: i64,
    /// It begins at the second byte: `%ah`.
    pub is_high_byte: bool,
}

impl Register {
    /// Reads `rax`, `eax`, `ax`, `al`, `ah`, `sil`, `r8d` …, without the percent sign.
    pub(super) fn parse(name: &str) -> Option<Self> {
        let whole = |name: &str| {
            let (_, offset) = REGISTERS.iter().find(|(known, _)| *known == name)?;
            Some(Self { offset: *offset, is_high_byte: false })
        };
        match name.as_bytes() {
            [b'r', b'0'..=b'9', ..] => whole(name.strip_suffix(['d', 'w', 'b', 'l']).unwrap_or(name)),
            [letter @ b'a'..=b'd', b'l'] => whole(&format!("{}x", char::from(*letter))),
            [letter @ b'a'..=b'd', b'h'] => {
                let whole = whole(&format!("{}x", char::from(*letter)))?;
                Some(Self { is_high_byte: true, ..whole })
            }
            [b'r' | b'e', _, _] => whole(&name[1..]),
            [_, _, b'l'] => whole(&name[..2]),
            [_, _] => whole(name),
            _ => None,
        }
    }
}
