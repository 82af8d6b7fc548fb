//! The list of all traceable kernel functions: the function tracer's, or where it may not be read, what BTF and kallsyms
//! both list. Tens of milliseconds: only wildcards and names that BTF lacks need it.

use std::io::Read;
use std::path::Path;

use lancet_kernel::btf::{Btf, NameKind};
use lancet_kernel::{KernelFunction, Unavailable, wildcard_matches};
use rustc_hash::FxHashSet;

use super::symbol;
use super::tracefs::Tracefs;

/// Traceable functions, sorted, each once.
pub(super) struct FunctionList {
    functions: Vec<KernelFunction>,
}

impl FunctionList {
    /// Reads the list from the file that the user gives, or from the best source that can be read.
    pub fn read(file: Option<&Path>, tracefs: Option<&Tracefs>, btf: Option<&Btf>) -> Result<Self, Unavailable> {
        let blacklist = tracefs.map(Tracefs::kprobe_blacklist).unwrap_or_default();
        let forbidden: FxHashSet<&str> = blacklist.lines().filter_map(|line| line.split_whitespace().nth(1)).collect();
        let given = file.and_then(|file| std::fs::read_to_string(file).ok());
        let mut functions = match given.or_else(|| tracefs.and_then(function_tracer)) {
            Some(text) => text.lines().filter_map(traced).collect(),
            None => from_symbols(btf)?,
        };
        functions.retain(|function| !forbidden.contains(function.name.as_str()));
        functions.sort_unstable();
        functions.dedup();
        Ok(Self { functions })
    }

    /// The functions whose module and name match.
    pub fn matching(&self, module: &str, pattern: &str) -> Vec<KernelFunction> {
        let matches = |function: &&KernelFunction| {
            wildcard_matches(pattern, &function.name) && wildcard_matches(module, &function.module)
        };
        self.functions.iter().filter(matches).cloned().collect()
    }
}

fn function_tracer(tracefs: &Tracefs) -> Option<String> {
    let mut text = String::new();
    tracefs.open_functions().ok()?.read_to_string(&mut text).ok()?;
    (!text.is_empty()).then_some(text)
}

/// One line of the function tracer's list: `name` or `name [module]`.
fn traced(line: &str) -> Option<KernelFunction> {
    let mut words = line.split_whitespace();
    let name = words.next()?;
    if name.starts_with("__ftrace_invalid_address___") {
        return None;
    }
    let module = words.next().map_or("vmlinux", |word| word.trim_matches(['[', ']']));
    Some(KernelFunction { module: module.to_owned(), name: name.to_owned() })
}

/// BTF knows what is a function that was not inlined everywhere; kallsyms, what exists under that name.
fn from_symbols(btf: Option<&Btf>) -> Result<Vec<KernelFunction>, Unavailable> {
    let text = symbol::table();
    let Some(btf) = btf else {
        let text = text.ok_or_else(|| {
            let why = "the kernel's functions cannot be listed: there is no BTF, and neither available_filter_functions \
                       nor /proc/kallsyms can be read";
            Unavailable::Denied(why.to_owned())
        })?;
        return Ok(text.lines().filter_map(symbol::function).collect());
    };
    let known: FxHashSet<&str> = btf.names(NameKind::Function).map(|(_, name)| name).collect();
    let Some(text) = text else {
        let own = |name: &&str| KernelFunction { module: "vmlinux".to_owned(), name: (*name).to_owned() };
        return Ok(known.iter().map(own).collect());
    };
    let in_btf = |function: &KernelFunction| function.module != "vmlinux" || known.contains(function.name.as_str());
    Ok(text.lines().filter_map(symbol::function).filter(in_btf).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_function_tracer() {
        let function = |module: &str, name: &str| KernelFunction { module: module.into(), name: name.into() };
        assert_eq!(traced("vfs_read"), Some(function("vmlinux", "vfs_read")));
        assert_eq!(traced("ext4_sync_file [ext4]"), Some(function("ext4", "ext4_sync_file")));
        assert_eq!(traced("__ftrace_invalid_address___64"), None);
        assert_eq!(traced(""), None);
    }
}
