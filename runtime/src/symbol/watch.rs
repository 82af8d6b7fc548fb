//! The kernel's records of processes that start, run programs, map code and end (perf_event_open(2)): with them stacks of a
//! process that lived for a moment have names.
//!
//! Invariant: records are taken in the order of their time, whichever CPU they come from. Where the kernel does not let us
//! watch there is no watch, and only living processes can be asked.

use super::mapping::{Mapping, Mappings};
use crate::session::attach::{self, Reach};
use crate::session::load::possible_cpus;
use libbpf_sys as sys;
use memmap2::{MmapOptions, MmapRaw};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

const PAGE: usize = 4096;
/// Pages of records for each CPU, a power of two: some 800 mappings.
const PAGES: usize = 32;
/// Where the page before the records says how far they are written and read (struct perf_event_mmap_page).
const HEAD: usize = 1024;
const TAIL: usize = 1032;

/// Records of all CPUs.
pub struct Watch {
    rings: Vec<Ring>,
    /// Readable when a ring is half full.
    poll: OwnedFd,
}

/// The records of one CPU.
struct Ring {
    _event: OwnedFd,
    memory: MmapRaw,
}

/// What happened.
enum What {
    Mapped(u32, Mapping),
    Executed(u32),
    Forked { parent: u32, child: u32 },
    Ended(u32),
}

impl Watch {
    /// Begins to watch all processes.
    pub fn begin() -> io::Result<Self> {
        // SAFETY: the new descriptor is owned here.
        let poll = unsafe {
            match libc::epoll_create1(libc::EPOLL_CLOEXEC) {
                fd if fd >= 0 => OwnedFd::from_raw_fd(fd),
                _ => return Err(io::Error::last_os_error()),
            }
        };
        let mut rings = Vec::new();
        for cpu in 0..possible_cpus() as u32 {
            match Ring::open(cpu, &poll) {
                Ok(ring) => rings.push(ring),
                // The CPU is not online.
                Err(error) if error.raw_os_error() == Some(libc::ENODEV) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Self { rings, poll })
    }

    /// Readable when records should be taken before there is no more room for new ones.
    pub fn descriptor(&self) -> RawFd {
        self.poll.as_raw_fd()
    }

    /// Takes all records.
    pub fn take(&mut self, mappings: &mut Mappings) {
        let mut records = Vec::new();
        let seen = SystemTime::now();
        for ring in &mut self.rings {
            ring.take(|record| records.extend(parse(record, seen, mappings)));
        }
        records.sort_by_key(|(time, _)| *time);
        for (_, what) in records {
            match what {
                What::Mapped(process, mapping) => mappings.mapped(process, mapping),
                What::Executed(process) => mappings.executed(process),
                What::Forked { parent, child } => mappings.forked(parent, child),
                What::Ended(process) => mappings.ended(process),
            }
        }
    }
}

impl Ring {
    fn open(cpu: u32, poll: &OwnedFd) -> io::Result<Self> {
        let mut description = attach::description(sys::PERF_TYPE_SOFTWARE, sys::PERF_COUNT_SW_DUMMY.into());
        description.set_mmap(1);
        description.set_mmap2(1);
        description.set_comm(1);
        description.set_comm_exec(1);
        description.set_task(1);
        description.set_sample_id_all(1);
        description.sample_type = sys::PERF_SAMPLE_TIME.into();
        description.set_watermark(1);
        description.__bindgen_anon_2.wakeup_watermark = (PAGES * PAGE / 2) as u32;
        let event = attach::open(&description, Reach::Cpu(cpu))?;
        let memory = MmapOptions::new().len((1 + PAGES) * PAGE).map_raw(&event)?;
        let mut interest = libc::epoll_event { events: libc::EPOLLIN as u32, u64: 0 };
        // SAFETY: both descriptors are open; the kernel copies the interest.
        let added =
            unsafe { libc::epoll_ctl(poll.as_raw_fd(), libc::EPOLL_CTL_ADD, event.as_raw_fd(), &raw mut interest) };
        if added != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self { _event: event, memory })
    }

