//! `uprobe` and `uretprobe`, and what USDT probes share with them: places in files, one perf event for each, or one
//! uprobe_multi link (6.6) for many.

use super::link::{Link, describe, with_cookie};
use super::{Attaching, Reason};
use crate::kernel::archive;
use crate::session::load::c_string;
use lancet_manifest::Target;
use libbpf_sys as sys;
use std::io;

/// A place in a file.
#[derive(Clone, Copy, Default)]
pub struct Place {
    /// The offset in it.
    pub file_offset: u64,
    /// Offset of a USDT semaphore, or 0.
    pub semaphore: u64,
    /// What the program can ask for.
    pub cookie: u64,
}

/// Many functions of one file at once.
pub fn attach_multi(attaching: Attaching, path: &str) -> Result<Link, Reason> {
    let mut places = Vec::new();
    let mut returns = false;
    for attachment in attaching.attachments {
        if let Target::UserFunction { file_offset, at_return, .. } = &attachment.target {
            let cookie = u64::from(attachment.probe);
            places.push(Place { file_offset: *file_offset, semaphore: 0, cookie });
            returns = *at_return;
        }
    }
    attach_places(attaching, path, &places, returns)
}

/// One place.
pub fn attach_place(attaching: Attaching, path: &str, place: Place, at_return: bool) -> Result<Link, Reason> {
    check_offset(path, place.file_offset)?;
    let c_path = c_string(archive::file(path)).map_err(|error| error.to_string())?;
    let link = with_cookie(place.cookie, |cookie| {
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
            sys::bpf_program__attach_uprobe_opts(program, process(attaching), c_path.as_ptr(), offset, &options)
        })
    });
    link.map_err(|error| explain(&error, path))
}

/// Many places of one file at once.
pub fn attach_places(attaching: Attaching, path: &str, places: &[Place], at_return: bool) -> Result<Link, Reason> {
    for place in places {
        check_offset(path, place.file_offset)?;
    }
    let offsets: Vec<_> = places.iter().map(|place| place.file_offset as _).collect();
    let semaphores: Vec<_> = places.iter().map(|place| place.semaphore as _).collect();
    let cookies: Vec<u64> = places.iter().map(|place| place.cookie).collect();
    let has_semaphores = places.iter().any(|place| place.semaphore != 0);
    let c_path = c_string(archive::file(path)).map_err(|error| error.to_string())?;
    let options = sys::bpf_uprobe_multi_opts {
        sz: size_of::<sys::bpf_uprobe_multi_opts>() as _,
        offsets: offsets.as_ptr(),
        ref_ctr_offsets: if has_semaphores { semaphores.as_ptr() } else { std::ptr::null() },
        cookies: cookies.as_ptr(),
        cnt: offsets.len() as _,
        retprobe: at_return,
        ..Default::default()
    };
    // SAFETY: the program is loaded; the lists have `cnt` entries and are valid for the call.
    let link = unsafe {
        let (program, pattern) = (attaching.program, std::ptr::null());
        sys::bpf_program__attach_uprobe_multi(program, process(attaching), c_path.as_ptr(), pattern, &options)
    };
    Link::new(link).map_err(|error| explain(&error, path))
}

/// As libbpf wants it: -1 for all.
fn process(attaching: Attaching) -> i32 {
    attaching.scope.process.map_or(-1, |pid| pid as i32)
}

/// The kernel takes any offset and then never fires.
fn check_offset(path: &str, offset: u64) -> Result<(), Reason> {
    let size = std::fs::metadata(archive::file(path)).map_err(|error| explain(&error, path))?.len();
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
