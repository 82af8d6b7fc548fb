//! Which files were mapped where in which process, remembered beyond its end.
//!
//! Invariant: bounded memory; when there are too many mappings, processes that ended are forgotten first, the oldest of
//! them before the others.

use rustc_hash::FxHashMap;
use std::collections::VecDeque;
use std::fs;
use std::rc::Rc;
use std::time::SystemTime;

/// Mappings kept at most.
const MOST: usize = 1 << 18;

/// Mappings of one process kept at most: who maps and unmaps all the time has most of them twice.
const MOST_OF_ONE: usize = 4096;

/// Code of a file in a process.
#[derive(Clone, PartialEq, Debug)]
pub struct Mapping {
    /// Its first address.
    pub start: u64,
    /// The address behind it.
    pub end: u64,
    /// Where in the file it starts.
    pub offset: u64,
    /// The file, as the process sees it.
    pub file: Rc<str>,
    /// When it was seen. A file that was changed later is another.
    pub seen: SystemTime,
}

/// All that is known.
#[derive(Default)]
pub struct Mappings {
    processes: FxHashMap<u32, Image>,
    files: FxHashMap<Box<str>, Rc<str>>,
    /// Mappings that are kept, those that processes share counted once for each.
    count: usize,
    /// Processes that ended, oldest first.
    ended: VecDeque<u32>,
}

/// A process's code. Children share it until they change it.
#[derive(Clone, Default)]
struct Image {
    mappings: Rc<Vec<Mapping>>,
    /// What the process ran before its last exec: stacks of that may be printed later.
    before: Rc<Vec<Mapping>>,
}

impl Image {
    fn len(&self) -> usize {
        self.mappings.len() + self.before.len()
    }
}

impl Mappings {
    /// The process runs another program.
    pub fn executed(&mut self, process: u32) {
        self.change(process, |image| image.before = std::mem::take(&mut image.mappings));
    }

    /// The process mapped code.
    pub fn mapped(&mut self, process: u32, mapping: Mapping) {
        self.change(process, |image| {
            if image.mappings.len() < MOST_OF_ONE {
                Rc::make_mut(&mut image.mappings).push(mapping);
            }
        });
    }

    /// A process was started by another.
    pub fn forked(&mut self, parent: u32, child: u32) {
        let image = self.processes.get(&parent).cloned().unwrap_or_default();
        self.change(child, |new| *new = Image { mappings: image.mappings, before: Rc::default() });
    }

    /// The process ended.
    pub fn ended(&mut self, process: u32) {
        if self.processes.contains_key(&process) {
            self.ended.push_back(process);
        }
    }

    /// Reads what a living process has mapped now.
    pub fn read(&mut self, process: u32) {
        let Ok(maps) = fs::read_to_string(format!("/proc/{process}/maps")) else { return };
        let seen = SystemTime::now();
        let mappings: Vec<Mapping> = maps.lines().filter_map(|line| self.parse(line, seen)).collect();
        self.change(process, |image| image.mappings = Rc::new(mappings));
    }

    /// Reads what all processes have mapped.
    pub fn read_all(&mut self) {
        let Ok(processes) = fs::read_dir("/proc") else { return };
        let numbers = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        numbers.for_each(|process| self.read(process));
    }

    /// The mapping of an address in a process.
    pub fn find(&self, process: u32, address: u64) -> Option<&Mapping> {
        let image = self.processes.get(&process)?;
        let holds = |mapping: &&Mapping| (mapping.start..mapping.end).contains(&address);
        // The last to be mapped there counts: what was unmapped is not told.
        image.mappings.iter().rev().find(holds).or_else(|| image.before.iter().rev().find(holds))
    }

    /// The files that a process has or had mapped.
    #[cfg(test)]
    pub(super) fn files_of(&self, process: u32) -> Vec<&str> {
        let image = self.processes.get(&process);
        image.map(|image| image.mappings.iter().map(|mapping| &*mapping.file).collect()).unwrap_or_default()
    }

