//! `rawtracepoint`: tracepoints of the kernel without tracefs's record, with or without types.

use super::link::{Link, describe, with_cookie};
use super::{Attaching, Reason, trampoline};
use crate::session::load::c_string;
use libbpf_sys as sys;

/// By name; libbpf knows that of a typed one from its section.
pub fn attach(attaching: Attaching, name: &str) -> Result<Link, Reason> {
    // SAFETY: the program is loaded.
    if unsafe { sys::bpf_program__type(attaching.program) } == sys::BPF_PROG_TYPE_TRACING {
        return trampoline::attach(attaching);
    }
    let c_name = c_string(name).map_err(|error| error.to_string())?;
    let link = with_cookie(attaching.cookie(), |cookie| {
        let mut options = sys::bpf_raw_tracepoint_opts { sz: size_of::<sys::bpf_raw_tracepoint_opts>() as _, cookie };
        // SAFETY: the program is loaded; name and options are valid for the call.
        Link::new(unsafe {
            sys::bpf_program__attach_raw_tracepoint_opts(attaching.program, c_name.as_ptr(), &mut options)
        })
    });
    link.map_err(|error| match error.raw_os_error() {
        Some(libc::ENOENT) => format!("this kernel has no raw tracepoint {name}"),
        Some(libc::EINVAL) => format!("the program reads more arguments than the raw tracepoint {name} has"),
        _ => describe(&error),
    })
}
