//! A machine in a file: what [`capture`] saw of one [`Kernel`], served as another. For tests without root and for
//! compiling for another machine.
//!
//! Invariant: what was not captured is absent, as if the machine did not have it; nothing is asked of the machine that the
//! process runs on.

mod cut;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde::{Deserialize, Serialize};

use crate::btf::{Btf, NameKind, TypeId};
use crate::tracepoint::TracepointFormat;
use crate::{Executable, Features, Kernel, KernelFunction, Symbol, Unavailable, Version, wildcard_matches};

/// The first bytes of a file; the number changes with the format.
const MAGIC: &[u8] = b"lancet capture 2\n";

/// What is known of a machine.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Capture {
    /// The kernel's version.
    pub version: Version,
    /// What its BPF can do.
    pub features: Features,
    /// Number of possible CPUs.
    pub possible_cpus: u32,
    /// Its BTF, whole or cut down; empty if it has none.
    pub btf: Vec<u8>,
    /// Tracepoints: category, event, format; sorted.
    pub tracepoints: Vec<(String, String, TracepointFormat)>,
    /// Raw tracepoints: module and name, sorted.
    pub raw_tracepoints: Vec<(String, String)>,
    /// Traceable functions, sorted.
    pub functions: Vec<KernelFunction>,
    /// Programs and libraries.
    pub executables: Vec<CapturedExecutable>,
    /// See [`Kernel::identity`].
    pub identity: String,
}

/// A program or library without its code.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct CapturedExecutable {
    /// Where it is.
    pub path: PathBuf,
    /// Its functions, sorted by name.
    pub functions: Vec<Symbol>,
    /// Its executable segments: address, size, offset in the file.
    pub segments: Vec<(u64, u64, u64)>,
}

/// What to capture of a machine. Names are patterns, except those of types and enumerators.
#[derive(Clone, Default, Debug)]
pub struct Wanted {
    /// The types to keep, and what they are made of; `None` for all.
    pub types: Option<Vec<(NameKind, String)>>,
    /// The enums to keep, by one of their enumerators each.
    pub enumerators: Vec<String>,
    /// How many pointers to structs are followed from the wanted types before a struct is declared only.
    pub pointers: u32,
    /// Tracepoints: category and event.
    pub tracepoints: Vec<(String, String)>,
    /// Raw tracepoints.
    pub raw_tracepoints: Vec<String>,
    /// Functions, of any module. Their prototypes are kept.
    pub functions: Vec<String>,
}

impl Wanted {
    /// All of a machine's kernel.
    pub fn everything() -> Self {
        Self {
            tracepoints: vec![("*".to_owned(), "*".to_owned())],
            raw_tracepoints: vec!["*".to_owned()],
            functions: vec!["*".to_owned()],
            ..Self::default()
        }
    }
}

/// Looks at a machine. What is wanted but does not exist there is an error; executables are for the caller to add.
pub fn capture(kernel: &dyn Kernel, wanted: &Wanted) -> Result<Capture, Unavailable> {
    let mut tracepoints = Vec::new();
    for (category, event) in &wanted.tracepoints {
        for (category, event) in found(kernel.tracepoints(category, event)?, &format!("{category}:{event}"))? {
            let format = kernel.tracepoint(&category, &event)?;
            tracepoints.push((category, event, format));
        }
    }
    tracepoints.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
    tracepoints.dedup_by(|a, b| (&a.0, &a.1) == (&b.0, &b.1));
    let mut raw_tracepoints = Vec::new();
    for pattern in &wanted.raw_tracepoints {
        raw_tracepoints.extend(found(kernel.raw_tracepoints(pattern)?, pattern)?);
    }
    raw_tracepoints.sort();
    raw_tracepoints.dedup();
    let mut functions = Vec::new();
    for pattern in &wanted.functions {
        functions.extend(found(kernel.functions("*", pattern)?, pattern)?);
    }
    functions.sort();
    functions.dedup();
    Ok(Capture {
        version: kernel.version(),
        features: *kernel.features(),
        possible_cpus: kernel.possible_cpus(),
        btf: types(kernel, wanted, &raw_tracepoints, &functions)?,
        tracepoints,
        raw_tracepoints,
        functions,
        executables: Vec::new(),
        identity: kernel.identity().to_owned(),
    })
}

fn found<T>(list: Vec<T>, name: &str) -> Result<Vec<T>, Unavailable> {
    if list.is_empty() { Err(Unavailable::Missing(format!("{name} does not exist"))) } else { Ok(list) }
}

fn types(
    kernel: &dyn Kernel,
    wanted: &Wanted,
    raw_tracepoints: &[(String, String)],
    functions: &[KernelFunction],
) -> Result<Vec<u8>, Unavailable> {
    let Some(btf) = kernel.btf() else { return Ok(Vec::new()) };
    let Some(names) = &wanted.types else { return Ok(btf.bytes().to_vec()) };
    let missing = |name: &str| Unavailable::Missing(format!("type {name} does not exist"));
    let mut roots: Vec<TypeId> = Vec::new();
    for (kind, name) in names {
        roots.push(btf.find(name, *kind).ok_or_else(|| missing(name))?);
    }
    for name in &wanted.enumerators {
        roots.push(btf.enumerator(name).ok_or_else(|| missing(name))?.0);
    }
    // Functions and tracepoints of modules have their types elsewhere.
    let handlers = raw_tracepoints.iter().map(|(_, name)| (NameKind::Type, format!("btf_trace_{name}")));
    let prototypes = functions.iter().map(|function| (NameKind::Function, function.name.clone()));
    roots.extend(handlers.chain(prototypes).filter_map(|(kind, name)| btf.find(&name, kind)));
    Ok(cut::cut(btf, &roots, wanted.pointers))
}

