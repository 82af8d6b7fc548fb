//! The script's maps: keys, values, aggregations and their layouts.

use crate::ValueType;
use serde::{Deserialize, Serialize};

/// A map of the script.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Map {
    /// The name without `@`; empty for `@`.
    pub name: String,
    /// Its symbol in the object file.
    pub symbol: String,
    /// With or without keys.
    pub shape: MapShape,
    /// What it holds.
    pub value: MapValue,
    /// Every CPU has its own value; the runtime combines them.
    pub per_cpu: bool,
    /// Bytes of one value (of one CPU).
    pub value_size: u32,
    /// How many keys it can hold.
    pub max_entries: u32,
}

/// A map of keys that end with a short string; its values are those of the map that has the others. A key is short if its
/// byte before `key_size`, and with it everything behind, is zero.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ShortKeys {
    /// Its symbol in the object file.
    pub symbol: String,
    /// Bytes of a key: the first ones of a whole key.
    pub key_size: u32,
}

/// With or without keys.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum MapShape {
    /// A one-element array map (u32 key 0). The value is followed by a u64 at `present_offset`. Once something was assigned
    /// (on any CPU, when per CPU), that or, where [`MapValue::shows_assignment`], the value is not zero; clearing and
    /// deleting zero everything.
    Scalar {
        /// Offset of the flag.
        present_offset: u32,
    },
    /// A hash map.
    Keyed {
        /// The key; several keys are a [`ValueType::Tuple`]. Padding bytes are zero.
        key: ValueType,
        /// Bytes of a key.
        key_size: u32,
        /// Where keys are that end with a short string.
        short: Option<ShortKeys>,
    },
}

/// What a map holds, with the layout of one value.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum MapValue {
    /// A value of the type.
    Plain(ValueType),
    /// u64.
    Count,
    /// u64 or i64 total.
    Sum {
        /// Signed.
        signed: bool,
    },
    /// u64 or i64 value, u64 flag: not zero once set.
    Min {
        /// Signed.
        signed: bool,
    },
    /// As for Min.
    Max {
        /// Signed.
        signed: bool,
    },
    /// u64 or i64 total, u64 count.
    Average {
        /// Signed.
        signed: bool,
    },
    /// As for Average.
    Stats {
        /// Signed.
        signed: bool,
    },
    /// [`hist_bucket_count`] u64 counters: bucket 0 negative values, then as docs/internals/histograms.md says.
    Histogram {
        /// k: 2^k buckets per power of two.
        bits: u8,
    },
    /// [`lhist_bucket_count`] u64 counters: below min, the steps, above max.
    LinearHistogram {
        /// Lower bound.
        min: u64,
        /// Upper bound.
        max: u64,
        /// Width of a bucket.
        step: u64,
    },
    /// A ring of `intervals` slots, each: u64 interval number + 1 (0: unused), u64 value, u64 count or flag. The interval
    /// number is CLOCK_BOOTTIME in nanoseconds divided by `interval`.
    TimeSeries {
        /// Length of an interval in nanoseconds.
        interval: u64,
        /// Number of slots.
        intervals: u32,
        /// How values of one interval combine.
        combine: Combine,
        /// Signed values.
        signed: bool,
    },
}

impl MapValue {
    /// Whether a value of a map without keys is other than zero once something was assigned, whatever that was.
    pub fn shows_assignment(&self) -> bool {
        match self {
            Self::Plain(_) | Self::Sum { .. } => false,
            Self::Count
            | Self::Min { .. }
            | Self::Max { .. }
            | Self::Average { .. }
            | Self::Stats { .. }
            | Self::Histogram { .. }
            | Self::LinearHistogram { .. }
            | Self::TimeSeries { .. } => true,
        }
    }
}

/// How the values of one interval of a time series combine.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Combine {
    /// The last value (the third word of a slot is its timestamp).
    Last,
    /// The average.
    Average,
    /// The maximum.
    Max,
    /// The minimum.
    Min,
    /// The sum.
    Sum,
}

/// Buckets of `hist(n, bits)`: one for negative values, 2^(bits+1) for single values, 2^bits for each further power of two
/// up to 2^63.
pub fn hist_bucket_count(bits: u8) -> u32 {
    1 + (1 << (bits + 1)) + (63 - u32::from(bits)) * (1 << bits)
}

/// Buckets of `lhist(n, min, max, step)`: below, the steps rounded down, above.
pub fn lhist_bucket_count(min: u64, max: u64, step: u64) -> u32 {
    ((max.saturating_sub(min) / step.max(1)) as u32).saturating_add(2)
}
