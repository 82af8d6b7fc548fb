//! What a user-space probe's target names, as files: a path, a path with wildcards, a program on PATH, a library, all of
//! them as seen by the traced process where there is one.

use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use lancet_kernel::{Unavailable, wildcard_matches};

use super::{archive, is_pattern, library, path};

/// The files that `target` names; never empty.
pub(super) fn resolve(target: &str, pid: Option<u32>) -> Result<Vec<PathBuf>, Unavailable> {
    let root = pid.and_then(other_root).unwrap_or_default();
    if is_pattern(target) {
        let mapped = pid.map(|pid| mapped_files(pid, &root, target)).unwrap_or_default();
        return if mapped.is_empty() { expand(&root, target) } else { Ok(mapped) };
    }
    if target.contains('/') {
        return Ok(vec![checked(within(&root, Path::new(target)))?]);
    }
    if let Some(mapped) = pid.and_then(|pid| mapped_library(pid, target)) {
        return Ok(vec![checked(within(&root, &mapped))?]);
    }
    if Path::new(target).is_file() && root.as_os_str().is_empty() {
        return Ok(vec![checked(target.into())?]);
    }
    if let Some(program) = on_path(&root, target) {
        return Ok(vec![checked(program)?]);
    }
    if let Some(found) = library::find(&root, target) {
        return Ok(vec![found]);
    }
    Err(Unavailable::Missing(format!("{target}: no such program or library")))
}

/// ELF files only: wildcards also match what cannot be traced.
fn expand(root: &Path, pattern: &str) -> Result<Vec<PathBuf>, Unavailable> {
    let mut found = if pattern.contains('/') {
        path::expand(&within(root, Path::new(pattern)).to_string_lossy())
    } else {
        let directories = search_path();
        let patterns = directories.iter().map(|directory| within(root, &directory.join(pattern)));
        std::iter::once(PathBuf::from(pattern))
            .chain(patterns)
            .flat_map(|path| path::expand(&path.to_string_lossy()))
            .collect()
    };
    found.retain(|path| path.is_file() && is_elf(path));
    let mut seen = rustc_hash::FxHashSet::default();
    // /bin and /usr/bin are often the same directory.
    found.retain(|path| seen.insert(fs::canonicalize(path).unwrap_or_else(|_| path.clone())));
    if found.is_empty() {
        return Err(Unavailable::Missing(format!("no program or library matches {pattern}")));
    }
    Ok(found)
}

/// Where the process sees another file system than we do: the path to its root.
fn other_root(pid: u32) -> Option<PathBuf> {
    let namespace = |process: &str| fs::read_link(format!("/proc/{process}/ns/mnt")).ok();
    let theirs = namespace(&pid.to_string())?;
    let root = PathBuf::from(format!("/proc/{pid}/root"));
    let same_root = fs::read_link(&root).is_ok_and(|link| link == Path::new("/"));
    (Some(theirs) != namespace("self") || !same_root).then_some(root)
}

/// An absolute path seen from a root; /proc is ours in any case.
fn within(root: &Path, path: &Path) -> PathBuf {
    match path.strip_prefix("/") {
        Ok(inner) if !root.as_os_str().is_empty() && !path.starts_with("/proc") => root.join(inner),
        _ => path.to_owned(),
    }
}

/// The programs and libraries that the process runs and whose paths match.
fn mapped_files(pid: u32, root: &Path, pattern: &str) -> Vec<PathBuf> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap_or_default();
    let code = maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|flags| flags.contains('x')));
    let mut paths: Vec<&str> = code.filter_map(|line| line.find('/').map(|start| &line[start..])).collect();
    paths.sort_unstable();
    paths.dedup();
    let matching = paths.into_iter().filter(|path| wildcard_matches(pattern, path));
    matching.map(|path| within(root, Path::new(path))).filter(|path| path.is_file() && is_elf(path)).collect()
}

/// The file of a library that the process has mapped.
fn mapped_library(pid: u32, name: &str) -> Option<PathBuf> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
    let paths = maps.lines().filter_map(|line| line.find('/').map(|start| &line[start..]));
    let mut libraries = paths.filter(|path| path.rsplit('/').next().is_some_and(|file| library::names(name, file)));
    libraries.next().map(PathBuf::from)
}

fn search_path() -> Vec<PathBuf> {
    std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}

fn on_path(root: &Path, program: &str) -> Option<PathBuf> {
    let is_program = |path: &PathBuf| {
        fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
    };
    search_path().iter().map(|directory| within(root, &directory.join(program))).find(is_program)
}

/// The path, if there is something to trace.
fn checked(path: PathBuf) -> Result<PathBuf, Unavailable> {
    if let Some((archive, _)) = archive::split(&path)
        && archive.is_file()
    {
        // The member is looked for when its symbols are.
        return Ok(path);
    }
    let shown = path.display();
    match fs::metadata(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound || error.kind() == ErrorKind::NotADirectory => {
            return Err(Unavailable::Missing(format!("{shown}: no such file")));
        }
        Err(error) => return Err(Unavailable::Denied(format!("{shown} cannot be read: {error}"))),
        Ok(metadata) if metadata.is_dir() => {
            return Err(Unavailable::Malformed(format!("{shown} is a directory, not a program or library")));
        }
        // To open a named pipe would be to wait for who writes to it.
        Ok(metadata) if !metadata.is_file() => {
            return Err(Unavailable::Malformed(format!("{shown} is no program or library (no regular file)")));
        }
        Ok(_) => {}
    }
    if File::open(&path).is_err() {
        return Err(Unavailable::Denied(format!("{shown} cannot be read: permission denied")));
    }
    match magic(&path) {
        [0x7f, b'E', b'L', b'F'] => Ok(path),
        [b'#', b'!', ..] => Err(Unavailable::Malformed(format!("{shown} is a script: name its interpreter instead"))),
        _ => Err(Unavailable::Malformed(format!("{shown} is no program or library (no ELF file)"))),
    }
}

fn is_elf(path: &Path) -> bool {
    magic(path) == *b"\x7fELF"
}

/// The first four bytes, zero where the file has fewer.
fn magic(path: &Path) -> [u8; 4] {
    let mut magic = [0; 4];
    if let Ok(mut file) = File::open(path) {
        // A short file is no ELF file.
        let _ = file.read_exact(&mut magic);
    }
    magic
}
