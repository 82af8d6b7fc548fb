//! Functions that a process compiled for itself, as it writes them to /tmp/perf-PID.map: read while it lives, and from what it
//! left behind when it ended.
//!
//! Invariant: anybody can write such a file, and it may be written while it is read. Lines that are none are passed over, what is
//! too much is left out, and what is no regular file is not opened for long enough to wait for it.
//! Source: tools/perf/Documentation/jit-interface.txt of the kernel.

use super::Symbol;
use std::fs::{self, File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Larger files are read up to here.
const MOST_BYTES: u64 = 64 << 20;
/// More functions than that are left out.
const MOST_FUNCTIONS: usize = 1 << 20;

/// The functions of one process in the order of their addresses.
#[derive(Default)]
pub struct PerfMap {
    /// The names stay where they were read.
    text: Vec<u8>,
    functions: Vec<Function>,
    /// The file as it was when it was read.
    read: Option<Version>,
    /// Where the process writes, as we see it.
    path: Option<PathBuf>,
}

/// A function, its name a part of the text.
struct Function {
    start: u64,
    size: u64,
    name: (u32, u32),
}

/// What is another when a file has changed: device, inode, size, and when it was written to.
type Version = (u64, u64, u64, (i64, i64));

impl PerfMap {
    /// Reads what the process has written, unless that is known already.
    pub fn refresh(&mut self, process: u32) {
        // The process has a /tmp of its own and another number there, in a container.
        let inside = self.path.get_or_insert_with(|| {
            PathBuf::from(format!("/proc/{process}/root/tmp/perf-{}.map", number_of_itself(process)))
        });
        let left_behind = PathBuf::from(format!("/tmp/perf-{process}.map"));
        let Some((file, version)) = open(inside).or_else(|| open(&left_behind)) else { return };
        if self.read != Some(version) {
            self.read(file);
            self.read = Some(version);
        }
    }

    /// Lines of start, size and name, both numbers hexadecimal.
    fn read(&mut self, file: impl Read) {
        self.text.clear();
        // What was read until an error is as good as what a shorter file has.
        let _ = file.take(MOST_BYTES).read_to_end(&mut self.text);
        let mut functions = Vec::new();
        let mut line_start = 0;
        for line in self.text.split(|byte| *byte == b'\n') {
            functions.extend(Function::parse(line, line_start));
            line_start += line.len() + 1;
            if functions.len() >= MOST_FUNCTIONS {
                break;
            }
        }
        // Stable: of several that were compiled to one place, the last was there last.
        functions.sort_by_key(|function| function.start);
        self.functions = functions;
    }

    /// The function at an address.
    pub fn find(&self, address: u64) -> Option<Symbol> {
        let after = self.functions.partition_point(|function| function.start <= address);
        let function = self.functions[..after].last()?;
        let offset = address - function.start;
        let (start, end) = function.name;
        let name = String::from_utf8_lossy(self.text.get(start as usize..end as usize)?);
        (offset < function.size.max(1)).then(|| Symbol { name: name.into(), offset, ..Symbol::default() })
    }

    /// How much memory it takes.
    pub fn bytes(&self) -> usize {
        self.text.capacity() + self.functions.capacity() * size_of::<Function>()
    }
}

impl Function {
    /// The function of a line that starts at this place of the text.
    fn parse(line: &[u8], line_start: usize) -> Option<Self> {
        let mut words = line.splitn(3, |byte| *byte == b' ');
        let mut number = || {
            let digits = std::str::from_utf8(words.next()?).ok()?;
            u64::from_str_radix(digits.trim_start_matches("0x"), 16).ok()
        };
        let (start, size) = (number()?, number()?);
        let name = words.next()?;
        let name_start = line_start + line.len() - name.len();
        let name_end = name_start + name.trim_ascii_end().len();
        (name_end > name_start).then_some(Self { start, size, name: (name_start as u32, name_end as u32) })
    }
}

/// A regular file. To open a named pipe would be to wait for who writes to it.
fn open(path: &Path) -> Option<(File, Version)> {
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY).open(path).ok()?;
    let found = file.metadata().ok().filter(fs::Metadata::is_file)?;
    Some((file, (found.dev(), found.ino(), found.size(), (found.mtime(), found.mtime_nsec()))))
}

/// The number that a process knows itself by: that of the innermost of its pid namespaces.
fn number_of_itself(process: u32) -> u32 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("NStgid:"));
    let own = line.and_then(|numbers| numbers.split_ascii_whitespace().next_back()?.parse().ok());
    own.unwrap_or(process)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map_of(text: &[u8]) -> PerfMap {
        let mut map = PerfMap::default();
        map.read(text);
        map
    }

    #[test]
    fn an_address_is_in_the_function_that_was_compiled_there_last() {
        let map =
            map_of(b"7f001000 20 old\nnonsense\n\xff\xfe\n7f002000 10 java.lang.String foo()\n0x7f001000 20 new\n7f00");
        let name = |address| map.find(address).map(|symbol| (symbol.name.into_string(), symbol.offset));
        assert_eq!(name(0x7f00_1004), Some(("new".to_owned(), 4)));
        assert_eq!(name(0x7f00_2000), Some(("java.lang.String foo()".to_owned(), 0)));
        assert_eq!(name(0x7f00_1020), None);
        assert_eq!(name(0x7f00_0fff), None);
    }

    #[test]
    fn a_thousand_kinds_of_damage_are_survived() {
        let whole: Vec<u8> =
            (0..50).flat_map(|n| format!("{:x} {n:x} f\u{fc}nction {n}\n", n * 64).into_bytes()).collect();
        let mut state = 1u64;
        let mut random = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below
        };
        let mut named = 0;
        for _ in 0..1000 {
            let mut damaged = whole.clone();
            for _ in 0..8 {
                let at = random(damaged.len());
                damaged[at] = [b' ', b'\n', b'f', 0xff, random(256) as u8][random(5)];
            }
            damaged.splice(10..10, b"ffffffffffffffff ffffffffffffffff last\n".iter().copied());
            damaged.truncate(random(damaged.len() * 4));
            let map = map_of(&damaged);
            named += (0..50).chain([u64::MAX]).filter(|n| map.find(n.wrapping_mul(64)).is_some()).count();
        }
        assert!(named > 1000, "{named}");
    }

    #[test]
    fn a_large_file_does_not_take_much_memory() {
        let map = map_of(&b"1 1 f\n".repeat(12 << 20));
        assert!(map.bytes() < 256 << 20, "{}", map.bytes());
        assert_eq!(map.find(1).map(|symbol| symbol.name), Some("f".into()));
    }

    #[test]
    fn a_named_pipe_is_not_waited_for() {
        let path = std::env::temp_dir().join(format!("lancet-pipe-{}", std::process::id()));
        let name = std::ffi::CString::new(path.to_string_lossy().as_bytes()).expect("a path");
        // SAFETY: the name ends with a zero.
        assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
        assert!(open(&path).is_none());
        fs::remove_file(path).expect("our own file");
    }
}
