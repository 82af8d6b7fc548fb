//! `kprobe` and `kretprobe`: one perf event for each, or one kprobe_multi link (5.18) for many, or for both (6.10).

use super::link::{Link, describe, with_cookie};
use super::{Attaching, Reason};
use crate::session::load::c_string;
use lancet_manifest::Target;
use libbpf_sys as sys;
use std::io;

/// One function, at an offset; or an address.
pub fn attach(attaching: Attaching, function: &str, offset: u64, at_return: bool) -> Result<Link, Reason> {
    let c_name = c_string(function).map_err(|error| error.to_string())?;
    // Without a function, the offset is an address.
    let name = if function.is_empty() { std::ptr::null() } else { c_name.as_ptr() };
    let link = with_cookie(attaching.cookie(), |cookie| {
        let options = sys::bpf_kprobe_opts {
            sz: size_of::<sys::bpf_kprobe_opts>() as _,
            bpf_cookie: cookie,
            offset: offset as _,
            retprobe: at_return,
            ..Default::default()
        };
        // SAFETY: the program is loaded; name and options are valid for the call.
        Link::new(unsafe { sys::bpf_program__attach_kprobe_opts(attaching.program, name, &options) })
    });
    link.map_err(|error| explain(&error, function))
}

/// Many functions at once.
pub fn attach_multi(attaching: Attaching) -> Result<Link, Reason> {
    let functions: Vec<_> =
        attaching.attachments.iter().filter_map(|attachment| function(&attachment.target)).collect();
    let at_return = matches!(attaching.attachments[0].target, Target::KernelFunction { at_return: true, .. });
    let names = functions.iter().map(|name| c_string(name)).collect::<Result<Vec<_>, _>>();
    let names = names.map_err(|error| error.to_string())?;
    let mut pointers: Vec<_> = names.iter().map(|name| name.as_ptr()).collect();
    let cookies: Vec<u64> = attaching.attachments.iter().map(|attachment| u64::from(attachment.probe)).collect();
    let options = sys::bpf_kprobe_multi_opts {
        sz: size_of::<sys::bpf_kprobe_multi_opts>() as _,
        syms: pointers.as_mut_ptr(),
        cookies: cookies.as_ptr(),
        cnt: pointers.len() as _,
        retprobe: at_return,
        session: attaching.session,
        ..Default::default()
    };
    // SAFETY: the program is loaded; names, cookies and options are valid for the call.
    let link = unsafe { sys::bpf_program__attach_kprobe_multi_opts(attaching.program, std::ptr::null(), &options) };
    Link::new(link).map_err(|error| explain(&error, functions.first().copied().unwrap_or_default()))
}

fn function(target: &Target) -> Option<&str> {
    match target {
        Target::KernelFunction { function, .. } => Some(function),
        _ => None,
    }
}

fn explain(error: &io::Error, function: &str) -> Reason {
    match error.raw_os_error() {
        Some(libc::ENOENT | libc::ESRCH) if !std::path::Path::new("/sys/bus/event_source/devices/kprobe").exists() => {
            "this kernel has no kprobes (CONFIG_KPROBE_EVENTS is off)".into()
        }
        Some(libc::ENOENT | libc::ESRCH) => format!("this kernel has no function {function} that can be traced"),
        Some(libc::EINVAL | libc::EOPNOTSUPP) if is_blacklisted(function) => {
            format!("{function} is on the kernel's list of functions that must not be probed")
        }
        Some(libc::EINVAL | libc::EILSEQ) if function.is_empty() => {
            "the address is not that of an instruction that can be probed".into()
        }
        Some(libc::EINVAL) => format!("the kernel does not allow probes in {function}"),
        Some(libc::EILSEQ) => format!("the offset is not the start of an instruction of {function}"),
        Some(libc::EADDRNOTAVAIL) => {
            format!("several functions are called {function}, or the offset lies outside of it")
        }
        Some(libc::EBUSY) => format!("{function} is changed by something else at that place"),
        _ => describe(error),
    }
}

/// What the kernel itself says about the function: `0x…-0x…    name`.
fn is_blacklisted(function: &str) -> bool {
    let list = std::fs::read_to_string("/sys/kernel/debug/kprobes/blacklist").unwrap_or_default();
    list.lines().any(|line| line.split_whitespace().nth(1) == Some(function))
}
