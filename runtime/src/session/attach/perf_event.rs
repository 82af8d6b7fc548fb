//! Events of the perf subsystem (perf_event_open(2)) that programs are attached to.

use super::Attaching;
use super::link::{Link, with_cookie};
use libbpf_sys as sys;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};

/// Where an event is looked for.
#[derive(Clone, Copy)]
pub enum Reach {
    /// All of one CPU.
    Cpu(u32),
    /// One thread, on all CPUs, and the threads it starts.
    Thread(u32),
}

/// A description with its size filled in.
pub fn description(kind: u32, config: u64) -> sys::perf_event_attr {
    let size = size_of::<sys::perf_event_attr>() as u32;
    sys::perf_event_attr { type_: kind, size, config, ..Default::default() }
}

/// Opens an event. Threads that start later are counted too, where the kernel can do that without counting other
/// processes (5.13).
pub fn open(description: &sys::perf_event_attr, reach: Reach) -> io::Result<OwnedFd> {
    let thread = match reach {
        Reach::Cpu(cpu) => return open_at(description, -1, cpu as i32),
        Reach::Thread(thread) => thread as i32,
    };
    let mut inherited = *description;
    inherited.set_inherit(1);
    inherited.set_inherit_thread(1);
    match open_at(&inherited, thread, -1) {
        Err(error) if error.raw_os_error() == Some(libc::EINVAL) => open_at(description, thread, -1),
        result => result,
    }
}

fn open_at(description: &sys::perf_event_attr, thread: i32, cpu: i32) -> io::Result<OwnedFd> {
    // SAFETY: the description is valid and says its size; the descriptor is new.
    unsafe {
        let flags = sys::PERF_FLAG_FD_CLOEXEC as libc::c_ulong;
        match libc::syscall(libc::SYS_perf_event_open, &raw const *description, thread, cpu, -1, flags) {
            fd if fd >= 0 => Ok(OwnedFd::from_raw_fd(fd as RawFd)),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

/// Opens the event and attaches the program to it.
pub fn attach(attaching: Attaching, description: &sys::perf_event_attr, reach: Reach) -> io::Result<Link> {
    attach_event(attaching, open(description, reach)?)
}

/// Attaches on every CPU that is online.
pub fn attach_everywhere(attaching: Attaching, description: &sys::perf_event_attr) -> io::Result<Vec<Link>> {
    let cpus = crate::session::load::possible_cpus() as u32;
    let mut links = Vec::new();
    for cpu in 0..cpus {
        match attach(attaching, description, Reach::Cpu(cpu)) {
            Ok(link) => links.push(link),
            Err(error) if error.raw_os_error() == Some(libc::ENODEV) && cpus > 1 => {}
            Err(error) => return Err(error),
        }
    }
    Ok(links)
}

/// Attaches in every thread of a process.
pub fn attach_in_process(
    attaching: Attaching,
    description: &sys::perf_event_attr,
    process: u32,
) -> io::Result<Vec<Link>> {
    let mut links = Vec::new();
    for entry in std::fs::read_dir(format!("/proc/{process}/task"))? {
        let Some(thread) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        match attach(attaching, description, Reach::Thread(thread)) {
            Ok(link) => links.push(link),
            // The thread ended in the meantime.
            Err(error) if error.raw_os_error() == Some(libc::ESRCH) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(links)
}

/// Attaches the program to an open event.
pub fn attach_event(attaching: Attaching, event: OwnedFd) -> io::Result<Link> {
    let kept = event.try_clone()?;
    let number = event.as_raw_fd();
    let link = with_cookie(attaching.cookie(), |cookie| {
        let options = sys::bpf_perf_event_opts {
            sz: size_of::<sys::bpf_perf_event_opts>() as _,
            bpf_cookie: cookie,
            ..Default::default()
        };
        // SAFETY: program and descriptor are open; on success the link owns the descriptor.
        Link::new(unsafe { sys::bpf_program__attach_perf_event_opts(attaching.program, number, &options) })
    })?;
    let _ = event.into_raw_fd();
    // SAFETY: the link is alive.
    let is_link = unsafe { sys::bpf_link__fd(link.as_ptr()) } != number;
    // Before 5.15 there is no link apart from the event: only closing the event takes the program off.
    Ok(link.with_event(is_link.then_some(kept)))
}
