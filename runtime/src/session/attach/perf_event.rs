//! Probes that are perf events: timers, software and hardware counters, watchpoints (with a cookie: Linux 5.15).

use super::{Link, Refused};
use libbpf_sys as sys;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd};

/// The flag `freq` among the attribute's bits.
const FREQUENCY: u64 = 1 << 10;

/// What a watchpoint watches.
#[derive(Clone, Copy)]
pub struct Watch {
    address: u64,
    length: u64,
    mode: u32,
}

impl Watch {
    /// `length` bytes at `address`, for accesses of `mode`.
    pub fn new(address: u64, length: u64, mode: u32) -> Self {
        Self { address, length, mode }
    }
}

/// A timer on one CPU.
pub fn interval(program: *mut sys::bpf_program, cookie: u64, nanoseconds: u64) -> Result<Link, Refused> {
    let cpu = online_cpus().first().copied().unwrap_or(0);
    attach(program, cookie, &clock(None, nanoseconds), -1, cpu)
}

/// A timer on every CPU.
pub fn profile(
    program: *mut sys::bpf_program,
    cookie: u64,
    frequency: Option<u64>,
    nanoseconds: u64,
    process: Option<u32>,
) -> Result<Vec<Link>, Refused> {
    everywhere(program, cookie, &clock(frequency, nanoseconds), process)
}

/// A counter of the kernel.
pub fn software(
    program: *mut sys::bpf_program,
    cookie: u64,
    event: u64,
    period: u64,
    process: Option<u32>,
) -> Result<Vec<Link>, Refused> {
    everywhere(program, cookie, &attribute(sys::PERF_TYPE_SOFTWARE, event, period), process)
}

/// A counter of the CPU.
pub fn hardware(
    program: *mut sys::bpf_program,
    cookie: u64,
    perf_type: u32,
    event: u64,
    period: u64,
    process: Option<u32>,
) -> Result<Vec<Link>, Refused> {
    everywhere(program, cookie, &attribute(perf_type, event, period), process)
}

/// Accesses to an address: of one process, or of everything on every CPU.
pub fn watchpoint(
    program: *mut sys::bpf_program,
    cookie: u64,
    watch: Watch,
    process: Option<u32>,
) -> Result<Vec<Link>, Refused> {
    let mut attribute = attribute(sys::PERF_TYPE_BREAKPOINT, 0, 1);
    attribute.bp_type = watch.mode;
    attribute.__bindgen_anon_3.bp_addr = watch.address;
    attribute.__bindgen_anon_4.bp_len = watch.length;
    match process {
        // One counter follows the process over all CPUs: the few debug registers are not used up.
        Some(process) => Ok(vec![attach(program, cookie, &attribute, process as i32, -1)?]),
        None => everywhere(program, cookie, &attribute, None),
    }
}

fn clock(frequency: Option<u64>, nanoseconds: u64) -> sys::perf_event_attr {
    let mut attribute = attribute(sys::PERF_TYPE_SOFTWARE, u64::from(sys::PERF_COUNT_SW_CPU_CLOCK), nanoseconds);
    if let Some(frequency) = frequency {
        attribute.__bindgen_anon_1.sample_freq = frequency;
        set_bits(&mut attribute, FREQUENCY);
    }
    attribute
}

fn attribute(perf_type: u32, config: u64, period: u64) -> sys::perf_event_attr {
    let mut attribute = sys::perf_event_attr {
        type_: perf_type,
        size: size_of::<sys::perf_event_attr>() as u32,
        config,
        ..Default::default()
    };
    attribute.__bindgen_anon_1.sample_period = period;
    attribute.__bindgen_anon_2.wakeup_events = 1;
    attribute
}

fn set_bits(attribute: &mut sys::perf_event_attr, bits: u64) {
    if bits & FREQUENCY != 0 {
        attribute.set_freq(1);
    }
}

fn everywhere(
    program: *mut sys::bpf_program,
    cookie: u64,
    attribute: &sys::perf_event_attr,
    process: Option<u32>,
) -> Result<Vec<Link>, Refused> {
    let process = process.map_or(-1, |process| process as i32);
    online_cpus().into_iter().map(|cpu| attach(program, cookie, attribute, process, cpu)).collect()
}

fn attach(
    program: *mut sys::bpf_program,
    cookie: u64,
    attribute: &sys::perf_event_attr,
    process: i32,
    cpu: i32,
) -> Result<Link, Refused> {
    let event = open(attribute, process, cpu).map_err(|error| Refused(explain(&error)))?;
    let options = sys::bpf_perf_event_opts {
        sz: size_of::<sys::bpf_perf_event_opts>() as _,
        bpf_cookie: cookie,
        ..Default::default()
    };
    // SAFETY: the program is loaded, the event open; the link owns the descriptor if there is one.
    let link = unsafe { sys::bpf_program__attach_perf_event_opts(program, event.as_raw_fd(), &options) };
    let link = Link::from_libbpf(link, explain)?;
    let _ = event.into_raw_fd();
    Ok(link)
}

fn open(attribute: &sys::perf_event_attr, process: i32, cpu: i32) -> io::Result<OwnedFd> {
    let (no_group, flags) = (-1, libc::c_ulong::from(sys::PERF_FLAG_FD_CLOEXEC));
    // SAFETY: the kernel reads the attribute by its size; the new descriptor is owned here.
    unsafe {
        let fd = libc::syscall(libc::SYS_perf_event_open, attribute, process, cpu, no_group, flags);
        if fd < 0 { Err(io::Error::last_os_error()) } else { Ok(OwnedFd::from_raw_fd(fd as i32)) }
    }
}

fn explain(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(libc::ENOENT | libc::ENODEV | libc::EOPNOTSUPP) => {
            "this machine does not have that counter; virtual machines often have none".into()
        }
        Some(libc::ENOSPC) => "all debug registers of the CPU are in use; watch fewer addresses".into(),
        Some(libc::EPERM | libc::EACCES) => "the kernel does not permit perf events: run as root".into(),
        Some(libc::ESRCH) => "the process has ended".into(),
        Some(libc::EINVAL) => "the CPU cannot do that: check address, length and mode".into(),
        _ => error.to_string(),
    }
}

/// The CPUs that are online, as `0-3,5` in sysfs.
fn online_cpus() -> Vec<i32> {
    let text = std::fs::read_to_string("/sys/devices/system/cpu/online").unwrap_or_default();
    let cpus = parse_cpus(text.trim());
    if cpus.is_empty() { vec![0] } else { cpus }
}

fn parse_cpus(text: &str) -> Vec<i32> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.parse::<i32>().ok()?..=last.parse::<i32>().ok()?)
    };
    text.split(',').filter_map(range).flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_cpus_has_ranges_and_numbers() {
        assert_eq!(parse_cpus("0-2,5,7-8"), [0, 1, 2, 5, 7, 8]);
        assert_eq!(parse_cpus("0"), [0]);
    }
}
