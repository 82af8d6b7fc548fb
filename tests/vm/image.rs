//! Makes the initramfs of a virtual machine: programs and cases become one file.
//!
//! It holds a static busybox, lancet (static, its debug information stripped), this test program (static too), the C
//! library of this machine for the dynamically linked test programs, and the cases that are to run.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::archive::Archive;
use super::guest;
use crate::case::Case;
use crate::programs;
use crate::run::Place;

/// A built initramfs with a folder for what the machine writes.
pub struct Image {
    /// Holds the initramfs, the console and the messages.
    pub folder: PathBuf,
    /// The archive itself.
    pub initramfs: PathBuf,
}

/// What the machine does first.
const INIT: &str = include_str!("init.sh");
const RUNNER: &str = "/usr/bin/kernel-tests";

/// Builds the image for these cases.
pub fn build(place: &Place, cases: &[&Case]) -> Result<Image, String> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("vm");
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut archive = Archive::default();
    for path in ["proc", "sys", "dev", "tmp", "root", "run", "etc", "var/tmp"] {
        archive.directory(path);
    }
    add_busybox(&mut archive)?;
    add_file(&mut archive, &stripped(&place.lancet, &folder)?, guest::LANCET)?;
    let myself = std::env::current_exe().map_err(|error| error.to_string())?;
    add_file(&mut archive, &stripped(&myself, &folder)?, RUNNER)?;
    add_programs(&mut archive, &place.programs)?;
    add_c_library(&mut archive)?;
    for case in cases {
        add_file(&mut archive, &case.file, &format!("{}/{}.bt", guest::CASES, case.name))?;
    }
    archive.file("etc/passwd", b"root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n", false);
    archive.file("etc/group", b"root:x:0:\nnogroup:x:65534:\n", false);
    archive.file("etc/hostname", b"lancet\n", false);
    archive.file("init", INIT.as_bytes(), true);
    let initramfs = folder.join("initramfs");
    std::fs::write(&initramfs, archive.finish()).map_err(|error| format!("{}: {error}", initramfs.display()))?;
    Ok(Image { folder, initramfs })
}

/// Busybox with a link for each of its programs.
fn add_busybox(archive: &mut Archive) -> Result<(), String> {
    let missing = "a static busybox is needed (package busybox-static)";
    let path = ["/usr/bin/busybox", "/bin/busybox"].into_iter().find(|path| Path::new(path).exists()).ok_or(missing)?;
    add_file(archive, Path::new(path), "bin/busybox")?;
    let output = Command::new(path).arg("--list").output().map_err(|error| format!("busybox: {error}"))?;
    for applet in String::from_utf8_lossy(&output.stdout).lines().filter(|applet| *applet != "busybox") {
        archive.link(&format!("bin/{applet}"), "/bin/busybox");
    }
    Ok(())
}

fn add_programs(archive: &mut Archive, folder: &Path) -> Result<(), String> {
    let entries = std::fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        add_file(archive, &entry.path(), &format!("{}/{name}", programs::IN_GUEST))?;
    }
    Ok(())
}

/// The dynamic loader, its cache and the C library, at their usual places.
fn add_c_library(archive: &mut Archive) -> Result<(), String> {
    for path in ["/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/libc.so.6", "/etc/ld.so.cache"] {
        if Path::new(path).exists() {
            add_file(archive, Path::new(path), path)?;
        }
    }
    Ok(())
}

fn add_file(archive: &mut Archive, from: &Path, to: &str) -> Result<(), String> {
    let content = std::fs::read(from).map_err(|error| format!("{}: {error}", from.display()))?;
    archive.file(to, &content, true);
    Ok(())
}

/// A copy without debug information, which would only fill the machine's memory.
fn stripped(program: &Path, folder: &Path) -> Result<PathBuf, String> {
    let copy = folder.join(program.file_name().unwrap_or_default());
    let status = Command::new("strip").arg("-o").args([&copy, program]).status();
    match status {
        Ok(status) if status.success() => Ok(copy),
        _ => Ok(program.to_owned()),
    }
}
