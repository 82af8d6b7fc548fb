//! Libraries inside zip archives, as Android packages have them: `ARCHIVE!/MEMBER`.
//!
//! Invariant: only what is stored as it is can be run where it lies, and so be traced; damaged archives have no members.
//! Source: PKWARE's APPNOTE.TXT 6.3, sections 4.3.7, 4.3.12 and 4.3.16.

use std::ops::Range;
use std::path::Path;

/// What separates the archive's path from its member's name.
const SEPARATOR: &str = "!/";

const END_OF_DIRECTORY: &[u8] = b"PK\x05\x06";
const DIRECTORY_ENTRY: &[u8] = b"PK\x01\x02";
const MEMBER: &[u8] = b"PK\x03\x04";

/// The end of the directory may be followed by a comment of at most this many bytes.
const LONGEST_COMMENT: usize = 0xffff;

/// The archive and the name of the member that a path leads to; nothing for other paths.
pub(crate) fn split(path: &Path) -> Option<(&Path, &str)> {
    let (archive, member) = path.to_str()?.split_once(SEPARATOR)?;
    // A file may be called like this.
    (!path.is_file()).then_some((Path::new(archive), member))
}

/// The file that holds what a path leads to: the archive, or the file itself.
pub(crate) fn file(path: &str) -> &str {
    split(Path::new(path)).and_then(|(archive, _)| archive.to_str()).unwrap_or(path)
}

/// Where in an archive's bytes a member is, or why it cannot be used.
pub(super) fn member(archive: &[u8], wanted: &str) -> Result<Range<usize>, String> {
    let not_there = || format!("the archive has no member {wanted}");
    for entry in directory(archive).ok_or("it is no zip archive")? {
        if entry.name != wanted.as_bytes() {
            continue;
        }
        if entry.is_compressed {
            return Err(format!("the member {wanted} is compressed: nothing runs it where it lies"));
        }
        return entry.range(archive).ok_or_else(not_there);
    }
    Err(not_there())
}

/// An entry of the directory.
struct Entry<'a> {
    name: &'a [u8],
    is_compressed: bool,
    size: usize,
    header: usize,
}

impl Entry<'_> {
    fn range(&self, archive: &[u8]) -> Option<Range<usize>> {
        let header = archive.get(self.header..)?;
        if !header.starts_with(MEMBER) {
            return None;
        }
        let start = self.header + 30 + short(header, 26)? + short(header, 28)?;
        let range = start..start.checked_add(self.size)?;
        archive.get(range.clone()).map(|_| range)
    }
}

fn directory(archive: &[u8]) -> Option<Vec<Entry<'_>>> {
    let earliest = archive.len().saturating_sub(LONGEST_COMMENT + 22);
    let last = archive[earliest..].windows(4).rposition(|window| window == END_OF_DIRECTORY)?;
    let end = &archive[earliest + last..];
    let (count, mut at) = (short(end, 10)?, long(end, 16)?);
    let mut entries = Vec::new();
    for _ in 0..count {
        let entry = archive.get(at..)?;
        if !entry.starts_with(DIRECTORY_ENTRY) {
            break;
        }
        let (name, extra, comment) = (short(entry, 28)?, short(entry, 30)?, short(entry, 32)?);
        entries.push(Entry {
            name: entry.get(46..46 + name)?,
            is_compressed: short(entry, 10)? != 0,
            size: long(entry, 20)?,
            header: long(entry, 42)?,
        });
        at += 46 + name + extra + comment;
    }
    Some(entries)
}

fn short(bytes: &[u8], at: usize) -> Option<usize> {
    Some(usize::from(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?)))
}

fn long(bytes: &[u8], at: usize) -> Option<usize> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?) as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An archive with one member, whose header is at the start.
    fn archive(name: &str, method: u16, content: &[u8]) -> Vec<u8> {
        let name_length = (name.len() as u16).to_le_bytes();
        let size = (content.len() as u32).to_le_bytes();
        let mut bytes = [MEMBER, &[0; 22], &name_length, &[2, 0], name.as_bytes(), &[7, 7], content].concat();
        let directory = bytes.len() as u32;
        bytes.extend([DIRECTORY_ENTRY, &[0; 6], &method.to_le_bytes(), &[0; 8], &size, &size].concat());
        bytes.extend([&name_length[..], &[0; 16], name.as_bytes()].concat());
        bytes.extend([END_OF_DIRECTORY, &[0; 4], &[1, 0, 1, 0], &[0; 4], &directory.to_le_bytes(), &[0; 2]].concat());
        bytes
    }

    #[test]
    fn stored_members_are_found() {
        let bytes = archive("lib/a.so", 0, b"\x7fELF");
        assert_eq!(member(&bytes, "lib/a.so").map(|range| &bytes[range]), Ok(&b"\x7fELF"[..]));
        assert!(member(&bytes, "lib/b.so").is_err_and(|why| why.contains("no member")));
        let bytes = archive("lib/a.so", 8, b"\x7fELF");
        assert!(member(&bytes, "lib/a.so").is_err_and(|why| why.contains("compressed")));
        assert!(member(b"\x7fELF", "lib/a.so").is_err());
    }

    #[test]
    fn damaged_archives_have_no_members_or_others() {
        let bytes = archive("lib/a.so", 0, b"\x7fELF");
        for at in 0..bytes.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut damaged = bytes.clone();
                damaged[at] = value;
                let found = member(&damaged, "lib/a.so");
                assert!(found.is_err() || found.is_ok_and(|range| damaged.get(range).is_some()));
            }
        }
        // Behind its place in the directory, the length of a comment is all that follows.
        for length in 0..bytes.len() - 6 {
            assert!(member(&bytes[..length], "lib/a.so").is_err());
        }
    }
}
