//! Maps in memory, for tests.

use super::{MapAccess, Values, Visit};
use std::cell::RefCell;
use std::io;

/// An element as the kernel has it.
#[derive(Clone, Default)]
pub struct Entry {
    pub key: Vec<u8>,
    /// The value of each CPU, all of one size.
    pub values: Vec<Vec<u8>>,
}

impl Entry {
    fn visit(&self, visit: &mut Visit) {
        let size = self.values.first().map_or(0, Vec::len);
        visit(&self.key, Values::new(&self.values.concat(), size, size));
    }
}

/// Maps and stacks as the kernel would have them.
#[derive(Default)]
pub struct FakeMaps {
    pub maps: RefCell<Vec<Vec<Entry>>>,
    pub stacks: Vec<Vec<u64>>,
}

impl FakeMaps {
    /// One map with these elements; each value is given once for each CPU.
    pub fn with_map(entries: &[(&[u8], &[&[u64]])]) -> Self {
        let entries = entries
            .iter()
            .map(|(key, cpus)| Entry { key: key.to_vec(), values: cpus.iter().map(|words| bytes_of(words)).collect() });
        Self { maps: RefCell::new(vec![entries.collect()]), stacks: Vec::new() }
    }
}

/// Words as the kernel stores them.
pub fn bytes_of(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

impl MapAccess for FakeMaps {
    fn visit(&self, map: u32, visit: &mut Visit) -> io::Result<()> {
        self.maps.borrow()[map as usize].iter().for_each(|entry| entry.visit(visit));
        Ok(())
    }

    fn lookup(&self, map: u32, key: &[u8], visit: &mut Visit) -> io::Result<()> {
        let maps = self.maps.borrow();
        maps[map as usize].iter().filter(|entry| entry.key == key).for_each(|entry| entry.visit(visit));
        Ok(())
    }

    fn clear(&self, map: u32) -> io::Result<()> {
        self.maps.borrow_mut()[map as usize].clear();
        Ok(())
    }

    fn zero(&self, map: u32) -> io::Result<()> {
        for entry in &mut self.maps.borrow_mut()[map as usize] {
            entry.values.iter_mut().for_each(|value| value.fill(0));
        }
        Ok(())
    }

    fn stack(&self, id: u64) -> Option<Vec<u64>> {
        self.stacks.get((id as usize).checked_sub(1)?).cloned()
    }
}
