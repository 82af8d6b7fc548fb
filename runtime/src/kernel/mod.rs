//! The running machine as a [`Kernel`]: its types, tracepoints, functions, symbols and executables.
//!
//! Invariant: nothing is opened before it is asked for, and nothing is read twice; [`LiveKernel::new`] does no I/O. It only
//! looks: nothing is attached here, and what is loaded (`trial`) never runs.

pub(crate) mod archive;
pub(crate) mod bpf_program;
pub mod capture;
mod cgroup;
pub(crate) mod compressed;
mod debug_file;
mod dwarf;
pub(crate) mod event_number;
mod executable;
mod features;
mod function;
mod instruction;
mod library;
pub(crate) mod lockdown;
mod map;
mod namespace;
mod path;
mod symbol;
mod target;
mod tracefs;
pub(crate) mod tracefs_mount;
mod trial;
mod usdt;
pub(crate) mod version;

use std::cell::{OnceCell, RefCell};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use lancet_kernel::btf::{Btf, NameKind};
use lancet_kernel::tracepoint::TracepointFormat;
use lancet_kernel::{
    BpfFunction, Executable, Features, Kernel, KernelFunction, Unavailable, UsdtNote, Version, wildcard_matches,
};
use rustc_hash::FxHashMap;

use function::FunctionList;
pub use namespace::in_nested_pid_namespace;
use tracefs::Tracefs;

/// The machine that this process runs on.
#[derive(Default)]
pub struct LiveKernel {
    version: OnceCell<Version>,
    identity: OnceCell<String>,
    features: OnceCell<Features>,
    possible_cpus: OnceCell<u32>,
    btf: OnceCell<Option<Rc<Btf>>>,
    module_btf: RefCell<FxHashMap<String, Option<Rc<Btf>>>>,
    tracefs: OnceCell<Result<Tracefs, Unavailable>>,
    functions: OnceCell<Result<FunctionList, Unavailable>>,
    addresses: RefCell<FxHashMap<String, Option<u64>>>,
    executables: RefCell<FxHashMap<PathBuf, Rc<dyn Executable>>>,
    debug_directories: Vec<PathBuf>,
    traceable_functions: Option<PathBuf>,
    disabled: Vec<String>,
}

impl LiveKernel {
    /// A machine that nothing is known of yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Looks for the debug information of programs in these directories too, before the usual ones.
    pub fn with_debug_directories(directories: Vec<PathBuf>) -> Self {
        Self { debug_directories: directories, ..Self::default() }
    }

    /// The machine as if its kernel had none of these features ([`Features::NAMES`]).
    pub fn without_features(self, names: Vec<String>) -> Self {
        Self { disabled: names, ..self }
    }

    /// Takes the list of traceable functions from this file, in the format of available_filter_functions.
    pub fn with_traceable_functions(self, file: Option<PathBuf>) -> Self {
        Self { traceable_functions: file, ..self }
    }

    /// The names of the loaded modules that have BTF, sorted.
    pub fn modules(&self) -> Vec<String> {
        map::modules()
    }

    fn shared_btf(&self) -> Option<&Rc<Btf>> {
        self.btf.get_or_init(|| map::btf("vmlinux", None).map(Rc::new)).as_ref()
    }

    fn tracefs(&self) -> Result<&Tracefs, Unavailable> {
        self.tracefs.get_or_init(Tracefs::find).as_ref().map_err(Clone::clone)
    }

    fn function_list(&self) -> Result<&FunctionList, Unavailable> {
        let read = || FunctionList::read(self.traceable_functions.as_deref(), self.tracefs().ok(), self.btf());
        self.functions.get_or_init(read).as_ref().map_err(Clone::clone)
    }

    /// The modules whose names match and that define the function, without reading all functions.
    fn defining_module(&self, module: &str, name: &str) -> Option<KernelFunction> {
        let has = |btf: &Btf| btf.find(name, NameKind::Function).is_some();
        if wildcard_matches(module, "vmlinux") && self.btf().is_some_and(has) {
            return Some(KernelFunction { module: "vmlinux".to_owned(), name: name.to_owned() });
        }
        if is_pattern(module) || module == "vmlinux" {
            return None;
        }
        let btf = self.module_btf(module)?;
        let own = btf.find(name, NameKind::Function).is_some_and(|id| id.0 >= btf.first_id());
        own.then(|| KernelFunction { module: module.to_owned(), name: name.to_owned() })
    }

    /// Raw tracepoints of a module, or of the kernel itself: each leaves a typedef of its handlers.
    fn raw_tracepoints_of(module: &str, btf: &Btf, pattern: &str, found: &mut Vec<(String, String)>) {
        let names = btf.names(NameKind::Type).filter_map(|(_, name)| name.strip_prefix("btf_trace_"));
        let matching = names.filter(|name| wildcard_matches(pattern, name));
        found.extend(matching.map(|name| (module.to_owned(), name.to_owned())));
    }
}

