//! Numbers of system calls, by the names that the events of the category `syscalls` have.
//!
//! An event is called after the function in the kernel, which is not always what the call is called: `newstat` is the
//! event of stat(2). The numbers of x86-64 never change; a name that a kernel does not have has no event there.

use crate::name::{SYSTEM_CALLS_END, system_call};
use rustc_hash::FxHashMap;

/// Calls whose function in the kernel has another name: newer ones took the places of the first.
const RENAMED: [(&str, &str); 7] = [
    ("_sysctl", "sysctl"),
    ("fstat", "newfstat"),
    ("lstat", "newlstat"),
    ("sendfile", "sendfile64"),
    ("stat", "newstat"),
    ("umount2", "umount"),
    ("uname", "newuname"),
];

/// One more than any number can be, and a power of two.
pub const NUMBERS: u32 = 512;

/// Whether an event is at a call's start or at its end.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Moment {
    /// `sys_enter_NAME`.
    Enter,
    /// `sys_exit_NAME`.
    Exit,
}

/// All numbers by name.
pub struct SystemCalls {
    numbers: FxHashMap<&'static str, u32>,
}

impl SystemCalls {
    /// Those of x86-64.
    pub fn x86_64() -> Self {
        let entry = |number| {
            let name = system_call(number)?;
            let renamed = RENAMED.iter().find(|(called, _)| *called == name);
            Some((renamed.map_or(name, |(_, function)| function), number as u32))
        };
        Self { numbers: (0..SYSTEM_CALLS_END).filter_map(entry).collect() }
    }

    /// What a tracepoint of this category and name tells of, if it is an event of a system call.
    pub fn of_event(&self, category: &str, event: &str) -> Option<(Moment, u32)> {
        if category != "syscalls" {
            return None;
        }
        let (moment, name) = match event.strip_prefix("sys_enter_") {
            Some(name) => (Moment::Enter, name),
            None => (Moment::Exit, event.strip_prefix("sys_exit_")?),
        };
        Some((moment, *self.numbers.get(name)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_have_numbers() {
        let calls = SystemCalls::x86_64();
        assert_eq!(calls.of_event("syscalls", "sys_enter_read"), Some((Moment::Enter, 0)));
        assert_eq!(calls.of_event("syscalls", "sys_exit_newfstatat"), Some((Moment::Exit, 262)));
        assert_eq!(calls.of_event("syscalls", "sys_enter_umount"), Some((Moment::Enter, 166)));
        assert_eq!(calls.of_event("sched", "sys_enter_read"), None);
        assert_eq!(calls.of_event("syscalls", "sys_enter_no_such_call"), None);
    }

    #[test]
    fn numbers_are_in_range() {
        assert!(SYSTEM_CALLS_END <= u64::from(NUMBERS));
    }
}
