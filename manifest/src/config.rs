//! Settings: of the config block, the environment and the command line, as far as the runtime needs them.

use serde::{Deserialize, Serialize};

/// How stack traces print.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum StackMode {
    /// Eight spaces, `symbol+offset`.
    #[default]
    Bpftrace,
    /// As `perf script` prints.
    Perf,
    /// Addresses only.
    Raw,
    /// Build id and file offset.
    BuildId,
}

/// What happens to probes that are not there.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub enum MissingProbes {
    /// The script is refused.
    #[default]
    Error,
    /// A warning, and the rest is attached.
    Warn,
    /// The rest is attached.
    Ignore,
}

/// Settings that matter at run time.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Config {
    /// Behind strings that were cut.
    pub str_trunc_trailer: String,
    /// Print all maps at the end.
    pub print_maps_on_exit: bool,
    /// What happens to probes that cannot be attached.
    pub missing_probes: MissingProbes,
    /// Size of the ring buffer in pages; 0 for a size by number of CPUs and memory.
    pub ring_buffer_pages: u32,
    /// Resolve user symbols when printed rather than when tracing starts.
    pub lazy_symbolication: bool,
    /// Demangle C++ and Rust names.
    pub demangle: bool,
    /// Show source lines and inlined functions in stacks.
    pub show_debug_info: bool,
    /// Bytes of a file that `cat` prints at most.
    pub max_cat_bytes: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            str_trunc_trailer: "..".into(),
            print_maps_on_exit: true,
            missing_probes: MissingProbes::default(),
            ring_buffer_pages: 0,
            lazy_symbolication: true,
            demangle: true,
            show_debug_info: false,
            max_cat_bytes: 10240,
        }
    }
}
