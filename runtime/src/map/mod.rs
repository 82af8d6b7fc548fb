//! The script's maps as they print: entries of all CPUs combined ([`combine`]), in their order ([`order`]), as text or JSON
//! ([`mod@print`]).
//!
//! Everything is read through [`MapAccess`], so that it can be tested without a kernel.

pub mod combine;
pub mod order;
pub mod print;
mod sort;

use std::io;

/// The values that an element has: one, or one of each CPU, as the kernel lays them out.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Values<'a> {
    bytes: &'a [u8],
    size: usize,
    stride: usize,
}

impl<'a> Values<'a> {
    /// Values of `size` bytes, each `stride` bytes after the one before.
    pub fn new(bytes: &'a [u8], size: usize, stride: usize) -> Self {
        Self { bytes, size, stride: stride.max(size) }
    }

    /// The value of each CPU.
    pub fn iter(self) -> impl Iterator<Item = &'a [u8]> {
        self.bytes.chunks(self.stride.max(1)).map(move |value| &value[..self.size.min(value.len())])
    }
}

/// What is done with each element of a map: its key, its values.
pub type Visit<'v> = dyn FnMut(&[u8], Values) + 'v;

/// The maps of a loaded script, by their index in the manifest.
pub trait MapAccess {
    /// Visits all elements. A map without keys is an array of one.
    fn visit(&self, map: u32, visit: &mut Visit) -> io::Result<()>;

    /// Visits one element, if it is there.
    fn lookup(&self, map: u32, key: &[u8], visit: &mut Visit) -> io::Result<()>;

    /// Removes all elements; without keys: zeroes value and flag.
    fn clear(&self, map: u32) -> io::Result<()>;

    /// Zeroes all values and keeps the keys; without keys: keeps the flag.
    fn zero(&self, map: u32) -> io::Result<()>;

    /// The addresses of stack `id`, innermost first; nothing if it was not kept.
    fn stack(&self, id: u64) -> Option<Vec<u64>>;
}

#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
mod tests;
