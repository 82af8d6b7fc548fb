//! Entries in the order of their places, all or only the last ones.
//!
//! A place is a string of bytes ([`super::order`]). The bytes of all entries are in one piece of memory, and what is sorted
//! is small: a map may have millions of them. Of many entries of which few are wanted, only those few are kept.

use super::combine::Combined;
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;

/// How many entries are fetched from memory side by side.
const AT_ONCE: usize = 32;

/// Takes entries in any order and hands them out in that of their places.
pub struct Sorted {
    kept: Kept,
    /// The place of the entry that is being inserted.
    place: Vec<u8>,
}

enum Kept {
    All(Entries),
    /// The lowest is on top, and is what goes when there are more than so many.
    Last(BinaryHeap<Reverse<Entry>>, usize),
}

impl Sorted {
    /// Keeps the last `top` entries, or all if that is 0.
    pub fn new(top: u64) -> Self {
        let kept = match usize::try_from(top) {
            Ok(0) | Err(_) => Kept::All(Entries::default()),
            Ok(top) => Kept::Last(BinaryHeap::new(), top),
        };
        Self { kept, place: Vec::new() }
    }

    /// Inserts an entry, of which `write_place` appends the place.
    pub fn insert(&mut self, key: &[u8], value: Combined, write_place: impl FnOnce(&mut Vec<u8>, &Combined)) {
        self.place.clear();
        write_place(&mut self.place, &value);
        let entry = |place: &[u8], value| Entry { place: place.into(), key: key.into(), value };
        match &mut self.kept {
            Kept::All(entries) => entries.push(&self.place, key, value),
            Kept::Last(entries, top) if entries.len() < *top => entries.push(Reverse(entry(&self.place, value))),
            Kept::Last(entries, _) => {
                if let Some(mut lowest) = entries.peek_mut()
                    && *lowest.0.place < *self.place
                {
                    *lowest = Reverse(entry(&self.place, value));
                }
            }
        }
    }

    /// The entries in their order.
    pub fn into_entries(self) -> Entries {
        let mut entries = match self.kept {
            Kept::All(entries) => entries,
            Kept::Last(kept, _) => {
                let mut entries = Entries::default();
                kept.into_iter().for_each(|Reverse(entry)| entries.push(&entry.place, &entry.key, entry.value));
                entries
            }
        };
        entries.sort();
        entries
    }
}

/// An entry that stands by itself.
struct Entry {
    place: Box<[u8]>,
    key: Box<[u8]>,
    value: Combined,
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.place.cmp(&other.place)
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.place == other.place
    }
}

impl Eq for Entry {}

/// Many entries.
#[derive(Default)]
pub struct Entries {
    /// What of each place [`Position::first`] does not tell, and the key.
    bytes: Vec<u8>,
    stored: Vec<Stored>,
    order: Vec<Position>,
}

/// Where the bytes of an entry are, and what it means.
struct Stored {
    value: Combined,
    start: usize,
    /// Bytes of the place, after which the key comes.
    place: u32,
    key: u32,
}

/// What is sorted.
struct Position {
    /// The first bytes of the place, which tell most entries apart without looking at the rest.
    first: [u64; 2],
    index: usize,
}

impl Entries {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// Key and value of each, in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &Combined)> {
        self.order.chunks(AT_ONCE).flat_map(|chunk| {
            // One after the other, each would wait for memory by itself.
            let touched = chunk.iter().map(|position| self.key(&self.stored[position.index]).first());
            std::hint::black_box(touched.flatten().fold(0, |all, byte| all ^ byte));
            chunk.iter().map(|position| {
                let stored = &self.stored[position.index];
                (self.key(stored), &stored.value)
            })
        })
    }

    /// All values, in any order.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Combined> {
        self.stored.iter_mut().map(|stored| &mut stored.value)
    }

    fn push(&mut self, place: &[u8], key: &[u8], value: Combined) {
        let start = self.bytes.len();
        let (first, rest) = split(place);
        self.bytes.extend_from_slice(rest);
        self.bytes.extend_from_slice(key);
        self.order.push(Position { first, index: self.stored.len() });
        self.stored.push(Stored { value, start, place: rest.len() as u32, key: key.len() as u32 });
    }

    fn key(&self, stored: &Stored) -> &[u8] {
        let start = stored.start + stored.place as usize;
        &self.bytes[start..start + stored.key as usize]
    }

    fn sort(&mut self) {
        let rest = |position: &Position| {
            let stored = &self.stored[position.index];
            &self.bytes[stored.start..stored.start + stored.place as usize]
        };
        self.order.sort_unstable_by(|a, b| a.first.cmp(&b.first).then_with(|| rest(a).cmp(rest(b))));
    }
}

/// The first 16 bytes as numbers that compare as they do, and what comes behind. No place is the beginning of another, so
/// zeros behind a short one decide nothing.
fn split(place: &[u8]) -> ([u64; 2], &[u8]) {
    let (first, rest) = place.split_at(place.len().min(16));
    let mut bytes = [0; 16];
    bytes[..first.len()].copy_from_slice(first);
    let all = u128::from_be_bytes(bytes);
    ([(all >> 64) as u64, all as u64], rest)
}
