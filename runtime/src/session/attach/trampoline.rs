//! fentry and fexit (Linux 5.5): the target is in the program already.

use super::{Link, Refused};
use libbpf_sys as sys;

/// Attaches to the function that the program was loaded for.
pub fn attach(program: *mut sys::bpf_program) -> Result<Link, Refused> {
    // SAFETY: the program is loaded.
    let link = unsafe { sys::bpf_program__attach_trace(program) };
    Link::from_libbpf(link, |error| match error.raw_os_error() {
        Some(libc::EPERM | libc::EOPNOTSUPP) => {
            "this kernel does not attach trampolines here; use a kprobe instead".into()
        }
        _ => error.to_string(),
    })
}