    /// Hands over all records that are there and gives their room back.
    fn take(&mut self, mut each: impl FnMut(&[u8])) {
        let size = PAGES * PAGE;
        let head = self.counter(HEAD).load(Ordering::Acquire);
        let mut position = self.counter(TAIL).load(Ordering::Relaxed);
        let mut record = Vec::new();
        while position < head {
            self.copy(position, 8, &mut record);
            let length = usize::from(u16::from_ne_bytes([record[6], record[7]]));
            // The kernel writes whole records; another length would be damage, and nothing behind it could be read.
            if length < 8 || length > size {
                position = head;
                break;
            }
            self.copy(position, length, &mut record);
            each(&record);
            position += length as u64;
        }
        self.counter(TAIL).store(position, Ordering::Release);
    }

    fn counter(&self, offset: usize) -> &AtomicU64 {
        // SAFETY: the first page is mapped as long as we are, and kernel and we change its counters atomically.
        unsafe { AtomicU64::from_ptr(self.memory.as_mut_ptr().add(offset).cast()) }
    }

    /// Copies bytes of the ring, around its end.
    fn copy(&self, position: u64, length: usize, to: &mut Vec<u8>) {
        let size = PAGES * PAGE;
        let start = position as usize % size;
        let first = length.min(size - start);
        to.clear();
        for (from, count) in [(start, first), (0, length - first)] {
            // SAFETY: both parts are in the mapping; the kernel does not write there before the tail moves on.
            to.extend_from_slice(unsafe { std::slice::from_raw_parts(self.memory.as_ptr().add(PAGE + from), count) });
        }
    }
}

/// A record (include/uapi/linux/perf_event.h, enum perf_event_type) and its time, which stands at its end.
fn parse(record: &[u8], seen: SystemTime, mappings: &mut Mappings) -> Option<(u64, What)> {
    const EXEC: u16 = 1 << 13;
    const EXECUTABLE: u32 = 4;
    let u32_at = |offset: usize| Some(u32::from_ne_bytes(record.get(offset..offset + 4)?.try_into().ok()?));
    let u64_at = |offset: usize| Some(u64::from_ne_bytes(record.get(offset..offset + 8)?.try_into().ok()?));
    let time = u64_at(record.len().checked_sub(8)?)?;
    let process = u32_at(8)?;
    let what = match u32_at(0)? {
        sys::PERF_RECORD_MMAP2 => {
            // Process, thread; address, length, offset; device, inode, generation; protection, flags; file.
            let (start, length, offset) = (u64_at(16)?, u64_at(24)?, u64_at(32)?);
            let name = record.get(72..record.len() - 8)?;
            let name = std::str::from_utf8(&name[..name.iter().position(|byte| *byte == 0)?]).ok()?;
            if u32_at(64)? & EXECUTABLE == 0 || !name.starts_with('/') {
                return None;
            }
            let end = start.checked_add(length)?;
            What::Mapped(process, Mapping { start, end, offset, file: mappings.file(name), seen })
        }
        sys::PERF_RECORD_COMM if u32_at(4)? as u16 & EXEC != 0 => What::Executed(process),
        // Process, parent; thread, parent's thread. A thread of the same process changes nothing.
        sys::PERF_RECORD_FORK if process != u32_at(12)? => What::Forked { parent: u32_at(12)?, child: process },
        sys::PERF_RECORD_EXIT if process == u32_at(16)? => What::Ended(process),
        _ => return None,
    };
    Some((time, what))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn a_process_that_ended_unseen_left_its_mappings() {
        // Needs privileges that a test may lack.
        let Ok(mut watch) = Watch::begin() else { return };
        let mut child = Command::new("/bin/true").spawn().expect("a process");
        let process = child.id();
        child.wait().expect("its end");
        let mut mappings = Mappings::default();
        watch.take(&mut mappings);
        let files = mappings.files_of(process);
        assert!(files.iter().any(|file| file.ends_with("/true")), "{files:?}");
    }
}
