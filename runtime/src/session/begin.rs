//! What happens before the first event: start values of globals, and programs that run by themselves (`begin`, `end`,
//! `self:signal`).

use super::account::Globals;
use super::error::RuntimeError;
use super::load::Loaded;
use crate::symbol::Clocks;
use lancet_manifest::{Clock, InitialValue, Manifest, Program, Target};
use libbpf_sys as sys;
use std::io;
use std::os::unix::fs::MetadataExt;

/// The context of a raw tracepoint: up to twelve arguments.
const CONTEXT_WORDS: usize = 12;

/// Writes the values that are known only now.
pub fn write_initial_values(
    manifest: &Manifest,
    globals: &Globals,
    clocks: &Clocks,
    process: Option<u32>,
) -> Result<(), RuntimeError> {
    let Some(page) = &manifest.globals else { return Ok(()) };
    let values = page.initial.iter().map(|&(offset, value)| (offset, initial_value(value, clocks, process)));
    globals.write(&values.collect::<Vec<_>>())
}

/// Runs a program once, in the kernel, through BPF_PROG_TEST_RUN.
pub fn run_once(loaded: &Loaded, program: &Program) -> Result<(), RuntimeError> {
    run_for_result(loaded, program).map(|_| ())
}

/// The same, for what the program returns.
pub fn run_for_result(loaded: &Loaded, program: &Program) -> Result<u32, RuntimeError> {
    let context = [0u64; CONTEXT_WORDS];
    let mut run = sys::bpf_test_run_opts {
        sz: size_of::<sys::bpf_test_run_opts>() as _,
        ctx_in: context.as_ptr().cast(),
        ctx_size_in: size_of_val(&context) as _,
        ..Default::default()
    };
    // SAFETY: the program is loaded; the context lives until the call returns.
    let result =
        unsafe { sys::bpf_prog_test_run_opts(sys::bpf_program__fd(loaded.program(&program.symbol)?), &mut run) };
    match result {
        0 => Ok(run.retval),
        error => Err(RuntimeError::System {
            what: format!("the program `{}` cannot be run", program.symbol),
            reason: io::Error::from_raw_os_error(-error),
        }),
    }
}

/// Programs of which any attachment is one of these.
pub fn programs(manifest: &Manifest, wanted: impl Fn(&Target) -> bool) -> impl Iterator<Item = &Program> {
    let is_wanted = move |program: &&Program| program.attachments.iter().any(|attachment| wanted(&attachment.target));
    manifest.programs.iter().filter(is_wanted)
}

fn initial_value(value: InitialValue, clocks: &Clocks, process: Option<u32>) -> u64 {
    let namespace = || std::fs::metadata("/proc/self/ns/pid");
    match value {
        InitialValue::StartTime => monotonic_nanoseconds(),
        InitialValue::TargetProcess => u64::from(process.unwrap_or(0)),
        InitialValue::PidNamespaceDevice => namespace().map_or(0, |file| file.dev()),
        InitialValue::PidNamespaceInode => namespace().map_or(0, |file| file.ino()),
        InitialValue::WallTimeAtBoot => clocks.wall(Clock::Boot, 0) as u64,
        InitialValue::Running => 1,
        InitialValue::Number(number) => number,
    }
}

fn monotonic_nanoseconds() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes to the structure only.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut now) };
    now.tv_sec as u64 * 1_000_000_000 + now.tv_nsec as u64
}
