//! A set of bytes, numbered from 0, a bit for each.

use smallvec::{SmallVec, smallvec};
use std::ops::Range;

const BITS: usize = u64::BITS as usize;

/// Some of a fixed number of bytes.
#[derive(PartialEq, Eq, Debug)]
pub struct ByteSet {
    /// The slots of most functions fit where no memory is asked for.
    words: SmallVec<[u64; 8]>,
}

impl Clone for ByteSet {
    fn clone(&self) -> Self {
        // As a whole, not word by word.
        Self { words: SmallVec::from_slice(&self.words) }
    }
}

impl ByteSet {
    /// None of that many bytes.
    pub fn empty(bytes: usize) -> Self {
        Self { words: smallvec![0; bytes.div_ceil(BITS)] }
    }

    /// Makes a run of bytes members.
    pub fn insert(&mut self, range: Range<usize>) {
        masks(range).for_each(|(word, mask)| self.words[word] |= mask);
    }

    /// Takes a run of bytes out.
    pub fn remove(&mut self, range: Range<usize>) {
        masks(range).for_each(|(word, mask)| self.words[word] &= !mask);
    }

    /// Adds the members of another set of as many bytes.
    pub fn unite(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(ours, theirs)| *ours |= theirs);
    }

    /// Whether one of a run of bytes is a member.
    pub fn meets(&self, range: Range<usize>) -> bool {
        masks(range).any(|(word, mask)| self.words[word] & mask != 0)
    }

    /// From the first to behind the last member of a run of bytes, as places within it.
    pub fn extent(&self, range: Range<usize>) -> Option<Range<usize>> {
        let base = range.start;
        let members =
            || masks(range.clone()).map(|(word, mask)| (word, self.words[word] & mask)).filter(|(_, bits)| *bits != 0);
        let (first, bits) = members().next()?;
        let start = first * BITS + bits.trailing_zeros() as usize;
        let (last, bits) = members().last()?;
        let end = last * BITS + BITS - bits.leading_zeros() as usize;
        Some(start - base..end - base)
    }
}

/// The words that a run of bytes is in, and which of their bits.
fn masks(range: Range<usize>) -> impl Iterator<Item = (usize, u64)> {
    let words = if range.is_empty() { 0..0 } else { range.start / BITS..range.end.div_ceil(BITS) };
    words.map(move |word| {
        let low = range.start.saturating_sub(word * BITS);
        let high = (range.end - word * BITS).min(BITS);
        (word, u64::MAX << low & u64::MAX >> (BITS - high))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_reach_across_words() {
        let mut set = ByteSet::empty(200);
        set.insert(60..130);
        set.remove(64..128);
        assert_eq!(set.extent(0..200), Some(60..130));
        assert_eq!(set.extent(62..200), Some(0..68));
        assert_eq!(set.extent(64..128), None);
        assert!(set.meets(127..129) && !set.meets(64..128) && !set.meets(61..61) && !set.meets(130..200));
    }

    #[test]
    fn the_members_of_both_are_united() {
        let (mut left, mut right) = (ByteSet::empty(128), ByteSet::empty(128));
        left.insert(0..64);
        right.insert(64..128);
        left.unite(&right);
        let mut all = ByteSet::empty(128);
        all.insert(0..128);
        assert_eq!(left, all);
    }
}
