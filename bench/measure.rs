//! What the benchmarks share: tools that trace, alone or two in turn, asked while they run and when they have ended.
//!
//! CPU time is user and system time of the process, and a ratio is the median of the pairs: a busy machine disturbs those
//! less than wall time. Nothing is asserted.

use std::fs::{self, File};
use std::mem::MaybeUninit;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How long a tool may take to attach, and to end.
const LIMIT: Duration = Duration::from_secs(120);

/// A program under measurement.
pub struct Tool {
    /// Where it is.
    pub path: PathBuf,
}

/// lancet, and the program that RIVAL names.
pub fn tools() -> Vec<Tool> {
    let rival = std::env::var("RIVAL").ok().filter(|name| !name.is_empty()).and_then(|name| find(&name));
    let lancet = PathBuf::from(env!("CARGO_BIN_EXE_lancet"));
    std::iter::once(lancet).chain(rival).map(|path| Tool { path }).collect()
}

fn find(name: &str) -> Option<PathBuf> {
    if name.contains('/') {
        return Some(PathBuf::from(name));
    }
    let found =
        std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| path.is_file());
    if found.is_none() {
        println!("no program {name} in PATH: measuring lancet alone");
    }
    found
}

/// What the kernel says of the programs and maps that a process holds.
#[derive(Clone, Copy, Default, Debug)]
pub struct Held {
    /// Nanoseconds that programs ran, if the kernel counts them.
    pub run_ns: u64,
    /// How often they ran.
    pub runs: u64,
    /// Instructions that the verifier followed.
    pub verified: u64,
    /// Bytes of maps.
    pub map_bytes: u64,
}

/// How a session ended.
#[derive(Clone, Copy, Default, Debug)]
pub struct End {
    /// Milliseconds from the signal, or from the start, to the end.
    pub wall_ms: f64,
    /// CPU time of the whole process.
    pub cpu_ms: f64,
    /// Its memory at its largest.
    pub peak_mib: f64,
}

/// A tool that runs a script.
pub struct Session {
    pid: libc::pid_t,
    started: Instant,
    output: PathBuf,
    ended: bool,
}

impl Session {
    /// Starts the tool with these arguments.
    pub fn start(tool: &Tool, arguments: &[&str]) -> Result<Self, String> {
        let output = std::env::temp_dir().join(format!("lancet-bench-{}", std::process::id()));
        let file = File::create(&output).map_err(|error| format!("{}: {error}", output.display()))?;
        let errors = file.try_clone().map_err(|error| error.to_string())?;
        let mut command = Command::new(&tool.path);
        command.args(arguments).stdin(Stdio::null()).stdout(file).stderr(errors);
        command.env("BPFTRACE_MAX_PROBES", "100000").env("BPFTRACE_MAX_BPF_PROGS", "100000");
        let started = Instant::now();
        let child = command.spawn().map_err(|error| format!("{}: {error}", tool.path.display()))?;
        let pid = libc::pid_t::try_from(child.id()).map_err(|error| error.to_string())?;
        Ok(Self { pid, started, output, ended: false })
    }

    /// Starts it and waits until it says that its probes are attached.
    pub fn attach(tool: &Tool, script: &str) -> Result<Self, String> {
        Self::attach_with(tool, &["-e", script])
    }

    /// The same with more arguments.
    pub fn attach_with(tool: &Tool, arguments: &[&str]) -> Result<Self, String> {
        let session = Self::start(tool, arguments)?;
        while !session.said().contains("Attached ") {
            let state = fs::read_to_string(format!("/proc/{}/stat", session.pid)).unwrap_or_default();
            if session.started.elapsed() > LIMIT || state.contains(") Z") {
                let said = session.said();
                return Err(format!("{} did not attach: {}", tool.path.display(), said.trim()));
            }
            std::thread::sleep(Duration::from_micros(500));
        }
        Ok(session)
    }

    /// What it printed so far.
    pub fn said(&self) -> String {
        fs::read(&self.output).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default()
    }

    /// CPU time of its threads so far.
    pub fn cpu_ms(&self) -> f64 {
        let Ok(tasks) = fs::read_dir(format!("/proc/{}/task", self.pid)) else { return 0.0 };
        let of_task = |path: PathBuf| {
            let text = fs::read_to_string(path.join("schedstat")).ok()?;
            text.split_whitespace().next()?.parse::<f64>().ok()
        };
        tasks.flatten().filter_map(|task| of_task(task.path())).sum::<f64>() / 1e6
    }

