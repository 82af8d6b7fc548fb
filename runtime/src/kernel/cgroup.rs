//! Ids of control groups: the inode numbers of their directories.

use lancet_kernel::Unavailable;
use std::ffi::CString;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// CGROUP2_SUPER_MAGIC (include/uapi/linux/magic.h).
const CGROUP2: i64 = 0x6367_7270;

/// The id of the control group (version 2) whose directory that is.
pub(super) fn id(path: &Path) -> Result<u64, Unavailable> {
    let shown = path.display();
    let metadata = std::fs::metadata(path)
        .map_err(|error| Unavailable::Missing(format!("{shown}: {}", lancet_kernel::name::error(number(&error)))))?;
    if file_system(path) != Some(CGROUP2) {
        return Err(Unavailable::Malformed(format!("{shown} is no directory of a cgroup2 file system")));
    }
    Ok(metadata.ino())
}

fn number(error: &std::io::Error) -> i32 {
    error.raw_os_error().unwrap_or(libc::EIO)
}

/// The type of the file system that a file is on.
fn file_system(path: &Path) -> Option<i64> {
    let path = CString::new(path.as_os_str().as_bytes()).ok()?;
    let mut found = MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: the path ends with a NUL; the kernel fills the whole structure when it says that all went well.
    let found = unsafe { (libc::statfs(path.as_ptr(), found.as_mut_ptr()) == 0).then(|| found.assume_init()) };
    Some(found?.f_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_directories_are_no_control_groups() {
        assert!(matches!(id(Path::new("/proc")), Err(Unavailable::Malformed(_))));
        assert!(matches!(id(Path::new("/no/such/directory")), Err(Unavailable::Missing(_))));
    }
}
