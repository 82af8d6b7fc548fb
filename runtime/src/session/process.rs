//! The process of a session: the command of `-c`, stopped until everything is attached, or the process of `-p`.
//!
//! The child waits on a pipe before it becomes the command, so that its first instruction is traced.

use super::entry;
use super::error::{RuntimeError, plain};
use std::ffi::CString;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::ptr;

/// What tells the child to become the command, and whether to stop then for its parent.
const RUN: u8 = 1;
const BE_TRACED: u8 = 2;

/// The process whose end ends the session.
pub struct Process {
    /// Its number.
    pub id: u32,
    /// Readable once it has ended.
    end: OwnedFd,
    child: Option<Child>,
}

/// What only a child has.
struct Child {
    command: String,
    /// [`RUN`] or [`BE_TRACED`] into it starts the command.
    start: Option<File>,
    /// Says why the command could not be started.
    failure: File,
}

/// How a command ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ending {
    /// By itself.
    Code(i32),
    /// By a signal.
    Signal(i32),
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit code {code}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
        }
    }
}

impl Process {
    /// The process of `-p`.
    pub fn existing(id: u32) -> Result<Self, RuntimeError> {
        let end = open_process(id).map_err(|_| RuntimeError::NoProcess(id))?;
        Ok(Self { id, end, child: None })
    }

    /// The command of `-c`, not yet started.
    pub fn command(command: &str) -> Result<Self, RuntimeError> {
        let words = split_words(command).map_err(|reason| refused(command, reason))?;
        let Some(name) = words.first() else { return Err(refused(command, "it is empty")) };
        let path = find(name).ok_or_else(|| RuntimeError::NoCommand(name.clone()))?;
        let c_string = |bytes: &[u8]| CString::new(bytes).map_err(|_| refused(command, "it has a NUL in it"));
        let path = c_string(path.as_os_str().as_bytes())?;
        let words: Vec<_> = words.iter().map(|word| c_string(word.as_bytes())).collect::<Result<_, _>>()?;
        let ((wait, start), (failure, fail)) = (pipe()?, pipe()?);
        // SAFETY: the child calls nothing but async-signal-safe functions until it becomes the command.
        let id = match unsafe { libc::fork() } {
            -1 => return Err(RuntimeError::system("no process can be made")),
            0 => become_command(&path, &words, [wait.as_raw_fd(), start.as_raw_fd(), fail.as_raw_fd()]),
            id => id as u32,
        };
        let end = open_process(id).map_err(|_| RuntimeError::system("the command cannot be watched"))?;
        let child = Child { command: command.to_owned(), start: Some(File::from(start)), failure: File::from(failure) };
        Ok(Self { id, end, child: Some(child) })
    }

    /// Lets the command start; does nothing for another's process.
    pub fn start(&mut self) -> Result<(), RuntimeError> {
        self.become_command(RUN).map(drop)
    }

    /// The same, but holds it at its program's first instruction until `ready` has returned.
    pub fn start_from_entry(&mut self, ready: impl FnOnce()) -> Result<(), RuntimeError> {
        if self.become_command(BE_TRACED)? {
            entry::stop_there(self.id, ready);
        }
        Ok(())
    }

    /// True when there is a command that had not yet been started.
    fn become_command(&mut self, how: u8) -> Result<bool, RuntimeError> {
        let Some(child) = &mut self.child else { return Ok(false) };
        let Some(mut start) = child.start.take() else { return Ok(false) };
        let failed = |reason: io::Error| refused(&child.command, plain(&reason));
        start.write_all(&[how]).map_err(failed)?;
        let mut error = [0u8; 4];
        // The pipe closes without a word once the command runs.
        match child.failure.read(&mut error) {
            Ok(4) => Err(failed(io::Error::from_raw_os_error(i32::from_ne_bytes(error)))),
            _ => Ok(true),
        }
    }

    /// How a command ended that has; `None` for another's process, and while it runs.
    pub fn ending(&mut self) -> Option<Ending> {
        self.child.as_ref()?;
        let mut status = 0;
        // SAFETY: the process is our child and not yet waited for; the kernel writes one number.
        let ended = unsafe { libc::waitpid(self.id as i32, &mut status, libc::WNOHANG) } == self.id as i32;
        if ended {
            // Its number may be another's from now on.
            self.child = None;
        }
        match (ended, libc::WIFSIGNALED(status)) {
            (false, _) => None,
            (true, true) => Some(Ending::Signal(libc::WTERMSIG(status))),
            (true, false) => Some(Ending::Code(libc::WEXITSTATUS(status))),
        }
    }