    /// What it holds in the kernel.
    pub fn held(&self) -> Held {
        let mut held = Held::default();
        let Ok(descriptors) = fs::read_dir(format!("/proc/{}/fdinfo", self.pid)) else { return held };
        for text in descriptors.flatten().filter_map(|entry| fs::read_to_string(entry.path()).ok()) {
            let number = |key: &str| {
                let line = text.lines().find_map(|line| line.strip_prefix(key));
                line.and_then(|value| value.trim().parse::<u64>().ok()).unwrap_or(0)
            };
            if text.contains("prog_type:") {
                held.run_ns += number("run_time_ns:");
                held.runs += number("run_cnt:");
                held.verified += number("verified_insns:");
            } else if text.contains("map_type:") {
                held.map_bytes += number("memlock:");
            }
        }
        held
    }

    /// Ctrl-C, and the time until it is gone.
    pub fn stop(mut self) -> End {
        let at = Instant::now();
        // SAFETY: the child is ours and has not been waited for.
        unsafe { libc::kill(self.pid, libc::SIGINT) };
        self.wait(at)
    }

    /// Ctrl-C, and all that it printed.
    pub fn stop_and_read(mut self) -> String {
        // SAFETY: the child is ours and has not been waited for.
        unsafe { libc::kill(self.pid, libc::SIGINT) };
        self.wait(self.started);
        self.said()
    }

    /// Waits for its end, which is up to the script.
    pub fn finish(mut self) -> Result<End, String> {
        let end = self.wait(self.started);
        if end.cpu_ms.is_nan() { Err(format!("did not end well: {}", self.said().trim())) } else { Ok(end) }
    }

    fn wait(&mut self, since: Instant) -> End {
        let mut usage = MaybeUninit::<libc::rusage>::zeroed();
        let mut status = 0;
        // SAFETY: both pointers are to writable memory of the right type, and the child is waited for only here.
        let waited = unsafe { libc::wait4(self.pid, &mut status, 0, usage.as_mut_ptr()) };
        self.ended = true;
        if waited < 0 || status != 0 {
            return End { cpu_ms: f64::NAN, ..End::default() };
        }
        // SAFETY: wait4 succeeded, and all-zero bytes are a valid rusage anyway.
        let usage = unsafe { usage.assume_init() };
        let ms = |time: libc::timeval| time.tv_sec as f64 * 1e3 + time.tv_usec as f64 / 1e3;
        End {
            wall_ms: since.elapsed().as_secs_f64() * 1e3,
            cpu_ms: ms(usage.ru_utime) + ms(usage.ru_stime),
            peak_mib: usage.ru_maxrss as f64 / 1024.0,
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if !self.ended {
            // SAFETY: the child is ours and has not been waited for.
            unsafe { libc::kill(self.pid, libc::SIGKILL) };
            self.wait(self.started);
        }
        let _ = fs::remove_file(&self.output);
    }
}

/// Measures the tools in turn; one row of results for each run.
pub fn in_turn<T>(
    tools: &[Tool],
    runs: usize,
    mut measure: impl FnMut(&Tool) -> Result<T, String>,
) -> Result<Vec<Vec<T>>, String> {
    (0..runs).map(|_| tools.iter().map(&mut measure).collect()).collect()
}

/// `ours`, or `ours / theirs = 1/ratio`: medians, and the median of the ratios.
pub fn compared<T>(rows: &[Vec<T>], value: impl Fn(&T) -> f64) -> String {
    let column = |index: usize| median(rows.iter().filter_map(|row| row.get(index)).map(&value).collect());
    let ours = column(0);
    if rows.first().is_none_or(|row| row.len() < 2) {
        return number(ours);
    }
    let ratio = median(rows.iter().map(|row| value(&row[1]) / value(&row[0])).collect());
    let ratio = if ratio >= 1.0 { format!("1/{}", number(ratio)) } else { number(1.0 / ratio) };
    format!("{} / {} = {ratio}", number(ours), number(column(1)))
}

/// The number in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn number(value: f64) -> String {
    if value.abs() >= 100.0 { format!("{value:.0}") } else { format!("{value:.1}") }
}
