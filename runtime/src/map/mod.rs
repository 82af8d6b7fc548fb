//! The script's maps as they print: entries of all CPUs combined ([`combine`]), in their order ([`order`]), as text or JSON
//! ([`mod@print`]).
//!
//! Everything is read through [`MapAccess`], so that it can be tested without a kernel.

pub mod combine;
pub mod order;
pub mod print;

use std::io;

/// An element as the kernel has it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Entry {
    /// The bytes of the key.
    pub key: Vec<u8>,
    /// The bytes of the value, of each CPU where every CPU has its own.
    pub values: Vec<Vec<u8>>,
}

/// The maps of a loaded script, by their index in the manifest.
pub trait MapAccess {
    /// All elements. A map without keys is an array of one.
    fn entries(&self, map: u32) -> io::Result<Vec<Entry>>;

    /// The values of one element, if it is there.
    fn lookup(&self, map: u32, key: &[u8]) -> io::Result<Option<Vec<Vec<u8>>>>;

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