    /// One name of a file for all mappings of it.
    pub fn file(&mut self, path: &str) -> Rc<str> {
        if let Some(known) = self.files.get(path) {
            return known.clone();
        }
        if self.files.len() >= MOST {
            self.files.clear();
        }
        let name: Rc<str> = path.into();
        self.files.insert(path.into(), name.clone());
        name
    }

    /// `7f12a000-7f12b000 r-xp 00001000 fe:01 1234   /usr/lib/x.so`, if it is code of a file.
    fn parse(&mut self, line: &str, seen: SystemTime) -> Option<Mapping> {
        let path = &line[line.find('/')?..];
        let mut words = line.split_ascii_whitespace();
        let (start, end) = words.next()?.split_once('-')?;
        words.next().filter(|permissions| permissions.contains('x'))?;
        let number = |text| u64::from_str_radix(text, 16).ok();
        let offset = number(words.next()?)?;
        Some(Mapping { start: number(start)?, end: number(end)?, offset, file: self.file(path), seen })
    }

    fn change(&mut self, process: u32, change: impl FnOnce(&mut Image)) {
        let image = self.processes.entry(process).or_default();
        let before = image.len();
        change(image);
        self.count = self.count + image.len() - before;
        while self.count > MOST {
            let Some(oldest) = self.ended.pop_front().or_else(|| self.processes.keys().next().copied()) else { return };
            let forgotten = self.processes.remove(&oldest);
            self.count -= forgotten.map_or(0, |image| image.len());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapping(mappings: &mut Mappings, start: u64, file: &str) -> Mapping {
        let file = mappings.file(file);
        Mapping { start, end: start + 0x1000, offset: 0x2000, file, seen: SystemTime::now() }
    }

    fn file_at(mappings: &Mappings, process: u32, address: u64) -> Option<&str> {
        mappings.find(process, address).map(|mapping| &*mapping.file)
    }

    #[test]
    fn a_child_has_its_parents_code_until_it_runs_its_own() {
        let mut mappings = Mappings::default();
        let shell = mapping(&mut mappings, 0x1000, "/bin/sh");
        mappings.mapped(1, shell);
        mappings.forked(1, 2);
        assert_eq!(file_at(&mappings, 2, 0x1800), Some("/bin/sh"));
        mappings.executed(2);
        let program = mapping(&mut mappings, 0x8000, "/bin/ls");
        mappings.mapped(2, program);
        mappings.ended(2);
        assert_eq!(file_at(&mappings, 2, 0x8000), Some("/bin/ls"));
        // A stack from before may still be printed.
        assert_eq!(file_at(&mappings, 2, 0x1800), Some("/bin/sh"));
        assert_eq!(file_at(&mappings, 1, 0x8000), None);
    }

    #[test]
    fn the_last_mapping_of_an_address_counts() {
        let mut mappings = Mappings::default();
        for file in ["/lib/old.so", "/lib/new.so"] {
            let library = mapping(&mut mappings, 0x1000, file);
            mappings.mapped(1, library);
        }
        assert_eq!(file_at(&mappings, 1, 0x1fff), Some("/lib/new.so"));
        assert_eq!(file_at(&mappings, 1, 0x2000), None);
    }

    #[test]
    fn memory_is_bounded_and_the_dead_go_first() {
        let mut mappings = Mappings::default();
        let live = mapping(&mut mappings, 0x1000, "/bin/live");
        mappings.mapped(1, live);
        for process in 2..2 * MOST as u32 / 8 {
            for index in 0..8 {
                let code = mapping(&mut mappings, index * 0x1000, "/bin/short");
                mappings.mapped(process, code);
            }
            mappings.ended(process);
        }
        assert!(mappings.count <= MOST);
        assert_eq!(file_at(&mappings, 1, 0x1000), Some("/bin/live"));
    }

    #[test]
    fn our_own_code_is_read() {
        let mut mappings = Mappings::default();
        mappings.read(std::process::id());
        let address = our_own_code_is_read as fn() as usize as u64;
        let own = std::env::current_exe().expect("a path");
        assert_eq!(file_at(&mappings, std::process::id(), address), own.to_str());
    }
}
