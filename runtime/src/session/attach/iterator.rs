//! `iter`: programs that run once for each object of the kernel when they are read.

use super::link::{Link, describe};
use super::{Attaching, Reason};
use crate::session::error::plain;
use crate::session::load::c_string;
use libbpf_sys as sys;
use std::io::{self, Read};
use std::os::fd::{FromRawFd, OwnedFd};

/// Makes the iterator; with a pin path, it can be read there by others.
pub fn attach(attaching: Attaching, pin: &str) -> Result<Link, Reason> {
    // SAFETY: the program is loaded; no options.
    let link = Link::new(unsafe { sys::bpf_program__attach_iter(attaching.program, std::ptr::null()) });
    let link = link.map_err(|error| describe(&error))?;
    if !pin.is_empty() {
        let path = c_string(pin).map_err(|error| error.to_string())?;
        // SAFETY: link and path are valid.
        let result = unsafe { sys::bpf_link__pin(link.as_ptr(), path.as_ptr()) };
        if result < 0 {
            return Err(format!("cannot pin it at {pin}: {}", plain(&io::Error::from_raw_os_error(-result))));
        }
    }
    Ok(link)
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
