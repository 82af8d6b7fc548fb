//! How a session runs: what the command line decided.

use crate::format::output::Buffering;
use std::path::PathBuf;

/// How to run an object file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// Only this process where probes can be limited to one; its end ends the session.
    pub pid: Option<u32>,
    /// A command to start once everything is attached; its end ends the session.
    pub command: Option<String>,
    /// More processes whose stacks are unwound by tables.
    pub unwound: Vec<u32>,
    /// Where output goes instead of standard output.
    pub output: Option<PathBuf>,
    /// Output is one JSON object a line.
    pub json: bool,
    /// When output is written.
    pub buffering: Buffering,
    /// Without the message about attached probes.
    pub quiet: bool,
    /// With what libbpf and the verifier say.
    pub verbose: bool,
    /// Without warnings.
    pub no_warnings: bool,
    /// Tell at the end what each probe cost.
    pub statistics: bool,
    /// Any loss of events makes the status 1.
    pub strict: bool,
    /// Once everything is attached, keep only the privileges that reading events takes.
    pub drop_privileges: bool,
    /// The verifier gave up on programs like these before: only whether it does again is asked.
    pub another_attempt: bool,
    /// Load, but attach and run nothing.
    pub dry_run: bool,
}

/// How a session ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Outcome {
    /// The script's own status: that of `exit(n)`, or 0.
    pub exit_code: u8,
}
