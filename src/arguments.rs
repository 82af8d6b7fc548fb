//! The command line: what the user may say. No decisions here beyond what clap can check.

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// A tracing language for Linux: runs bpftrace scripts, compiled to eBPF by itself.
#[derive(Parser, Debug)]
#[command(
    name = "lancet",
    version,
    disable_help_subcommand = true,
    args_conflicts_with_subcommands = true,
    args_override_self = true,
    override_usage = "lancet [OPTIONS] -e PROGRAM [ARGUMENTS]...\n       lancet [OPTIONS] FILE [ARGUMENTS]...   (FILE - is standard input)\n       lancet build SCRIPT -o FILE.o\n       lancet run [OPTIONS] FILE.o\n       lancet check FILE...\n       lancet fmt [--check] FILE...\n       lancet explain NAME",
    after_help = "Examples:\n  lancet -e 'tracepoint:syscalls:sys_enter_openat { printf(\"%s %s\\n\", comm, str(args.filename)); }'\n  lancet -e 'profile:hz:99 { @[comm] = count(); }'\n  lancet -c 'ls /' -e 'uprobe:libc:malloc { @ = hist(arg0); }'"
)]
pub struct Command {
    /// What to do instead of compiling and tracing at once.
    #[command(subcommand)]
    pub subcommand: Option<Verb>,
    /// Compile and trace.
    #[command(flatten)]
    pub trace: Trace,
}

/// Other things than tracing a script at once.
#[derive(Subcommand, Debug)]
pub enum Verb {
    /// Compile a script to an object file that `lancet run` loads, on this machine or another
    Build(Build),
    /// Load and run an object file that `lancet build` made; on another kernel it is compiled anew first
    Run(Run),
    /// Write down what compiling needs to know of this machine, to check and build scripts for it elsewhere
    Capture(Capture),
    /// Say what there is to say of a function of the language, or of the code of a diagnostic
    Explain(Explain),
    /// Lay scripts out in the canonical way
    Fmt(Fmt),
    /// Check scripts without attaching anything, without root, whatever this machine lacks of what they trace
    Check(Check),
}

/// `lancet check`.
#[derive(Args, Debug)]
pub struct Check {
    #[command(flatten)]
    pub compile: Compile,
    /// Check against the kernel of a capture (see `lancet capture`), not against this one
    #[arg(long = "machine", value_name = "FILE")]
    pub machine: Option<PathBuf>,
    /// Output format of the result
    #[arg(short = 'f', long = "format", value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Show notes too, such as those on old spellings
    #[arg(short = 'v', long = "verbose")]
    pub verbose: bool,
    /// Print no warnings
    #[arg(long = "no-warnings")]
    pub no_warnings: bool,
    /// The scripts; - is standard input
    #[arg(value_name = "FILE", required_unless_present = "program")]
    pub files: Vec<String>,
}

/// `lancet explain`.
#[derive(Args, Debug)]
pub struct Explain {
    /// The function's name
    #[arg(value_name = "NAME")]
    pub name: String,
}

/// `lancet fmt`.
#[derive(Args, Debug)]
pub struct Fmt {
    /// Change nothing; the exit code is 1 when a file is laid out otherwise
    #[arg(long)]
    pub check: bool,
    /// The scripts, changed in place; - is standard input, printed
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<String>,
}

/// `lancet -e …`, `lancet FILE`.
#[derive(Args, Debug, Default)]
pub struct Trace {
    #[command(flatten)]
    pub compile: Compile,
    #[command(flatten)]
    pub runtime: Runtime,
    /// List the probes that match a pattern (with -v: their arguments), or all that the program would attach to
    #[arg(short = 'l', long = "list")]
    pub list: bool,
    /// Run the script's test: probes; the exit code is 1 when one fails
    #[arg(long, conflicts_with = "bench")]
    pub test: bool,
    /// Run the script's bench: probes and tell what one run of each takes
    #[arg(long)]
    pub bench: bool,
    /// Print the script in its canonical layout and do nothing else
    #[arg(long = "fmt")]
    pub format_script: bool,
    /// Tell what this kernel and this build can do
    #[arg(long)]
    pub info: bool,
    /// Compile and check, but attach nothing
    #[arg(long, alias = "dry-run-only")]
    pub dry_run: bool,
    /// What is done with the script: --test, --bench, --fmt or --dry-run by another name
    #[arg(long, value_name = "MODE", value_enum, conflicts_with_all = ["test", "bench", "format_script", "dry_run"])]
    pub mode: Option<ModeName>,
    /// Write the object file and attach nothing, as `lancet build` does
    #[arg(long = "emit-elf", value_name = "FILE")]
    pub emit_elf: Option<PathBuf>,
    /// The script file (- for standard input) unless -e is given, then the script's parameters $1, $2, …; named ones after --
    #[arg(value_name = "FILE|ARGUMENT")]
    pub words: Vec<String>,
    /// Named parameters for getopt(): --name=value
    #[arg(last = true, hide = true, value_name = "NAMED")]
    pub named: Vec<String>,
}

