//! Closing perf events costs the kernel up to 80 ms each, after the session has nothing left to say: a process of its own
//! does it, so that the prompt is back at once.
//!
//! The programs are detached already; the process only holds descriptors, and is gone when the last one is closed.

use std::os::fd::OwnedFd;

/// Leaves the events to a process in the background; where none can be made, they are closed here.
pub fn close_in_background(events: Vec<OwnedFd>) {
    if events.is_empty() {
        return;
    }
    // SAFETY: the child has copies of all descriptors, and makes system calls only. Ours are closed by drop: that is
    // quick when they are not the last.
    unsafe {
        if libc::fork() == 0 {
            libc::setsid();
            // Whoever reads our output must not wait for the child.
            libc::close(libc::STDIN_FILENO);
            libc::close(libc::STDOUT_FILENO);
            libc::close(libc::STDERR_FILENO);
            libc::_exit(0);
        }
    }
}
