//! `fentry`, `fexit` and typed raw tracepoints: libbpf finds the target through the program's section name.

use super::link::{Link, describe, with_cookie};
use super::{Attaching, Reason};
use libbpf_sys as sys;

/// To what the program was loaded for.
pub fn attach(attaching: Attaching) -> Result<Link, Reason> {
    let link = with_cookie(attaching.cookie(), |cookie| {
        let options = sys::bpf_trace_opts { sz: size_of::<sys::bpf_trace_opts>() as _, cookie };
        // SAFETY: the program is loaded; the options are valid for the call.
        Link::new(unsafe { sys::bpf_program__attach_trace_opts(attaching.program, &options) })
    });
    link.map_err(|error| match error.raw_os_error() {
        Some(libc::EBUSY) => "something else changed that function already (livepatch, ftrace): try kprobe".into(),
        Some(libc::E2BIG) => "too many programs are attached to that function: use kprobe".into(),
        _ => describe(&error),
    })
}
