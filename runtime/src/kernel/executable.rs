//! An ELF file's functions and the file offsets of their addresses. Symbols of separate debug files are not read.

use std::fs::File;
use std::path::Path;

use lancet_kernel::{Executable, Symbol, Unavailable};
use object::Endianness;
use object::elf::{
    FileHeader32, FileHeader64, PF_X, PT_LOAD, SHN_UNDEF, SHT_DYNSYM, SHT_SYMTAB, STT_FUNC, STT_GNU_IFUNC,
};
use object::read::elf::{FileHeader, ProgramHeader, Sym};

/// An executable or library, read once: the file is not kept open.
pub(super) struct ElfExecutable {
    functions: Vec<Symbol>,
    segments: Vec<Segment>,
}

/// An executable segment.
struct Segment {
    address: u64,
    size: u64,
    file_offset: u64,
}

impl ElfExecutable {
    /// Reads the symbols and segments of a file.
    pub fn open(path: &Path) -> Result<Self, Unavailable> {
        let shown = path.display();
        let denied = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound => Unavailable::Missing(format!("{shown}: no such file")),
            _ => Unavailable::Denied(format!("{shown} cannot be read: {error}")),
        };
        let file = File::open(path).map_err(denied)?;
        // SAFETY: the bytes are only looked at while this function runs; who shortens a program under our hands meanwhile
        // ends us with SIGBUS, as it would end the program.
        let data = unsafe { memmap2::Mmap::map(&file) }.map_err(denied)?;
        Self::parse(&data).map_err(|why| Unavailable::Malformed(format!("{shown}: {why}")))
    }

    pub(super) fn parse(data: &[u8]) -> Result<Self, String> {
        match data.get(4) {
            Some(2) => Self::read::<FileHeader64<Endianness>>(data).map_err(|error| error.to_string()),
            Some(1) => Self::read::<FileHeader32<Endianness>>(data).map_err(|error| error.to_string()),
            _ => Err("no ELF file".to_owned()),
        }
    }

    fn read<Elf: FileHeader<Endian = Endianness>>(data: &[u8]) -> Result<Self, object::read::Error> {
        let header = Elf::parse(data)?;
        let endian = header.endian()?;
        let executable =
            |segment: &&Elf::ProgramHeader| segment.p_type(endian) == PT_LOAD && segment.p_flags(endian).contains(PF_X);
        let segments = header.program_headers(endian, data)?.iter().filter(executable);
        let segments = segments.map(|segment| Segment {
            address: segment.p_vaddr(endian).into(),
            size: segment.p_filesz(endian).into(),
            file_offset: segment.p_offset(endian).into(),
        });
        let mut read = Self { functions: Vec::new(), segments: segments.collect() };
        let sections = header.sections(endian, data)?;
        for table in [SHT_SYMTAB, SHT_DYNSYM] {
            let symbols = sections.symbols(endian, data, table)?;
            for symbol in symbols.iter() {
                let Ok(name) = symbol.name(endian, symbols.strings()) else { continue };
                read.add::<Elf>(endian, symbol, name);
            }
        }
        let key = |symbol: &Symbol| (symbol.address, symbol.size);
        read.functions.sort_unstable_by(|a, b| a.name.cmp(&b.name).then(key(a).cmp(&key(b))));
        read.functions.dedup_by(|a, b| a.name == b.name && a.address == b.address);
        Ok(read)
    }

    /// Adds a defined function; other symbols are passed over.
    fn add<Elf: FileHeader<Endian = Endianness>>(&mut self, endian: Endianness, symbol: &Elf::Sym, name: &[u8]) {
        let is_function = matches!(symbol.st_type(), STT_FUNC | STT_GNU_IFUNC);
        if !is_function || symbol.st_shndx(endian) == SHN_UNDEF {
            return;
        }
        let address: u64 = symbol.st_value(endian).into();
        let (Some(file_offset), Ok(name)) = (self.file_offset(address), std::str::from_utf8(name)) else { return };
        // The linker's notation for a default version.
        let name = name.split_once("@@").map_or(name, |(plain, _)| plain);
        if !name.is_empty() {
            let size = symbol.st_size(endian).into();
            self.functions.push(Symbol { name: name.to_owned(), address, file_offset, size });
        }
    }
}

impl Executable for ElfExecutable {
    fn functions(&self) -> &[Symbol] {
        &self.functions
    }

    fn file_offset(&self, address: u64) -> Option<u64> {
        self.segments.iter().find_map(|segment| {
            let within = address.checked_sub(segment.address)?;
            if within < segment.size { segment.file_offset.checked_add(within) } else { None }
        })
    }
}
