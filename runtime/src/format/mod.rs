//! From bytes to text: how each kind of value prints, as people read it ([`text`]) and as JSON ([`json`]).
//!
//! All functions append to a `Vec<u8>` that the caller reuses, so that printing an event allocates nothing in the common
//! cases. They never fail: bytes that a damaged record lacks read as zero. Where the bytes come from, and in which order
//! entries of a map print, is not decided here.

mod allocation_flags;
pub mod buffer;
pub mod command;
pub mod histogram;
pub mod json;
pub mod message;
pub mod number;
pub mod output;
pub mod printf;
pub mod stack;
pub mod statistics;
pub mod strftime;
pub mod text;
pub mod time_series;
pub mod verdict;

use crate::map::MapAccess;
use crate::symbol::Names;
use lancet_manifest::{Config, ProbeName};

/// Whom the output is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Style {
    /// People, and the scripts that read what bpftrace prints.
    #[default]
    Text,
    /// Programs: one JSON object a line.
    Json,
}

/// What the bytes of a value do not say themselves.
pub struct Context<'a> {
    /// Settings of the script.
    pub config: &'a Config,
    /// Names of the probes.
    pub probes: &'a [ProbeName],
    /// Names of symbols, users and the like.
    pub names: &'a mut Names,
    /// The maps of the script, and the stacks that were taken.
    pub maps: &'a dyn MapAccess,
}
