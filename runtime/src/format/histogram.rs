//! Histograms: what each bucket covers, and the rows from the first to the last that is not empty.
//!
//! The code generator counts by the same formula; docs/internals/histograms.md has it.

use super::json::{self, Object};
use super::number::{Integer, write_decimal};
use std::io::Write;

/// Columns of the longest bar.
const BAR_WIDTH: usize = 52;

/// What the buckets cover.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scale {
    /// `hist(n, bits)`.
    Logarithmic {
        /// 2^bits buckets per power of two.
        bits: u8,
    },
    /// `lhist(n, min, max, step)`.
    Linear {
        /// Lower bound.
        min: u64,
        /// Upper bound.
        max: u64,
        /// Width of a bucket.
        step: u64,
    },
}

/// A bucket that is printed.
struct Row {
    lower: Option<u64>,
    /// The first value above.
    upper: Option<u64>,
    count: u64,
}

/// Appends the rows as people read them, each with its line break.
pub fn write_text(out: &mut Vec<u8>, scale: Scale, counters: &[u64], divisor: u64) {
    let largest = (counters.iter().copied().max().unwrap_or(0) / divisor.max(1)).max(1);
    for row in rows(scale, counters, divisor) {
        let label = label(scale, &row);
        let bar = (u128::from(row.count) * BAR_WIDTH as u128 / u128::from(largest)) as usize;
        // Writing to a Vec cannot fail.
        let _ = writeln!(out, "{label:<16}{:>8} |{:<BAR_WIDTH$}|", row.count, "@".repeat(bar));
    }
}

/// Appends a list of objects with inclusive bounds; an open end is left out.
pub fn write_json(out: &mut Vec<u8>, scale: Scale, counters: &[u64], divisor: u64) {
    json::write_list(out, rows(scale, counters, divisor), |out, row| {
        let mut object = Object::open(out);
        if let Some(lower) = row.lower {
            object.name(out, b"min");
            json::write_integer(out, Integer::unsigned(lower));
        }
        if let Some(upper) = row.upper {
            object.name(out, b"max");
            let last = Integer { bits: upper.wrapping_sub(1), signed: upper == 0 };
            json::write_integer(out, last);
        }
        object.name(out, b"count");
        write_decimal(out, row.count);
        object.close(out);
    });
}

/// The buckets from the first to the last that is not empty, before anything is divided.
fn rows(scale: Scale, counters: &[u64], divisor: u64) -> Vec<Row> {
    let used = |counter: &u64| *counter != 0;
    let (Some(first), Some(last)) = (counters.iter().position(used), counters.iter().rposition(used)) else {
        return Vec::new();
    };
    let count = counters.len() as u64;
    (first..=last)
        .map(|index| {
            let (lower, upper) = scale.bounds(index as u64, count);
            Row { lower, upper, count: counters[index] / divisor.max(1) }
        })
        .collect()
}

impl Scale {
    /// The first value in bucket `index` of `count`, and the first above it.
    fn bounds(self, index: u64, count: u64) -> (Option<u64>, Option<u64>) {
        let next = match self {
            Self::Linear { .. } if index + 1 == count => None,
            Self::Linear { .. } | Self::Logarithmic { .. } => Some(self.start(index)),
        };
        (index.checked_sub(1).map(|before| self.start(before)), next)
    }

    /// The first value of the bucket that comes `position` places after the one for values below the scale.
    fn start(self, position: u64) -> u64 {
        match self {
            Self::Linear { min, step, .. } => min.saturating_add(step.saturating_mul(position)),
            Self::Logarithmic { bits } => {
                let steps = 1 << bits;
                match (position >> bits).checked_sub(1) {
                    None => position,
                    Some(power) => (steps + (position & (steps - 1))).checked_shl(power as u32).unwrap_or(0),
                }
            }
        }
    }

    /// Appends a bound, shortened as the scale wants it.
    fn write_bound(self, out: &mut String, bound: u64) {
        let (value, suffix) = match self {
            Self::Logarithmic { bits } => {
                let power = bound.checked_ilog2().unwrap_or(0).saturating_sub(u32::from(bits));
                ((bound >> power) << (power % 10), ["", "K", "M", "G", "T", "P", "E"][(power / 10) as usize])
            }
            Self::Linear { step, .. } if step % 1024 == 0 && bound != 0 => {
                if bound % (1 << 20) == 0 {
                    (bound >> 20, "M")
                } else if bound % 1024 == 0 {
                    (bound >> 10, "K")
                } else {
                    (bound, "")
                }
            }
            Self::Linear { .. } => (bound, ""),
        };
        out.push_str(&value.to_string());
        out.push_str(suffix);
    }
}

fn label(scale: Scale, row: &Row) -> String {
    let mut label = String::new();
    match (row.lower, row.upper) {
        (Some(lower), Some(upper)) if upper.wrapping_sub(lower) == 1 => {
            label.push('[');
            scale.write_bound(&mut label, lower);
            label.push(']');
        }
        (lower, upper) => {
            label.push_str(if lower.is_some() { "[" } else { "(" });
            for (bound, separator) in [(lower, ", "), (upper, ")")] {
                match bound {
                    Some(bound) => scale.write_bound(&mut label, bound),
                    None => label.push_str("..."),
                }
                label.push_str(separator);
            }
        }
    }
    label
}