/// What the compiler is told.
#[derive(Args, Debug, Default)]
pub struct Compile {
    /// The program text
    #[arg(short = 'e', value_name = "PROGRAM")]
    pub program: Option<String>,
    /// Print a stage of the compiler and stop before tracing: tokens ast hir ir vcode insns object all; alone, list them
    #[arg(short = 'd', long = "dump", alias = "debug", value_name = "STAGE", num_args = 0..=1, default_missing_value = "", value_delimiter = ',', action = ArgAction::Append)]
    pub dump: Vec<String>,
    /// Search this directory for included files
    #[arg(short = 'I', value_name = "DIR")]
    pub include_dirs: Vec<PathBuf>,
    /// Include this file before the script
    #[arg(long = "include", value_name = "FILE")]
    pub includes: Vec<String>,
    /// Look for separate debug information in these directories too, relative ones counted from the program's
    #[arg(long = "debuginfo", value_name = "DIR[:DIR]", value_delimiter = ':', action = ArgAction::Append)]
    pub debuginfo: Vec<String>,
    /// Allow functions that change the traced system
    #[arg(long = "unsafe")]
    pub allow_unsafe: bool,
    /// Run only the probes whose name matches a regular expression, and begin and end
    #[arg(long = "probe-filter", value_name = "REGEX")]
    pub probe_filter: Option<String>,
    /// Take the kernel functions that can be traced from a file, a name or `name [module]` in each line
    #[arg(long = "traceable-functions", value_name = "FILE")]
    pub traceable_functions: Option<PathBuf>,
    /// Do not use a feature of the kernel, as if it had none: kprobe_multi, uprobe_multi, …
    #[arg(long = "no-feature", value_name = "NAME", value_delimiter = ',')]
    pub no_feature: Vec<String>,
}

/// What the runtime is told.
#[derive(Args, Clone, Debug, Default)]
pub struct Runtime {
    /// Run a command and trace until it ends; uprobes see it only
    #[arg(short = 'c', long = "cmd", value_name = "COMMAND", conflicts_with = "pid")]
    pub command: Option<String>,
    /// Trace a running process until it ends
    #[arg(short = 'p', long = "pid", value_name = "PID")]
    pub pid: Option<u32>,
    /// A running process whose stacks dw_ustack unwinds, in addition to those of -c and -p; may be given several times
    #[arg(long = "dwarf-pid", value_name = "PID")]
    pub dwarf_pid: Vec<u32>,
    /// Accepted for old command lines: the kernel's types are always used where there are any
    #[arg(short = 'b', long = "btf", hide = true)]
    pub btf: bool,
    /// Raise the semaphores of USDT probes in all processes that run the file; the kernel does so in any case
    #[arg(long = "usdt-file-activation")]
    pub usdt_file_activation: bool,
    /// Write the output to a file
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Output format
    #[arg(short = 'f', long = "format", value_name = "FORMAT", value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Buffering of the output
    #[arg(short = 'B', value_name = "MODE", value_enum, default_value_t = Buffering::Line)]
    pub buffering: Buffering,
    /// Say nothing about attached probes
    #[arg(short = 'q', long = "quiet")]
    pub quiet: bool,
    /// Say more: notes, the kernel's log of a refused program
    #[arg(short = 'v', long = "verbose")]
    pub verbose: bool,
    /// Warn of failed reads, look-ups, updates and other helpers of the kernel, with place and error code
    #[arg(short = 'k', long = "warnings", action = ArgAction::Count)]
    pub helper_errors: u8,
    /// Print no warnings
    #[arg(long = "no-warnings")]
    pub no_warnings: bool,
    /// Tell at the end how often each probe ran and how long, as the kernel counts it
    #[arg(long = "stats")]
    pub statistics: bool,
    /// Give up root and capabilities once everything is attached
    #[arg(long = "drop-privileges")]
    pub drop_privileges: bool,
    /// Exit with 1 when any event was lost
    #[arg(long = "strict")]
    pub strict: bool,
}

/// The values of `--mode`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum ModeName {
    /// `--test`.
    Test,
    /// `--bench`.
    Bench,
    /// `--fmt`.
    Format,
    /// `--dry-run`.
    Codegen,
}

/// Output formats.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum Format {
    /// As people read it.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// When output is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, ValueEnum)]
pub enum Buffering {
    /// At every line.
    #[default]
    Line,
    /// In blocks.
    Full,
    /// At once.
    None,
}

/// `lancet capture`.
#[derive(Args, Debug)]
pub struct Capture {
    /// Where the capture goes
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub output: PathBuf,
}

/// `lancet build`.
#[derive(Args, Debug)]
pub struct Build {
    #[command(flatten)]
    pub compile: Compile,
    /// Compile for the kernel of a capture (see `lancet capture`), not for this one; programs are those of this machine
    #[arg(long = "machine", value_name = "FILE")]
    pub machine: Option<PathBuf>,
    /// The script (- for standard input), unless -e is given
    pub script: Option<String>,
    /// Where the object file goes
    #[arg(short = 'o', long = "output", value_name = "FILE")]
    pub output: PathBuf,
    /// The script's parameters
    #[arg(last = true)]
    pub parameters: Vec<String>,
}

/// `lancet run`.
#[derive(Args, Debug)]
pub struct Run {
    #[command(flatten)]
    pub runtime: Runtime,
    /// The object file
    pub object: PathBuf,
}
