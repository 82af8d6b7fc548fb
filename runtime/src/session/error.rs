//! Everything that keeps a session from running, each in one sentence that says what to do.

use std::io;
use thiserror::Error;

/// Why a session could not run.
#[derive(Debug, Error)]
pub enum RuntimeError {
    /// The bytes are no object file of this tool.
    #[error("this is no object file that lancet can run: {0}; make it again with `lancet build`")]
    BadObject(String),
    /// The kernel wants privileges.
    #[error("the kernel does not permit loading eBPF programs: {0}")]
    NoPrivilege(String),
    /// The kernel has no eBPF.
    #[error("this kernel has no eBPF (CONFIG_BPF_SYSCALL is off): boot a kernel that has it")]
    NoBpf,
    /// The verifier refused a program.
    #[error(transparent)]
    Verifier(Box<Refusal>),
    /// Loading failed before or beside the verifier.
    #[error("the object file cannot be loaded: {}{detail}", plain(.reason))]
    Load {
        /// What the kernel says.
        reason: io::Error,
        /// What libbpf says, on a line of its own.
        detail: String,
    },
    /// A probe is not there or cannot be attached.
    #[error("{place}: cannot attach {probe}: {reason}")]
    Attach {
        /// Where it stands in the script.
        place: String,
        /// Its name.
        probe: String,
        /// Why, and what to do.
        reason: String,
    },
    /// The script has no probe, or none that this machine has.
    #[error("there is nothing to run: the script has no probe that exists on this machine")]
    NothingToRun,
    /// `-p` names no process.
    #[error("there is no process {0}: check the number given with -p or --dwarf-pid")]
    NoProcess(u32),
    /// The command of `-c` is not there.
    #[error("the command `{0}` is not found: give -c a path, or a name that is in PATH")]
    NoCommand(String),
    /// The command of `-c` cannot be read or started.
    #[error("the command `{command}` cannot be started: {reason}")]
    Command {
        /// The command.
        command: String,
        /// Why.
        reason: String,
    },
    /// The output cannot be written.
    #[error("output was lost, because it cannot be written: {0}; make room, or choose another file with -o")]
    Output(String),
    /// Anything else that the system refuses.
    #[error("{what}: {}", plain(.reason))]
    System {
        /// What was to be done.
        what: String,
        /// What the system says.
        reason: io::Error,
    },
}

impl RuntimeError {
    /// The verifier had looked at as many instructions as it ever does, and found nothing wrong so far.
    pub fn is_too_much_to_verify(&self) -> bool {
        matches!(self, Self::Verifier(refusal) if is_limit(&refusal.message))
    }

    /// The last error of the system, met while doing `what`.
    pub(super) fn system(what: impl Into<String>) -> Self {
        Self::System { what: what.into(), reason: io::Error::last_os_error() }
    }
}

/// An error without its number.
pub(super) fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_lowercase()
}

/// What the verifier refused, and at which lines of the script.
#[derive(Debug, Error)]
#[error("{}", refusal(.program, .message, .lines, .log))]
pub struct Refusal {
    /// The program's symbol.
    pub program: String,
    /// The verifier's last words.
    pub message: String,
    /// `source @ file:line` of the log, the last one last.
    pub lines: Vec<String>,
    /// Everything the verifier wrote.
    pub log: String,
}

fn refusal(program: &str, message: &str, lines: &[String], log: &str) -> String {
    let place = place(lines);
    if is_limit(message) {
        return format!(
            "the program `{program}` is too large for this kernel: its verifier follows every way through it, and gives \
             up after 1,000,000 instructions{place}\nMake it smaller: less in the bodies of loops, fewer rounds, or \
             bounds that are literals. Kernels from 5.17 follow the body of a loop over a range once."
        );
    }
    if let Some(helper) = missing_helper(message, log) {
        return format!(
            "the program `{program}` cannot run: this kernel does not let probes of its kind call {helper}{place}\nLeave \
             that out, or use a newer kernel."
        );
    }
    format!(
        "the kernel's verifier refused the program `{program}`: {message}{place}\nThis is a defect of lancet: please \
         report it with the output of -v."
    )
}

/// Whether the verifier found nothing wrong in as much as it looked at (BPF_COMPLEXITY_LIMIT_INSNS and _JMP_SEQ).
fn is_limit(message: &str) -> bool {
    message.contains("program is too large") || message.contains("is too complex")
}

/// The helper that a program may not call, as the instruction names it.
fn missing_helper<'l>(message: &str, log: &'l str) -> Option<&'l str> {
    let refused = ["unknown func ", "helper call is not allowed", "cannot use helper "];
    if !refused.iter().any(|words| message.contains(words)) {
        return None;
    }
    let (_, call) = log.rsplit_once(" call bpf_")?;
    let start = log.len() - call.len() - "bpf_".len();
    log[start..].split(['#', '\n', ' ']).next()
}

fn place(lines: &[String]) -> String {
    lines.last().map(|line| format!("\n  at {line}")).unwrap_or_default()
}

impl Refusal {
    /// Reads the verifier's log.
    pub fn from_log(program: String, log: String) -> Self {
        let lines = log.lines().filter_map(|line| line.strip_prefix("; ")).map(str::to_owned).collect();
        let message = log
            .lines()
            .rev()
            .map(str::trim)
            .find(|line| !line.is_empty() && !is_summary(line))
            .unwrap_or("it gave no reason")
            .to_owned();
        Self { program, message, lines, log }
    }
}

/// Lines of statistics that follow the verifier's reason.
fn is_summary(line: &str) -> bool {
    ["processed ", "verification time", "stack depth", "; "].iter().any(|start| line.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_the_line_of_the_script() {
        let log = "0: R1=ctx()\n; @a = args.x @ t.bt:3\n0: (79) r0 = *(u64 *)(r1 +8)\n\
                   invalid bpf_context access off=8 size=8\nprocessed 1 insns (limit 1000000)\n";
        let message = Refusal::from_log("probe_0".into(), log.into()).to_string();
        assert!(message.contains("`probe_0`: invalid bpf_context access off=8 size=8\n  at @a = args.x @ t.bt:3"));
    }

    #[test]
    fn a_helper_that_the_kernel_withholds_is_named() {
        let log = "; print(path(args.f_path)) @ a.bt:2\n5: (85) call bpf_d_path#147\nhelper call is not allowed in probe\n\
                   processed 6 insns (limit 1000000)\n";
        let message = Refusal::from_log("probe_0".into(), log.into()).to_string();
        assert!(message.contains("call bpf_d_path\n  at print(path(args.f_path)) @ a.bt:2"), "{message}");
        assert!(!message.contains("defect"), "{message}");
    }

    #[test]
    fn a_program_that_is_too_large_is_no_defect() {
        let log =
            "; for $i : 0..$n @ a.bt:2\n5: (85) call bpf_loop#181\nBPF program is too large. Processed 1000001 insn\n";
        let message = Refusal::from_log("probe_0".into(), log.into()).to_string();
        assert!(message.contains("too large for this kernel") && message.contains("a.bt:2"), "{message}");
        assert!(!message.contains("defect"), "{message}");
    }
}
