//! `tracepoint`: events of tracefs, by their number.

use super::link::{Link, describe};
use super::perf_event::{self, Reach};
use super::{Attaching, Reason};
use crate::kernel::lockdown::Lockdown;
use crate::kernel::{event_number, tracefs_mount};
use libbpf_sys as sys;
use std::io;

/// On any CPU: programs run for all.
pub fn attach(attaching: Attaching, category: &str, event: &str) -> Result<Link, Reason> {
    let number = number(category, event)?;
    let description = perf_event::description(sys::PERF_TYPE_TRACEPOINT, number);
    let cpus = crate::session::load::possible_cpus() as u32;
    let mut offline = None;
    for cpu in 0..cpus {
        match perf_event::attach(attaching, &description, Reach::Cpu(cpu)) {
            Err(error) if error.raw_os_error() == Some(libc::ENODEV) => offline = Some(error),
            Err(error) if error.raw_os_error() == Some(libc::EACCES) => {
                return Err(
                    "the program reads more than the tracepoint's record has; was it compiled for this kernel?".into(),
                );
            }
            result => return result.map_err(|error| describe(&error)),
        }
    }
    Err(offline.map_or_else(|| "no CPU is online".into(), |error| describe(&error)))
}

fn number(category: &str, event: &str) -> Result<u64, Reason> {
    if let Some(number) = event_number::recall(category, event) {
        return Ok(number);
    }
    let root = tracefs_mount::root().map_err(|error| error.message().to_owned())?;
    match std::fs::read_to_string(root.join("events").join(category).join(event).join("id")) {
        Ok(text) => text.trim().parse().map_err(|_| "its number in tracefs is damaged".into()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            let reason = Lockdown::met_by_root().explains_denial().unwrap_or("run as root");
            Err(format!("tracefs cannot be read: {reason}"))
        }
        Err(_) => {
            Err(format!("this kernel has no tracepoint {category}:{event}; `-l 'tracepoint:*'` lists those it has"))
        }
    }
}
