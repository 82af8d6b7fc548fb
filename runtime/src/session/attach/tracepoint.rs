//! `tracepoint`: events of tracefs, by their number.

use super::link::{Link, describe};
use super::perf_event::{self, Reach};
use super::{Attaching, Reason};
use crate::kernel::lockdown::Lockdown;
use libbpf_sys as sys;
use std::io;

/// Where tracefs is found.
const TRACEFS: [&str; 2] = ["/sys/kernel/tracing", "/sys/kernel/debug/tracing"];

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
    let mut denied = false;
    for folder in TRACEFS {
        match std::fs::read_to_string(format!("{folder}/events/{category}/{event}/id")) {
            Ok(text) => return text.trim().parse().map_err(|_| "its number in tracefs is damaged".into()),
            Err(error) => denied |= error.kind() == io::ErrorKind::PermissionDenied,
        }
    }
    let mounted = TRACEFS.iter().any(|folder| std::path::Path::new(folder).join("events").is_dir());
    Err(match (denied, mounted) {
        (true, _) => {
            let reason = Lockdown::met_by_root().explains_denial().unwrap_or("run as root");
            format!("tracefs cannot be read: {reason}")
        }
        (false, true) => {
            format!("this kernel has no tracepoint {category}:{event}; `-l 'tracepoint:*'` lists those it has")
        }
        (false, false) => "tracefs is not mounted: mount -t tracefs tracefs /sys/kernel/tracing".into(),
    })
}
