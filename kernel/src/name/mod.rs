//! Names that go with numbers of the kernel's interface: errors, signals, system calls.
//!
//! They are the same on all machines of an architecture, so the compiler and the runtime share them.

mod signal;
mod system_call;

pub use signal::{END as SIGNALS_END, signal};
pub use system_call::{END as SYSTEM_CALLS_END, system_call};

/// One past the last errno value of Linux.
pub const ERRORS_END: u64 = 134;

/// What the C library says about an errno value.
pub fn error(number: i32) -> String {
    let mut message = std::io::Error::from_raw_os_error(number).to_string();
    if let Some(end) = message.rfind(" (os error ") {
        message.truncate(end);
    }
    message
}
