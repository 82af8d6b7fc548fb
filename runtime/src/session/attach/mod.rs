//! Programs become active: each kind of probe has its file, which makes links from programs and targets.
//!
//! A target that cannot be attached is an error, a warning or nothing, as the script's configuration says; the reason is
//! in plain words. `begin`, `end` and signal probes need no link: the session runs them itself.

mod event;
mod iterator;
mod kernel_function;
mod link;
mod perf_event;
mod progress;
mod raw_tracepoint;
mod timer;
mod tracepoint;
mod trampoline;
mod usdt;
mod user_function;
mod watchpoint;

pub use iterator::read_all;
pub use link::Link;
pub use perf_event::{Reach, description, open};
pub use progress::Progress;

use super::error::RuntimeError;
use super::load::Loaded;
use crate::event::Printer;
use crate::format::message::Severity;
use lancet_manifest::{Attachment, Manifest, MissingProbes, Target};
use libbpf_sys as sys;
use rustc_hash::FxHashSet;
use std::os::fd::OwnedFd;
use std::thread;
use user_function::Place;

/// How many threads detach.
const THREADS: usize = 64;

/// Which process probes are limited to, where they can be.
#[derive(Clone, Copy, Default)]
pub struct Scope {
    /// The process of `-p` or `-c`.
    pub process: Option<u32>,
    /// It is a command of `-c`: only probes in user programs are limited to it.
    pub is_command: bool,
}

impl Scope {
    /// The process that sampling is limited to.
    fn sampled(self) -> Option<u32> {
        self.process.filter(|_| !self.is_command)
    }
}

/// A program that is about to be attached.
#[derive(Clone, Copy)]
struct Attaching<'a> {
    program: *mut sys::bpf_program,
    scope: Scope,
    attachments: &'a [Attachment],
    /// It runs at the returns too.
    session: bool,
}

impl Attaching<'_> {
    /// The cookie of its first attach point.
    fn cookie(&self) -> u64 {
        self.attachments.first().map_or(0, |attachment| u64::from(attachment.probe))
    }
}

/// What came of attaching.
#[derive(Default)]
pub struct Attached {
    links: Vec<Link>,
    /// Iterators, to be read once.
    pub iterators: Vec<Link>,
    /// The attach points that are active, those without link included, by their numbers in the manifest: those of one USDT
    /// probe share one.
    probes: FxHashSet<u32>,
    /// The user wanted to end before everything was attached.
    pub broken_off: bool,
}

/// Why an attach point could not be attached, in plain words.
type Reason = String;

impl Attached {
    /// Attaches everything, unless the user wants to end before that.
    pub fn all(
        loaded: &Loaded,
        manifest: &Manifest,
        scope: Scope,
        printer: &mut Printer,
        mut progress: Progress,
    ) -> Result<Self, RuntimeError> {
        let mut attached = Self::default();
        let mut missing = None;
        for program in &manifest.programs {
            let handle = loaded.program(&program.symbol)?;
            let (own, returns) = program.attachments.split_at(if program.session {
                program.attachments.len() / 2
            } else {
                program.attachments.len()
            });
            for attachments in groups(program.multi, own) {
                let attaching = Attaching { program: handle, scope, attachments, session: program.session };
                attach_group(program.multi, attaching, &mut attached, &mut |attachment, reason| {
                    let error = attach_error(manifest, attachment, reason);
                    match manifest.config.missing_probes {
                        MissingProbes::Error => return Err(error),
                        MissingProbes::Warn => printer.tell(Severity::Warning, &error.to_string()),
                        MissingProbes::Ignore => {}
                    }
                    missing.get_or_insert(error);
                    Ok(())
                })?;
                if !progress.advance(attachments.len()) {
                    attached.broken_off = true;
                    return Ok(attached);
                }
            }
            // What runs at the start of a function of a session also runs at its return.
            let returns = own.iter().zip(returns).filter(|(start, _)| attached.probes.contains(&start.probe));
            let returns: Vec<u32> = returns.map(|(_, at_return)| at_return.probe).collect();
            attached.probes.extend(returns);
        }
        match missing {
            Some(error) if attached.probes.is_empty() => Err(error),
            _ => Ok(attached),
        }
    }

    /// How many attach points are active.
    pub fn probe_count(&self) -> usize {
        self.probes.len()
    }

    /// Whether any event can run a program.
    pub fn is_active(&self) -> bool {
        !self.links.is_empty()
    }

    /// How many events attach points missed that the kernel counts with them.
    pub fn missed(&self) -> u64 {
        self.links.iter().map(Link::missed).sum()
    }

    /// Takes all programs off, many at a time: the kernel waits up to 40 ms for each, whatever else it does. What is
    /// returned is closed by dropping it, which takes long too.
    pub fn detach(self) -> Vec<OwnedFd> {
        let mut links = self.links;
        // Timers stop at once, so that nothing changes maps while the rest is detached.
        links.iter().for_each(Link::disable);
        let share = links.len().div_ceil(THREADS).max(1);
        let mut shares = Vec::new();
        while links.len() > share {
            shares.push(links.split_off(links.len() - share));
        }
        let detach = |links: Vec<Link>| links.into_iter().filter_map(Link::detach).collect::<Vec<_>>();
        thread::scope(|scope| {
            let threads: Vec<_> = shares.into_iter().map(|links| scope.spawn(move || detach(links))).collect();
            let mut events = detach(links);
            for thread in threads {
                events.extend(thread.join().unwrap_or_default());
            }
            events
        })
    }
}