    /// Readable once the process has ended.
    pub fn end(&self) -> RawFd {
        self.end.as_raw_fd()
    }
}

impl Drop for Process {
    /// A command does not outlive the session that started it.
    fn drop(&mut self) {
        if self.child.take().is_some() {
            // SAFETY: the process is our child and not yet waited for, so the number is still its own.
            unsafe {
                libc::kill(self.id as i32, libc::SIGTERM);
                libc::waitpid(self.id as i32, ptr::null_mut(), libc::WNOHANG);
            }
        }
    }
}

fn refused(command: &str, reason: impl ToString) -> RuntimeError {
    RuntimeError::Command { command: command.to_owned(), reason: reason.to_string() }
}

/// What the child does between fork and exec.
fn become_command(path: &CString, words: &[CString], [wait, start, fail]: [RawFd; 3]) -> ! {
    let mut arguments: [*const libc::c_char; 1024] = [ptr::null(); 1024];
    for (argument, word) in arguments.iter_mut().zip(words.iter().take(1023)) {
        *argument = word.as_ptr();
    }
    // SAFETY: descriptors are open; strings and arrays live until exec; only async-signal-safe functions are called.
    unsafe {
        libc::close(start);
        let mut byte = 0u8;
        if libc::read(wait, (&raw mut byte).cast(), 1) != 1 {
            libc::_exit(0);
        }
        if byte == BE_TRACED {
            libc::ptrace(libc::PTRACE_TRACEME, 0, 0, 0);
        }
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &none, ptr::null_mut());
        libc::execv(path.as_ptr(), arguments.as_ptr());
        let error = (*libc::__errno_location()).to_ne_bytes();
        libc::write(fail, error.as_ptr().cast(), error.len());
        libc::_exit(127)
    }
}

fn pipe() -> Result<(OwnedFd, OwnedFd), RuntimeError> {
    let mut ends = [0; 2];
    // SAFETY: the kernel writes two descriptors, which are owned from here on.
    unsafe {
        if libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) != 0 {
            return Err(RuntimeError::system("no pipe can be made"));
        }
        Ok((OwnedFd::from_raw_fd(ends[0]), OwnedFd::from_raw_fd(ends[1])))
    }
}

fn open_process(id: u32) -> io::Result<OwnedFd> {
    // SAFETY: the new descriptor is owned here.
    unsafe {
        let fd = libc::syscall(libc::SYS_pidfd_open, id, 0);
        if fd < 0 { Err(io::Error::last_os_error()) } else { Ok(OwnedFd::from_raw_fd(fd as i32)) }
    }
}

fn find(name: &str) -> Option<PathBuf> {
    if name.contains('/') {
        return Some(PathBuf::from(name)).filter(|path| path.exists());
    }
    let directories = std::env::var_os("PATH")?;
    std::env::split_paths(&directories).map(|directory| directory.join(name)).find(|path| is_executable(path))
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// Splits as a shell does for blanks, quotes and backslashes; nothing is expanded.
fn split_words(command: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = command.chars();
    while let Some(character) = characters.next() {
        match (quote, character) {
            (Some(open), close) if open == close => quote = None,
            (Some('\''), other) => word.get_or_insert_default().push(other),
            (_, '\\') => {
                let next = characters.next().ok_or("it ends with a backslash")?;
                let word = word.get_or_insert_default();
                if quote.is_some() && !matches!(next, '"' | '\\' | '$' | '`') {
                    word.push('\\');
                }
                word.push(next);
            }
            (Some(_), other) => word.get_or_insert_default().push(other),
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, blank) if blank.is_whitespace() => words.extend(word.take()),
            (None, other) => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    if quote.is_some() { Err("a quote is not closed") } else { Ok(words) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_split_as_in_a_shell() {
        assert_eq!(split_words(r#"sh -c "a 'b' \"c\"" '' d\ e"#), Ok(strings(&["sh", "-c", "a 'b' \"c\"", "", "d e"])));
        assert_eq!(split_words("  ").map(|words| words.len()), Ok(0));
        assert!(split_words("echo 'x").is_err());
    }

    #[test]
    fn a_command_that_is_not_there_is_named() {
        let error = Process::command("no-such-command-anywhere x").map(|process| process.id);
        assert!(matches!(error, Err(RuntimeError::NoCommand(name)) if name == "no-such-command-anywhere"));
    }

    fn strings(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }
}
