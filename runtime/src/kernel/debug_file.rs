//! Debug information that was split off a program: found by its build id, or by the name that the program says.
//!
//! Invariant: a file that does not belong to the program is passed over: its build id must be the same; without one, its
//! checksum must be what the program says.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use object::Object;

/// Where distributions put split debug information.
const SYSTEM: &str = "/usr/lib/debug";

/// The file of separate debug information of the program at `path`, from its bytes. `directories` come before the usual.
pub(super) fn find(path: &Path, program: &object::File<'_>, directories: &[PathBuf]) -> Option<PathBuf> {
    let beside = path.parent().unwrap_or(Path::new(""));
    // Relative directories count from the program's.
    let given = directories.iter().map(|directory| beside.join(directory));
    // A program in a container has its debug information there.
    let root = container_root(path);
    let in_container = root.iter().map(|root| root.join(&SYSTEM[1..]));
    let directories: Vec<PathBuf> = given.chain(in_container).chain([PathBuf::from(SYSTEM)]).collect();
    let installed = root.as_deref().and_then(|root| beside.strip_prefix(root).ok()).unwrap_or(beside);
    let build_id = program.build_id().ok().flatten().filter(|id| id.len() > 1);
    let by_build_id = build_id.into_iter().flat_map(|id| {
        let name: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
        let name = format!(".build-id/{}/{}.debug", &name[..2], &name[2..]);
        directories.iter().map(move |directory| directory.join(&name)).collect::<Vec<_>>()
    });
    let by_build_id = by_build_id.filter(|found| found.is_file() && belongs(found, build_id, None));
    let by_name = names(path, program).into_iter().flat_map(|(name, checksum)| {
        let absolute = installed.strip_prefix("/").unwrap_or(installed);
        let below =
            directories.iter().flat_map(|directory| [directory.join(absolute).join(&name), directory.join(&name)]);
        let places = [beside.join(&name), beside.join(".debug").join(&name)];
        let all: Vec<PathBuf> = places.into_iter().chain(below).collect();
        all.into_iter().filter(move |found| found.is_file() && found != path && belongs(found, build_id, checksum))
    });
    by_build_id.chain(by_name).next()
}

/// `/proc/PID/root` of a path below it.
pub(super) fn container_root(path: &Path) -> Option<PathBuf> {
    let mut parts = path.iter();
    let root: PathBuf = parts.by_ref().take(4).collect();
    (root.starts_with("/proc") && root.ends_with("root")).then_some(root)
}

/// What the file may be called: as the program says, with a checksum, or as is usual.
fn names(path: &Path, program: &object::File<'_>) -> Vec<(String, Option<u32>)> {
    let link = program.gnu_debuglink().ok().flatten();
    let link = link.map(|(name, checksum)| (String::from_utf8_lossy(name).into_owned(), Some(checksum)));
    let usual = path.file_name().map(|name| (format!("{}.debug", name.to_string_lossy()), None));
    link.into_iter().chain(usual).collect()
}

/// Whether a file is the debug information of the program with that build id or, failing that, has the checksum.
fn belongs(path: &Path, build_id: Option<&[u8]>, checksum: Option<u32>) -> bool {
    let Some(file) = super::executable::map(path).ok() else { return false };
    let Ok(parsed) = object::File::parse(&*file) else { return false };
    match (build_id, parsed.build_id().ok().flatten(), checksum) {
        (Some(wanted), Some(found), _) => wanted == found,
        (_, _, Some(wanted)) => checksum_of(path) == Some(wanted),
        (Some(_) | None, _, None) => false,
    }
}

/// The CRC-32 of a file, as `objcopy --add-gnu-debuglink` writes it.
fn checksum_of(path: &Path) -> Option<u32> {
    let table: Vec<u32> = (0..256u32)
        .map(|byte| (0..8).fold(byte, |value, _| if value & 1 == 1 { 0xedb8_8320 ^ (value >> 1) } else { value >> 1 }))
        .collect();
    let mut file = File::open(path).ok()?;
    let mut buffer = vec![0; 1 << 16];
    let mut checksum = u32::MAX;
    loop {
        let length = file.read(&mut buffer).ok()?;
        if length == 0 {
            return Some(!checksum);
        }
        for byte in &buffer[..length] {
            checksum = table[usize::from(checksum as u8 ^ byte)] ^ (checksum >> 8);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_has_its_own_debug_files() {
        assert_eq!(container_root(Path::new("/proc/12/root/usr/bin/app")), Some("/proc/12/root".into()));
        assert_eq!(container_root(Path::new("/usr/bin/app")), None);
        assert_eq!(container_root(Path::new("/proc/12/exe")), None);
    }
}
