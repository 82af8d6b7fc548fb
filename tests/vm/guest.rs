//! The part that runs inside the virtual machine: cases in a folder become messages on standard output.
//!
//! Messages are lines: `@kernel RELEASE`, `@start NAME`, `@passed NAME`, `@skipped NAME<tab>REASON`, `@failed NAME` after
//! lines of details that begin with `|`, and `@done`. Whatever else appears there is no message.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::run::{Place, Verdict};
use crate::{case, need, programs, run};

/// Where the cases lie.
pub const CASES: &str = "/cases";
/// Where lancet lies.
pub const LANCET: &str = "/usr/bin/lancet";
/// Emulation is slower than the machine that time limits are meant for.
const SLOW: u32 = 8;

/// Runs every case below the folder.
pub fn run(folder: &str) -> ExitCode {
    say(&format!("@kernel {}", need::kernel_release()));
    let place = Place {
        lancet: PathBuf::from(LANCET),
        programs: PathBuf::from(programs::IN_GUEST),
        scratch: PathBuf::from("/tmp/case"),
        slow: SLOW,
    };
    let cases = match case::load(Path::new(folder)) {
        Ok(cases) => cases,
        Err(error) => {
            say(&format!("@error {error}"));
            return ExitCode::FAILURE;
        }
    };
    for case in &cases {
        if let Some(reason) = need::missing(case) {
            say(&format!("@skipped {}\t{reason}", case.name));
            continue;
        }
        say(&format!("@start {}", case.name));
        match run::run(case, &place) {
            Verdict::Passed => say(&format!("@passed {}", case.name)),
            Verdict::Failed(details) => {
                details.lines().for_each(|line| say(&format!("|{line}")));
                say(&format!("@failed {}", case.name));
            }
        }
    }
    say("@done");
    ExitCode::SUCCESS
}

/// A broken serial port cannot be reported anywhere, and the host notices the silence.
fn say(line: &str) {
    let mut output = std::io::stdout().lock();
    let _ = writeln!(output, "{line}").and_then(|()| output.flush());
}
