//! Kernel functions: kprobe and kretprobe one by one (cookie: Linux 5.15), or many through one kprobe_multi link (5.18).

use super::{Link, Refused, c_name};
use lancet_manifest::{Attachment, Target};
use libbpf_sys as sys;
use std::ffi::CString;
use std::io;
use std::path::Path;
use std::ptr;

/// There if the kernel has kprobes.
const KPROBE_EVENTS: &str = "/sys/bus/event_source/devices/kprobe/type";

/// Attaches to one function, `offset` bytes into it.
pub fn single(
    program: *mut sys::bpf_program,
    cookie: u64,
    function: &str,
    offset: u64,
    at_return: bool,
) -> Result<Link, Refused> {
    let options = sys::bpf_kprobe_opts {
        sz: size_of::<sys::bpf_kprobe_opts>() as _,
        bpf_cookie: cookie,
        offset: offset as _,
        retprobe: at_return,
        ..Default::default()
    };
    let name = c_name(function)?;
    // SAFETY: the program is loaded; name and options live until the call returns.
    let link = unsafe { sys::bpf_program__attach_kprobe_opts(program, name.as_ptr(), &options) };
    Link::from_libbpf(link, explain)
}

/// Attaches to all functions at once.
pub fn multi(program: *mut sys::bpf_program, attachments: &[Attachment]) -> Result<Link, Refused> {
    let mut names = Vec::with_capacity(attachments.len());
    let mut cookies = Vec::with_capacity(attachments.len());
    let mut returns = false;
    for attachment in attachments {
        let Target::KernelFunction { function, at_return, .. } = &attachment.target else { continue };
        names.push(c_name(function)?);
        cookies.push(u64::from(attachment.probe));
        returns |= at_return;
    }
    let mut pointers: Vec<_> = names.iter().map(|name: &CString| name.as_ptr()).collect();
    let options = sys::bpf_kprobe_multi_opts {
        sz: size_of::<sys::bpf_kprobe_multi_opts>() as _,
        syms: pointers.as_mut_ptr(),
        cookies: cookies.as_ptr(),
        cnt: pointers.len() as _,
        retprobe: returns,
        ..Default::default()
    };
    // SAFETY: the program is loaded; names, cookies and options live until the call returns.
    let link = unsafe { sys::bpf_program__attach_kprobe_multi_opts(program, ptr::null(), &options) };
    Link::from_libbpf(link, |error| match error.raw_os_error() {
        Some(libc::ESRCH | libc::ENOENT) => "one of the functions cannot be traced; name fewer".into(),
        _ => explain(error),
    })
}

fn explain(error: &io::Error) -> String {
    match error.raw_os_error() {
        _ if !Path::new(KPROBE_EVENTS).exists() => {
            "this kernel has no kprobes (CONFIG_KPROBES is off); use a tracepoint, or another kernel".into()
        }
        Some(libc::ENOENT | libc::ESRCH) => {
            "this kernel has no such function, or it was inlined; `lancet -l` lists those there are".into()
        }
        Some(libc::EINVAL | libc::EILSEQ) => {
            "it cannot be traced there: the function is protected, or the offset is inside an instruction".into()
        }
        _ => error.to_string(),
    }
}
