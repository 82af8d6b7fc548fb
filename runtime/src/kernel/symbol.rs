//! /proc/kallsyms: addresses and names of the kernel's symbols. Lines are `address type name [module]`.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};

use lancet_kernel::KernelFunction;

/// The address of a symbol; `None` when it does not exist or addresses are hidden from us.
pub(super) fn address(name: &str) -> Option<u64> {
    let mut lines = BufReader::with_capacity(1 << 16, File::open("/proc/kallsyms").ok()?);
    let mut line = String::new();
    // The kernel makes these lines up as they are read: stop at the first that fits.
    while lines.read_line(&mut line).ok()? > 0 {
        let (address, _, found, _) = parse(&line)?;
        if found == name {
            return (address != 0).then_some(address);
        }
        line.clear();
    }
    None
}

/// The whole table as text.
pub(super) fn table() -> Option<String> {
    fs::read_to_string("/proc/kallsyms").ok().filter(|text| !text.is_empty())
}

/// The function that a line tells of. Names with a dot are parts of functions that the compiler split off.
pub(super) fn function(line: &str) -> Option<KernelFunction> {
    let (_, kind, name, module) = parse(line)?;
    let is_code = matches!(kind, "t" | "T" | "w" | "W");
    let attachable = is_code && !name.contains('.') && module != "bpf" && !module.starts_with("__builtin");
    attachable.then(|| KernelFunction { module: module.to_owned(), name: name.to_owned() })
}

fn parse(line: &str) -> Option<(u64, &str, &str, &str)> {
    let mut words = line.split_ascii_whitespace();
    let address = u64::from_str_radix(words.next()?, 16).ok()?;
    let (kind, name) = (words.next()?, words.next()?);
    let module = words.next().map_or("vmlinux", |word| word.trim_matches(['[', ']']));
    Some((address, kind, name, module))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_kallsyms() {
        let name = |line| function(line).map(|function| format!("{}:{}", function.module, function.name));
        assert_eq!(name("ffffffff81000000 T vfs_read").as_deref(), Some("vmlinux:vfs_read"));
        assert_eq!(name("ffffffffc0000000 t ext4_sync_file\t[ext4]").as_deref(), Some("ext4:ext4_sync_file"));
        assert_eq!(name("ffffffff81000000 t vfs_read.cold"), None);
        assert_eq!(name("ffffffff82000000 D jiffies"), None);
        assert_eq!(name("ffffffffc0001000 t bpf_prog_1234_x [bpf]"), None);
        assert_eq!(name("broken"), None);
    }
}
