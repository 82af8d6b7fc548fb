//! Runs one case and judges it: a `Case` becomes a `Verdict`.
//!
//! The same code runs on the development machine and inside a virtual machine. Every process a case starts belongs to a
//! process group of its own, which is killed when the case is over, whatever happened.

use std::fs::File;
use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

use crate::case::{Case, Start, Stream};
use crate::expect::difference;

/// Where things are on the machine that runs the cases.
pub struct Place {
    /// The program under test.
    pub lancet: PathBuf,
    /// The test programs.
    pub programs: PathBuf,
    /// A folder for one case at a time.
    pub scratch: PathBuf,
    /// Time limits are multiplied by this.
    pub slow: u32,
}

/// How a case went.
pub enum Verdict {
    /// As expected.
    Passed,
    /// What differs.
    Failed(String),
}

/// Runs a case from start to end.
pub fn run(case: &Case, place: &Place) -> Verdict {
    match attempt(case, place) {
        Ok(seen) => match judge(case, place, &seen) {
            complaints if complaints.is_empty() => Verdict::Passed,
            complaints => Verdict::Failed(complaints.join("\n")),
        },
        Err(error) => Verdict::Failed(format!("could not be run: {error}")),
    }
}

/// What was seen of lancet.
struct Seen {
    stdout: String,
    stderr: String,
    status: Option<ExitStatus>,
    attached: bool,
}

fn attempt(case: &Case, place: &Place) -> std::io::Result<Seen> {
    let _ = std::fs::remove_dir_all(&place.scratch);
    std::fs::create_dir_all(&place.scratch)?;
    let mut background =
        case.background.as_ref().map(|line| start_shell(line, case, place, Stdio::null())).transpose()?;
    if background.is_some() {
        sleep(Duration::from_millis(150) * place.slow);
    }
    let pid = background.as_ref().map(|group| group.0.id().to_string()).unwrap_or_default();
    std::fs::write(
        place.scratch.join(script_name(case)),
        substitute(&case.script, place).replace("{background}", &pid),
    )?;
    let mut lancet = Group(start_lancet(case, place, &pid)?);
    let stdout = Collected::from(lancet.0.stdout.take());
    let stderr = Collected::from(lancet.0.stderr.take());
    let deadline = Instant::now() + case.timeout * place.slow;
    let attached = || stderr.text().contains("Attached ") || stdout.text().contains("\"attached_probes\"");
    let mut workload = None::<Group>;
    let (mut done, mut interrupted) = (case.workload.is_none(), false);
    let mut status = None;
    while status.is_none() && Instant::now() < deadline {
        if !done && attached() {
            match &mut workload {
                None => {
                    workload = Some(start_shell(case.workload.as_deref().unwrap_or(""), case, place, Stdio::null())?)
                }
                Some(group) => done = group.0.try_wait()?.is_some(),
            }
        }
        if done && case.interrupt && !interrupted && attached() {
            sleep(Duration::from_millis(100) * place.slow);
            interrupt(&lancet.0);
            interrupted = true;
        }
        // A process that has ended must be waited for, or it lives on as a zombie with its id.
        background.iter_mut().try_for_each(|group| group.0.try_wait().map(drop))?;
        sleep(Duration::from_millis(5));
        status = lancet.0.try_wait()?;
    }
    let attached = attached();
    drop((lancet, workload, background));
    Ok(Seen { stdout: stdout.finish(), stderr: stderr.finish(), status, attached })
}

fn judge(case: &Case, place: &Place, seen: &Seen) -> Vec<String> {
    let mut complaints = Vec::new();
    match seen.status {
        None if seen.attached => complaints.push("did not end in time".to_owned()),
        None => complaints.push("did not end in time, nor say that it attached".to_owned()),
        Some(status) if status.code() != Some(case.exit) => complaints.push(match status.signal() {
            Some(signal) => format!("was killed by signal {signal}"),
            None => format!("exit code {}, expected {}", status.code().unwrap_or(-1), case.exit),
        }),
        Some(_) => {}
    }
    if seen.stderr.contains("panicked at ") {
        complaints.push("panicked".to_owned());
    }
    for expected in &case.expected {
        let (name, text) = match &expected.stream {
            Stream::Stdout => ("standard output", seen.stdout.clone()),
            Stream::Stderr => ("standard error", seen.stderr.clone()),
            Stream::File(file) => (
                file.as_str(),
                std::fs::read_to_string(place.scratch.join(file)).unwrap_or_else(|error| error.to_string()),
            ),
        };
        let mut expected_here =
            crate::case::Expected { lines: Vec::new(), stream: expected.stream.clone(), ..*expected };
        expected_here.lines = expected.lines.iter().map(|line| substitute(line, place)).collect();
        complaints.extend(difference(&expected_here, &text).map(|text| format!("{name}: {text}")));
    }
    let told = case.expected.iter().any(|expected| expected.stream == Stream::Stderr);
    if !complaints.is_empty() && !told && !seen.stderr.is_empty() {
        let shown: String = seen.stderr.lines().take(40).map(|line| format!("  {line}\n")).collect();
        complaints.push(format!("standard error says:\n{shown}"));
    }
    complaints
}

