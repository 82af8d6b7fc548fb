//! The mapped files that names may be asked of: all but those that say of themselves what cannot be.
//!
//! Invariant: each file is looked at once. Of an unsound file no address has a name; all others are not concerned.

use crate::kernel::compressed::claims_too_much;
use rustc_hash::{FxHashMap, FxHashSet};
use std::fs;
use std::ops::Range;
use std::path::Path;

/// Files that are remembered; then all are forgotten.
const MOST_FILES: usize = 1 << 16;

/// What is known of files and of the processes that have mapped them.
#[derive(Default)]
pub struct SoundFiles {
    /// Device and inode of files without fault.
    sound: FxHashSet<(String, String)>,
    /// Where processes have others mapped.
    unsound: FxHashMap<u32, Vec<Range<u64>>>,
}

impl SoundFiles {
    /// Looks at what a process has mapped now.
    pub fn read(&mut self, process: u32) {
        self.unsound.remove(&process);
        let maps = fs::read_to_string(format!("/proc/{process}/maps")).unwrap_or_default();
        for line in maps.lines() {
            let Some((range, device, inode, path)) = parse(line) else { continue };
            if self.sound.contains(&(device.to_owned(), inode.to_owned())) {
                continue;
            }
            let as_mapped = format!("/proc/{process}/map_files/{:x}-{:x}", range.start, range.end);
            if claims_too_much(Path::new(&as_mapped)) || claims_too_much(Path::new(path)) {
                self.unsound.entry(process).or_default().push(range);
                continue;
            }
            if self.sound.len() >= MOST_FILES {
                self.sound.clear();
            }
            self.sound.insert((device.to_owned(), inode.to_owned()));
        }
    }

    /// Whether the file that a process has mapped at an address may be asked.
    pub fn allow(&self, process: u32, address: u64) -> bool {
        self.unsound.get(&process).is_none_or(|ranges| !ranges.iter().any(|range| range.contains(&address)))
    }
}

/// `7f12a000-7f12b000 r-xp 00001000 fe:01 1234   /usr/lib/x.so`, if it is of a file.
fn parse(line: &str) -> Option<(Range<u64>, &str, &str, &str)> {
    let path = &line[line.find('/')?..];
    let mut words = line.split_ascii_whitespace();
    let (start, end) = words.next()?.split_once('-')?;
    let number = |text| u64::from_str_radix(text, 16).ok();
    let range = number(start)?..number(end)?;
    let (device, inode) = (words.nth(2)?, words.next()?);
    Some((range, device, inode, path))
}
