//! The USDT probes of an ELF file: section `.note.stapsdt` as SystemTap's `sys/sdt.h` writes it (version 3).
//!
//! Invariant: any bytes have a result or an error. Addresses are those of the file as it is: a tool that moved the program
//! after linking moved `.stapsdt.base` too, and each note says where that was. Places that are in no segment of the file are
//! left out, since nothing can be attached there.

use std::path::Path;

use lancet_kernel::{Unavailable, UsdtNote};
use object::Endianness;
use object::elf::{FileHeader32, FileHeader64, PF_X, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader};

use super::executable::map;

/// The type of the notes that describe probes.
const PROBE: u32 = 3;

/// The notes of a file, in their order.
pub(super) fn read(path: &Path) -> Result<Vec<UsdtNote>, Unavailable> {
    let data = map(path)?;
    let mut notes = parse(&data).map_err(|why| Unavailable::Malformed(format!("{}: {why}", path.display())))?;
    for note in &mut notes {
        note.file_offset = note.file_offset.wrapping_add(data.start());
        if note.semaphore != 0 {
            note.semaphore = note.semaphore.wrapping_add(data.start());
        }
    }
    Ok(notes)
}

/// The notes in a file's bytes.
pub(super) fn parse(data: &[u8]) -> Result<Vec<UsdtNote>, String> {
    match data.get(4) {
        Some(2) => parse_file::<FileHeader64<Endianness>>(data, 8).map_err(|error| error.to_string()),
        Some(1) => parse_file::<FileHeader32<Endianness>>(data, 4).map_err(|error| error.to_string()),
        _ => Err("no ELF file".to_owned()),
    }
}

/// A part of the file that is mapped.
struct Segment {
    address: u64,
    size: u64,
    file_offset: u64,
    is_code: bool,
}

fn parse_file<Elf: FileHeader<Endian = Endianness>>(
    data: &[u8],
    word: usize,
) -> Result<Vec<UsdtNote>, object::read::Error> {
    let header = Elf::parse(data)?;
    let endian = header.endian()?;
    let sections = header.sections(endian, data)?;
    let Some((_, section)) = sections.section_by_name(endian, b".note.stapsdt") else { return Ok(Vec::new()) };
    let base = sections.section_by_name(endian, b".stapsdt.base").map(|(_, base)| base.sh_addr(endian).into());
    let loaded = header.program_headers(endian, data)?.iter().filter(|segment| segment.p_type(endian) == PT_LOAD);
    let segments: Vec<Segment> = loaded
        .map(|segment| Segment {
            address: segment.p_vaddr(endian).into(),
            size: segment.p_filesz(endian).into(),
            file_offset: segment.p_offset(endian).into(),
            is_code: segment.p_flags(endian).contains(PF_X),
        })
        .collect();
    let Some(mut notes) = section.notes(endian, data)? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    while let Some(note) = notes.next()? {
        if note.name() != b"stapsdt" || note.n_type(endian) != object::elf::NoteType(PROBE) {
            continue;
        }
        let raw = RawNote::parse(note.desc(), word, endian == Endianness::Big);
        found.extend(raw.and_then(|raw| raw.placed(base, &segments)));
    }
    Ok(found)
}

/// A note as it stands in the file.
struct RawNote<'a> {
    address: u64,
    base: u64,
    semaphore: u64,
    namespace: &'a str,
    name: &'a str,
    arguments: &'a str,
}

impl<'a> RawNote<'a> {
    fn parse(bytes: &'a [u8], word: usize, is_big: bool) -> Option<Self> {
        let number = |index: usize| -> Option<u64> {
            let bytes = bytes.get(index * word..(index + 1) * word)?;
            let add = |number: u64, byte: &u8| number << 8 | u64::from(*byte);
            Some(if is_big { bytes.iter().fold(0, add) } else { bytes.iter().rev().fold(0, add) })
        };
        let mut texts = bytes.get(3 * word..)?.split(|byte| *byte == 0).map(std::str::from_utf8);
        let mut text = || texts.next()?.ok();
        let (namespace, name, arguments) = (text()?, text()?, text()?);
        let is_named = !namespace.is_empty() && !name.is_empty();
        is_named.then_some(Self {
            address: number(0)?,
            base: number(1)?,
            semaphore: number(2)?,
            namespace,
            name,
            arguments,
        })
    }

    /// With the places in the file, the program being linked so that `.stapsdt.base` is at `base`.
    fn placed(self, base: Option<u64>, segments: &[Segment]) -> Option<UsdtNote> {
        let moved = match base {
            Some(base) if self.base != 0 => base.wrapping_sub(self.base),
            _ => 0,
        };
        let offset = |address: u64, is_code: bool| {
            let segments = segments.iter().filter(|segment| segment.is_code || !is_code);
            segments.into_iter().find_map(|segment| {
                let within = address.checked_sub(segment.address)?;
                if within < segment.size { segment.file_offset.checked_add(within) } else { None }
            })
        };
        let address = self.address.wrapping_add(moved);
        let semaphore = match self.semaphore {
            0 => 0,
            semaphore => offset(semaphore.wrapping_add(moved), false)?,
        };
        Some(UsdtNote {
            namespace: self.namespace.to_owned(),
            name: self.name.to_owned(),
            address,
            file_offset: offset(address, true)?,
            semaphore,
            arguments: self.arguments.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests;
