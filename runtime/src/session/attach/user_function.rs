//! `uprobe`, `uretprobe` and `usdt`: places in files, one perf event for each, or one uprobe_multi link (6.6) for many.

use super::link::{Link, describe, with_cookie};
use super::{Attaching, Reason};
use crate::session::load::c_string;
use lancet_manifest::Target;
use libbpf_sys as sys;
use std::io;

/// A place in a file.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// The file.
    pub path: &'a str,
    /// The offset in it.
    pub file_offset: u64,
    /// Offset of a USDT semaphore, or 0.
    pub semaphore: u64,
}

/// One place.
pub fn attach(attaching: Attaching, place: Place, at_return: bool) -> Result<Link, Reason> {
    check_offset(place.path, place.file_offset)?;
    let path = c_string(place.path).map_err(|error| error.to_string())?;
    let link = with_cookie(attaching.cookie(), |cookie| {
        let options = sys::bpf_uprobe_opts {
            sz: size_of::<sys::bpf_uprobe_opts>() as _,
            ref_ctr_offset: place.semaphore as _,
            bpf_cookie: cookie,
            retprobe: at_return,
            ..Default::default()
        };
        // SAFETY: the program is loaded; path and options are valid for the call.
        Link::new(unsafe {
            let (program, offset) = (attaching.program, place.file_offset as _);
            sys::bpf_program__attach_uprobe_opts(program, process(attaching), path.as_ptr(), offset, &options)
        })
    });
    link.map_err(|error| explain(&error, place.path))
}

/// Many places of one file at once.
pub fn attach_multi(attaching: Attaching, path: &str) -> Result<Link, Reason> {
    let mut places = Places::default();
    for attachment in attaching.attachments {
        if let Target::UserFunction { file_offset, at_return, semaphore, .. } = &attachment.target {
            check_offset(path, *file_offset)?;
            places.offsets.push(*file_offset);
            places.semaphores.push(*semaphore);
            places.cookies.push(u64::from(attachment.probe));
            places.at_return = *at_return;
        }
    }
    let c_path = c_string(path).map_err(|error| error.to_string())?;
    let has_semaphores = places.semaphores.iter().any(|&offset| offset != 0);
    let options = sys::bpf_uprobe_multi_opts {
        sz: size_of::<sys::bpf_uprobe_multi_opts>() as _,
        offsets: places.offsets.as_ptr(),
        ref_ctr_offsets: if has_semaphores { places.semaphores.as_ptr() } else { std::ptr::null() },
        cookies: places.cookies.as_ptr(),
        cnt: places.offsets.len() as _,
        retprobe: places.at_return,
        ..Default::default()
    };
    // SAFETY: the program is loaded; the lists have `cnt` entries and are valid for the call.
    let link = unsafe {
        let (program, pattern) = (attaching.program, std::ptr::null());
        sys::bpf_program__attach_uprobe_multi(program, process(attaching), c_path.as_ptr(), pattern, &options)
    };
    Link::new(link).map_err(|error| explain(&error, path))
}

#[derive(Default)]
struct Places {
    offsets: Vec<u64>,
    semaphores: Vec<u64>,
    cookies: Vec<u64>,
    at_return: bool,
}

/// As libbpf wants it: -1 for all.
fn process(attaching: Attaching) -> i32 {
    attaching.scope.process.map_or(-1, |pid| pid as i32)
}

/// The kernel takes any offset and then never fires.
fn check_offset(path: &str, offset: u64) -> Result<(), Reason> {
    let size = std::fs::metadata(path).map_err(|error| explain(&error, path))?.len();
    if offset >= size { Err(format!("offset {offset:#x} lies outside of {path}")) } else { Ok(()) }
}

fn explain(error: &io::Error, path: &str) -> Reason {
    match error.raw_os_error() {
        Some(libc::ENOENT) => format!("there is no file {path}"),
        Some(libc::ESRCH) => "the process has ended".into(),
        Some(libc::EINVAL | libc::EIO | libc::ENOEXEC) => {
            format!("the kernel does not allow probes at that place of {path}")
        }
        _ => describe(error),
    }
}
