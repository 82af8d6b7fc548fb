//! Holds a command where it enters its program: the dynamic loader has mapped all libraries by then, so that what they need
//! to be unwound can be made before any of their code runs in earnest (ptrace(2)).

use std::io;

/// AT_ENTRY of include/uapi/linux/auxvec.h: the program's first instruction.
const ENTRY: u64 = 9;
/// int3.
const BREAKPOINT: u64 = 0xcc;

/// Lets a traced child run from the stop after its exec to its first instruction, and from there on after `ready`. The child
/// is free afterwards, whatever happens.
pub fn stop_there(process: u32, ready: impl FnOnce()) {
    let child = Child(process as i32);
    if child.has_stopped_for(libc::SIGTRAP) {
        // Who cannot be held there just runs: its first stacks may be short.
        let _ = child.run_to_entry(process);
        ready();
    }
    child.release();
}

/// A process that we trace.
struct Child(i32);

impl Child {
    fn run_to_entry(&self, process: u32) -> io::Result<()> {
        let entry = entry_point(&std::fs::read(format!("/proc/{process}/auxv"))?)
            .ok_or_else(|| io::Error::other("the kernel does not tell the entry point"))?;
        let word = self.peek(entry)?;
        // A uprobe is there, and would take the breakpoint for its own.
        if word & 0xff == BREAKPOINT {
            return Ok(());
        }
        self.poke(entry, word & !0xff | BREAKPOINT)?;
        self.go_on(0)?;
        let mut stopped = self.stop_signal();
        // Other signals are handed on.
        while let Some(signal) = stopped.filter(|signal| *signal != libc::SIGTRAP) {
            self.go_on(signal)?;
            stopped = self.stop_signal();
        }
        if stopped.is_none() {
            return Ok(());
        }
        self.poke(entry, word)?;
        self.set_instruction_pointer(entry)
    }

    fn has_stopped_for(&self, signal: i32) -> bool {
        self.stop_signal() == Some(signal)
    }

    /// The signal that it stops for next; none if it ends instead, of which nothing is taken.
    fn stop_signal(&self) -> Option<i32> {
        loop {
            // SAFETY: the kernel writes the information; the process is our child.
            unsafe {
                let mut information: libc::siginfo_t = std::mem::zeroed();
                let wanted = libc::WEXITED | libc::WSTOPPED;
                let result = libc::waitid(libc::P_PID, self.0 as _, &mut information, wanted | libc::WNOWAIT);
                if result != 0 && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted {
                    continue;
                }
                if result != 0 || !matches!(information.si_code, libc::CLD_TRAPPED | libc::CLD_STOPPED) {
                    return None;
                }
                libc::waitid(libc::P_PID, self.0 as _, &mut information, libc::WSTOPPED);
                return Some(information.si_status());
            }
        }
    }

    fn peek(&self, address: u64) -> io::Result<u64> {
        let mut word = 0u64;
        // SAFETY: the raw call writes the word where it is told to.
        let result = unsafe { libc::syscall(libc::SYS_ptrace, libc::PTRACE_PEEKTEXT, self.0, address, &raw mut word) };
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(word) }
    }

    fn poke(&self, address: u64, word: u64) -> io::Result<()> {
        self.request(libc::PTRACE_POKETEXT, address, word)
    }

    fn go_on(&self, signal: i32) -> io::Result<()> {
        self.request(libc::PTRACE_CONT, 0, signal as u64)
    }

    fn set_instruction_pointer(&self, address: u64) -> io::Result<()> {
        let offset = std::mem::offset_of!(libc::user, regs) + std::mem::offset_of!(libc::user_regs_struct, rip);
        self.request(libc::PTRACE_POKEUSER, offset as u64, address)
    }

    fn release(&self) {
        // Of one that has ended there is nothing to release.
        let _ = self.request(libc::PTRACE_DETACH, 0, 0);
    }

    fn request(&self, request: libc::c_uint, address: u64, data: u64) -> io::Result<()> {
        // SAFETY: these requests write to the child alone, which we trace.
        let result = unsafe { libc::syscall(libc::SYS_ptrace, request, self.0, address, data) };
        if result < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

/// The address of the program's first instruction in the vector that the kernel hands to it.
fn entry_point(vector: &[u8]) -> Option<u64> {
    let word = |bytes: &[u8]| bytes.try_into().ok().map(u64::from_ne_bytes);
    let mut pairs = vector.chunks_exact(16).filter_map(|pair| Some((word(&pair[..8])?, word(&pair[8..])?)));
    pairs.find(|(kind, _)| *kind == ENTRY).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_entry_point_is_told() {
        let vector = std::fs::read("/proc/self/auxv").expect("the vector");
        assert!(entry_point(&vector).is_some_and(|address| address > 0));
        assert_eq!(entry_point(&[9, 0, 0]), None);
    }
}
