//! Functions that a process compiled for itself, as it wrote them to /tmp/perf-PID.map: for processes that ended and left the
//! file behind. Of a living one blazesym reads the file, as the process itself sees it.

use super::Symbol;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};

/// Larger files are read up to here.
const MOST_BYTES: u64 = 64 << 20;

/// Functions in the order of their addresses.
#[derive(Default)]
pub struct PerfMap {
    functions: Vec<(u64, u64, Box<str>)>,
}

impl PerfMap {
    /// The functions of a process; none if it wrote no file.
    pub fn of(process: u32) -> Self {
        File::open(format!("/tmp/perf-{process}.map")).map(Self::read).unwrap_or_default()
    }

    /// Lines of start, size and name, both numbers hexadecimal; others are passed over.
    fn read(file: impl Read) -> Self {
        let parse = |line: String| {
            let mut words = line.splitn(3, ' ');
            let mut number = || u64::from_str_radix(words.next()?.trim_start_matches("0x"), 16).ok();
            let (start, size) = (number()?, number()?);
            Some((start, size, words.next()?.trim_end().into()))
        };
        let lines = BufReader::new(file.take(MOST_BYTES)).lines().map_while(Result::ok);
        let mut functions: Vec<(u64, u64, Box<str>)> = lines.filter_map(parse).collect();
        // Stable: of several that were compiled to one place, the last was there last.
        functions.sort_by_key(|(start, ..)| *start);
        Self { functions }
    }

    /// The function at an address.
    pub fn find(&self, address: u64) -> Option<Symbol> {
        let after = self.functions.partition_point(|(start, ..)| *start <= address);
        let (start, size, name) = self.functions[..after].last()?;
        let offset = address - start;
        (offset < *size).then(|| Symbol { name: name.clone(), offset, ..Symbol::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_in_the_function_that_was_compiled_there_last() {
        let map =
            PerfMap::read(&b"7f001000 20 old\nnonsense\n7f002000 10 java.lang.String foo()\n0x7f001000 20 new\n"[..]);
        let name = |address| map.find(address).map(|symbol| (symbol.name.into_string(), symbol.offset));
        assert_eq!(name(0x7f00_1004), Some(("new".to_owned(), 4)));
        assert_eq!(name(0x7f00_2000), Some(("java.lang.String foo()".to_owned(), 0)));
        assert_eq!(name(0x7f00_1020), None);
        assert_eq!(name(0x7f00_0fff), None);
    }
}
