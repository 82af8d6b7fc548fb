//! Signals as something to wait for: blocked, and read from a descriptor.

use super::error::RuntimeError;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;

/// The signals that a session reads; the previous mask comes back when this is dropped.
pub struct Signals {
    queue: OwnedFd,
    before: libc::sigset_t,
}

impl Signals {
    /// Blocks the signals and queues them.
    pub fn queue(signals: &[i32]) -> Result<Self, RuntimeError> {
        let wanted = set(signals);
        // SAFETY: the kernel reads and writes the two sets; the new descriptor is owned here.
        unsafe {
            let mut before = std::mem::zeroed();
            libc::pthread_sigmask(libc::SIG_BLOCK, &wanted, &mut before);
            match libc::signalfd(-1, &wanted, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) {
                -1 => Err(RuntimeError::system("signals cannot be waited for")),
                fd => Ok(Self { queue: OwnedFd::from_raw_fd(fd), before }),
            }
        }
    }

    /// Readable when there is a signal.
    pub fn descriptor(&self) -> RawFd {
        self.queue.as_raw_fd()
    }

    /// The next signal that came.
    pub fn next(&self) -> Option<i32> {
        // SAFETY: the kernel writes one whole structure or nothing.
        unsafe {
            let mut signal: libc::signalfd_siginfo = std::mem::zeroed();
            let size = size_of_val(&signal);
            let read = libc::read(self.queue.as_raw_fd(), (&raw mut signal).cast(), size);
            (read == size as isize).then_some(signal.ssi_signo as i32)
        }
    }

    /// Whether SIGINT or SIGTERM waits to be read.
    pub fn ask_to_end(&self) -> bool {
        // SAFETY: the kernel writes the set, and the set is asked for members.
        unsafe {
            let mut pending = std::mem::zeroed();
            libc::sigpending(&mut pending) == 0
                && [libc::SIGINT, libc::SIGTERM].iter().any(|&signal| libc::sigismember(&pending, signal) == 1)
        }
    }

    /// From here on the next SIGINT or SIGTERM ends this process at once.
    pub fn end_at_next(&self) {
        let ending = set(&[libc::SIGINT, libc::SIGTERM]);
        // SAFETY: the kernel reads the set.
        unsafe {
            libc::signal(libc::SIGINT, libc::SIG_DFL);
            libc::signal(libc::SIGTERM, libc::SIG_DFL);
            libc::pthread_sigmask(libc::SIG_UNBLOCK, &ending, ptr::null_mut());
        }
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        while self.next().is_some() {}
        // SAFETY: the set is the one that the kernel gave.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &self.before, ptr::null_mut()) };
    }
}

/// The number of a signal such as `SIGUSR1` or `USR1`.
pub fn number(name: &str) -> Option<i32> {
    Some(match name.strip_prefix("SIG").unwrap_or(name) {
        "HUP" => libc::SIGHUP,
        "INT" => libc::SIGINT,
        "QUIT" => libc::SIGQUIT,
        "TERM" => libc::SIGTERM,
        "USR1" => libc::SIGUSR1,
        "USR2" => libc::SIGUSR2,
        _ => return None,
    })
}

fn set(signals: &[i32]) -> libc::sigset_t {
    // SAFETY: the set is made empty before it is used.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        signals.iter().for_each(|&signal| _ = libc::sigaddset(&mut set, signal));
        set
    }
}
