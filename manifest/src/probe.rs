//! Programs and what each attaches to.

use serde::{Deserialize, Serialize};

/// The name of a probe as `probe` prints it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ProbeName {
    /// The full name: `kprobe:vfs_read`, `begin`.
    pub name: String,
    /// The provider: `kprobe`, `special` …
    pub provider: String,
    /// Where the attach point stands in the script, for messages.
    pub location: super::Location,
}

/// One eBPF program and everything it attaches to.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Program {
    /// Its symbol in the object file.
    pub symbol: String,
    /// Its attach points; `begin` and `end` programs have one.
    pub attachments: Vec<Attachment>,
    /// All attachments go through one link (kprobe_multi, uprobe_multi, the raw tracepoint of system calls); the program was compiled for that.
    pub multi: bool,
    /// The kernel runs it at the start and at the return of the same functions (kprobe.session): the second half of the
    /// attachments are the returns, in the order of the first half.
    pub session: bool,
}

/// One attach point.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Attachment {
    /// Index in [`crate::Manifest::probes`]; also the attach cookie of programs that ask for it.
    pub probe: u32,
    /// What to attach to.
    pub target: Target,
}

/// What a program attaches to.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub enum Target {
    /// Run once before anything else, through BPF_PROG_TEST_RUN.
    Begin,
    /// Run once after everything is detached.
    End,
    /// Run once under `--test`: a result other than 0, or an error it prints, makes the test fail.
    Test {
        /// Its name.
        name: String,
    },
    /// Run many times under `--bench`, and timed.
    Bench {
        /// Its name.
        name: String,
    },
    /// Run when this tool receives the signal.
    Signal {
        /// Name such as `SIGUSR1`.
        name: String,
    },
    /// A timer on one CPU.
    Interval {
        /// Period.
        nanoseconds: u64,
    },
    /// A timer on every CPU: period in nanoseconds.
    Profile {
        /// Samples per second, or else
        frequency: Option<u64>,
        /// the period.
        nanoseconds: u64,
    },
    /// `category:event` of tracefs.
    Tracepoint {
        /// Category.
        category: String,
        /// Event.
        event: String,
    },
    /// The event of one system call. The program runs for several: it is attached to the raw tracepoint that they all
    /// pass, and looks at the number itself.
    SystemCall {
        /// At its end, where the result is known: `sys_exit`, not `sys_enter`.
        at_exit: bool,
        /// The number of the call.
        number: u32,
    },
    /// A raw tracepoint.
    RawTracepoint {
        /// Name.
        name: String,
    },
    /// kprobe or kretprobe.
    KernelFunction {
        /// Function name.
        function: String,
        /// Bytes into the function.
        offset: u64,
        /// At return.
        at_return: bool,
    },
    /// uprobe or uretprobe.
    UserFunction {
        /// The file.
        path: String,
        /// Offset in the file.
        file_offset: u64,
        /// At return.
        at_return: bool,
    },
    /// fentry or fexit; libbpf finds the BTF id through the program's section name.
    Trampoline {
        /// The function, with its module where that is not the kernel itself: `module:function`.
        function: String,
    },
    /// fentry or fexit of a function of a BPF program that is loaded.
    BpfFunction {
        /// The kernel's number of the program.
        program: u32,
        /// The function.
        function: String,
    },
    /// A software event by perf number (PERF_COUNT_SW_…).
    Software {
        /// PERF_COUNT_SW_….
        event: u64,
        /// Sample period.
        period: u64,
    },
    /// A hardware or cache event.
    Hardware {
        /// perf type.
        perf_type: u32,
        /// perf config.
        event: u64,
        /// Sample period.
        period: u64,
    },
    /// A hardware watchpoint.
    Watchpoint {
        /// Address.
        address: u64,
        /// Bytes: 1, 2, 4, 8.
        length: u64,
        /// Any of HW_BREAKPOINT_R 1, W 2, X 4.
        mode: u32,
    },
    /// A BPF iterator: read once, or pinned for others to read.
    Iterator {
        /// Its name: `task`.
        name: String,
        /// Pin path, empty for none.
        pin: String,
    },
    /// A USDT probe: all its places in one file.
    Usdt {
        /// The file.
        path: String,
        /// Where it is.
        locations: Vec<UsdtLocation>,
    },
}

/// A place of a USDT probe. Its attach cookie is the probe's index in the low 32 bits and the variant in the high ones.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UsdtLocation {
    /// Offset in the file.
    pub file_offset: u64,
    /// File offset of the semaphore, which the kernel raises while the probe is attached; 0 for none.
    pub semaphore: u64,
    /// Which description of the arguments holds here.
    pub variant: u32,
}