fn start_lancet(case: &Case, place: &Place, background: &str) -> std::io::Result<Child> {
    let script = script_name(case);
    let mut command = match &case.start {
        Start::Shell(line) => {
            let mut command = Command::new("/bin/sh");
            command.arg("-c").arg(substitute(line, place).replace("{background}", background));
            command
        }
        Start::Script { flags, arguments } => {
            let ready = |word: &String| substitute(word, place).replace("{background}", background);
            let mut command = Command::new(&place.lancet);
            command.args(flags.iter().map(ready)).arg(&script).args(arguments.iter().map(ready));
            command
        }
    };
    dress(&mut command, case, place);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
}

fn start_shell(line: &str, case: &Case, place: &Place, output: Stdio) -> std::io::Result<Group> {
    let mut command = Command::new("/bin/sh");
    // One plain command becomes the process itself, so that its process id is the shell's.
    let plain = !line.contains([';', '|', '&', '<', '>', '(', '\n', '=']);
    command.arg("-c").arg(if plain { format!("exec {}", substitute(line, place)) } else { substitute(line, place) });
    dress(&mut command, case, place);
    command.stdout(output).stderr(Stdio::null()).spawn().map(Group)
}

fn dress(command: &mut Command, case: &Case, place: &Place) {
    let folder = place.lancet.parent().unwrap_or(Path::new("/"));
    let path = std::env::var("PATH").unwrap_or_default();
    command
        .env("PATH", format!("{}:{}:{path}", folder.display(), place.programs.display()))
        .env("SCRIPT", script_name(case))
        .env("NO_COLOR", "1")
        .current_dir(&place.scratch)
        .stdin(Stdio::null())
        .process_group(0);
}

fn script_name(case: &Case) -> String {
    format!("{}.bt", case.name.rsplit('/').next().unwrap_or("script"))
}

fn substitute(text: &str, place: &Place) -> String {
    text.replace("{programs}", &place.programs.display().to_string())
}

fn interrupt(process: &Child) {
    if let Ok(pid) = libc::pid_t::try_from(process.id()) {
        // SAFETY: the process has not been waited for, so its id is still its own.
        unsafe { libc::kill(pid, libc::SIGINT) };
    }
}

/// A child that leads a process group; dropping it ends the whole group.
struct Group(Child);

impl Drop for Group {
    fn drop(&mut self) {
        if let Ok(pid) = libc::pid_t::try_from(self.0.id()) {
            // SAFETY: the group was made for this child; an empty or gone group gives ESRCH.
            unsafe { libc::kill(-pid, libc::SIGKILL) };
        }
        let _ = self.0.wait();
    }
}

/// A stream that is read by a thread until its end.
struct Collected {
    bytes: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
}

impl Collected {
    fn from(stream: Option<impl Into<std::os::fd::OwnedFd>>) -> Collected {
        let bytes = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&bytes);
        let file = stream.map(|stream| File::from(stream.into()));
        let reader = spawn(move || {
            let Some(mut file) = file else { return };
            let mut block = [0; 65536];
            while let Ok(length @ 1..) = file.read(&mut block) {
                shared.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).extend(&block[..length]);
            }
        });
        Collected { bytes, reader }
    }

    fn text(&self) -> String {
        let bytes = self.bytes.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Everything up to the stream's end; a process that escaped its group cannot hold this up for long.
    fn finish(self) -> String {
        let deadline = Instant::now() + Duration::from_secs(2);
        while !self.reader.is_finished() && Instant::now() < deadline {
            sleep(Duration::from_millis(2));
        }
        self.text()
    }
}