/// Attach points that go through one link: those next to each other that differ only in the place.
fn groups(multi: bool, attachments: &[Attachment]) -> impl Iterator<Item = &[Attachment]> {
    attachments.chunk_by(move |one, other| multi && together(&one.target, &other.target))
}

fn together(one: &Target, other: &Target) -> bool {
    match (one, other) {
        (Target::KernelFunction { at_return: one, .. }, Target::KernelFunction { at_return: other, .. }) => {
            one == other
        }
        (
            Target::UserFunction { path: one_path, at_return: one, .. },
            Target::UserFunction { path: other_path, at_return: other, .. },
        ) => one_path == other_path && one == other,
        (Target::Usdt { path: one, .. }, Target::Usdt { path: other, .. }) => one == other,
        (Target::SystemCall { at_exit: one, .. }, Target::SystemCall { at_exit: other, .. }) => one == other,
        _ => false,
    }
}

/// One place that cannot be attached fails the whole group: then its halves are tried.
fn attach_group(
    multi: bool,
    attaching: Attaching,
    attached: &mut Attached,
    fail: &mut dyn FnMut(&Attachment, Reason) -> Result<(), RuntimeError>,
) -> Result<(), RuntimeError> {
    let Some(first) = attaching.attachments.first() else { return Ok(()) };
    match attach(multi, attaching) {
        Ok(links) => {
            // A pinned one is read by others.
            let is_iterator = matches!(&first.target, Target::Iterator { pin, .. } if pin.is_empty());
            if is_iterator { &mut attached.iterators } else { &mut attached.links }.extend(links);
            attached.probes.extend(attaching.attachments.iter().map(|attachment| attachment.probe));
            Ok(())
        }
        Err(reason) if attaching.attachments.len() == 1 => fail(first, reason),
        Err(_) => {
            let (before, after) = attaching.attachments.split_at(attaching.attachments.len() / 2);
            attach_group(multi, Attaching { attachments: before, ..attaching }, attached, fail)?;
            attach_group(multi, Attaching { attachments: after, ..attaching }, attached, fail)
        }
    }
}

fn attach(multi: bool, attaching: Attaching) -> Result<Vec<Link>, Reason> {
    let Some(first) = attaching.attachments.first() else { return Ok(Vec::new()) };
    let one = |link: Result<Link, Reason>| link.map(|link| vec![link]);
    match &first.target {
        Target::Begin | Target::End | Target::Signal { .. } | Target::Test { .. } | Target::Bench { .. } => {
            Ok(Vec::new())
        }
        Target::Interval { nanoseconds } => one(timer::attach_interval(attaching, *nanoseconds)),
        Target::Profile { frequency, nanoseconds } => timer::attach_profile(attaching, *frequency, *nanoseconds),
        Target::Tracepoint { category, event } => one(tracepoint::attach(attaching, category, event)),
        Target::SystemCall { at_exit, .. } => {
            one(raw_tracepoint::attach(attaching, if *at_exit { "sys_exit" } else { "sys_enter" }))
        }
        Target::RawTracepoint { name } => one(raw_tracepoint::attach(attaching, name)),
        Target::KernelFunction { .. } if multi => one(kernel_function::attach_multi(attaching)),
        Target::KernelFunction { function, offset, at_return } => {
            one(kernel_function::attach(attaching, function, *offset, *at_return))
        }
        Target::UserFunction { path, .. } if multi => one(user_function::attach_multi(attaching, path)),
        Target::UserFunction { path, file_offset, at_return } => {
            let place = Place { file_offset: *file_offset, cookie: attaching.cookie(), ..Place::default() };
            one(user_function::attach_place(attaching, path, place, *at_return))
        }
        Target::Usdt { path, .. } if multi => one(usdt::attach_multi(attaching, path)),
        Target::Usdt { path, locations } => usdt::attach(attaching, path, locations),
        Target::Trampoline { .. } | Target::BpfFunction { .. } => one(trampoline::attach(attaching)),
        Target::Software { event, period } => event::attach(attaching, sys::PERF_TYPE_SOFTWARE, *event, *period),
        Target::Hardware { perf_type, event, period } => event::attach(attaching, *perf_type, *event, *period),
        Target::Watchpoint { address, length, mode } => watchpoint::attach(attaching, *address, *length, *mode),
        Target::Iterator { name, pin } => one(iterator::attach(attaching, name, pin)),
    }
}

/// Programs for trampolines say what they attach to when they are loaded already: what the verifier says about that is no
/// mistake in a program.
pub fn refused_target(manifest: &Manifest, error: RuntimeError) -> RuntimeError {
    let RuntimeError::Verifier(refusal) = &error else { return error };
    let Some(reason) = trampoline::refused(&refusal.message) else { return error };
    let program = manifest.programs.iter().find(|program| program.symbol == refusal.program);
    match program.and_then(|program| program.attachments.first()) {
        Some(attachment) => attach_error(manifest, attachment, reason),
        None => error,
    }
}

/// What goes wrong with one attach point, in the words of the script.
pub(super) fn attach_error(manifest: &Manifest, attachment: &Attachment, reason: Reason) -> RuntimeError {
    let name = manifest.probes.get(attachment.probe as usize);
    let place = name.map(|name| format!("{}:{}:{}", name.location.file, name.location.line, name.location.column));
    RuntimeError::Attach {
        place: place.unwrap_or_default(),
        probe: name.map(|name| name.name.clone()).unwrap_or_default(),
        reason,
    }
}
