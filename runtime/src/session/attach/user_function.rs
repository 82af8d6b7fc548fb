//! User functions and USDT: uprobe and uretprobe one by one (cookie: Linux 5.15), or many of a file through one
//! uprobe_multi link (6.6).

use super::{Link, Refused, c_name};
use lancet_manifest::{Attachment, Target};
use libbpf_sys as sys;
use std::collections::BTreeMap;
use std::io;
use std::os::raw::c_ulong;
use std::ptr;

/// Where in which file.
pub struct Place<'a> {
    /// The file.
    pub path: &'a str,
    /// The instruction, from the start of the file.
    pub file_offset: u64,
    /// The USDT semaphore, from the start of the file; 0 for none.
    pub semaphore: u64,
}

/// The places of one file, as uprobe_multi wants them.
#[derive(Default)]
struct Group {
    offsets: Vec<c_ulong>,
    semaphores: Vec<c_ulong>,
    cookies: Vec<u64>,
}

/// Attaches to one place, in one process or in all.
pub fn single(
    program: *mut sys::bpf_program,
    cookie: u64,
    place: &Place,
    at_return: bool,
    process: Option<u32>,
) -> Result<Link, Refused> {
    check_offset(place.path, place.file_offset)?;
    let options = sys::bpf_uprobe_opts {
        sz: size_of::<sys::bpf_uprobe_opts>() as _,
        ref_ctr_offset: place.semaphore as _,
        bpf_cookie: cookie,
        retprobe: at_return,
        ..Default::default()
    };
    let (path, offset) = (c_name(place.path)?, place.file_offset as _);
    // SAFETY: the program is loaded; path and options live until the call returns.
    let link =
        unsafe { sys::bpf_program__attach_uprobe_opts(program, scope(process), path.as_ptr(), offset, &options) };
    Link::from_libbpf(link, |error| explain(error, place.path))
}

/// Attaches to all places, with one link for each file.
pub fn multi(
    program: *mut sys::bpf_program,
    attachments: &[Attachment],
    process: Option<u32>,
) -> Result<Vec<Link>, Refused> {
    let mut groups: BTreeMap<(&str, bool), Group> = BTreeMap::new();
    for attachment in attachments {
        let Target::UserFunction { path, file_offset, at_return, semaphore } = &attachment.target else { continue };
        check_offset(path, *file_offset)?;
        let group = groups.entry((path, *at_return)).or_default();
        group.offsets.push(*file_offset as c_ulong);
        group.semaphores.push(*semaphore as c_ulong);
        group.cookies.push(u64::from(attachment.probe));
    }
    let groups = groups.iter();
    groups.map(|((path, at_return), group)| attach_group(program, path, *at_return, group, process)).collect()
}

fn attach_group(
    program: *mut sys::bpf_program,
    path: &str,
    at_return: bool,
    group: &Group,
    process: Option<u32>,
) -> Result<Link, Refused> {
    let has_semaphore = group.semaphores.iter().any(|&offset| offset != 0);
    let options = sys::bpf_uprobe_multi_opts {
        sz: size_of::<sys::bpf_uprobe_multi_opts>() as _,
        offsets: group.offsets.as_ptr(),
        ref_ctr_offsets: if has_semaphore { group.semaphores.as_ptr() } else { ptr::null() },
        cookies: group.cookies.as_ptr(),
        cnt: group.offsets.len() as _,
        retprobe: at_return,
        ..Default::default()
    };
    let name = c_name(path)?;
    // SAFETY: the program is loaded; path, arrays and options live until the call returns.
    let link =
        unsafe { sys::bpf_program__attach_uprobe_multi(program, scope(process), name.as_ptr(), ptr::null(), &options) };
    Link::from_libbpf(link, |error| explain(error, path))
}

/// -1 for all processes, as libbpf has it.
fn scope(process: Option<u32>) -> libc::pid_t {
    process.and_then(|process| libc::pid_t::try_from(process).ok()).unwrap_or(-1)
}

/// The kernel takes any offset without a word, and the probe never fires.
fn check_offset(path: &str, offset: u64) -> Result<(), Refused> {
    let metadata = std::fs::metadata(path).map_err(|error| Refused(format!("{path}: {error}")))?;
    if offset < metadata.len() {
        return Ok(());
    }
    Err(Refused(format!("its offset {offset:#x} is behind the end of {path}; was the file replaced?")))
}

fn explain(error: &io::Error, path: &str) -> String {
    match error.raw_os_error() {
        Some(libc::ENOENT) => format!("there is no file {path}"),
        Some(libc::EINVAL) => format!("{path} cannot be traced there; is it an executable of this machine?"),
        Some(libc::ESRCH) => "the process has ended".into(),
        _ => error.to_string(),
    }
}
