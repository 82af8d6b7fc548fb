//! Paths of control groups by id, which is the inode number of the group's directory.
//!
//! The hierarchies are walked when an id is not known yet, so a path is found while its group exists.

use lancet_kernel::wildcard_matches;
use rustc_hash::FxHashMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Hierarchies and the paths found so far.
#[derive(Default)]
pub struct Cgroups {
    hierarchies: Option<Vec<Hierarchy>>,
}

struct Hierarchy {
    /// `unified` for version 2, else the name of the mount point's directory.
    name: String,
    root: PathBuf,
    paths: FxHashMap<u64, String>,
}

impl Cgroups {
    /// Appends `hierarchy:path` for each hierarchy that the wildcard lets through, with commas between.
    pub fn write_path(&mut self, out: &mut Vec<u8>, id: u64, filter: &str) {
        let hierarchies = self
            .hierarchies
            .get_or_insert_with(|| parse_mounts(&std::fs::read_to_string("/proc/self/mounts").unwrap_or_default()));
        let start = out.len();
        for hierarchy in hierarchies {
            if !filter.is_empty() && !wildcard_matches(filter, &hierarchy.name) {
                continue;
            }
            if let Some(path) = hierarchy.path(id) {
                let separator = if out.len() > start { "," } else { "" };
                out.extend_from_slice(separator.as_bytes());
                out.extend_from_slice(path.as_bytes());
            }
        }
    }
}

impl Hierarchy {
    /// `name:path` of the group with an id.
    fn path(&mut self, id: u64) -> Option<&str> {
        if !self.paths.contains_key(&id) {
            let root = self.root.clone();
            self.walk(&root);
        }
        self.paths.get(&id).map(String::as_str)
    }

    fn walk(&mut self, directory: &Path) {
        let Ok(metadata) = directory.metadata() else { return };
        let below = directory.strip_prefix(&self.root).unwrap_or(directory);
        self.paths.insert(metadata.ino(), format!("{}:/{}", self.name, below.display()));
        let Ok(entries) = directory.read_dir() else { return };
        for entry in entries.flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                self.walk(&entry.path());
            }
        }
    }
}

/// The hierarchies of a table of mounts: version 2 first, then version 1 by name.
fn parse_mounts(text: &str) -> Vec<Hierarchy> {
    let mut hierarchies: Vec<(bool, Hierarchy)> = Vec::new();
    for line in text.lines() {
        let mut fields = line.split(' ');
        let (Some(_), Some(root), Some(kind)) = (fields.next(), fields.next(), fields.next()) else { continue };
        let root = PathBuf::from(root);
        let name = match kind {
            "cgroup2" => "unified".to_owned(),
            "cgroup" => root.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            _ => continue,
        };
        hierarchies.push((kind == "cgroup", Hierarchy { name, root, paths: FxHashMap::default() }));
    }
    hierarchies.sort_by(|a, b| (a.0, &a.1.name, &a.1.root).cmp(&(b.0, &b.1.name, &b.1.root)));
    // A hierarchy may be mounted at several places.
    hierarchies.dedup_by(|a, b| (a.0, &a.1.name) == (b.0, &b.1.name));
    hierarchies.into_iter().map(|(_, hierarchy)| hierarchy).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_2_comes_first() {
        let mounts = "cgroup /sys/fs/cgroup/memory cgroup rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n\
                      cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw 0 0\ncgroup2 /sys/fs/cgroup cgroup2 rw 0 0\n\
                      cgroup2 /elsewhere cgroup2 ro 0 0\n";
        let names: Vec<String> = parse_mounts(mounts).into_iter().map(|hierarchy| hierarchy.name).collect();
        assert_eq!(names, ["unified", "cpu,cpuacct", "memory"]);
    }

    #[test]
    fn a_group_is_found_by_the_inode_of_its_directory() {
        let root = std::env::temp_dir().join(format!("lancet-cgroups-{}", std::process::id()));
        let group = root.join("system.slice/one");
        std::fs::create_dir_all(&group).expect("directories");
        let id = |path: &Path| path.metadata().expect("metadata").ino();
        let hierarchy = Hierarchy { name: "unified".into(), root: root.clone(), paths: FxHashMap::default() };
        let mut cgroups = Cgroups { hierarchies: Some(vec![hierarchy]) };
        let mut path = |id, filter| {
            let mut out = Vec::new();
            cgroups.write_path(&mut out, id, filter);
            String::from_utf8(out).expect("text")
        };
        assert_eq!(path(id(&group), ""), "unified:/system.slice/one");
        assert_eq!(path(id(&root), "uni*"), "unified:/");
        assert_eq!(path(id(&group), "memory"), "");
        assert_eq!(path(u64::MAX, ""), "");
        std::fs::remove_dir_all(&root).expect("removed");
    }
}
