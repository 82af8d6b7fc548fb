//! `watchpoint`: a breakpoint register of the CPU that watches memory.

use super::link::{Link, describe};
use super::{Attaching, Reason, perf_event};
use libbpf_sys as sys;

/// Addresses from here on are the kernel's.
const KERNEL: u64 = 1 << 63;

/// In the process of `-p` or `-c`; addresses of the kernel, and all without a process, everywhere.
pub fn attach(attaching: Attaching, address: u64, length: u64, mode: u32) -> Result<Vec<Link>, Reason> {
    let mut description = perf_event::description(sys::PERF_TYPE_BREAKPOINT, 0);
    description.bp_type = mode;
    description.__bindgen_anon_1.sample_period = 1;
    description.__bindgen_anon_3.bp_addr = address;
    description.__bindgen_anon_4.bp_len = length;
    let links = match attaching.scope.process {
        Some(process) if address < KERNEL => perf_event::attach_in_process(attaching, &description, process),
        _ => perf_event::attach_everywhere(attaching, &description),
    };
    links.map_err(|error| match error.raw_os_error() {
        Some(libc::ENOSPC) => "the CPU watches at most four places at once, and all are taken".into(),
        Some(libc::EINVAL) => {
            format!("the CPU cannot watch {length} bytes at {address:#x} in that way: the address must be a multiple of the length")
        }
        Some(libc::ENODEV | libc::EOPNOTSUPP) => "this machine has no breakpoint registers".into(),
        _ => describe(&error),
    })
}
