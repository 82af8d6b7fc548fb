//! Entries in the order of their places, all or only the last ones.
//!
//! A place is a string of bytes ([`super::order`]). Of many entries of which few are wanted, only those few are kept.

use super::combine::Combined;
use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// An entry with its place.
pub struct Sortable {
    /// The first bytes of the place as a number, which tells most entries apart without looking at the rest.
    first: u64,
    /// The place, and the key behind it.
    bytes: Box<[u8]>,
    key_offset: u32,
    /// What the entry means.
    pub value: Combined,
}

impl Sortable {
    /// The bytes of the key.
    pub fn key(&self) -> &[u8] {
        &self.bytes[self.key_offset as usize..]
    }

    fn place(&self) -> &[u8] {
        &self.bytes[..self.key_offset as usize]
    }
}

/// The other way round, so that the greatest of a heap is the entry that is dropped first.
impl Ord for Sortable {
    fn cmp(&self, other: &Self) -> Ordering {
        other.first.cmp(&self.first).then_with(|| other.place().cmp(self.place()))
    }
}

impl PartialOrd for Sortable {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Sortable {
    fn eq(&self, other: &Self) -> bool {
        self.place() == other.place()
    }
}

impl Eq for Sortable {}

/// Takes entries in any order and hands them out in that of their places.
pub struct Sorted {
    entries: Entries,
    /// The place of the entry that is being inserted.
    place: Vec<u8>,
}

enum Entries {
    All(Vec<Sortable>),
    Last(BinaryHeap<Sortable>, usize),
}

impl Sorted {
    /// Keeps the last `top` entries, or all if that is 0.
    pub fn new(top: u64) -> Self {
        let entries = match usize::try_from(top) {
            Ok(0) | Err(_) => Entries::All(Vec::new()),
            Ok(top) => Entries::Last(BinaryHeap::new(), top),
        };
        Self { entries, place: Vec::new() }
    }

    /// Inserts an entry, of which `write_place` appends the place.
    pub fn insert(&mut self, key: &[u8], value: Combined, write_place: impl FnOnce(&mut Vec<u8>, &Combined)) {
        self.place.clear();
        write_place(&mut self.place, &value);
        let first = first_word(&self.place);
        let place = &self.place;
        let sortable = move || {
            let bytes = [place, key].concat().into_boxed_slice();
            Sortable { first, bytes, key_offset: place.len() as u32, value }
        };
        match &mut self.entries {
            Entries::All(entries) => entries.push(sortable()),
            Entries::Last(entries, top) if entries.len() < *top => entries.push(sortable()),
            Entries::Last(entries, _) => {
                if let Some(mut lowest) = entries.peek_mut()
                    && (lowest.first, lowest.place()) < (first, place.as_slice())
                {
                    *lowest = sortable();
                }
            }
        }
    }

    /// The entries in their order.
    pub fn into_entries(self) -> Vec<Sortable> {
        let mut entries = match self.entries {
            Entries::All(entries) => entries,
            Entries::Last(entries, _) => entries.into_vec(),
        };
        entries.sort_unstable_by(|a, b| b.cmp(a));
        entries
    }
}

/// The first eight bytes as a number that compares as they do.
fn first_word(place: &[u8]) -> u64 {
    let mut word = [0; 8];
    let length = place.len().min(8);
    word[..length].copy_from_slice(&place[..length]);
    u64::from_be_bytes(word)
}
