//! The machine that scripts are compiled for: this one, or the kernel of a capture with the programs of this one.

use crate::arguments::{Capture, Compile};
use crate::report;
use crate::source::reason;
use lancet_kernel::btf::Btf;
use lancet_kernel::captured::CapturedKernel;
use lancet_kernel::tracepoint::TracepointFormat;
use lancet_kernel::{BpfFunction, Executable, Features, Kernel, KernelFunction, Unavailable, UsdtNote, Version};
use lancet_runtime::kernel::{LiveKernel, capture as captures};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// `lancet capture`: what compiling needs to know of this machine goes to a file.
pub fn capture(arguments: &Capture) -> u8 {
    let captured = match captures::running(&LiveKernel::new()) {
        Ok(captured) => captured,
        Err(error) => return report::error(&format!("cannot capture this machine: {}", error.message())),
    };
    match std::fs::write(&arguments.output, captured.to_bytes()) {
        Ok(()) => 0,
        Err(error) => report::error(&format!("cannot write {}: {}", arguments.output.display(), reason(&error))),
    }
}

/// This machine, with the places where the user has debug information.
pub fn this(compile: &Compile) -> LiveKernel {
    without(&compile.no_feature, &compile.debuginfo).with_traceable_functions(compile.traceable_functions.clone())
}

/// This machine without some features.
pub fn without(features: &[String], debuginfo: &[String]) -> LiveKernel {
    // Files without build id are checked by their checksum in any case; bpftrace wants a + for that.
    let directories = debuginfo.iter().map(|directory| directory.trim_start_matches('+').into());
    LiveKernel::with_debug_directories(directories.collect()).without_features(features.to_vec())
}

/// The machine of `--machine`, else this one. The error is for users.
pub fn wanted(file: Option<&Path>, compile: &Compile) -> Result<Box<dyn Kernel>, String> {
    if let Some(unknown) = compile.no_feature.iter().find(|name| !Features::NAMES.contains(&name.as_str())) {
        return Err(format!("there is no feature {unknown}; there are {}", Features::NAMES.join(", ")));
    }
    let Some(file) = file else { return Ok(Box::new(this(compile))) };
    let bytes = std::fs::read(file).map_err(|error| format!("cannot read {}: {}", file.display(), reason(&error)))?;
    let malformed = |error: Unavailable| format!("{}: {}", file.display(), error.message());
    let mut kernel = CapturedKernel::from_bytes(&bytes).map_err(malformed)?;
    for name in &compile.no_feature {
        kernel = kernel.without_feature(name).ok_or_else(|| format!("there is no feature {name}"))?;
    }
    Ok(Box::new(Mixed { kernel, programs: this(compile) }))
}

/// The kernel of one machine and the programs of another.
struct Mixed {
    kernel: CapturedKernel,
    programs: LiveKernel,
}

impl Kernel for Mixed {
    fn version(&self) -> Version {
        self.kernel.version()
    }

    fn identity(&self) -> &str {
        self.kernel.identity()
    }

    fn features(&self) -> &Features {
        self.kernel.features()
    }

    fn possible_cpus(&self) -> u32 {
        self.kernel.possible_cpus()
    }

    fn btf(&self) -> Option<&Btf> {
        self.kernel.btf()
    }

    fn module_btf(&self, module: &str) -> Option<Rc<Btf>> {
        self.kernel.module_btf(module)
    }

    fn tracepoint(&self, category: &str, event: &str) -> Result<TracepointFormat, Unavailable> {
        self.kernel.tracepoint(category, event)
    }

    fn tracepoints(&self, category: &str, event: &str) -> Result<Vec<(String, String)>, Unavailable> {
        self.kernel.tracepoints(category, event)
    }

    fn raw_tracepoints(&self, pattern: &str) -> Result<Vec<(String, String)>, Unavailable> {
        self.kernel.raw_tracepoints(pattern)
    }

    fn functions(&self, module: &str, pattern: &str) -> Result<Vec<KernelFunction>, Unavailable> {
        self.kernel.functions(module, pattern)
    }

    fn bpf_functions(&self, program: Option<u32>, pattern: &str) -> Result<Vec<BpfFunction>, Unavailable> {
        self.kernel.bpf_functions(program, pattern)
    }

    fn symbol_address(&self, name: &str) -> Option<u64> {
        self.kernel.symbol_address(name)
    }

    fn may_call(&self, function: &str, section: &str) -> bool {
        self.kernel.may_call(function, section)
    }

    fn cgroup_id(&self, path: &Path) -> Result<u64, Unavailable> {
        self.kernel.cgroup_id(path)
    }

    fn executables(&self, target: &str, pid: Option<u32>) -> Result<Vec<PathBuf>, Unavailable> {
        self.programs.executables(target, pid)
    }

    fn executable(&self, path: &Path) -> Result<Rc<dyn Executable>, Unavailable> {
        self.programs.executable(path)
    }

    fn usdt_notes(&self, path: &Path) -> Result<Vec<UsdtNote>, Unavailable> {
        self.programs.usdt_notes(path)
    }
}
