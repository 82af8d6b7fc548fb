//! `test` and `bench` probes: each runs by itself, in the kernel; what a test printed is shown when it fails.

use super::begin::{self, run_for_result, run_once};
use super::collect::Collector;
use super::error::RuntimeError;
use super::load::Loaded;
use crate::event::Flow;
use lancet_manifest::{Manifest, Program, Target};
use libbpf_sys as sys;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::time::{Duration, Instant};

/// How long a benchmark runs.
const BENCH_TIME: Duration = Duration::from_millis(200);
/// Runs between two looks at the clock.
const ROUND: u64 = 1000;

/// Runs the tests of a script in their order; the status is 1 when any failed.
pub(super) fn run_tests(
    loaded: &Loaded,
    manifest: &Manifest,
    collector: &mut Collector<'_, '_>,
) -> Result<Flow, RuntimeError> {
    let tests: Vec<&Program> = begin::programs(manifest, |target| matches!(target, Target::Test { .. })).collect();
    if tests.is_empty() {
        return Ok(Flow::Continue);
    }
    collector.printer().line(&format!("[==========] Running {}.", tests_of(tests.len())));
    let mut failed = Vec::new();
    for test in &tests {
        let name = name(test);
        collector.printer().line(&format!("[ RUN      ] {name}"));
        let errors = collector.printer().hold_output();
        let started = Instant::now();
        let result = run_for_result(loaded, test)?;
        let took = started.elapsed().as_micros();
        let status = match collector.drain() {
            Flow::Closed => return Ok(Flow::Closed),
            Flow::Exit(status) => status,
            Flow::Continue => 0,
        };
        collector.resume();
        let passed = result == 0 && status == 0 && collector.printer().errors() == errors;
        collector.printer().release_output(!passed);
        let verdict = if passed { "[       OK ]" } else { "[  FAILED  ]" };
        collector.printer().line(&format!("{verdict} {name} ({took} μs)"));
        if !passed {
            failed.push(name);
        }
    }
    let printer = collector.printer();
    printer.line(&format!("[==========] {} ran.", tests_of(tests.len())));
    printer.line(&format!("[  PASSED  ] {}.", tests_of(tests.len() - failed.len())));
    if failed.is_empty() {
        return Ok(Flow::Continue);
    }
    printer.line(&format!("[  FAILED  ] {}, listed below:", tests_of(failed.len())));
    failed.iter().for_each(|name| printer.line(&format!("[  FAILED  ] {name}")));
    Ok(Flow::Exit(1))
}

/// Runs each benchmark of a script for a while, and tells what a run took by the kernel's own statistics.
pub(super) fn run_benchmarks(
    loaded: &Loaded,
    manifest: &Manifest,
    collector: &mut Collector<'_, '_>,
) -> Result<Flow, RuntimeError> {
    let all: Vec<&Program> = begin::programs(manifest, |target| matches!(target, Target::Bench { .. })).collect();
    if all.is_empty() {
        return Ok(Flow::Continue);
    }
    let _counting = count_run_time()?;
    collector.printer().line(&format!("{:<40} {:<16} {}", "Benchmark", "Time(ns)", "Iterations"));
    collector.printer().line(&"-".repeat(66));
    for bench in all {
        let (time, runs) = measure(loaded, bench, collector)?;
        let line = format!("{:<40} {:<16} {runs}", name(bench), time.checked_div(runs).unwrap_or(0));
        collector.printer().line(&line);
    }
    Ok(Flow::Continue)
}

fn measure(loaded: &Loaded, bench: &Program, collector: &mut Collector<'_, '_>) -> Result<(u64, u64), RuntimeError> {
    let program = loaded.program(&bench.symbol)?;
    let (time_before, runs_before) = statistics(program)?;
    let started = Instant::now();
    while started.elapsed() < BENCH_TIME {
        for _ in 0..ROUND {
            run_once(loaded, bench)?;
        }
        if collector.drain() != Flow::Continue {
            break;
        }
    }
    collector.resume();
    let (time, runs) = statistics(program)?;
    Ok((time - time_before, runs - runs_before))
}

/// As long as the descriptor is open, the kernel counts what programs take.
fn count_run_time() -> Result<OwnedFd, RuntimeError> {
    // SAFETY: no memory is passed; the descriptor is ours alone.
    let descriptor = unsafe { sys::bpf_enable_stats(sys::BPF_STATS_RUN_TIME) };
    if descriptor < 0 {
        let reason = io::Error::from_raw_os_error(-descriptor);
        return Err(RuntimeError::System { what: "the kernel cannot time programs".into(), reason });
    }
    // SAFETY: as above.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

/// Nanoseconds and runs of a program so far.
fn statistics(program: *const sys::bpf_program) -> Result<(u64, u64), RuntimeError> {
    let mut info = sys::bpf_prog_info::default();
    let mut size = size_of::<sys::bpf_prog_info>() as u32;
    // SAFETY: the program is loaded; the structure has the size that is told.
    let result = unsafe {
        sys::bpf_obj_get_info_by_fd(sys::bpf_program__fd(program), std::ptr::from_mut(&mut info).cast(), &mut size)
    };
    match result {
        0 => Ok((info.run_time_ns, info.run_cnt)),
        error => Err(RuntimeError::System {
            what: "the kernel does not tell a program's run time".into(),
            reason: io::Error::from_raw_os_error(-error),
        }),
    }
}

fn name(program: &Program) -> &str {
    let mut names = program.attachments.iter().filter_map(|attachment| match &attachment.target {
        Target::Test { name } | Target::Bench { name } => Some(name.as_str()),
        _ => None,
    });
    names.next_back().unwrap_or(&program.symbol)
}

fn tests_of(count: usize) -> String {
    format!("{count} test{}", if count == 1 { "" } else { "s" })
}
