//! `interval` and `profile`: a software clock of the perf subsystem on one CPU, or on all.

use super::link::{Link, describe};
use super::perf_event::{self, Reach};
use super::{Attaching, Reason};
use libbpf_sys as sys;

/// On the first CPU that is online.
pub fn attach_interval(attaching: Attaching, nanoseconds: u64) -> Result<Link, Reason> {
    let cpus = crate::session::load::possible_cpus() as u32;
    let links = (0..cpus).map(|cpu| perf_event::attach(attaching, &clock(None, nanoseconds), Reach::Cpu(cpu)));
    let mut links =
        links.skip_while(|link| link.as_ref().err().is_some_and(|error| error.raw_os_error() == Some(libc::ENODEV)));
    match links.next() {
        Some(link) => link.map_err(|error| describe(&error)),
        None => Err("no CPU is online".into()),
    }
}

/// On all CPUs, or in one process.
pub fn attach_profile(attaching: Attaching, frequency: Option<u64>, nanoseconds: u64) -> Result<Vec<Link>, Reason> {
    let clock = clock(frequency, nanoseconds);
    let links = match attaching.scope.sampled() {
        Some(process) => perf_event::attach_in_process(attaching, &clock, process),
        None => perf_event::attach_everywhere(attaching, &clock),
    };
    links.map_err(|error| match (error.raw_os_error(), frequency) {
        (Some(libc::EINVAL), Some(frequency)) => {
            format!("{frequency} samples a second are more than kernel.perf_event_max_sample_rate allows")
        }
        _ => describe(&error),
    })
}

fn clock(frequency: Option<u64>, nanoseconds: u64) -> sys::perf_event_attr {
    let mut clock = perf_event::description(sys::PERF_TYPE_SOFTWARE, u64::from(sys::PERF_COUNT_SW_CPU_CLOCK));
    match frequency {
        Some(frequency) => {
            clock.set_freq(1);
            clock.__bindgen_anon_1.sample_freq = frequency;
        }
        None => clock.__bindgen_anon_1.sample_period = nanoseconds,
    }
    clock
}
