//! Measures what an event costs: the time of the programs by the kernel's own account, the CPU time that printing it takes,
//! and whether all events arrive or are told as lost.
//!
//! The calls that are traced are made here: they cost the kernel almost nothing, and few programs make them. The account
//! itself takes some 50 ns of each event, which a program that does nothing shows; it is taken off.

use crate::measure::{Session, Tool, compared, in_turn, median};
use std::os::fd::{FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

const RUNS: usize = 5;
const CALLS: u64 = 200_000;

/// The programs: name, script, and the call.
const PROGRAMS: &[(&str, &str, Call)] = &[
    ("count", "tracepoint:syscalls:sys_enter_getppid { @ = count(); }", Call::Getppid),
    ("count by comm", "tracepoint:syscalls:sys_enter_getppid { @[comm] = count(); }", Call::Getppid),
    ("count by string", "tracepoint:syscalls:sys_enter_truncate { @[str(args.path)] = count(); }", Call::Truncate),
    (
        "printf with a string",
        "tracepoint:syscalls:sys_enter_truncate { printf(\"%-6d %-16s %s\\n\", pid, comm, str(args.path)); }",
        Call::Truncate,
    ),
    (
        "strncmp",
        "tracepoint:syscalls:sys_enter_truncate / strncmp(str(args.path), \"/nonexistent\", 12) == 0 / { @ = count(); }",
        Call::Truncate,
    ),
    (
        "strcontains",
        "tracepoint:syscalls:sys_enter_truncate / strcontains(str(args.path), \"bench\") / { @ = count(); }",
        Call::Truncate,
    ),
    (
        "tuple value",
        "tracepoint:syscalls:sys_enter_getppid { $who = (pid, comm); @last[tid] = $who; @n[$who] = count(); }",
        Call::Getppid,
    ),
    ("predicate that misses", "tracepoint:syscalls:sys_enter_getppid / pid == 1 / { @ = count(); }", Call::Getppid),
    (
        "latency histogram",
        "tracepoint:syscalls:sys_enter_getppid { @start[tid] = nsecs; }
         tracepoint:syscalls:sys_exit_getppid / @start[tid] / {
           @ns = hist(nsecs - @start[tid]); delete(@start[tid]);
         }",
        Call::Getppid,
    ),
];

/// A system call that fails or does nothing.
#[derive(Clone, Copy)]
pub enum Call {
    Getppid,
    Truncate,
}

/// Prints the table.
pub fn run(tools: &[Tool]) {
    let account = match open_account() {
        Ok(account) => account,
        Err(error) => return println!("the kernel keeps no account of programs: {error}; run as root"),
    };
    let nothing = "rawtracepoint:sys_enter / 0 / { @ = count(); }";
    let floor = in_turn(&tools[..1], RUNS, |tool| cost(tool, nothing, Call::Getppid));
    let floor = floor.map_or(0.0, |rows| median(rows.iter().flatten().copied().collect()));
    println!("the kernel's account takes {floor:.0} ns\n\n{:24} {:>30}", "", "ns for each event, without it");
    for (name, script, call) in PROGRAMS {
        match in_turn(tools, RUNS, |tool| Ok((cost(tool, script, *call)? - floor).max(1.0))) {
            Ok(rows) => println!("{name:24} {:>30}", compared(&rows, |ns| *ns)),
            Err(error) => println!("{name:24} {error}"),
        }
    }
    drop(account);
    println!(
        "\n{:24} {:>30} {:>30} {:>24}",
        "at full speed", "events printed a second", "µs of CPU a line", "neither printed nor told"
    );
    let script = "tracepoint:syscalls:sys_enter_getppid { printf(\"E %d %d\\n\", pid, tid); }";
    match in_turn(tools, 3, |tool| print_all(tool, script)) {
        Ok(rows) => println!(
            "{:24} {:>30} {:>30} {:>24}",
            "two numbers",
            compared(&rows, |printed| printed.rate),
            compared(&rows, |printed| printed.cpu_us),
            rows.iter()
                .map(|row| row.iter().map(|printed| printed.missing.to_string()).collect::<Vec<_>>().join(" / "))
                .collect::<Vec<_>>()
                .join(", ")
        ),
        Err(error) => println!("{error}"),
    }
}

/// The kernel's account of what programs take, kept while the descriptor is open. Nobody else's setting changes.
fn open_account() -> std::io::Result<OwnedFd> {
    /// `BPF_ENABLE_STATS` and `BPF_STATS_RUN_TIME` (include/uapi/linux/bpf.h).
    const ENABLE_STATS: libc::c_long = 32;
    const RUN_TIME: u32 = 0;
    // SAFETY: the attribute is four readable bytes; the new descriptor is owned here.
    unsafe {
        let fd = libc::syscall(libc::SYS_bpf, ENABLE_STATS, &RUN_TIME, size_of::<u32>());
        if fd < 0 { Err(std::io::Error::last_os_error()) } else { Ok(OwnedFd::from_raw_fd(fd as i32)) }
    }
}

/// Nanoseconds of the programs for each call.
fn cost(tool: &Tool, script: &str, call: Call) -> Result<f64, String> {
    let session = Session::attach(tool, script)?;
    make(call, CALLS / 20);
    let before = session.held();
    make(call, CALLS);
    let after = session.held();
    session.stop();
    Ok((after.run_ns - before.run_ns) as f64 / CALLS as f64)
}

pub fn make(call: Call, count: u64) {
    for _ in 0..count {
        // SAFETY: the calls change nothing: the path does not exist and ends with NUL.
        unsafe {
            match call {
                Call::Getppid => libc::syscall(libc::SYS_getppid),
                Call::Truncate => libc::syscall(libc::SYS_truncate, c"/nonexistent/bench-path".as_ptr(), 0),
            }
        };
    }
}

/// What came of calls at full speed.
struct Printed {
    rate: f64,
    cpu_us: f64,
    missing: i64,
}

fn print_all(tool: &Tool, script: &str) -> Result<Printed, String> {
    const MADE: u64 = 1_000_000;
    let session = Session::attach(tool, script)?;
    let (start, before) = (Instant::now(), session.cpu_ms());
    make(Call::Getppid, MADE);
    let seconds = start.elapsed().as_secs_f64();
    let mut cpu = session.cpu_ms();
    loop {
        std::thread::sleep(Duration::from_millis(200));
        let now = session.cpu_ms();
        if now - cpu < 1.0 {
            break;
        }
        cpu = now;
    }
    let (lines, told) = end_of_printing(session);
    Ok(Printed {
        rate: lines as f64 / seconds,
        cpu_us: (cpu - before) * 1e3 / lines.max(1) as f64,
        missing: MADE as i64 - lines - told,
    })
}

/// Lines of events of this process, and how many events were told as lost.
fn end_of_printing(session: Session) -> (i64, i64) {
    let said = session.stop_and_read();
    let own = format!("E {} ", std::process::id());
    let lines = said.lines().filter(|line| line.starts_with(&own)).count() as i64;
    let numbers = |line: &str| line.split(|c: char| !c.is_ascii_digit()).find_map(|word| word.parse::<i64>().ok());
    let told: Vec<&str> = said.lines().filter(|line| line.to_lowercase().contains("lost")).collect();
    let total = told.iter().rev().find(|line| line.contains("Total lost")).and_then(|line| numbers(line));
    (lines, total.unwrap_or_else(|| told.iter().filter_map(|line| numbers(line)).sum()))
}
