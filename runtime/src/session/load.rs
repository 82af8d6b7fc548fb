//! From the bytes of an object file to loaded programs and maps: libbpf opens, relocates and loads.
//!
//! What libbpf prints is kept instead, for error messages and `-v`. Nothing is attached here.

use super::attach;
use super::error::{Refusal, RuntimeError};
use super::options::Options;
use super::privilege;
use crate::kernel::bpf_program;
use crate::kernel::lockdown::Lockdown;
use lancet_manifest::{Manifest, SECTION, Target};
use libbpf_sys as sys;
use object::{Object, ObjectSection};
use std::ffi::{CString, c_char, c_int};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::Mutex;

/// Enough for the end of any log; untouched pages cost nothing.
const LOG_SIZE: usize = 16 << 20;

/// Room for the log of each program with `-v`.
const VERBOSE_LOG_SIZE: usize = 1 << 20;

/// Levels of the verifier's log, from include/linux/bpf_verifier.h: every instruction followed, and only a summary. What
/// is wrong with a program is told at each.
const BPF_LOG_LEVEL1: u32 = 1;
const BPF_LOG_STATS: u32 = 4;

/// What libbpf printed. It knows one print function per process.
static SAID: Mutex<String> = Mutex::new(String::new());

/// Reads the manifest of an object file.
pub fn manifest(object: &[u8]) -> Result<Manifest, RuntimeError> {
    let file = object::File::parse(object).map_err(|error| RuntimeError::BadObject(error.to_string()))?;
    let section =
        file.section_by_name(SECTION).ok_or_else(|| RuntimeError::BadObject(format!("it has no section {SECTION}")))?;
    let bytes = section.data().map_err(|error| RuntimeError::BadObject(error.to_string()))?;
    Manifest::decode(bytes).map_err(|error| RuntimeError::BadObject(error.0))
}

/// A loaded object file.
pub struct Loaded {
    object: NonNull<sys::bpf_object>,
    /// The kernel's log buffer, which libbpf writes to while loading.
    log: Vec<u8>,
    program_logs: Vec<Vec<u8>>,
}

/// What the verifier is asked to write.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Logging {
    /// Its way through a program that it refuses.
    Refused,
    /// Its way through every program (`-v`).
    All,
    /// Its last words: a log that does not fit makes the kernel refuse a program, and hides why it refused another.
    Short,
}

impl Loaded {
    /// Opens and loads an object file.
    pub fn new(bytes: &[u8], manifest: &Manifest, options: &Options) -> Result<Self, RuntimeError> {
        // SAFETY: the function matches the type that libbpf asks for and lives as long as the process.
        unsafe { sys::libbpf_set_print(Some(keep_print)) };
        let logging = match options.verbose {
            true => Logging::All,
            false if options.another_attempt => Logging::Short,
            false => Logging::Refused,
        };
        let (mut loaded, mut result) = Self::attempt(bytes, manifest, logging)?;
        let mut way = String::new();
        if result == -libc::ENOSPC {
            way = loaded.refusal_log();
            take_said();
            (loaded, result) = Self::attempt(bytes, manifest, Logging::Short)?;
        }
        let said = take_said();
        if options.verbose {
            eprint!("{said}");
            loaded.program_logs.iter().for_each(|log| eprint!("{}", text(log)));
        }
        if result < 0 {
            let log = way + &loaded.refusal_log();
            let error = load_error(io::Error::from_raw_os_error(-result), said, log);
            return Err(attach::refused_target(manifest, error));
        }
        loaded.log = Vec::new();
        Ok(loaded)
    }

    /// Opens an object and has the kernel load it; the number is what libbpf answers, 0 or a negative error.
    fn attempt(bytes: &[u8], manifest: &Manifest, logging: Logging) -> Result<(Self, c_int), RuntimeError> {
        let mut loaded = Self::open(bytes)?;
        loaded.size_ring_buffer(manifest)?;
        match logging {
            Logging::Refused => {}
            Logging::All => loaded.keep_program_logs(manifest, BPF_LOG_LEVEL1),
            Logging::Short => loaded.keep_program_logs(manifest, BPF_LOG_STATS),
        }
        let _targets = loaded.name_targets(manifest)?;
        let result = loaded.load();
        Ok((loaded, result))
    }

    /// The program with this symbol.
    pub fn program(&self, symbol: &str) -> Result<*mut sys::bpf_program, RuntimeError> {
        let name = c_string(symbol)?;
        // SAFETY: the object is open; the name ends with NUL.
        let program = unsafe { sys::bpf_object__find_program_by_name(self.object.as_ptr(), name.as_ptr()) };
        NonNull::new(program)
            .map(NonNull::as_ptr)
            .ok_or_else(|| RuntimeError::BadObject(format!("it has no program {symbol}")))
    }

