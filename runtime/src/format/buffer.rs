//! Buffers of bytes as text: `%r`, `%rx`, `%rh` and plain printing.

use super::number::{LOWER, word};

/// How bytes show.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Escape {
    /// Bytes 32 to 126 as they are, the others `\xNN`.
    Unprintable,
    /// Every byte `\xNN`.
    All,
    /// Every byte `NN`, with spaces between.
    Hex,
}

/// The bytes that a stored buffer (u32 length, then its capacity) holds.
pub fn content(stored: &[u8]) -> &[u8] {
    let bytes = stored.get(4..).unwrap_or_default();
    let length = word(stored, 0, 4) as usize;
    &bytes[..length.min(bytes.len())]
}

/// Appends `bytes` escaped.
pub fn write_escaped(out: &mut Vec<u8>, bytes: &[u8], escape: Escape) {
    for (index, &byte) in bytes.iter().enumerate() {
        match escape {
            Escape::Unprintable if (32..127).contains(&byte) => {
                out.push(byte);
                continue;
            }
            Escape::Unprintable | Escape::All => out.extend_from_slice(b"\\x"),
            Escape::Hex if index > 0 => out.push(b' '),
            Escape::Hex => {}
        }
        out.push(LOWER[usize::from(byte >> 4)]);
        out.push(LOWER[usize::from(byte & 15)]);
    }
}
