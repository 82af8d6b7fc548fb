//! Shared libraries by name, as the dynamic linker finds them: /etc/ld.so.cache (glibc), else the usual directories.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

/// The file of the library that `name` names, below `root` (empty: our own).
pub(super) fn find(root: &Path, name: &str) -> Option<PathBuf> {
    let place = |path: &str| root_join(root, path);
    let cache = fs::read(place("/etc/ld.so.cache")).unwrap_or_default();
    let cached = entries(&cache).filter(|(soname, _)| names(name, soname)).map(|(_, path)| place(path));
    cached.chain(in_directories(root, name)).find(|path| is_native(path))
}

/// Whether a file's name is the library's: `libc`, `c`, `libc.so` and `libc.so.6` all name `libc.so.6`.
pub(super) fn names(name: &str, file: &str) -> bool {
    let versions_of = |stem: &str| {
        file.strip_prefix(stem).is_some_and(|rest| rest.is_empty() || rest.starts_with('.') || rest.starts_with(".so"))
    };
    if name.contains(".so") {
        return versions_of(name);
    }
    let plain = |stem: &str| file.strip_prefix(stem).is_some_and(|rest| rest == ".so" || rest.starts_with(".so."));
    plain(name) || plain(&format!("lib{name}"))
}

/// The cache's pairs of soname and path. Only the format that glibc 2.2 brought is read; before it may stand an older one.
fn entries(cache: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    const MAGIC: &[u8] = b"glibc-ld.so.cache1.1";
    const HEADER: usize = 48;
    const ENTRY: usize = 24;
    let start = cache.windows(MAGIC.len()).position(|window| window == MAGIC);
    let table = start.map_or(&[][..], |start| &cache[start..]);
    let word = |offset: usize| Some(u32::from_le_bytes(table.get(offset..offset + 4)?.try_into().ok()?) as usize);
    let string = move |offset: usize| {
        let tail = table.get(offset..)?;
        std::str::from_utf8(&tail[..tail.iter().position(|byte| *byte == 0)?]).ok()
    };
    let count = word(MAGIC.len()).unwrap_or(0).min(table.len() / ENTRY);
    (0..count).filter_map(move |index| {
        let entry = HEADER + index * ENTRY;
        Some((string(word(entry + 4)?)?, string(word(entry + 8)?)?))
    })
}

fn in_directories(root: &Path, name: &str) -> impl Iterator<Item = PathBuf> {
    let directories = [
        "/lib64",
        "/usr/lib64",
        "/lib/x86_64-linux-gnu",
        "/usr/lib/x86_64-linux-gnu",
        "/lib/aarch64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
        "/lib",
        "/usr/lib",
        "/usr/local/lib",
    ];
    let listed = directories.into_iter().filter_map(move |directory| fs::read_dir(root_join(root, directory)).ok());
    listed.flat_map(|entries| entries.filter_map(Result::ok)).filter_map(move |entry| {
        let file = entry.file_name().into_string().ok()?;
        names(name, &file).then(|| entry.path())
    })
}

/// A 64-bit ELF file of this machine's processor; the cache also lists 32-bit libraries.
fn is_native(path: &Path) -> bool {
    const X86_64: u8 = 62;
    const AARCH64: u8 = 183;
    let machine = if cfg!(target_arch = "aarch64") { AARCH64 } else { X86_64 };
    let mut header = [0; 20];
    // To open a named pipe would be to wait for who writes to it.
    path.is_file()
        && File::open(path).and_then(|mut file| file.read_exact(&mut header)).is_ok()
        && header.starts_with(b"\x7fELF\x02")
        && header[18] == machine
}

fn root_join(root: &Path, path: &str) -> PathBuf {
    if root.as_os_str().is_empty() { path.into() } else { root.join(path.trim_start_matches('/')) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_has_several_names() {
        for (name, file, expected) in [
            ("libc", "libc.so.6", true),
            ("c", "libc.so.6", true),
            ("libc.so.6", "libc.so.6", true),
            ("libc.so", "libc.so.6", true),
            ("stdc++", "libstdc++.so.6", true),
            ("libc", "libcrypt.so.1", false),
            ("libc.so.6", "libc.so.60", false),
            ("libc", "libc_malloc_debug.so.0", false),
        ] {
            assert_eq!(names(name, file), expected, "{name} for {file}");
        }
    }

    #[test]
    fn a_damaged_cache_has_no_entries() {
        let mut cache = b"glibc-ld.so.cache1.1".to_vec();
        cache.extend([0xff; 100]);
        assert_eq!(entries(&cache).count(), 0);
        assert_eq!(entries(b"").count(), 0);
    }
}
