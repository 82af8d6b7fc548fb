//! An ELF file's symbols, the file offsets of its addresses, its code and where its debug information is.
//!
//! Invariant: the file's own symbols are read at once, everything else when asked for. What a stripped program does not
//! name itself is looked for in its separate debug file.

use std::cell::OnceCell;
use std::fs::File;
use std::ops::{Deref, Range};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use lancet_kernel::debug_info::DebugInfo;
use lancet_kernel::{Executable, Symbol, Unavailable};
use memmap2::Mmap;
use object::Endianness;
use object::elf::{
    ET_EXEC, FileHeader32, FileHeader64, PF_X, PT_LOAD, SHN_UNDEF, SHT_DYNSYM, SHT_SYMTAB, STT_FUNC, STT_GNU_IFUNC,
    STT_OBJECT,
};
use object::read::elf::{FileHeader, ProgramHeader, SectionHeader, Sym};

use super::archive;
use super::dwarf::{Dwarf, has_debug_info};
use super::{debug_file, instruction};

/// An executable or library.
pub(super) struct ElfExecutable {
    path: PathBuf,
    /// The file's own symbols.
    tables: Tables,
    /// With those of the separate debug file, when a stripped file's own are not enough.
    all: OnceCell<Tables>,
    /// Directories to look for separate debug information in, before the usual.
    debug_directories: Vec<PathBuf>,
    debug_info: OnceCell<Result<Rc<dyn DebugInfo>, Unavailable>>,
}

/// What is read of a file at once.
#[derive(Clone, Default)]
pub(super) struct Tables {
    functions: Vec<Symbol>,
    variables: Vec<Symbol>,
    segments: Vec<Segment>,
    is_fixed: bool,
    is_go: bool,
    is_stripped: bool,
}

/// An executable segment.
#[derive(Clone, Copy)]
struct Segment {
    address: u64,
    size: u64,
    file_offset: u64,
}

/// The bytes of a file, or of a member of an archive.
pub(super) struct Mapping {
    whole: Mmap,
    range: Range<usize>,
}

impl Mapping {
    /// Where in the file the bytes start.
    pub(super) fn start(&self) -> u64 {
        self.range.start as u64
    }
}

impl Deref for Mapping {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.whole[self.range.clone()]
    }
}

/// Maps a file. The bytes are only looked at; who shortens the file under our hands ends us with SIGBUS, as it would end the
/// program that runs it.
pub(super) fn map(path: &Path) -> Result<Mapping, Unavailable> {
    let shown = path.display();
    let (file, member) = archive::split(path).map_or((path, None), |(archive, member)| (archive, Some(member)));
    let denied = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => Unavailable::Missing(format!("{shown}: no such file")),
        _ => Unavailable::Denied(format!("{shown} cannot be read: {error}")),
    };
    // To open a named pipe would be to wait for who writes to it.
    if !std::fs::metadata(file).map_err(denied)?.is_file() {
        return Err(Unavailable::Malformed(format!("{shown} is no regular file")));
    }
    let file = File::open(file).map_err(denied)?;
    // SAFETY: nothing of ours writes to the file, and nothing relies on its bytes staying what they are.
    let whole = unsafe { Mmap::map(&file) }.map_err(denied)?;
    let range = match member {
        Some(member) => archive::member(&whole, member).map_err(Unavailable::Malformed)?,
        None => 0..whole.len(),
    };
    Ok(Mapping { whole, range })
}

impl ElfExecutable {
    /// Reads the symbols and segments of a file.
    pub fn open(path: &Path, debug_directories: &[PathBuf]) -> Result<Self, Unavailable> {
        let data = map(path)?;
        let malformed = |why| Unavailable::Malformed(format!("{}: {why}", path.display()));
        let mut tables = Tables::parse(&data).map_err(malformed)?;
        tables.shift(data.start());
        let (all, debug_info) = (OnceCell::new(), OnceCell::new());
        Ok(Self { path: path.to_owned(), tables, all, debug_directories: debug_directories.to_vec(), debug_info })
    }

