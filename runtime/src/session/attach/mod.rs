//! From loaded programs to links: each probe of the manifest is attached, one file for each kind of probe.
//!
//! A link detaches when it is dropped. Programs that run by themselves (`begin`, `end`, signals) have no links.

mod iterator;
mod kernel_function;
mod perf_event;
mod tracepoint;
mod trampoline;
mod user_function;

use super::error::RuntimeError;
use super::load::{Loaded, take_said};
use crate::event::Printer;
use crate::format::message::Severity;
use lancet_manifest::{Attachment, Manifest, MissingProbes, Program, Target};
use libbpf_sys as sys;
use std::io;
use std::ptr::NonNull;

/// Something attached; dropping it detaches.
pub struct Link(NonNull<sys::bpf_link>);

/// Why a probe could not be attached, in plain words.
#[derive(Debug)]
pub struct Refused(pub String);

/// What is attached.
#[derive(Default)]
pub struct Attached {
    links: Vec<Link>,
    /// How many probes that are; those that run by themselves are counted too.
    pub probes: usize,
}

impl Attached {
    /// Attaches everything, limited to `process` where a probe can be.
    pub fn all(
        loaded: &Loaded,
        manifest: &Manifest,
        process: Option<u32>,
        printer: &mut Printer,
    ) -> Result<Self, RuntimeError> {
        let mut attached = Self::default();
        for program in &manifest.programs {
            attached.program(loaded, manifest, program, process, printer)?;
        }
        Ok(attached)
    }

    /// Detaches everything.
    pub fn detach(&mut self) {
        self.links.clear();
    }

    fn program(
        &mut self,
        loaded: &Loaded,
        manifest: &Manifest,
        program: &Program,
        process: Option<u32>,
        printer: &mut Printer,
    ) -> Result<(), RuntimeError> {
        let handle = loaded.program(&program.symbol)?;
        if program.multi {
            let result = attach_multi(handle, &program.attachments, process);
            return self.keep(manifest, &program.attachments, result, printer);
        }
        for attachment in &program.attachments {
            let result = attach_one(handle, attachment, process);
            self.keep(manifest, std::slice::from_ref(attachment), result, printer)?;
        }
        Ok(())
    }

    /// Keeps the links, or does what the script wants done about probes that are missing.
    fn keep(
        &mut self,
        manifest: &Manifest,
        attachments: &[Attachment],
        result: Result<Vec<Link>, Refused>,
        printer: &mut Printer,
    ) -> Result<(), RuntimeError> {
        // What libbpf says on the way is told better by the reason.
        take_said();
        let reason = match result {
            Ok(links) => {
                self.links.extend(links);
                self.probes += attachments.len();
                return Ok(());
            }
            Err(Refused(reason)) => reason,
        };
        let error = refusal(manifest, attachments, reason);
        match manifest.config.missing_probes {
            MissingProbes::Error => return Err(error),
            MissingProbes::Warn => printer.tell(Severity::Warning, &error.to_string()),
            MissingProbes::Ignore => {}
        }
        Ok(())
    }
}

impl Link {
    /// What a function of libbpf returned: a link, or nothing and errno.
    pub(super) fn from_libbpf(
        link: *mut sys::bpf_link,
        explain: impl FnOnce(&io::Error) -> String,
    ) -> Result<Self, Refused> {
        let error = io::Error::last_os_error();
        NonNull::new(link).map(Self).ok_or_else(|| Refused(explain(&error)))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // SAFETY: the link is ours, and nothing uses it afterwards.
        unsafe { sys::bpf_link__destroy(self.0.as_ptr()) };
    }
}

fn attach_one(
    program: *mut sys::bpf_program,
    attachment: &Attachment,
    process: Option<u32>,
) -> Result<Vec<Link>, Refused> {
    let cookie = u64::from(attachment.probe);
    let one = |link: Link| vec![link];
    match &attachment.target {
        Target::Begin | Target::End => Ok(Vec::new()),
        Target::Signal { .. } => Ok(Vec::new()),
        Target::Interval { nanoseconds } => perf_event::interval(program, cookie, *nanoseconds).map(one),
        Target::Profile { frequency, nanoseconds } => {
            perf_event::profile(program, cookie, *frequency, *nanoseconds, process)
        }
        Target::Software { event, period } => perf_event::software(program, cookie, *event, *period, process),
        Target::Hardware { perf_type, event, period } => {
            perf_event::hardware(program, cookie, *perf_type, *event, *period, process)
        }
        Target::Watchpoint { address, length, mode } => {
            perf_event::watchpoint(program, cookie, perf_event::Watch::new(*address, *length, *mode), process)
        }
        Target::Tracepoint { category, event } => tracepoint::event(program, cookie, category, event).map(one),
        Target::RawTracepoint { name } => tracepoint::raw(program, cookie, name).map(one),
        Target::KernelFunction { function, offset, at_return } => {
            kernel_function::single(program, cookie, function, *offset, *at_return).map(one)
        }
        Target::UserFunction { path, file_offset, at_return, semaphore } => {
            let place = user_function::Place { path, file_offset: *file_offset, semaphore: *semaphore };
            user_function::single(program, cookie, &place, *at_return, process).map(one)
        }
        Target::Trampoline => trampoline::attach(program).map(one),
        Target::Iterator { .. } => iterator::attach(program).map(one),
    }
}

fn attach_multi(
    program: *mut sys::bpf_program,
    attachments: &[Attachment],
    process: Option<u32>,
) -> Result<Vec<Link>, Refused> {
    match attachments.first().map(|attachment| &attachment.target) {
        Some(Target::UserFunction { .. }) => user_function::multi(program, attachments, process),
        Some(_) => kernel_function::multi(program, attachments).map(|link| vec![link]),
        None => Ok(Vec::new()),
    }
}

fn refusal(manifest: &Manifest, attachments: &[Attachment], reason: String) -> RuntimeError {
    let first = attachments.first().and_then(|attachment| manifest.probes.get(attachment.probe as usize));
    let (place, name) = match first {
        Some(probe) => {
            let at = &probe.location;
            (format!("{}:{}:{}", at.file, at.line, at.column), probe.name.as_str())
        }
        None => ("script".to_owned(), "a probe"),
    };
    let probe = match attachments.len() {
        0 | 1 => name.to_owned(),
        count => format!("{name} and {} more", count - 1),
    };
    RuntimeError::Attach { place, probe, reason }
}

/// A name for libbpf.
fn c_name(text: &str) -> Result<std::ffi::CString, Refused> {
    std::ffi::CString::new(text).map_err(|_| Refused("its name has a NUL in it".into()))
}
