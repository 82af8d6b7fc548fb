//! The choices that a generator makes: numbers from a seed, or those of an earlier run. A generator is a function of its
//! choices alone, so a case is repeated from its seed, and made smaller by leaving out or lowering choices.
//!
//! When no choices are left, each is 0: generators put what is simplest and ends first.

use std::time::{Duration, Instant};

/// Where a generator asks what to do next.
pub struct Choices {
    made: Vec<u32>,
    position: usize,
    random: Option<Random>,
}

impl Choices {
    /// Choices by chance, the same for the same seed.
    pub fn seeded(seed: u64) -> Choices {
        Choices { made: Vec::new(), position: 0, random: Some(Random::new(seed)) }
    }

    /// The choices of an earlier run.
    pub fn repeated(made: &[u32]) -> Choices {
        Choices { made: made.to_vec(), position: 0, random: None }
    }

    /// What was chosen so far.
    pub fn made(self) -> Vec<u32> {
        self.made
    }

    /// A number below the limit.
    pub fn below(&mut self, limit: usize) -> usize {
        if let Some(random) = &mut self.random {
            self.made.push((random.next() % limit as u64) as u32);
        }
        let chosen = self.made.get(self.position).copied().unwrap_or(0);
        self.position += 1;
        chosen as usize % limit
    }

    /// True that many times of 100.
    pub fn percent(&mut self, times: usize) -> bool {
        self.below(100) >= 100 - times
    }

    /// One of several.
    pub fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }

    /// Any 64 bits.
    pub fn bits(&mut self) -> u64 {
        (0..4).fold(0, |bits, _| bits << 16 | self.below(1 << 16) as u64)
    }
}

/// The smallest choices found within the time that fail as the given ones do.
pub fn reduced(made: Vec<u32>, time: Duration, fails: impl Fn(&[u32]) -> bool) -> Vec<u32> {
    let mut best = made;
    let start = Instant::now();
    let attempt = |candidate: Vec<u32>, best: &mut Vec<u32>| {
        if start.elapsed() > time || candidate == *best {
            return false;
        }
        let smaller = fails(&candidate);
        if smaller {
            *best = candidate;
        }
        smaller
    };
    loop {
        let before = best.clone();
        let mut length = best.len().next_power_of_two() / 2;
        while length > 0 {
            let mut start = 0;
            while start < best.len() {
                let end = (start + length).min(best.len());
                let without = [&best[..start], &best[end..]].concat();
                let zero = [&best[..start], &vec![0; end - start][..], &best[end..]].concat();
                if !attempt(without, &mut best) && !attempt(zero, &mut best) {
                    start = end;
                } else if best.len() == end && best[start..].iter().all(|choice| *choice == 0) {
                    best.truncate(start);
                } else if best.len() >= end {
                    start += usize::from(best[start..end].iter().all(|choice| *choice == 0)) * length;
                }
            }
            length /= 2;
        }
        for index in 0..best.len() {
            let mut lower = best.clone();
            if let Some(choice) = lower.get_mut(index).filter(|choice| **choice > 1) {
                *choice /= 2;
                attempt(lower, &mut best);
            }
        }
        if best == before {
            return best;
        }
    }
}

/// SplitMix64: well mixed from any seed, and the same numbers everywhere.
pub struct Random(u64);

impl Random {
    /// Numbers that follow from the seed.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// A number below the limit; 0 when there is none.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }
}
