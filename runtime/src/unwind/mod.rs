//! Tables for `dw_ustack`: which code the traced processes have mapped, and how its frames are found
//! ([`lancet_manifest::unwind`]).
//!
//! Invariant: a process's list of code is complete before its element of the map of processes names it, and lists that are
//! replaced are not written over before all others.

mod table;

use crate::session::RuntimeError;
use crate::session::load::Loaded;
use lancet_manifest::unwind::{CODE, Code, MOST_CODE, MOST_ROWS, PROCESSES, ROWS, Row};
use libbpf_sys as sys;
use memmap2::{Mmap, MmapOptions, MmapRaw};
use object::elf::PF_X;
use object::{Object, ObjectSegment, SegmentFlags};
use rustc_hash::FxHashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::time::{Duration, Instant};

/// How often is looked for code that was mapped since: a library that was loaded, another program.
pub const INTERVAL: Duration = Duration::from_millis(100);

/// Most bytes of code that a process has in memory alone.
const MOST_IN_MEMORY: u64 = 1 << 20;

/// The maps of a loaded object, and what is in them.
pub struct Unwinder {
    processes: i32,
    code: Array,
    rows: Array,
    /// By device and inode, or by nothing for the kernel's own page.
    files: FxHashMap<Key, Table>,
    traced: Vec<Traced>,
    looked: Instant,
    /// Files without tables, and why; each is told once.
    problems: Vec<String>,
}

/// An array map that is written by writing to memory.
struct Array {
    memory: MmapRaw,
    element: usize,
    capacity: usize,
    used: usize,
}

type Key = Option<(u64, u64)>;

/// Where a file's rows are, and how its segments are mapped.
#[derive(Clone, Default)]
struct Table {
    first: u32,
    count: u32,
    /// Offset in the file, bytes, and address of each segment with code.
    segments: Vec<(u64, u64, u64)>,
}

/// A process whose stacks are unwound.
struct Traced {
    process: u32,
    /// What /proc said of its mappings when they were last looked at.
    maps: String,
}

impl Unwinder {
    /// The maps of a loaded object; nothing is in them yet.
    pub fn new(loaded: &Loaded) -> Result<Self, RuntimeError> {
        Ok(Self {
            processes: loaded.map_descriptor(PROCESSES)?,
            code: Array::new(loaded.map_descriptor(CODE)?, size_of::<Code>(), MOST_CODE as usize)?,
            rows: Array::new(loaded.map_descriptor(ROWS)?, size_of::<Row>(), MOST_ROWS as usize)?,
            files: FxHashMap::default(),
            traced: Vec::new(),
            looked: Instant::now(),
            problems: Vec::new(),
        })
    }

    /// From now on stacks of these processes can be unwound.
    pub fn trace(&mut self, processes: impl IntoIterator<Item = u32>) -> io::Result<()> {
        self.traced.extend(processes.into_iter().map(|process| Traced { process, maps: String::new() }));
        self.look()
    }

    /// Looks at the code of all processes, and at what is new of it.
    fn look(&mut self) -> io::Result<()> {
        self.looked = Instant::now();
        for index in 0..self.traced.len() {
            let process = self.traced[index].process;
            // Of a process that has ended everything stays as it was.
            let Ok(maps) = std::fs::read_to_string(format!("/proc/{process}/maps")) else { continue };
            if maps.is_empty() || maps == self.traced[index].maps {
                continue;
            }
            let code: Vec<Code> = maps.lines().filter_map(|line| self.code_of(process, line)).collect();
            self.traced[index].maps = maps;
            self.publish(process, &code)?;
        }
        Ok(())
    }

    /// The same, when it is time to look again.
    pub fn look_again(&mut self) -> io::Result<()> {
        if self.looked.elapsed() >= INTERVAL { self.look() } else { Ok(()) }
    }

    /// Files whose code cannot be unwound, since the last call.
    pub fn problems(&mut self) -> Vec<String> {
        std::mem::take(&mut self.problems)
    }

    /// A line of /proc/PID/maps, if it is code (proc(5)): `7f12a000-7f12b000 r-xp 00001000 fe:01 1234   /usr/lib/x.so`.
    fn code_of(&mut self, process: u32, line: &str) -> Option<Code> {
        let mut words = line.split_ascii_whitespace();
        let (start, end) = words.next()?.split_once('-')?;
        words.next().filter(|permissions| permissions.contains('x'))?;
        let number = |text| u64::from_str_radix(text, 16).ok();
        let (start, end, offset) = (number(start)?, number(end)?, number(words.next()?)?);
        let name = line.find(['/', '[']).map(|position| &line[position..])?;
        let table = if name == "[vdso]" {
            self.table(None, name, || read_memory(process, start, end))
        } else {
            // The way through /proc leads to the file as the process sees it, though it may be deleted.
            let file = File::open(format!("/proc/{process}/map_files/{start:x}-{end:x}"))
                .or_else(|_| File::open(format!("/proc/{process}/root{name}")))
                .ok()?;
            let known = file.metadata().ok().map(|metadata| (metadata.dev(), metadata.ino()))?;
            // SAFETY: a file that is changed while it is read makes wrong rows at worst; one that is made shorter would end
            // this process, as it would end the program that runs from it.
            self.table(Some(known), name, || unsafe { Mmap::map(&file) }.map(Bytes::Mapped))
        };
        let bias = bias(&table.segments, start, offset)?;
        Some(Code { start, end, bias, first: table.first, count: table.count })
    }

