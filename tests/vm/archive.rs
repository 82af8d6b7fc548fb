//! Writes a newc cpio archive, the form of an initramfs.
//!
//! Directories above an entry are made on the way. Everything belongs to root. No hard links, no times.

use std::collections::BTreeSet;

/// An archive in memory.
#[derive(Default)]
pub struct Archive {
    bytes: Vec<u8>,
    made: BTreeSet<String>,
    count: u32,
}

impl Archive {
    /// Adds a directory and those above it.
    pub fn directory(&mut self, path: &str) {
        let path = path.trim_matches('/');
        if path.is_empty() || !self.made.insert(path.to_owned()) {
            return;
        }
        if let Some((above, _)) = path.rsplit_once('/') {
            self.directory(above);
        }
        self.entry(path, 0o040755, &[], (0, 0));
    }

    /// Adds a file; `executable` says whether it can be run.
    pub fn file(&mut self, path: &str, content: &[u8], executable: bool) {
        self.leaf(path, if executable { 0o100755 } else { 0o100644 }, content);
    }

    /// Adds a symbolic link.
    pub fn link(&mut self, path: &str, target: &str) {
        self.leaf(path, 0o120777, target.as_bytes());
    }

    /// Ends the archive.
    pub fn finish(mut self) -> Vec<u8> {
        self.directory("dev");
        self.entry("dev/console", 0o020600, &[], (5, 1));
        self.entry("TRAILER!!!", 0, &[], (0, 0));
        self.bytes
    }

    fn leaf(&mut self, path: &str, mode: u32, content: &[u8]) {
        let path = path.trim_matches('/');
        if self.made.insert(path.to_owned()) {
            if let Some((above, _)) = path.rsplit_once('/') {
                self.directory(above);
            }
            self.entry(path, mode, content, (0, 0));
        }
    }

    fn entry(&mut self, path: &str, mode: u32, content: &[u8], device: (u32, u32)) {
        self.count += 1;
        let size = u32::try_from(content.len()).unwrap_or(u32::MAX);
        let name = u32::try_from(path.len() + 1).unwrap_or(u32::MAX);
        let fields = [self.count, mode, 0, 0, 1, 0, size, 0, 0, device.0, device.1, name, 0];
        self.bytes.extend(b"070701");
        fields.iter().for_each(|field| self.bytes.extend(format!("{field:08X}").bytes()));
        self.bytes.extend(path.bytes().chain([0]));
        self.align();
        self.bytes.extend(content);
        self.align();
    }

    fn align(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}
