//! From the raw values of a map's element, one for each CPU, to the one value that it means.
//!
//! Combining is exact: totals and counts are added before anything is divided. Values that the kernel handed out short
//! read as zero.

use super::Values;
use crate::format::number::{Integer, word};
use lancet_manifest::{Combine, MapValue, ValueType, hist_bucket_count, lhist_bucket_count};
use std::collections::BTreeMap;

/// What an element of a map means. Small, since a map may have millions of them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Combined {
    /// The bytes of a value of the map's type.
    Plain(Box<[u8]>),
    /// A number: an integer, a count, a sum, a minimum, a maximum, an average.
    Number(Integer),
    /// What stats() keeps.
    Stats(Box<Stats>),
    /// A histogram.
    Buckets(Box<Buckets>),
    /// Values by number of the interval, in its order.
    Series(Box<[(u64, Integer)]>),
}

/// Count, average and total.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stats {
    /// How many values.
    pub count: u64,
    /// Total divided by count, truncated toward zero.
    pub average: Integer,
    /// Their sum.
    pub total: Integer,
}

/// The counters of a histogram, and what they are divided by when they are shown; those of a linear one never are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Buckets {
    /// The counters.
    pub counters: Vec<u64>,
    /// At least 1; `None` for a linear histogram.
    pub divisor: Option<u64>,
}

/// Combines the values that the CPUs have for one element.
pub fn combine(value: &MapValue, values: Values) -> Combined {
    match value {
        MapValue::Plain(ValueType::Int { size, signed }) => {
            let bits = sum(values.iter().map(|value| Integer::read(value, *size, *signed).bits));
            Combined::Number(Integer { bits, signed: *signed }.wrapped_to(*size))
        }
        MapValue::Plain(_) => Combined::Plain(values.iter().next().unwrap_or_default().into()),
        MapValue::Count => Combined::Number(Integer::unsigned(total(values))),
        MapValue::Sum { signed } => Combined::Number(Integer { bits: total(values), signed: *signed }),
        MapValue::Min { signed } => Combined::Number(extreme(values, *signed, |new, old| new < old)),
        MapValue::Max { signed } => Combined::Number(extreme(values, *signed, |new, old| new > old)),
        MapValue::Average { signed } => {
            let total = Integer { bits: total(values), signed: *signed };
            Combined::Number(average(total, count(values)))
        }
        MapValue::Stats { signed } => {
            let total = Integer { bits: total(values), signed: *signed };
            let count = count(values);
            Combined::Stats(Stats { count, average: average(total, count), total }.into())
        }
        MapValue::Histogram { bits } => buckets(values, hist_bucket_count(*bits), Some(1)),
        MapValue::LinearHistogram { min, max, step } => buckets(values, lhist_bucket_count(*min, *max, *step), None),
        MapValue::TimeSeries { intervals, combine, signed, .. } => series(values, *intervals, *combine, *signed),
    }
}

impl Combined {
    /// Divides what `print(@map, top, div)` divides: numbers, averages and the counters of a histogram.
    pub fn divide(&mut self, divisor: u64) {
        match self {
            Self::Number(number) => *number = number.divided_by(divisor),
            Self::Stats(stats) => stats.average = stats.average.divided_by(divisor),
            Self::Buckets(buckets) => {
                if let Some(own) = &mut buckets.divisor {
                    *own = divisor.max(1);
                }
            }
            Self::Plain(_) | Self::Series(_) => {}
        }
    }
}

fn total(values: Values) -> u64 {
    sum(values.iter().map(|value| word(value, 0, 8)))
}

fn count(values: Values) -> u64 {
    sum(values.iter().map(|value| word(value, 8, 8)))
}

/// Sums wrap, as they do in the kernel.
fn sum(values: impl Iterator<Item = u64>) -> u64 {
    values.fold(0, u64::wrapping_add)
}

fn average(total: Integer, count: u64) -> Integer {
    if count == 0 { Integer { bits: 0, ..total } } else { total.divided_by(count) }
}

/// The value that beats those of all CPUs that have one, or 0.
fn extreme(values: Values, signed: bool, beats: fn(i128, i128) -> bool) -> Integer {
    let mut best: Option<Integer> = None;
    for value in values.iter().filter(|value| word(value, 8, 8) != 0) {
        let value = Integer { bits: word(value, 0, 8), signed };
        if best.is_none_or(|best| beats(value.value(), best.value())) {
            best = Some(value);
        }
    }
    best.unwrap_or(Integer { bits: 0, signed })
}

fn buckets(values: Values, count: u32, divisor: Option<u64>) -> Combined {
    let bucket = |index: usize| sum(values.iter().map(|value| word(value, index * 8, 8)));
    Combined::Buckets(Buckets { counters: (0..count as usize).map(bucket).collect(), divisor }.into())
}

/// Of each CPU's ring the slots of the newest `intervals` intervals; older ones were overwritten on other CPUs.
fn series(values: Values, intervals: u32, combine: Combine, signed: bool) -> Combined {
    const SLOT: usize = 24;
    let mut slots: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
    for slot in values.iter().flat_map(|value| value.chunks_exact(SLOT)) {
        let (number, new) = (word(slot, 0, 8), (word(slot, 8, 8), word(slot, 16, 8)));
        let Some(interval) = number.checked_sub(1) else { continue };
        slots.entry(interval).and_modify(|old| *old = join_slots(*old, new, combine, signed)).or_insert(new);
    }
    let newest = slots.last_key_value().map_or(0, |(&interval, _)| interval);
    let oldest = (newest + 1).saturating_sub(u64::from(intervals));
    let value = |(value, count): (u64, u64)| {
        let value = Integer { bits: value, signed };
        if combine == Combine::Average { average(value, count) } else { value }
    };
    Combined::Series(slots.split_off(&oldest).into_iter().map(|(interval, slot)| (interval, value(slot))).collect())
}

/// Two CPUs' values (and timestamp or count) of one interval.
fn join_slots(old: (u64, u64), new: (u64, u64), combine: Combine, signed: bool) -> (u64, u64) {
    let value = |slot: (u64, u64)| Integer { bits: slot.0, signed }.value();
    let (old_wins, count) = match combine {
        Combine::Last => return if new.1 >= old.1 { new } else { old },
        Combine::Sum | Combine::Average => return (old.0.wrapping_add(new.0), old.1.wrapping_add(new.1)),
        Combine::Max => (value(old) >= value(new), old.1.max(new.1)),
        Combine::Min => (value(old) <= value(new), old.1.max(new.1)),
    };
    (if old_wins { old.0 } else { new.0 }, count)
}
