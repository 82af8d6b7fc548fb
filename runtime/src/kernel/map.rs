//! BTF blobs of the running kernel and its modules, mapped where the kernel lets them be mapped (6.15), else read.

use std::fs::{self, File};
use std::path::Path;
use std::rc::Rc;

use lancet_kernel::btf::{Btf, Bytes};

const DIRECTORY: &str = "/sys/kernel/btf";

/// The BTF of a module, or of `vmlinux`. Damaged or unreadable is the same as absent: the compiler does without.
pub(super) fn btf(module: &str, base: Option<Rc<Btf>>) -> Option<Btf> {
    if module.contains('/') {
        return None;
    }
    Btf::parse(bytes(&Path::new(DIRECTORY).join(module))?, base).ok()
}

/// The modules that have BTF, sorted.
pub(super) fn modules() -> Vec<String> {
    let Ok(entries) = fs::read_dir(DIRECTORY) else { return Vec::new() };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut modules: Vec<String> = names.filter(|name| name != "vmlinux").collect();
    modules.sort();
    modules
}

fn bytes(path: &Path) -> Option<Bytes> {
    let file = File::open(path).ok()?;
    // Only private mappings are allowed.
    // SAFETY: the kernel never changes these bytes, and keeps the pages while they are mapped.
    match unsafe { memmap2::MmapOptions::new().map_copy_read_only(&file) } {
        Ok(mapped) => Some(Rc::new(mapped)),
        Err(_) => Some(Rc::new(fs::read(path).ok()?)),
    }
}
