//! What the compiler asks of a machine, and nothing more: types, symbols, tracepoint formats, executables, features.
//!
//! Invariant: no I/O here. The runtime implements [`Kernel`] for the running machine; [`captured`] serves one from a file,
//! for tests without root and for compiling for another machine.

pub mod btf;
pub mod captured;
pub mod debug_info;
mod demangle;
pub mod name;
mod nearest;
pub mod system_call;
pub mod tracepoint;
mod wildcard;

use std::path::{Path, PathBuf};
use std::rc::Rc;

use btf::Btf;
use debug_info::DebugInfo;
use tracepoint::TracepointFormat;

pub use demangle::{Demangled, demangle};
pub use nearest::nearest;

/// A kernel version, ordered.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
pub struct Version {
    /// 6 in 6.12.
    pub major: u16,
    /// 12 in 6.12.
    pub minor: u16,
}

impl Version {
    /// `Version::new(6, 12)`.
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// A function of a BPF program that is loaded.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BpfFunction {
    /// The kernel's number of the program.
    pub program: u32,
    /// The function's name, which for programs of C is longer than the program's.
    pub name: String,
}

/// What the target's BPF can do. Each is a property of the kernel, found by its version, its BTF or by trying.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Features {
    /// Atomics that return the old value (5.12).
    pub atomic_fetch: bool,
    /// bpf_for_each_map_elem (5.13).
    pub for_each_map_elem: bool,
    /// bpf_get_attach_cookie (5.15).
    pub attach_cookie: bool,
    /// bpf_loop (5.17).
    pub bpf_loop: bool,
    /// bpf_get_current_task_btf (5.11).
    pub current_task_btf: bool,
    /// bpf_ktime_get_boot_ns (5.8), bpf_ktime_get_tai_ns (6.1).
    pub ktime_tai: bool,
    /// cpu v4: signed division, sign-extending moves and loads, unconditional byte swap (6.6).
    pub cpu_v4: bool,
    /// Open-coded number iterators (6.4).
    pub number_iterators: bool,
    /// kprobe_multi links (5.18 with CONFIG_FPROBE).
    pub kprobe_multi: bool,
    /// kprobe sessions (6.10).
    pub kprobe_session: bool,
    /// uprobe_multi links (6.6).
    pub uprobe_multi: bool,
    /// uprobe sessions (6.13).
    pub uprobe_session: bool,
    /// fentry and fexit programs can be loaded and attached.
    pub fentry: bool,
    /// kprobes are built in.
    pub kprobe: bool,
    /// perf-event programs may use hash maps without pre-allocation (6.1).
    pub dynamic_hash_in_nmi: bool,
    /// bpf_get_func_ip (5.15).
    pub func_ip: bool,
    /// Kernel functions may be called from tracing programs (6.0 or so).
    pub kfuncs: bool,
    /// Programs may read kernel memory: bpf_probe_read_kernel and its kin. A kernel that is locked down for confidentiality
    /// has none of them (kernel_lockdown(7)). A capture does not tell: it is a state of the machine.
    #[serde(skip, default = "yes")]
    pub kernel_reads: bool,
}

/// What a capture means, which does not tell.
fn yes() -> bool {
    true
}

impl Features {
    /// The names that [`Features::disable`] knows.
    pub const NAMES: &'static [&'static str] = &[
        "atomic_fetch",
        "for_each_map_elem",
        "attach_cookie",
        "bpf_loop",
        "current_task_btf",
        "get_tai_ns",
        "cpu_v4",
        "kprobe_multi",
        "kprobe_session",
        "uprobe_multi",
        "uprobe_session",
        "fentry",
        "get_func_ip",
        "kfuncs",
        "probe_read_kernel",
    ];

    /// From now on the kernel is taken not to have it; false when there is no such feature.
    pub fn disable(&mut self, name: &str) -> bool {
        let feature = match name {
            "atomic_fetch" => &mut self.atomic_fetch,
            "for_each_map_elem" => &mut self.for_each_map_elem,
            "attach_cookie" => &mut self.attach_cookie,
            "bpf_loop" => &mut self.bpf_loop,
            "current_task_btf" => &mut self.current_task_btf,
            "get_tai_ns" => &mut self.ktime_tai,
            "cpu_v4" => &mut self.cpu_v4,
            "kprobe_multi" => &mut self.kprobe_multi,
            "kprobe_session" => &mut self.kprobe_session,
            "uprobe_multi" => &mut self.uprobe_multi,
            "uprobe_session" => &mut self.uprobe_session,
            "fentry" => &mut self.fentry,
            "get_func_ip" => &mut self.func_ip,
            "kfuncs" => &mut self.kfuncs,
            "probe_read_kernel" => &mut self.kernel_reads,
            _ => return false,
        };
        *feature = false;
        true
    }
}

/// A kernel function that can be traced.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, serde::Serialize, serde::Deserialize)]
pub struct KernelFunction {
    /// The module, `vmlinux` for the kernel itself.
    pub module: String,
    /// The name.
    pub name: String,
}

/// A function symbol of an executable or library.
#[derive(Clone, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub struct Symbol {
    /// The name as in the symbol table (mangled).
    pub name: String,
    /// Virtual address in the file's address space.
    pub address: u64,
    /// Offset in the file: what uprobes attach to.
    pub file_offset: u64,
    /// Size in bytes; 0 if unknown.
    pub size: u64,
}