    /// All symbols there are.
    fn all(&self) -> &Tables {
        match self.tables.is_stripped {
            true => self.all.get_or_init(|| self.tables.with_debug_file(&self.path, &self.debug_directories)),
            false => &self.tables,
        }
    }

    /// The debug information, of the file itself or of the separate one. The file stays mapped until the process ends.
    fn open_debug_info(&self) -> Result<Rc<dyn DebugInfo>, Unavailable> {
        let shown = self.path.display();
        let malformed =
            |why: String| Unavailable::Malformed(format!("the debug information of {shown} cannot be read: {why}"));
        let data = map(&self.path)?;
        let parsed = object::File::parse(&*data).map_err(|error| malformed(error.to_string()))?;
        let data = if has_debug_info(&parsed) {
            data
        } else {
            match debug_file::find(&self.path, &parsed, &self.debug_directories) {
                Some(separate) => map(&separate)?,
                None => {
                    let what = format!("{shown} has no debug information (DWARF), and none is installed for it");
                    return Err(Unavailable::Missing(what));
                }
            }
        };
        let data: &'static Mapping = Box::leak(Box::new(data));
        let dwarf = Dwarf::new(&self.path, data).map_err(malformed)?;
        Ok(Rc::new(dwarf))
    }
}

impl Tables {
    /// Reads a program's bytes.
    pub(super) fn parse(data: &[u8]) -> Result<Self, String> {
        let mut tables = Self::unplaced(data)?;
        let functions = std::mem::take(&mut tables.functions);
        tables.functions = tables.placed(functions);
        Ok(tables)
    }

    /// Symbols that are not yet looked up in the segments.
    fn unplaced(data: &[u8]) -> Result<Self, String> {
        match data.get(4) {
            Some(2) => Self::read::<FileHeader64<Endianness>>(data).map_err(|error| error.to_string()),
            Some(1) => Self::read::<FileHeader32<Endianness>>(data).map_err(|error| error.to_string()),
            _ => Err("no ELF file".to_owned()),
        }
    }

    pub(super) fn functions(&self) -> &[Symbol] {
        &self.functions
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
        let mut read = Self { segments: segments.collect(), is_stripped: true, ..Self::default() };
        let sections = header.sections(endian, data)?;
        read.is_fixed = header.e_type(endian) == ET_EXEC;
        let go = [b".go.buildinfo".as_slice(), b".note.go.buildid"];
        read.is_go =
            sections.iter().any(|section| sections.section_name(endian, section).is_ok_and(|name| go.contains(&name)));
        read.is_stripped = !sections.iter().any(|section| section.sh_type(endian) == SHT_SYMTAB);
        for table in [SHT_SYMTAB, SHT_DYNSYM] {
            let symbols = sections.symbols(endian, data, table)?;
            for symbol in symbols.iter() {
                let Ok(name) = symbol.name(endian, symbols.strings()) else { continue };
                read.add::<Elf>(endian, symbol, name);
            }
        }
        read.sort();
        Ok(read)
    }

    /// Adds a defined function or variable; other symbols are passed over.
    fn add<Elf: FileHeader<Endian = Endianness>>(&mut self, endian: Endianness, symbol: &Elf::Sym, name: &[u8]) {
        if symbol.st_shndx(endian) == SHN_UNDEF {
            return;
        }
        let Ok(name) = std::str::from_utf8(name) else { return };
        // The linker's notation for a default version.
        let name = name.split_once("@@").map_or(name, |(plain, _)| plain);
        if name.is_empty() {
            return;
        }
        let (address, size) = (symbol.st_value(endian).into(), symbol.st_size(endian).into());
        let known = Symbol { name: name.to_owned(), address, file_offset: 0, size };
        match symbol.st_type() {
            STT_FUNC | STT_GNU_IFUNC => self.functions.push(known),
            STT_OBJECT => self.variables.push(known),
            _ => {}
        }
    }

