//! The sections of an ELF file that hold debug information, uncompressed where they are not.

use gimli::{DwarfSections, EndianSlice, RunTimeEndian};
use object::{CompressionFormat, Endianness, Object, ObjectSection};

use super::Data;
use crate::kernel::compressed::{MOST_BYTES, MOST_EXPANSION};

/// Whether the file describes its own code.
pub fn has_debug_info(file: &object::File<'_>) -> bool {
    file.section_by_name(".debug_info").is_some_and(|section| section.size() > 0)
}

/// All sections of debug information. Compressed ones are kept uncompressed until the process ends.
pub(super) fn load<'d>(file: &'d [u8]) -> Result<gimli::Dwarf<Data<'d>>, String> {
    let (file, endian, mut budget) = parse(file)?;
    if !has_debug_info(&file) {
        return Err("it has no debug information".to_owned());
    }
    let sections = DwarfSections::load(|id| section(&file, id.name(), &mut budget))?;
    Ok(sections.borrow(|bytes| EndianSlice::new(bytes, endian)))
}

/// The file, its byte order, and how many bytes its sections may be uncompressed to.
pub(super) fn parse(file: &[u8]) -> Result<(object::File<'_>, RunTimeEndian, u64), String> {
    let file = object::File::parse(file).map_err(|error| error.to_string())?;
    let endian = match file.endianness() {
        Endianness::Little => RunTimeEndian::Little,
        Endianness::Big => RunTimeEndian::Big,
    };
    Ok((file, endian, MOST_BYTES))
}

/// The bytes of a section; none if the file does not have it.
pub(super) fn section<'d>(file: &object::File<'d>, name: &str, budget: &mut u64) -> Result<&'d [u8], String> {
    let Some(section) = file.section_by_name(name) else { return Ok(&[]) };
    let failed = |error: object::Error| format!("{}: {error}", name);
    let data = section.compressed_data().map_err(failed)?;
    match data.format {
        CompressionFormat::None => Ok(data.data),
        CompressionFormat::Zlib => {
            let size = data.uncompressed_size;
            let most = (data.data.len() as u64).saturating_mul(MOST_EXPANSION);
            if size > most {
                return Err(format!("{}: {size} bytes are more than it can have", name));
            }
            let too_large = || format!("{} is too large: {size} bytes", name);
            *budget = budget.checked_sub(size).ok_or_else(too_large)?;
            let bytes = miniz_oxide::inflate::decompress_to_vec_zlib_with_limit(data.data, size as usize)
                .map_err(|error| format!("{}: {error}", name))?;
            Ok(bytes.leak())
        }
        other => Err(format!("{} is compressed in a way that is not supported ({other:?})", name)),
    }
}
