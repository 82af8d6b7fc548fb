//! `iter`: programs that run once for each object of the kernel when they are read.

use super::link::{Link, describe};
use super::{Attaching, Reason};
use crate::session::error::plain;
use crate::session::load::c_string;
use libbpf_sys as sys;
use std::io::{self, Read};
use std::os::fd::{FromRawFd, OwnedFd};

/// From the root of the hierarchy downwards: what an iterator over control groups is told.
const DESCENDANTS_FIRST: sys::bpf_cgroup_iter_order = sys::BPF_CGROUP_ITER_DESCENDANTS_PRE;

/// Makes the iterator; with a pin path, it can be read there by others as long as this process runs.
pub fn attach(attaching: Attaching, name: &str, pin: &str) -> Result<Link, Reason> {
    let mut over: sys::bpf_iter_link_info = unsafe { std::mem::zeroed() };
    let mut options =
        sys::bpf_iter_attach_opts { sz: size_of::<sys::bpf_iter_attach_opts>() as _, ..Default::default() };
    if name == "cgroup" {
        over.cgroup.order = DESCENDANTS_FIRST;
        options.link_info = &mut over;
        options.link_info_len = size_of_val(&over) as _;
    }
    // SAFETY: the program is loaded; the options are valid for the call.
    let link = Link::new(unsafe { sys::bpf_program__attach_iter(attaching.program, &options) });
    let link = link.map_err(|error| match error.raw_os_error() {
        Some(libc::EBADF | libc::EINVAL) => {
            format!("iter:{name} goes over one map's elements, and a script has no way to say which map")
        }
        _ => describe(&error),
    })?;
    if pin.is_empty() {
        return Ok(link);
    }
    let path = c_string(pin).map_err(|error| error.to_string())?;
    // SAFETY: link and path are valid.
    let result = unsafe { sys::bpf_link__pin(link.as_ptr(), path.as_ptr()) };
    match -result {
        0 => Ok(link.pinned()),
        libc::EEXIST => Err(format!("cannot pin it at {pin}: there is something of that name; remove it first")),
        libc::EINVAL | libc::EPERM => {
            Err(format!("cannot pin it at {pin}: pins must be below a mounted bpffs such as /sys/fs/bpf"))
        }
        error => Err(format!("cannot pin it at {pin}: {}", plain(&io::Error::from_raw_os_error(error)))),
    }
}

/// Runs the iterator over everything. What it writes into its own file is dropped: scripts print through the ring buffer.
pub fn read_all(link: &Link, mut after_each_read: impl FnMut()) -> io::Result<()> {
    // SAFETY: the link is alive; the descriptor is new.
    let mut file = unsafe {
        let fd = sys::bpf_iter_create(sys::bpf_link__fd(link.as_ptr()));
        if fd < 0 {
            return Err(io::Error::from_raw_os_error(-fd));
        }
        std::fs::File::from(OwnedFd::from_raw_fd(fd))
    };
    let mut buffer = [0u8; 4096];
    loop {
        let read = file.read(&mut buffer);
        after_each_read();
        match read {
            Ok(0) => return Ok(()),
            Ok(_) => {}
            Err(error) if matches!(error.kind(), io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock) => {}
            Err(error) => return Err(error),
        }
    }
}
