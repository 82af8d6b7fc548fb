//! Tracepoints: through perf with a cookie (Linux 5.15), and raw ones (4.17; their cookie 6.10).

use super::{Link, Refused, c_name};
use libbpf_sys as sys;
use std::io;

/// Attaches to `category:event`.
pub fn event(program: *mut sys::bpf_program, cookie: u64, category: &str, event: &str) -> Result<Link, Refused> {
    let options = sys::bpf_tracepoint_opts { sz: size_of::<sys::bpf_tracepoint_opts>() as _, bpf_cookie: cookie };
    let (category, event) = (c_name(category)?, c_name(event)?);
    // SAFETY: the program is loaded; names and options live until the call returns.
    let link =
        unsafe { sys::bpf_program__attach_tracepoint_opts(program, category.as_ptr(), event.as_ptr(), &options) };
    Link::from_libbpf(link, |error| match error.raw_os_error() {
        Some(libc::ENOENT) => "this kernel has no such tracepoint; `lancet -l` lists those there are".into(),
        Some(libc::EACCES) => "the program reads beyond the event's fields".into(),
        _ => error.to_string(),
    })
}

/// Attaches to a raw tracepoint; without a cookie where the kernel has none.
pub fn raw(program: *mut sys::bpf_program, cookie: u64, name: &str) -> Result<Link, Refused> {
    let name = c_name(name)?;
    let attach = |cookie| {
        let mut options = sys::bpf_raw_tracepoint_opts { sz: size_of::<sys::bpf_raw_tracepoint_opts>() as _, cookie };
        // SAFETY: the program is loaded; name and options live until the call returns.
        unsafe { sys::bpf_program__attach_raw_tracepoint_opts(program, name.as_ptr(), &mut options) }
    };
    let mut link = attach(cookie);
    if link.is_null() && cookie != 0 && io::Error::last_os_error().raw_os_error() == Some(libc::EINVAL) {
        link = attach(0);
    }
    Link::from_libbpf(link, |error| match error.raw_os_error() {
        Some(libc::ENOENT) => "this kernel has no such raw tracepoint; `lancet -l` lists those there are".into(),
        _ => error.to_string(),
    })
}