    /// The same with the symbols of the separate debug file. Without one those for dynamic linking are all there are.
    fn with_debug_file(&self, path: &Path, directories: &[PathBuf]) -> Self {
        let mut all = self.clone();
        let Ok(data) = map(path) else { return all };
        let Ok(parsed) = object::File::parse(&*data) else { return all };
        let separate = debug_file::find(path, &parsed, directories).and_then(|found| map(&found).ok());
        if let Some(Ok(tables)) = separate.map(|separate| Self::unplaced(&separate)) {
            // The debug file has the program's addresses, but not its contents.
            all.functions.extend(self.placed(tables.functions));
            all.variables.extend(tables.variables);
            all.sort();
        }
        all
    }

    fn named<'t>(symbols: &'t [Symbol], name: &str) -> Option<&'t Symbol> {
        symbols.binary_search_by(|symbol| symbol.name.as_str().cmp(name)).ok().map(|index| &symbols[index])
    }

    /// Functions with their places in the file; those that are in no executable segment are left out.
    fn placed(&self, functions: Vec<Symbol>) -> Vec<Symbol> {
        let place = |symbol: Symbol| Some(Symbol { file_offset: self.file_offset(symbol.address)?, ..symbol });
        functions.into_iter().filter_map(place).collect()
    }

    /// Counts offsets from the start of the archive that the program is in.
    fn shift(&mut self, start: u64) {
        self.segments.iter_mut().for_each(|segment| segment.file_offset = segment.file_offset.wrapping_add(start));
        self.functions.iter_mut().for_each(|symbol| symbol.file_offset = symbol.file_offset.wrapping_add(start));
    }

    fn sort(&mut self) {
        for symbols in [&mut self.functions, &mut self.variables] {
            let key = |symbol: &Symbol| (symbol.address, symbol.size);
            symbols.sort_unstable_by(|a, b| a.name.cmp(&b.name).then(key(a).cmp(&key(b))));
            symbols.dedup_by(|a, b| a.name == b.name && a.address == b.address);
        }
    }

    fn file_offset(&self, address: u64) -> Option<u64> {
        self.segments.iter().find_map(|segment| {
            let within = address.checked_sub(segment.address)?;
            if within < segment.size { segment.file_offset.checked_add(within) } else { None }
        })
    }
}

impl Executable for ElfExecutable {
    fn functions(&self) -> &[Symbol] {
        self.all().functions()
    }

    fn function(&self, name: &str) -> Option<&Symbol> {
        let own = Tables::named(&self.tables.functions, name);
        own.or_else(|| Tables::named(&self.all().functions, name))
    }

    fn file_offset(&self, address: u64) -> Option<u64> {
        self.tables.file_offset(address)
    }

    fn symbol(&self, name: &str) -> Option<Symbol> {
        let own = Tables::named(&self.tables.variables, name);
        let variable = own.or_else(|| Tables::named(&self.all().variables, name));
        variable.or_else(|| self.function(name)).cloned()
    }

    fn is_fixed(&self) -> bool {
        self.tables.is_fixed
    }

    fn is_go(&self) -> bool {
        self.tables.is_go
    }

    fn instructions(&self, function: &Symbol) -> Vec<u64> {
        let size = function.size.min(instruction::MOST_BYTES);
        let mut code = vec![0; size as usize];
        let read = File::open(archive::file(&self.path.to_string_lossy()))
            .and_then(|file| file.read_exact_at(&mut code, function.file_offset));
        if read.is_err() { Vec::new() } else { instruction::starts(&code) }
    }

    fn debug_info(&self) -> Result<Rc<dyn DebugInfo>, Unavailable> {
        self.debug_info.get_or_init(|| self.open_debug_info()).clone()
    }
}
