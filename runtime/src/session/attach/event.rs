//! `software` and `hardware`: counters of the perf subsystem that fire every so many events.

use super::link::{Link, describe};
use super::{Attaching, Reason, perf_event};
use libbpf_sys as sys;

/// On all CPUs, or in one process.
pub fn attach(attaching: Attaching, kind: u32, config: u64, period: u64) -> Result<Vec<Link>, Reason> {
    let mut description = perf_event::description(kind, config);
    description.__bindgen_anon_1.sample_period = period;
    let links = match attaching.scope.sampled() {
        Some(process) => perf_event::attach_in_process(attaching, &description, process),
        None => perf_event::attach_everywhere(attaching, &description),
    };
    links.map_err(|error| match error.raw_os_error() {
        Some(libc::ENOENT | libc::EOPNOTSUPP | libc::ENODEV) if kind != sys::PERF_TYPE_SOFTWARE => {
            "this machine has no counter for it (virtual machines often have none): use software:cpu-clock".into()
        }
        _ => describe(&error),
    })
}
