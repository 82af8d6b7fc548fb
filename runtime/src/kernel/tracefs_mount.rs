//! Where tracefs is: mounted, or in a mount that only this process has.
//!
//! Containers and small systems leave tracefs unmounted. A mount that is attached nowhere (`fsmount(2)`, Linux 5.2) shows
//! the same files, changes nothing that others see, and is gone with the process.

use super::tracefs::closed;
use lancet_kernel::Unavailable;
use std::ffi::CStr;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Where distributions mount it.
const USUAL: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

/// Of linux/mount.h.
const FSCONFIG_CMD_CREATE: libc::c_uint = 6;

/// The folder that has `events`; looked for once.
pub fn root() -> Result<&'static Path, Unavailable> {
    static ROOT: OnceLock<Result<PathBuf, Unavailable>> = OnceLock::new();
    ROOT.get_or_init(find).as_deref().map_err(Clone::clone)
}

fn find() -> Result<PathBuf, Unavailable> {
    let mut denied = false;
    for root in USUAL {
        match fs::metadata(format!("{root}/events")) {
            Ok(_) => return Ok(root.into()),
            Err(error) => denied |= error.kind() == ErrorKind::PermissionDenied,
        }
    }
    if denied {
        return Err(Unavailable::Denied(closed("tracefs")));
    }
    static OWN: OnceLock<Option<OwnedFd>> = OnceLock::new();
    let own = OWN.get_or_init(|| detached(c"tracefs").ok()).as_ref();
    let root = own.map(|mount| PathBuf::from(format!("/proc/self/fd/{}", mount.as_raw_fd())));
    root.filter(|root| root.join("events").is_dir()).ok_or_else(|| {
        let advice = "tracefs is not mounted; mount it with: mount -t tracefs tracefs /sys/kernel/tracing";
        Unavailable::Denied(advice.to_owned())
    })
}

/// A mount of a file system that is attached nowhere.
fn detached(file_system: &CStr) -> io::Result<OwnedFd> {
    let own = |result: libc::c_long| match result {
        ..0 => Err(io::Error::last_os_error()),
        // SAFETY: the call has made this descriptor, which nobody else has.
        number => Ok(unsafe { OwnedFd::from_raw_fd(number as i32) }),
    };
    // SAFETY: the name outlives the call.
    let context = own(unsafe { libc::syscall(libc::SYS_fsopen, file_system.as_ptr(), libc::FSOPEN_CLOEXEC) })?;
    let nothing = std::ptr::null::<u8>();
    // SAFETY: this command takes neither key nor value.
    let created =
        unsafe { libc::syscall(libc::SYS_fsconfig, context.as_raw_fd(), FSCONFIG_CMD_CREATE, nothing, nothing, 0) };
    if created < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: plain numbers.
    own(unsafe {
        libc::syscall(libc::SYS_fsmount, context.as_raw_fd(), libc::FSMOUNT_CLOEXEC, libc::MOUNT_ATTR_RDONLY)
    })
}