/// An executable or library: what probes in it need to know.
pub trait Executable {
    /// All function symbols of .symtab and .dynsym, each address and name once, sorted by name.
    fn functions(&self) -> &[Symbol];
    /// The function of exactly that name.
    fn function(&self, name: &str) -> Option<&Symbol> {
        let all = self.functions();
        all.binary_search_by(|symbol| symbol.name.as_str().cmp(name)).ok().map(|index| &all[index])
    }
    /// The file offset of a virtual address in an executable segment; `None` outside.
    fn file_offset(&self, address: u64) -> Option<u64>;
    /// The function or variable of that name.
    fn symbol(&self, name: &str) -> Option<Symbol> {
        self.function(name).cloned()
    }
    /// It runs at the addresses that its symbols have: no library, nor position-independent.
    fn is_fixed(&self) -> bool {
        false
    }
    /// What it was compiled from is Go.
    fn is_go(&self) -> bool {
        false
    }
    /// The first bytes of the instructions of a function, as offsets from its start; empty when its code cannot be read
    /// or is not this machine's.
    fn instructions(&self, _function: &Symbol) -> Vec<u64> {
        Vec::new()
    }
    /// Its debug information, or why there is none.
    fn debug_info(&self) -> Result<Rc<dyn DebugInfo>, Unavailable> {
        Err(Unavailable::Missing("it has no debug information".to_owned()))
    }
}

/// A place in a program that its author made a probe of (USDT): a note of `.note.stapsdt`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct UsdtNote {
    /// The namespace, which is nearly always the program's or library's name.
    pub namespace: String,
    /// The probe's name; several notes may share it.
    pub name: String,
    /// Virtual address in the file's address space.
    pub address: u64,
    /// Offset in the file.
    pub file_offset: u64,
    /// File offset of the counter that says whether anybody traces the probe; 0 if it has none.
    pub semaphore: u64,
    /// Where the arguments are, in the assembler's words: `-4@%edi 8@-16(%rbp)`.
    pub arguments: String,
}

/// Why something could not be had. The text is one clause for users: `"/x/y: no such file"`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Unavailable {
    /// It does not exist on this machine.
    Missing(String),
    /// It may exist, but cannot be read; says why and what to do.
    Denied(String),
    /// It exists, but is damaged or of the wrong kind.
    Malformed(String),
}

impl Unavailable {
    /// The clause for users.
    pub fn message(&self) -> &str {
        match self {
            Self::Missing(text) | Self::Denied(text) | Self::Malformed(text) => text,
        }
    }
}

/// A machine that scripts are compiled for.
///
/// Patterns use the shell's wildcards `*`, `?` and `[…]`; a pattern without any matches itself only.
pub trait Kernel {
    /// The kernel's version.
    fn version(&self) -> Version;
    /// What tells this machine, its kernel and their last start from every other; empty if nothing is known.
    fn identity(&self) -> &str;
    /// What its BPF can do.
    fn features(&self) -> &Features;
    /// Number of possible CPUs.
    fn possible_cpus(&self) -> u32;
    /// The kernel's own types; `None` without CONFIG_DEBUG_INFO_BTF.
    fn btf(&self) -> Option<&Btf>;
    /// The BTF ids and base of a module: split BTF on top of the kernel's.
    fn module_btf(&self, module: &str) -> Option<Rc<Btf>>;
    /// The format of one tracepoint.
    fn tracepoint(&self, category: &str, event: &str) -> Result<TracepointFormat, Unavailable>;
    /// Tracepoints whose category and event match, sorted.
    fn tracepoints(&self, category: &str, event: &str) -> Result<Vec<(String, String)>, Unavailable>;
    /// Raw tracepoints that match, sorted: (module, name).
    fn raw_tracepoints(&self, pattern: &str) -> Result<Vec<(String, String)>, Unavailable>;
    /// Traceable functions that match, sorted; module pattern `*` for any.
    fn functions(&self, module: &str, pattern: &str) -> Result<Vec<KernelFunction>, Unavailable>;
    /// Functions of loaded BPF programs, of one by its id or of all, whose names match.
    fn bpf_functions(&self, _program: Option<u32>, _pattern: &str) -> Result<Vec<BpfFunction>, Unavailable> {
        Ok(Vec::new())
    }
    /// Address of a kernel symbol, if readable.
    fn symbol_address(&self, name: &str) -> Option<u64>;
    /// Whether a program in that ELF section (`tracepoint`, `kprobe` …) may call a function of the kernel.
    fn may_call(&self, _function: &str, _section: &str) -> bool {
        false
    }
    /// The id of the control group (version 2) whose directory that is.
    fn cgroup_id(&self, path: &Path) -> Result<u64, Unavailable> {
        Err(Unavailable::Missing(format!("{}: control groups are not known here", path.display())))
    }
    /// The file that a probe's target names: a path (wildcards allowed), a program on PATH, a library (`libc`, `c`?
    /// through ld.so.cache). Several for wildcards.
    fn executables(&self, target: &str, pid: Option<u32>) -> Result<Vec<PathBuf>, Unavailable>;
    /// Symbols of an executable.
    fn executable(&self, path: &Path) -> Result<Rc<dyn Executable>, Unavailable>;
    /// The USDT probes of an executable, in the order of its notes; most have none.
    fn usdt_notes(&self, path: &Path) -> Result<Vec<UsdtNote>, Unavailable> {
        Err(Unavailable::Missing(format!("{}: USDT probes are not known here", path.display())))
    }
}

/// Matches shell wildcards: `*` any run, `?` one byte, `[a-z]`, `[!x]` sets.
pub fn wildcard_matches(pattern: &str, name: &str) -> bool {
    wildcard::matches(pattern.as_bytes(), name.as_bytes())
}