impl Capture {
    /// The file.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        // Writing to memory cannot fail, and no type here refuses to be written.
        bytes.extend(postcard::to_allocvec(self).unwrap_or_default());
        bytes
    }

    /// Reads a file.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Unavailable> {
        let malformed = |why: &str| Unavailable::Malformed(format!("the captured kernel is {why}"));
        let data =
            bytes.strip_prefix(MAGIC).ok_or_else(|| malformed("no capture, or one of another version of lancet"))?;
        postcard::from_bytes(data).map_err(|error| malformed(&format!("damaged: {error}")))
    }
}

/// A captured machine, as a machine to compile for.
pub struct CapturedKernel {
    capture: Capture,
    btf: Option<Rc<Btf>>,
    executables: Vec<Rc<CapturedExecutable>>,
}

impl CapturedKernel {
    /// The machine of a capture. Fails if its BTF is damaged.
    pub fn new(mut capture: Capture) -> Result<Self, Unavailable> {
        let bytes = std::mem::take(&mut capture.btf);
        let btf = if bytes.is_empty() { None } else { Some(Rc::new(Btf::parse(Rc::new(bytes), None)?)) };
        let executables = std::mem::take(&mut capture.executables).into_iter().map(Rc::new).collect();
        Ok(Self { capture, btf, executables })
    }

    /// The machine of a file's bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Unavailable> {
        Self::new(Capture::from_bytes(bytes)?)
    }

    /// The same machine without one of [`Features::NAMES`]; `None` if there is no such feature.
    pub fn without_feature(mut self, name: &str) -> Option<Self> {
        self.capture.features.disable(name).then_some(self)
    }
}

impl Kernel for CapturedKernel {
    fn version(&self) -> Version {
        self.capture.version
    }

    fn identity(&self) -> &str {
        &self.capture.identity
    }

    fn features(&self) -> &Features {
        &self.capture.features
    }

    fn possible_cpus(&self) -> u32 {
        self.capture.possible_cpus
    }

    fn btf(&self) -> Option<&Btf> {
        self.btf.as_deref()
    }

    fn module_btf(&self, module: &str) -> Option<Rc<Btf>> {
        if module == "vmlinux" { self.btf.clone() } else { None }
    }

    fn tracepoint(&self, category: &str, event: &str) -> Result<TracepointFormat, Unavailable> {
        let known = self.capture.tracepoints.iter().find(|known| known.0 == category && known.1 == event);
        let missing = || Unavailable::Missing(format!("tracepoint {category}:{event} does not exist"));
        known.map(|(_, _, format)| format.clone()).ok_or_else(missing)
    }

    fn tracepoints(&self, category: &str, event: &str) -> Result<Vec<(String, String)>, Unavailable> {
        let names = self.capture.tracepoints.iter().map(|known| (known.0.clone(), known.1.clone()));
        Ok(names.filter(|known| wildcard_matches(category, &known.0) && wildcard_matches(event, &known.1)).collect())
    }

    fn raw_tracepoints(&self, pattern: &str) -> Result<Vec<(String, String)>, Unavailable> {
        let known = self.capture.raw_tracepoints.iter();
        Ok(known.filter(|(_, name)| wildcard_matches(pattern, name)).cloned().collect())
    }

    fn functions(&self, module: &str, pattern: &str) -> Result<Vec<KernelFunction>, Unavailable> {
        let matches =
            |known: &&KernelFunction| wildcard_matches(module, &known.module) && wildcard_matches(pattern, &known.name);
        Ok(self.capture.functions.iter().filter(matches).cloned().collect())
    }

    fn symbol_address(&self, _: &str) -> Option<u64> {
        // Another machine, or the same one after a reboot, has others.
        None
    }

    fn executables(&self, target: &str, _: Option<u32>) -> Result<Vec<PathBuf>, Unavailable> {
        let named = self.executables.iter().filter(|known| known.is_named(target));
        found(named.map(|known| known.path.clone()).collect(), target)
    }

    fn executable(&self, path: &Path) -> Result<Rc<dyn Executable>, Unavailable> {
        match self.executables.iter().find(|known| known.path == path) {
            Some(known) => Ok(known.clone()),
            None => Err(Unavailable::Missing(format!("{}: no such file", path.display()))),
        }
    }
}

impl CapturedExecutable {
    /// By its path, or a pattern of it; by its file name; a library also without `lib` and `.so`.
    fn is_named(&self, target: &str) -> bool {
        let path = self.path.to_string_lossy();
        if target.contains('/') {
            return wildcard_matches(target, &path);
        }
        let file = path.rsplit('/').next().unwrap_or_default();
        let library = file.split_once(".so").map(|(stem, _)| stem);
        wildcard_matches(target, file)
            || library.is_some_and(|stem| stem == target || stem.strip_prefix("lib") == Some(target))
    }
}

impl Executable for CapturedExecutable {
    fn functions(&self) -> &[Symbol] {
        &self.functions
    }

    fn file_offset(&self, address: u64) -> Option<u64> {
        self.segments.iter().find_map(|(start, size, offset)| {
            let within = address.checked_sub(*start)?;
            if within < *size { offset.checked_add(within) } else { None }
        })
    }
}
