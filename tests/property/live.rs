//! The command on this machine: a script runs, or the kernel says why not.

use lancet_syntax::code::Code;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

/// What one script may take; they end by themselves after some milliseconds.
const LIMIT: Duration = Duration::from_secs(30);

/// What is said of a script that a verifier gives up on, having found nothing wrong.
const TOO_LARGE: &str = "is too large for this kernel";

/// A script as a behaviour case: it ends well, or is refused for the kernel's age or its limits.
pub fn as_behaviour_case(script: &str) -> String {
    let refused = format!("-e {} -e '{TOO_LARGE}'", Code::NotOnThisKernel.as_str());
    let line = "lancet -q --no-warnings $SCRIPT >printed 2>said; code=$?";
    format!("//@ run: {line}; if grep -q {refused} said; then exit 0; fi; cat said >&2; exit $code\n{script}")
}

/// Whether this process may load programs into this kernel; the error says why not.
pub fn available() -> Result<(), String> {
    run("begin { exit(); }", &[]).map(drop)
}

/// Loads, attaches and runs a script to its end, unless it is beyond this kernel.
pub fn loads(script: &str) -> Result<(), String> {
    let output = run(script, &["-q", "--no-warnings"]);
    match output {
        Err(said) if said.contains(&format!("[{}]", Code::NotOnThisKernel.as_str())) => Ok(()),
        Err(said) if said.contains(TOO_LARGE) => Ok(()),
        other => other.map(drop),
    }
}

/// Standard output of a script; the error is what it says otherwise.
pub fn run(script: &str, flags: &[&str]) -> Result<String, String> {
    let name = format!("property-{}-{:?}.bt", std::process::id(), std::thread::current().id());
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name.replace(['(', ')'], ""));
    std::fs::write(&file, script).map_err(|error| format!("{}: {error}", file.display()))?;
    let output = in_time(Command::new(lancet()).args(flags).arg(&file));
    let _ = std::fs::remove_file(&file);
    let output = output?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() && !said.contains("panicked at") {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        Err(format!("{}: {said}", output.status))
    }
}

/// The program under test.
fn lancet() -> PathBuf {
    std::env::var_os("LANCET").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_lancet")), PathBuf::from)
}

fn in_time(command: &mut Command) -> Result<Output, String> {
    let text = |error: std::io::Error| error.to_string();
    command.env("NO_COLOR", "1").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().map_err(text)?;
    let id = child.id();
    let start = Instant::now();
    let waiting = std::thread::spawn(move || child.wait_with_output());
    while !waiting.is_finished() {
        if start.elapsed() > LIMIT {
            if let Ok(id) = libc::pid_t::try_from(id) {
                // SAFETY: the thread still waits for the process, so its id is its own.
                unsafe { libc::kill(id, libc::SIGKILL) };
            }
            return Err(format!("does not end in {} s", LIMIT.as_secs()));
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    waiting.join().map_err(|_| "reading its output failed".to_owned())?.map_err(text)
}