impl Kernel for LiveKernel {
    fn version(&self) -> Version {
        *self.version.get_or_init(version::running)
    }

    fn identity(&self) -> &str {
        self.identity.get_or_init(version::identity)
    }

    fn features(&self) -> &Features {
        self.features.get_or_init(|| {
            let mut features = features::of(self.version(), self.btf(), self.tracefs().ok());
            self.disabled.iter().for_each(|name| _ = features.disable(name));
            features
        })
    }

    fn possible_cpus(&self) -> u32 {
        *self.possible_cpus.get_or_init(version::possible_cpus)
    }

    fn btf(&self) -> Option<&Btf> {
        self.shared_btf().map(|btf| &**btf)
    }

    fn module_btf(&self, module: &str) -> Option<Rc<Btf>> {
        let base = self.shared_btf()?;
        if module == "vmlinux" {
            return Some(base.clone());
        }
        let mut known = self.module_btf.borrow_mut();
        let read = || map::btf(module, Some(base.clone())).map(Rc::new);
        known.entry(module.to_owned()).or_insert_with(read).clone()
    }

    fn tracepoint(&self, category: &str, event: &str) -> Result<TracepointFormat, Unavailable> {
        self.tracefs()?.format(category, event)
    }

    fn tracepoints(&self, category: &str, event: &str) -> Result<Vec<(String, String)>, Unavailable> {
        self.tracefs()?.events(category, event)
    }

    fn raw_tracepoints(&self, pattern: &str) -> Result<Vec<(String, String)>, Unavailable> {
        let Some(btf) = self.btf() else {
            // An event's name is nearly always that of its tracepoint.
            let events = self.tracefs()?.events("*", pattern)?;
            let mut names: Vec<_> = events.into_iter().map(|(_, event)| ("vmlinux".to_owned(), event)).collect();
            names.sort();
            names.dedup();
            return Ok(names);
        };
        if !is_pattern(pattern) && btf.find(&format!("btf_trace_{pattern}"), NameKind::Type).is_some() {
            return Ok(vec![("vmlinux".to_owned(), pattern.to_owned())]);
        }
        let mut found = Vec::new();
        Self::raw_tracepoints_of("vmlinux", btf, pattern, &mut found);
        for module in self.modules() {
            if let Some(btf) = self.module_btf(&module) {
                Self::raw_tracepoints_of(&module, &btf, pattern, &mut found);
            }
        }
        found.sort();
        found.dedup();
        Ok(found)
    }

    fn functions(&self, module: &str, pattern: &str) -> Result<Vec<KernelFunction>, Unavailable> {
        if !is_pattern(pattern) {
            if let Some(function) = self.defining_module(module, pattern) {
                return Ok(vec![function]);
            }
        }
        Ok(self.function_list()?.matching(module, pattern))
    }

    fn bpf_functions(&self, program: Option<u32>, pattern: &str) -> Result<Vec<BpfFunction>, Unavailable> {
        bpf_program::functions(program, pattern)
    }

    fn symbol_address(&self, name: &str) -> Option<u64> {
        let mut known = self.addresses.borrow_mut();
        *known.entry(name.to_owned()).or_insert_with(|| symbol::address(name))
    }

    fn may_call(&self, function: &str, section: &str) -> bool {
        let Some(id) = self.btf().and_then(|btf| btf.find(function, NameKind::Function)) else { return false };
        trial::may_call(id.0, section)
    }

    fn cgroup_id(&self, path: &Path) -> Result<u64, Unavailable> {
        cgroup::id(path)
    }

    fn executables(&self, target: &str, pid: Option<u32>) -> Result<Vec<PathBuf>, Unavailable> {
        target::resolve(target, pid)
    }

    fn executable(&self, path: &Path) -> Result<Rc<dyn Executable>, Unavailable> {
        if let Some(known) = self.executables.borrow().get(path) {
            return Ok(known.clone());
        }
        let read: Rc<dyn Executable> = Rc::new(executable::ElfExecutable::open(path, &self.debug_directories)?);
        self.executables.borrow_mut().insert(path.to_owned(), read.clone());
        Ok(read)
    }

    fn usdt_notes(&self, path: &Path) -> Result<Vec<UsdtNote>, Unavailable> {
        usdt::read(path)
    }
}

/// Whether a name has wildcards.
fn is_pattern(name: &str) -> bool {
    name.contains(['*', '?', '['])
}

#[cfg(test)]
mod tests;
