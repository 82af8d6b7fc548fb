//! How much the compressed sections of a file may become.
//!
//! Source: the ELF specification's section compression (gABI, chapter 4); RFC 1951 for what deflate can express.

use std::path::Path;

use object::Endianness;
use object::elf::{FileHeader32, FileHeader64};
use object::read::elf::{CompressionHeader, FileHeader, SectionHeader};

use super::executable::map;

/// All sections of a file together are not uncompressed to more than this.
pub(super) const MOST_BYTES: u64 = 512 << 20;

/// Deflate makes at most this many bytes of one (its format allows 258 bytes in two bits): what claims more is damaged.
pub(super) const MOST_EXPANSION: u64 = 1032;

/// Whether a file's sections say that they are more than they can be: who makes room for what they say fails. Files that are
/// none, or that cannot be read, say nothing.
pub(crate) fn claims_too_much(path: &Path) -> bool {
    let Ok(data) = map(path) else { return false };
    let claimed = match data.get(4) {
        Some(2) => claimed::<FileHeader64<Endianness>>(&data),
        Some(1) => claimed::<FileHeader32<Endianness>>(&data),
        _ => None,
    };
    claimed.is_some_and(|claimed| claimed > MOST_BYTES)
}

/// What all sections say together; the most there is if one cannot be as large as it says.
fn claimed<Elf: FileHeader<Endian = Endianness>>(data: &[u8]) -> Option<u64> {
    let header = Elf::parse(data).ok()?;
    let endian = header.endian().ok()?;
    let mut sum = 0u64;
    for section in header.section_headers(endian, data).ok()? {
        let Ok(Some((compression, _, size))) = section.compression(endian, data) else { continue };
        let claimed: u64 = compression.ch_size(endian).into();
        let possible = claimed <= size.saturating_mul(MOST_EXPANSION);
        sum = sum.saturating_add(if possible { claimed } else { u64::MAX });
    }
    Some(sum)
}