    /// The rows of a file, made when it is first met.
    fn table(&mut self, key: Key, name: &str, bytes: impl FnOnce() -> io::Result<Bytes>) -> Table {
        if let Some(known) = self.files.get(&key) {
            return known.clone();
        }
        let made = bytes().map_err(|error| error.to_string()).and_then(|bytes| {
            let segments = segments(bytes.as_ref())?;
            let rows = table::rows(bytes.as_ref())?;
            let first = self.rows.append(&rows).ok_or("there is no more room for its unwind tables")?;
            Ok(Table { first, count: rows.len() as u32, segments })
        });
        let table = made.unwrap_or_else(|reason| {
            self.problems.push(format!("dw_ustack ends in {name}: {reason}"));
            Table::default()
        });
        self.files.insert(key, table.clone());
        table
    }

    /// Hands the code of a process to the programs.
    fn publish(&mut self, process: u32, code: &[Code]) -> io::Result<()> {
        let code = &code[..code.len().min(self.code.capacity)];
        let Some(first) = self.code.append(code).or_else(|| self.code.begin_again(code)) else { return Ok(()) };
        let value = [first, code.len() as u32];
        // SAFETY: key and value are as long as the map's.
        let result = unsafe {
            sys::bpf_map_update_elem(self.processes, (&raw const process).cast(), (&raw const value).cast(), 0)
        };
        if result < 0 { Err(io::Error::from_raw_os_error(-result)) } else { Ok(()) }
    }
}

impl Array {
    fn new(descriptor: i32, element: usize, capacity: usize) -> Result<Self, RuntimeError> {
        let memory = MmapOptions::new().len(element * capacity).map_raw(descriptor);
        let memory = memory
            .map_err(|reason| RuntimeError::System { what: "the unwind tables cannot be written".into(), reason })?;
        Ok(Self { memory, element, capacity, used: 0 })
    }

    /// Writes elements behind the others; their first index, or none if there is no room.
    fn append<T: Copy>(&mut self, elements: &[T]) -> Option<u32> {
        let (first, end) = (self.used, self.used + elements.len());
        if end > self.capacity {
            return None;
        }
        debug_assert_eq!(size_of::<T>(), self.element);
        // SAFETY: the elements fit into the mapping behind those that are used, as was just looked at, and have its size;
        // programs read there only what a list names, and no list names it yet.
        unsafe {
            let to = self.memory.as_mut_ptr().add(first * self.element);
            std::ptr::copy_nonoverlapping(elements.as_ptr().cast::<u8>(), to, elements.len() * self.element);
        }
        self.used = end;
        u32::try_from(first).ok()
    }

    /// The same from the start, where the oldest elements are.
    fn begin_again<T: Copy>(&mut self, elements: &[T]) -> Option<u32> {
        self.used = 0;
        self.append(elements)
    }
}

/// The bytes of an ELF file.
enum Bytes {
    Mapped(Mmap),
    Read(Vec<u8>),
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Mapped(bytes) => bytes,
            Self::Read(bytes) => bytes,
        }
    }
}

/// What a process has at an address.
fn read_memory(process: u32, start: u64, end: u64) -> io::Result<Bytes> {
    let mut bytes = vec![0; (end - start).min(MOST_IN_MEMORY) as usize];
    File::open(format!("/proc/{process}/mem"))?.read_exact_at(&mut bytes, start)?;
    Ok(Bytes::Read(bytes))
}

/// What to subtract from an address of a mapping, which starts at an offset of the file, to get the file's own.
fn bias(segments: &[(u64, u64, u64)], start: u64, offset: u64) -> Option<u64> {
    let (from, _, address) = segments.iter().find(|(from, bytes, _)| (*from..from + bytes).contains(&offset))?;
    Some(start.wrapping_sub(address.wrapping_add(offset).wrapping_sub(*from)))
}

/// The segments with code: offset in the file, bytes, address. Pages at their ends may belong to their neighbours too.
fn segments(file: &[u8]) -> Result<Vec<(u64, u64, u64)>, String> {
    let file = object::File::parse(file).map_err(|error| error.to_string())?;
    let is_code = |flags| matches!(flags, SegmentFlags::Elf { p_flags, .. } if p_flags.contains(PF_X));
    let segments = file.segments().filter(|segment| is_code(segment.flags()));
    Ok(segments
        .map(|segment| {
            let (offset, bytes) = segment.file_range();
            // Mappings begin at whole pages.
            let before = offset % 4096;
            (offset - before, bytes.saturating_add(before), segment.address().wrapping_sub(before))
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::ObjectSymbol;

    #[test]
    fn the_file_has_its_own_address_for_our_code() {
        let address = the_file_has_its_own_address_for_our_code as fn() as usize as u64;
        let maps = std::fs::read_to_string("/proc/self/maps").expect("our mappings");
        let number = |text: &str| u64::from_str_radix(text, 16).expect("a number");
        let ours = maps.lines().find_map(|line| {
            let words: Vec<&str> = line.split_ascii_whitespace().collect();
            let (start, end) = words[0].split_once('-')?;
            let range = number(start)..number(end);
            range.contains(&address).then(|| (range.start, number(words[2])))
        });
        let (start, offset) = ours.expect("the mapping of this function");
        let bytes = std::fs::read("/proc/self/exe").expect("this program");
        let bias = bias(&segments(&bytes).expect("its segments"), start, offset).expect("where it is mapped");
        let file = object::File::parse(&bytes[..]).expect("an ELF file");
        let at = file.symbols().find(|symbol| symbol.address() == address - bias).expect("a symbol");
        assert!(at.name().is_ok_and(|name| name.contains("the_file_has_its_own_address")), "{:?}", at.name());
    }
}
