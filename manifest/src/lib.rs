//! The contract between compiler and runtime: everything the runtime knows of a script besides the eBPF itself.
//!
//! A [`Manifest`] travels in the object file's section [`SECTION`]. All offsets and sizes are bytes; all integers in
//! records, keys and values are in the target's byte order; every field of a record is aligned to min(its size, 8).
//!
//! Invariant: plain data only, no behaviour that compiler and runtime could come to disagree on.

mod action;
mod config;
mod map;
mod probe;
mod value;

pub use action::{Action, Argument, Conversion, ConversionKind, Format, Location, Piece, TextSink};
pub use config::{Config, MissingProbes, StackMode};
pub use map::{Combine, Map, MapShape, MapValue, ShortKeys, hist_bucket_count, lhist_bucket_count};
pub use probe::{Attachment, ProbeName, Program, Target, UsdtLocation};
pub use value::{Clock, Field, ValueType};

pub mod unwind;

use serde::{Deserialize, Serialize};

/// The ELF section that holds the manifest.
pub const SECTION: &str = ".lancet.manifest";

/// The version of this format; a runtime refuses another.
pub const VERSION: u32 = 9;

/// Everything the runtime knows of a script.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Manifest {
    /// [`VERSION`] of the compiler that wrote it.
    pub version: u32,
    /// The programs of the object in the order to attach; `begin` programs run in this order.
    pub programs: Vec<Program>,
    /// Names of all probes; [`Attachment::probe`] and [`ValueType::ProbeName`] index it.
    pub probes: Vec<ProbeName>,
    /// The script's maps, sorted by name bytes.
    pub maps: Vec<Map>,
    /// What the runtime does for each record: the first 4 bytes of a ring-buffer record index this list, the next 4 are
    /// reserved (zero), fields follow from offset 8.
    pub actions: Vec<Action>,
    /// Symbol of the ring buffer map, if any program sends records.
    pub ring_buffer: Option<String>,
    /// Symbol of the perf event array that packets come by, if any program sends them: u64 index in `actions`, u64 time
    /// (CLOCK_BOOTTIME), u64 length of the packet, its bytes.
    pub packets: Option<String>,
    /// Symbol of the map from stack id (u64) to frames (u64 each, zero-terminated when short), if stacks are taken.
    pub stacks: Option<String>,
    /// The maps of [`unwind`] are there and want tables.
    pub unwinds: bool,
    /// The page of global variables, if there is one.
    pub globals: Option<Globals>,
    /// Where events are counted that found all memory for large values in use, if that can happen.
    pub dropped: Option<Dropped>,
    /// [`Counter::Outcome`] is counted.
    pub accounts: bool,
    /// Settings that matter at run time.
    pub config: Config,
}

/// Counters (u64) in elements of an array map, perhaps one for each CPU; the sum of all counts.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Dropped {
    /// Symbol of the map.
    pub symbol: String,
    /// The elements with a counter.
    pub elements: Vec<u32>,
    /// Where it is in an element's value.
    pub offset: u32,
}

/// One array map with a single element that programs address directly: start values and counters.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Globals {
    /// Symbol of the map.
    pub symbol: String,
    /// Size of its element in bytes.
    pub size: u32,
    /// Values (u64) that the runtime writes before attaching.
    pub initial: Vec<(u32, InitialValue)>,
    /// Counters (u64) that programs add to and the runtime reads.
    pub counters: Vec<(u32, Counter)>,
}

/// A value the runtime knows only at run time.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum InitialValue {
    /// Monotonic nanoseconds (CLOCK_MONOTONIC) when tracing began, for `elapsed`.
    StartTime,
    /// The process id of the `-c` child or `-p` process, 0 without.
    TargetProcess,
    /// Device number of the runtime's pid namespace, as bpf_get_ns_current_pid_tgid wants it.
    PidNamespaceDevice,
    /// Inode of the runtime's pid namespace.
    PidNamespaceInode,
    /// What to add to CLOCK_BOOTTIME to get wall time, in nanoseconds.
    WallTimeAtBoot,
    /// 1; the program writes 0 when the script has asked to end.
    Running,
    /// This number, which stays: programs hand its address to the kernel.
    Number(u64),
}

/// What a counter counts. Anything above zero at the end is reported.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Counter {
    /// Records that found the ring buffer full.
    RecordsLost,
    /// Updates of [`Manifest::maps`]`[n]` that found the map full.
    MapFull(u32),
    /// Stack traces that could not be stored.
    StacksLost,
    /// Stack traces that end where no table says what called the code.
    StacksCut,
    /// Stack traces of processes that no table was asked for.
    StacksWithoutTables,
    /// `delete` of keys that [`Manifest::maps`]`[n]` did not have, where the script did not look at the result.
    AbsentDeleted(u32),
    /// Of the events of [`Manifest::programs`]`[n]` those that came to such an end. Told with the program's other figures.
    Outcome(u32, Outcome),
}

/// What became of an event that ran a program.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Outcome {
    /// The predicate was false.
    Filtered,
    /// A record was sent; an event may send several.
    Sent,
    /// A record found the ring buffer full.
    Lost,
}

/// The bytes of a section are no manifest that this build can read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DecodeError(pub String);

impl Manifest {
    /// The bytes for the object file's section.
    pub fn encode(&self) -> Vec<u8> {
        postcard::to_stdvec(self).unwrap_or_default()
    }

    /// Reads the bytes of the section.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (version, _) = postcard::take_from_bytes::<u32>(bytes)
            .map_err(|_| DecodeError("the manifest section is damaged".into()))?;
        if version != VERSION {
            return Err(DecodeError(format!(
                "its manifest has version {version}; this lancet reads version {VERSION}"
            )));
        }
        postcard::from_bytes(bytes).map_err(|_| DecodeError("the manifest section is damaged".into()))
    }
}
