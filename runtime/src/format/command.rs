//! What `system` and `cat` print: the output of a command, the content of a file.

use lancet_kernel::name;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};

/// Runs a command by the shell and appends what it wrote to its standard output. `Err` says why it did not end well.
pub fn run(out: &mut Vec<u8>, command: &[u8]) -> Result<(), String> {
    let child = Command::new("/bin/sh").arg("-c").arg(OsStr::from_bytes(command)).stderr(Stdio::inherit()).output();
    let shown = String::from_utf8_lossy(command);
    match child {
        Ok(ended) => {
            out.extend_from_slice(&ended.stdout);
            if ended.status.success() { Ok(()) } else { Err(format!("system(\"{shown}\"): {}", ended.status)) }
        }
        Err(error) => Err(format!("system(\"{shown}\"): cannot run /bin/sh: {error}")),
    }
}

/// Appends at most `limit` bytes of a file. `Err` says why it cannot be read.
pub fn read(out: &mut Vec<u8>, path: &[u8], limit: u64) -> Result<(), String> {
    let path = OsStr::from_bytes(path);
    let result: io::Result<usize> = File::open(path).and_then(|file| file.take(limit).read_to_end(out));
    result.map(|_| ()).map_err(|error| {
        let reason = match error.raw_os_error() {
            Some(number) => name::error(number),
            None => error.to_string(),
        };
        format!("failed to open file '{}' ({reason})", path.to_string_lossy())
    })
}
