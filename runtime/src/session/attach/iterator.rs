//! BPF iterators (Linux 5.8): attached, then read once so that the program sees every object.

use super::{Link, Refused};
use libbpf_sys as sys;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::FromRawFd;
use std::ptr;

/// Attaches and reads to the end.
pub fn attach(program: *mut sys::bpf_program) -> Result<Link, Refused> {
    // SAFETY: the program is loaded.
    let link = unsafe { sys::bpf_program__attach_iter(program, ptr::null()) };
    let link = Link::from_libbpf(link, io::Error::to_string)?;
    // SAFETY: the link is live; the new descriptor is owned by the file.
    let mut file = unsafe {
        let fd = sys::bpf_iter_create(sys::bpf_link__fd(link.0.as_ptr()));
        if fd < 0 {
            return Err(Refused(io::Error::from_raw_os_error(-fd).to_string()));
        }
        File::from_raw_fd(fd)
    };
    let mut text = Vec::new();
    file.read_to_end(&mut text).map_err(|error| Refused(error.to_string()))?;
    Ok(link)
}
