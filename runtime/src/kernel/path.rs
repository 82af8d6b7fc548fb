//! Paths with wildcards, as a shell expands them.

use std::ffi::OsStr;
use std::fs;
use std::path::{Component, Path, PathBuf};

use lancet_kernel::wildcard_matches;

use super::is_pattern;

/// Existing paths that match, sorted. `*` does not match a leading dot, nor `/`.
pub(super) fn expand(pattern: &str) -> Vec<PathBuf> {
    let mut found = vec![PathBuf::new()];
    for component in Path::new(pattern).components() {
        found = match component {
            Component::Normal(name) if name.to_str().is_some_and(is_pattern) => {
                found.iter().flat_map(|directory| matching(directory, name)).collect()
            }
            _ => found.into_iter().map(|path| path.join(component)).collect(),
        };
    }
    found.retain(|path| path.exists());
    found.sort();
    found
}

fn matching(directory: &Path, pattern: &OsStr) -> Vec<PathBuf> {
    let pattern = pattern.to_str().unwrap_or_default();
    let listed = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let Ok(entries) = fs::read_dir(listed) else { return Vec::new() };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let visible = names.filter(|name| !name.starts_with('.') || pattern.starts_with('.'));
    visible.filter(|name| wildcard_matches(pattern, name)).map(|name| directory.join(name)).collect()
}
