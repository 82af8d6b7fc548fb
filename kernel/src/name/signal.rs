//! Descriptions of signals, as `strsignal` gives them.

/// By number from 1.
const DESCRIPTIONS: [&str; 31] = [
    "Hangup",
    "Interrupt",
    "Quit",
    "Illegal instruction",
    "Trace/breakpoint trap",
    "Aborted",
    "Bus error",
    "Floating point exception",
    "Killed",
    "User defined signal 1",
    "Segmentation fault",
    "User defined signal 2",
    "Broken pipe",
    "Alarm clock",
    "Terminated",
    "Stack fault",
    "Child exited",
    "Continued",
    "Stopped (signal)",
    "Stopped",
    "Stopped (tty input)",
    "Stopped (tty output)",
    "Urgent I/O condition",
    "CPU time limit exceeded",
    "File size limit exceeded",
    "Virtual timer expired",
    "Profiling timer expired",
    "Window changed",
    "I/O possible",
    "Power failure",
    "Bad system call",
];

/// The first signal of the real-time range as programs see it.
const FIRST_REAL_TIME: u64 = 34;

/// One past the last number.
pub const END: u64 = 65;

/// The description of a signal.
pub fn signal(number: u64) -> String {
    let known = number.checked_sub(1).and_then(|index| DESCRIPTIONS.get(usize::try_from(index).ok()?));
    match known {
        Some(description) => (*description).to_owned(),
        None if (FIRST_REAL_TIME..END).contains(&number) => format!("Real-time signal {}", number - FIRST_REAL_TIME),
        None => format!("Unknown signal {}", number as i64),
    }
}