    /// The map with this symbol.
    pub fn map(&self, symbol: &str) -> Result<*mut sys::bpf_map, RuntimeError> {
        let name = c_string(symbol)?;
        // SAFETY: the object is open; the name ends with NUL.
        let map = unsafe { sys::bpf_object__find_map_by_name(self.object.as_ptr(), name.as_ptr()) };
        NonNull::new(map).map(NonNull::as_ptr).ok_or_else(|| RuntimeError::BadObject(format!("it has no map {symbol}")))
    }

    /// The descriptor of the map with this symbol.
    pub fn map_descriptor(&self, symbol: &str) -> Result<i32, RuntimeError> {
        // SAFETY: the map belongs to the loaded object.
        self.map(symbol).map(|map| unsafe { sys::bpf_map__fd(map) })
    }

    /// How many elements the map with this symbol can have; of a ring buffer, bytes.
    pub fn map_entries(&self, symbol: &str) -> Result<usize, RuntimeError> {
        // SAFETY: the map belongs to the loaded object.
        self.map(symbol).map(|map| unsafe { sys::bpf_map__max_entries(map) } as usize)
    }

    fn open(bytes: &[u8]) -> Result<Self, RuntimeError> {
        let mut log = vec![0u8; LOG_SIZE];
        let open = sys::bpf_object_open_opts {
            sz: size_of::<sys::bpf_object_open_opts>() as _,
            object_name: c"lancet".as_ptr(),
            kernel_log_buf: log.as_mut_ptr().cast(),
            kernel_log_size: log.len() as _,
            ..Default::default()
        };
        // SAFETY: libbpf copies the bytes; the log buffer's heap memory stays where it is while the object is loaded.
        let object = unsafe { sys::bpf_object__open_mem(bytes.as_ptr().cast(), bytes.len() as _, &open) };
        let error = io::Error::last_os_error();
        match NonNull::new(object) {
            Some(object) => Ok(Self { object, log, program_logs: Vec::new() }),
            None => Err(RuntimeError::BadObject(format!("{error}{}", detail(&take_said())))),
        }
    }

    fn load(&self) -> c_int {
        // SAFETY: the object is open and not yet loaded.
        unsafe { sys::bpf_object__load(self.object.as_ptr()) }
    }

    /// Says which BPF programs are traced. They must be kept open until ours are loaded.
    fn name_targets(&self, manifest: &Manifest) -> Result<Vec<OwnedFd>, RuntimeError> {
        let mut targets = Vec::new();
        for program in &manifest.programs {
            let Some(attachment) = program.attachments.first() else { continue };
            let Target::BpfFunction { program: id, function } = &attachment.target else { continue };
            let failed = |why| attach::attach_error(manifest, attachment, why);
            let target = bpf_program::open(*id).map_err(|error| failed(format!("BPF program {id}: {error}")))?;
            let name = c_string(function)?;
            // SAFETY: the object is open and not yet loaded; the name ends with NUL.
            let result = unsafe {
                sys::bpf_program__set_attach_target(self.program(&program.symbol)?, target.as_raw_fd(), name.as_ptr())
            };
            if result < 0 {
                return Err(failed(format!("{}", io::Error::from_raw_os_error(-result))));
            }
            targets.push(target);
        }
        Ok(targets)
    }

    fn size_ring_buffer(&self, manifest: &Manifest) -> Result<(), RuntimeError> {
        let Some(symbol) = &manifest.ring_buffer else { return Ok(()) };
        let size = ring_buffer_size(manifest.config.ring_buffer_pages, possible_cpus());
        // SAFETY: the map belongs to the object, which is not yet loaded.
        unsafe { sys::bpf_map__set_max_entries(self.map(symbol)?, size) };
        Ok(())
    }

    fn keep_program_logs(&mut self, manifest: &Manifest, level: u32) {
        for program in &manifest.programs {
            let Ok(program) = self.program(&program.symbol) else { continue };
            let mut log = vec![0u8; VERBOSE_LOG_SIZE];
            // SAFETY: the buffer's heap memory lives as long as the object.
            unsafe {
                sys::bpf_program__set_log_buf(program, log.as_mut_ptr().cast(), log.len() as _);
                sys::bpf_program__set_log_level(program, level);
            }
            self.program_logs.push(log);
        }
    }

