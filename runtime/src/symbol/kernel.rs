//! Kernel functions by address, from /proc/kallsyms.
//!
//! The file is read once, as a stream, when the first address is asked for; a table of all its symbols stays. A symbol
//! ends where the next begins. Where the kernel hides addresses, nothing resolves.

use super::Symbol;
use rustc_hash::FxHashMap;
use std::fs::File;
use std::io::{BufRead, BufReader};

/// What lies farther behind the start of the last symbol of a region is not part of it.
const MAX_OFFSET: u64 = 16 << 20;

/// The kernel's symbols, and those that were asked for.
#[derive(Default)]
pub struct KernelSymbols {
    table: Option<Table>,
    resolved: FxHashMap<u64, Option<Symbol>>,
}

impl KernelSymbols {
    /// The function at an address.
    pub fn resolve(&mut self, address: u64) -> Option<&Symbol> {
        // Addresses of user space are no kernel function, and reading all symbols is not cheap.
        if (address as i64) >= 0 {
            return None;
        }
        let table = &mut self.table;
        let look_up = || {
            let table = table.get_or_insert_with(|| File::open("/proc/kallsyms").map(Table::read).unwrap_or_default());
            table.find(address)
        };
        self.resolved.entry(address).or_insert_with(look_up).as_ref()
    }
}

/// Symbols in the order of their addresses.
#[derive(Default)]
struct Table {
    /// Address, and where the name starts in `names`.
    symbols: Vec<(u64, u32)>,
    /// All names, each ended by a line break.
    names: String,
}

impl Table {
    fn read(file: impl std::io::Read) -> Self {
        let mut table = Self::default();
        let mut reader = BufReader::with_capacity(256 * 1024, file);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            table.add(&line);
            line.clear();
        }
        // Stable, so that of several names for an address the first stays the first, as the kernel prefers it.
        table.symbols.sort_by_key(|(address, _)| *address);
        table.symbols.dedup_by_key(|(address, _)| *address);
        table
    }

    /// Adds `ffffffff81000000 T name`, with the module behind a tab if it is of one.
    fn add(&mut self, line: &[u8]) {
        let Ok(line) = std::str::from_utf8(line) else { return };
        let mut fields = line.split_ascii_whitespace();
        let (Some(address), Some(_), Some(name)) = (fields.next(), fields.next(), fields.next()) else { return };
        match u64::from_str_radix(address, 16) {
            // Hidden addresses read as zero; small ones are offsets of variables that each CPU has.
            Ok(address) if (address as i64) < 0 => {
                self.symbols.push((address, self.names.len() as u32));
                self.names.push_str(name);
                self.names.push('\n');
            }
            Ok(_) | Err(_) => {}
        }
    }

    fn find(&self, address: u64) -> Option<Symbol> {
        let after = self.symbols.partition_point(|(start, _)| *start <= address);
        let (start, name) = self.symbols.get(after.checked_sub(1)?)?;
        let offset = address - start;
        let name = self.names.get(*name as usize..)?.lines().next()?;
        (offset < MAX_OFFSET).then(|| Symbol { name: name.into(), offset, ..Symbol::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KALLSYMS: &str = "0000000000000000 A fixed_percpu_data\n\
                            ffffffff81000200 T second\n\
                            ffffffff81000000 T first\n\
                            ffffffff81000000 t alias\n\
                            ffffffffc0000000 t in_module\t[a_module]\n";

    fn find(address: u64) -> Option<(String, u64)> {
        let symbol = Table::read(KALLSYMS.as_bytes()).find(address)?;
        Some((symbol.name.into(), symbol.offset))
    }

    #[test]
    fn an_address_belongs_to_the_symbol_before_it() {
        assert_eq!(find(0xffff_ffff_8100_0000), Some(("first".into(), 0)));
        assert_eq!(find(0xffff_ffff_8100_01ff), Some(("first".into(), 0x1ff)));
        assert_eq!(find(0xffff_ffff_8100_0200), Some(("second".into(), 0)));
        assert_eq!(find(0xffff_ffff_c000_0010), Some(("in_module".into(), 16)));
    }

    #[test]
    fn what_is_far_from_any_symbol_has_no_name() {
        assert_eq!(find(0xffff_ffff_8000_0000), None);
        assert_eq!(find(0xffff_ffff_9000_0000), None);
    }
}
