//! `test` and `bench` probes: each runs by itself, in the kernel. What a test printed is shown when it fails (in JSON it is part
//! of the result), what a benchmark prints never is.

use super::begin::{self, run_for_result, run_once};
use super::collect::Collector;
use super::error::RuntimeError;
use super::load::Loaded;
use crate::event::{Flow, Printer};
use crate::format::{Style, verdict};
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
    if collector.printer().style() == Style::Text {
        collector.printer().line(&format!("[==========] Running {}.", tests_of(tests.len())));
    }
    let mut failed = Vec::new();
    for test in &tests {
        match run_test(loaded, test, collector)? {
            None => return Ok(Flow::Closed),
            Some(true) => {}
            Some(false) => failed.push(name(test)),
        }
    }
    if collector.printer().style() == Style::Text {
        summarize(tests.len(), &failed, collector.printer());
    }
    Ok(if failed.is_empty() { Flow::Continue } else { Flow::Exit(1) })
}

/// Whether a test passed; nothing if nobody reads the output any more.
fn run_test(loaded: &Loaded, test: &Program, collector: &mut Collector<'_, '_>) -> Result<Option<bool>, RuntimeError> {
    let name = name(test);
    let printer = collector.printer();
    let style = printer.style();
    if style == Style::Text {
        printer.line(&format!("[ RUN      ] {name}"));
    }
    let errors = printer.errors();
    // What `begin` printed is still to come: it belongs to the first test.
    printer.capture();
    let started = Instant::now();
    let result = run_for_result(loaded, test)?;
    let took = started.elapsed();
    let flow = collector.drain();
    collector.resume();
    let printer = collector.printer();
    let output = printer.captured();
    let status = match flow {
        Flow::Closed => return Ok(None),
        Flow::Exit(status) => status,
        Flow::Continue => 0,
    };
    let passed = result == 0 && status == 0 && printer.errors() == errors;
    if style == Style::Json {
        let mut object = Vec::new();
        verdict::write_test(&mut object, name, took, passed, &output);
        printer.print(&object);
        return Ok(Some(passed));
    }
    if !passed {
        printer.print(&output);
    }
    let verdict = if passed { "[       OK ]" } else { "[  FAILED  ]" };
    printer.line(&format!("{verdict} {name} ({} μs)", took.as_micros()));
    Ok(Some(passed))
}

fn summarize(count: usize, failed: &[&str], printer: &mut Printer) {
    printer.line(&format!("[==========] {} ran.", tests_of(count)));
    printer.line(&format!("[  PASSED  ] {}.", tests_of(count - failed.len())));
    if !failed.is_empty() {
        printer.line(&format!("[  FAILED  ] {}, listed below:", tests_of(failed.len())));
        failed.iter().for_each(|name| printer.line(&format!("[  FAILED  ] {name}")));
    }
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
    // What `begin` printed is not a benchmark's.
    collector.drain();
    let style = collector.printer().style();
    if style == Style::Text {
        collector.printer().line(&format!("{:<40} {:<16} {}", "Benchmark", "Time(ns)", "Iterations"));
        collector.printer().line(&"-".repeat(66));
    }
    for bench in all {
        let (time, runs) = measure(loaded, bench, collector)?;
        let average = time.checked_div(runs).unwrap_or(0);
        match style {
            Style::Text => collector.printer().line(&format!("{:<40} {average:<16} {runs}", name(bench))),
            Style::Json => {
                let mut object = Vec::new();
                verdict::write_benchmark(&mut object, name(bench), average, runs);
                collector.printer().print(&object);
            }
        }
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
        // Thousands of times the same output is nothing to read.
        collector.printer().capture();
        let flow = collector.drain();
        collector.printer().captured();
        if flow != Flow::Continue {
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