    /// What the verifier wrote about the program that failed.
    fn refusal_log(&self) -> String {
        let last = self.program_logs.iter().rev().map(|log| text(log)).find(|log| !log.is_empty());
        last.unwrap_or_else(|| text(&self.log))
    }
}

impl Drop for Loaded {
    fn drop(&mut self) {
        // SAFETY: the object is open, and nothing uses it afterwards.
        unsafe { sys::bpf_object__close(self.object.as_ptr()) };
    }
}

/// How many CPUs the kernel counts in per-CPU maps.
pub fn possible_cpus() -> usize {
    // SAFETY: takes nothing.
    let count = unsafe { sys::libbpf_num_possible_cpus() };
    usize::try_from(count).unwrap_or(1).max(1)
}

/// What libbpf printed since the last call.
pub fn take_said() -> String {
    SAID.lock().map(|mut said| std::mem::take(&mut *said)).unwrap_or_default()
}

/// A name for libbpf.
pub fn c_string(text: &str) -> Result<CString, RuntimeError> {
    CString::new(text).map_err(|_| RuntimeError::BadObject("a name has a NUL in it".into()))
}

/// A power of two, as the kernel demands: what the script asks for, or 1 MiB for each CPU up to 64 MiB.
fn ring_buffer_size(pages: u32, cpus: usize) -> u32 {
    let bytes = match u64::from(pages) {
        0 => (cpus as u64).saturating_mul(1 << 20).min(64 << 20),
        pages => pages * 4096,
    };
    bytes.next_power_of_two().min(1 << 31) as u32
}

fn load_error(reason: io::Error, said: String, log: String) -> RuntimeError {
    if let (Some(libc::EPERM | libc::EACCES), Some(refusal)) = (reason.raw_os_error(), privilege::refusal()) {
        return RuntimeError::NoPrivilege(refusal);
    }
    if let Some(locked) = Lockdown::of_machine().explains_log(&log) {
        return RuntimeError::NoPrivilege(locked.to_owned());
    }
    if log.contains("processed ") || log.contains("invalid") {
        return RuntimeError::Verifier(Box::new(Refusal::from_log(failed_program(&said), log)));
    }
    match reason.raw_os_error() {
        Some(libc::ENOSYS) => RuntimeError::NoBpf,
        _ if !log.trim().is_empty() => RuntimeError::Verifier(Box::new(Refusal::from_log(failed_program(&said), log))),
        _ => RuntimeError::Load { reason, detail: detail(&said) },
    }
}

/// libbpf names it: `prog 'x': BPF program load failed`.
fn failed_program(said: &str) -> String {
    let line = said.lines().find(|line| line.contains("load failed")).unwrap_or_default();
    line.split('\'').nth(1).unwrap_or("?").to_owned()
}

/// What libbpf says that helps: its warnings but not its hint about `ulimit -l`, which is wrong on any kernel we run on.
fn detail(said: &str) -> String {
    let lines = said.lines().filter(|line| !line.contains("ulimit") && !line.contains("memlock"));
    lines.map(|line| format!("\n  {line}")).collect()
}

/// The text in a log buffer that C wrote.
fn text(log: &[u8]) -> String {
    let end = log.iter().position(|&byte| byte == 0).unwrap_or(log.len());
    String::from_utf8_lossy(&log[..end]).into_owned()
}

unsafe extern "C" {
    fn vsnprintf(buffer: *mut c_char, size: usize, format: *const c_char, arguments: *mut sys::__va_list_tag) -> c_int;
}

/// Keeps what libbpf prints, but for its debug messages.
unsafe extern "C" fn keep_print(
    level: sys::libbpf_print_level,
    format: *const c_char,
    arguments: *mut sys::__va_list_tag,
) -> c_int {
    if level == sys::LIBBPF_DEBUG {
        return 0;
    }
    let mut line = [0u8; 4096];
    // SAFETY: format and arguments come from libbpf and belong together; the length is the buffer's.
    unsafe { vsnprintf(line.as_mut_ptr().cast(), line.len(), format, arguments) };
    if let Ok(mut said) = SAID.lock() {
        said.push_str(&text(&line));
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_buffer_is_a_power_of_two() {
        assert_eq!(ring_buffer_size(0, 2), 2 << 20);
        assert_eq!(ring_buffer_size(0, 3), 4 << 20);
        assert_eq!(ring_buffer_size(3, 2), 16384);
    }

    #[test]
    fn other_bytes_are_refused() {
        assert!(matches!(manifest(b"#!/bin/sh"), Err(RuntimeError::BadObject(_))));
    }
}
