//! A program that is attached to one place or to many, and how it is taken off.

use super::Reason;
use crate::kernel::lockdown::Lockdown;
use crate::session::error::plain;
use crate::session::load::take_said;
use libbpf_sys as sys;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr::NonNull;

/// `PERF_EVENT_IOC_DISABLE` of linux/perf_event.h.
const DISABLE: libc::Ioctl = 0x2401;

/// An attached program. Dropping detaches.
pub struct Link {
    link: NonNull<sys::bpf_link>,
    /// The event below the link, kept open: closing the last descriptor of one takes the kernel up to 80 ms, during which
    /// the program is off already.
    event: Option<OwnedFd>,
    /// It has a name in bpffs, which is to go with it.
    is_pinned: bool,
}

impl Link {
    /// What libbpf returned.
    pub fn new(link: *mut sys::bpf_link) -> io::Result<Self> {
        let error = io::Error::last_os_error();
        let said = take_said();
        match NonNull::new(link) {
            Some(link) => Ok(Self { link, event: None, is_pinned: false }),
            None if error.raw_os_error() == Some(0) => Err(io::Error::other(said)),
            None => Err(error),
        }
    }

    /// Keeps the event open as long as the link.
    pub fn with_event(self, event: Option<OwnedFd>) -> Self {
        let mut this = self;
        this.event = event;
        this
    }

    /// It was given a name in bpffs.
    pub fn pinned(self) -> Self {
        let mut this = self;
        this.is_pinned = true;
        this
    }

    /// For libbpf.
    pub fn as_ptr(&self) -> *mut sys::bpf_link {
        self.link.as_ptr()
    }

    /// How many events of kernel functions the kernel counts that this attach point did not see (Linux 6.7).
    pub fn missed(&self) -> u64 {
        let mut info = sys::bpf_link_info::default();
        let mut size = size_of::<sys::bpf_link_info>() as u32;
        // SAFETY: the link is open; the kernel writes no more than the size says.
        let result = unsafe { sys::bpf_link_get_info_by_fd(sys::bpf_link__fd(self.as_ptr()), &mut info, &mut size) };
        if result != 0 {
            return 0;
        }
        // SAFETY: the kinds say which member the kernel wrote; all are plain integers.
        unsafe {
            let (multi, event) = (&info.__bindgen_anon_1.kprobe_multi, &info.__bindgen_anon_1.perf_event);
            match info.type_ {
                sys::BPF_LINK_TYPE_KPROBE_MULTI => multi.missed,
                sys::BPF_LINK_TYPE_PERF_EVENT => match event.type_ {
                    sys::BPF_PERF_EVENT_KPROBE | sys::BPF_PERF_EVENT_KRETPROBE => event.__bindgen_anon_1.kprobe.missed,
                    _ => 0,
                },
                _ => 0,
            }
        }
    }

    /// Stops the event below, if it is one that can be stopped alone.
    pub fn disable(&self) {
        if let Some(event) = &self.event {
            // SAFETY: the descriptor is open. An event that cannot be stopped goes on until it is detached.
            unsafe { libc::ioctl(event.as_raw_fd(), DISABLE, 0) };
        }
    }

    /// Takes the program off; what is returned may be closed when there is time.
    pub fn detach(mut self) -> Option<OwnedFd> {
        self.event.take()
    }
}

// SAFETY: libbpf's links are independent of each other and of the thread that made them.
unsafe impl Send for Link {}

impl Drop for Link {
    fn drop(&mut self) {
        if self.is_pinned {
            // SAFETY: the link is ours; without its name it goes when its last descriptor is closed.
            unsafe { sys::bpf_link__unpin(self.link.as_ptr()) };
        }
        // SAFETY: the link is ours, and nothing uses it afterwards.
        unsafe { sys::bpf_link__destroy(self.link.as_ptr()) };
    }
}

/// Attaches with a cookie, and without on kernels that know none: programs compiled for those do not ask for it.
pub fn with_cookie(cookie: u64, attach: impl Fn(u64) -> io::Result<Link>) -> io::Result<Link> {
    match attach(cookie) {
        Err(error)
            if cookie != 0 && matches!(error.raw_os_error(), Some(libc::EOPNOTSUPP | libc::EINVAL | libc::E2BIG)) =>
        {
            attach(0).map_err(|_| error)
        }
        result => result,
    }
}

/// A reason that no kind of probe has its own words for.
pub fn describe(error: &io::Error) -> Reason {
    match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => match Lockdown::met_by_root().explains_denial() {
            Some(reason) => reason.into(),
            None => {
                "the kernel does not permit it: run as root or with CAP_PERFMON, and see kernel.perf_event_paranoid"
                    .into()
            }
        },
        Some(libc::EMFILE | libc::ENFILE) => "too many open files: raise `ulimit -n` or trace fewer probes".into(),
        Some(libc::ENOMEM) => "the kernel has no memory for it: trace fewer probes".into(),
        _ => plain(error),
    }
}
