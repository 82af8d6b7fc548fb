//! A session: an object file is loaded, attached, collected from and printed, until it ends.
//!
//! The order is what a script can rely on: `begin` runs before any other probe fires, a command starts when everything is
//! attached, what was sent before the end is printed before it, `end` runs when everything is detached, maps come last.

mod account;
pub(crate) mod attach;
mod begin;
mod bpf_map;
mod closing;
mod collect;
mod entry;
pub mod error;
mod feature;
pub mod load;
pub mod options;
mod packets;
mod privilege;
mod process;
mod ring;
mod signal;
mod statistics;
mod testing;
mod user_symbols;

pub use error::RuntimeError;
use error::plain;
pub use options::{Options, Outcome};

use crate::event::{Flow, Presentation, Printer};
use crate::format::Style;
use crate::format::message::Severity;
use crate::format::output::Output;
use crate::unwind::{self, Unwinder};
use account::Globals;
use attach::{Attached, Progress, Scope, read_all};
use bpf_map::LoadedMaps;
use collect::{Collector, Wake};
use lancet_manifest::{Manifest, Target};
use load::Loaded;
use packets::Packets;
use process::{Ending, Process};
use ring::Ring;
use signal::Signals;
use statistics::Statistics;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::RawFd;
use std::path::Path;

/// Runs an object file to the end of the script.
pub fn run(object: &[u8], options: &Options) -> Result<Outcome, RuntimeError> {
    let manifest = load::manifest(object)?;
    if manifest.programs.is_empty() {
        return Err(RuntimeError::NothingToRun);
    }
    let process = process_of(options)?;
    let loaded = Loaded::new(object, &manifest, options)?;
    if options.verbose {
        manifest.probes.iter().for_each(|probe| eprintln!("probe {}", probe.name));
    }
    if options.dry_run {
        return Ok(Outcome::default());
    }
    trace(&loaded, &manifest, process, options)
}

/// Runs what is loaded.
fn trace(
    loaded: &Loaded,
    manifest: &Manifest,
    mut process: Option<Process>,
    options: &Options,
) -> Result<Outcome, RuntimeError> {
    let mut printer = printer(manifest, options)?;
    let mut statistics = Statistics::begin(options, &mut printer);
    let signals = Signals::queue(&signals_of(manifest))?;
    let globals = Globals::new(loaded, manifest)?;
    let maps = LoadedMaps::new(loaded, manifest)?;
    let target = process.as_ref().map(|process| process.id);
    begin::write_initial_values(manifest, &globals, printer.names().clocks(), target)?;
    for program in begin::programs(manifest, |target| matches!(target, Target::Begin)) {
        begin::run_once(loaded, program)?;
    }
    if user_symbols::are_used(manifest) {
        // A command is watched from its start; everything else may be there already.
        printer.names().watch_processes(options.command.is_none());
    }
    // What probes send before there are buffers is refused.
    let packets = match &manifest.packets {
        Some(symbol) => Some(Packets::new(loaded.map_descriptor(symbol)?, manifest)?),
        None => None,
    };
    let mut unwinder = unwinder(loaded, manifest, target, options)?;
    let scope = Scope { process: target, is_command: options.command.is_some() };
    let attach_points = manifest.programs.iter().map(|program| program.attachments.len()).sum();
    let progress = Progress::new(&signals, attach_points, options.quiet);
    let attached = Attached::all(loaded, manifest, scope, &mut printer, progress)?;
    let runs_by_itself = is_test_run(manifest);
    if !runs_by_itself {
        printer.attached_probes(attached.probe_count());
    }
    pins(manifest).for_each(|path| printer.pinned(path));
    if let Some(process) = process.as_mut().filter(|_| !attached.broken_off) {
        match &mut unwinder {
            Some(unwinder) => {
                let mut looked = Ok(());
                let id = process.id;
                process.start_from_entry(|| looked = unwinder.trace([id]))?;
                looked.map_err(no_tables)?;
            }
            None => process.start()?,
        }
    }
    if options.drop_privileges {
        privilege::give_up(manifest, options.command.is_some())?;
    }
    let ring = match &manifest.ring_buffer {
        Some(symbol) => Some(Ring::new(loaded.map_descriptor(symbol)?, loaded.map_entries(symbol)?)?),
        None => None,
    };
    let (outcome, events) = {
        let collector = Collector::new(ring, packets, &mut printer, &maps);
        let output = options.output.is_none().then_some(libc::STDOUT_FILENO);
        let mut session = Session { manifest, loaded, signals: &signals, output, collector, unwinder };
        session.read_iterators(&attached)?;
        // A script of which nothing can happen any more is at its end; a command may run on to its own.
        let goes_on = attached.is_active() || options.command.is_some() || session.waits_for_signals();
        let flow = match goes_on {
            _ if runs_by_itself => session.run_tests()?,
            true => session.collect(process.as_ref())?,
            false => session.collector.drain(),
        };
        statistics.before_detaching(&attached);
        let events = attached.detach();
        (session.finish(flow)?, events)
    };
    match runs_by_itself {
        // Their results are all that there is to say.
        true => _ = printer.flush(),
        false => printer.end(&maps),
    }
    globals.report(manifest, &mut printer);
    account::report_dropped(loaded, manifest, &mut printer);
    statistics.report(loaded, manifest, &globals, &mut printer);
    let ending = process.as_mut().and_then(Process::ending);
    if let Some(ending) = ending.filter(|ending| options.verbose || *ending != Ending::Code(0)) {
        printer.command_ended(&ending.to_string());
    }
    printer.flush();
    closing::close_in_background(events);
    check_output(&printer)?;
    match outcome.exit_code {
        0 if options.strict && printer.losses() > 0 => Ok(Outcome { exit_code: 1 }),
        _ => Ok(outcome),
    }
}

/// A reader that went away is no error; a full disk is.
fn check_output(printer: &Printer) -> Result<(), RuntimeError> {
    match printer.output_error() {
        Some(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(RuntimeError::Output(plain(error))),
        _ => Ok(()),
    }
}

/// What collecting needs.
struct Session<'s, 'm> {
    manifest: &'s Manifest,
    loaded: &'s Loaded,
    signals: &'s Signals,
    /// The output, if it is one that its reader may close.
    output: Option<RawFd>,
    collector: Collector<'s, 'm>,
    unwinder: Option<Unwinder>,
}

impl Session<'_, '_> {
    /// Prints records until something ends the session.
    fn collect(&mut self, process: Option<&Process>) -> Result<Flow, RuntimeError> {
        loop {
            let flow = self.collector.take_some();
            if flow != Flow::Continue {
                return Ok(flow);
            }
            if self.collector.printer().flush() == Flow::Closed {
                return Ok(Flow::Closed);
            }
            if let Some(unwinder) = &mut self.unwinder {
                unwinder.look_again().map_err(no_tables)?;
                for problem in unwinder.problems() {
                    self.collector.printer().tell(Severity::Warning, &problem);
                }
            }
            let at_most = self.unwinder.is_some().then_some(unwind::INTERVAL);
            match self.collector.wait(self.signals, process.map(Process::end), self.output, at_most)? {
                Wake::Records => {}
                Wake::Mappings => self.collector.printer().names().take_mappings(),
                Wake::Signal(signal) if self.run_signal_programs(signal)? => {}
                Wake::Signal(libc::SIGINT | libc::SIGTERM) => {
                    self.signals.end_at_next();
                    return Ok(Flow::Continue);
                }
                Wake::Signal(libc::SIGUSR1) => self.collector.print_maps(),
                Wake::Signal(_) => {}
                Wake::ProcessEnded => return Ok(Flow::Continue),
                Wake::OutputClosed => return Ok(Flow::Closed),
            }
        }
    }

    /// Runs tests and benchmarks.
    fn run_tests(&mut self) -> Result<Flow, RuntimeError> {
        match testing::run_tests(self.loaded, self.manifest, &mut self.collector)? {
            Flow::Continue => testing::run_benchmarks(self.loaded, self.manifest, &mut self.collector),
            flow => Ok(flow),
        }
    }

    /// Prints what is left after detaching, and runs the programs of `end`.
    fn finish(&mut self, flow: Flow) -> Result<Outcome, RuntimeError> {
        let flow = if flow == Flow::Continue { self.collector.drain() } else { flow };
        let exit_code = match flow {
            Flow::Exit(code) => code,
            Flow::Continue | Flow::Closed => 0,
        };
        if flow == Flow::Closed {
            return Ok(Outcome { exit_code });
        }
        self.collector.resume();
        for program in begin::programs(self.manifest, |target| matches!(target, Target::End)) {
            begin::run_once(self.loaded, program)?;
        }
        self.collector.programs_have_ended();
        match (self.collector.drain(), exit_code) {
            (Flow::Exit(code), 0) => Ok(Outcome { exit_code: code }),
            _ => Ok(Outcome { exit_code }),
        }
    }

    /// Reads iterators; they can send more than the ring buffer holds.
    fn read_iterators(&mut self, attached: &Attached) -> Result<(), RuntimeError> {
        for iterator in &attached.iterators {
            let read = read_all(iterator, || _ = self.collector.drain());
            read.map_err(|reason| RuntimeError::System { what: "the iterator cannot be read".into(), reason })?;
        }
        Ok(())
    }

    fn waits_for_signals(&self) -> bool {
        begin::programs(self.manifest, |target| matches!(target, Target::Signal { .. })).next().is_some()
    }

    /// Runs the programs that wait for a signal; false if none does.
    fn run_signal_programs(&mut self, signal: i32) -> Result<bool, RuntimeError> {
        let waits = |target: &Target| matches!(target, Target::Signal { name } if signal::number(name) == Some(signal));
        let mut any = false;
        for program in begin::programs(self.manifest, waits) {
            begin::run_once(self.loaded, program)?;
            any = true;
        }
        Ok(any)
    }
}

/// True when the script is run for its tests or benchmarks.
fn is_test_run(manifest: &Manifest) -> bool {
    let is_one = |target: &Target| matches!(target, Target::Test { .. } | Target::Bench { .. });
    begin::programs(manifest, is_one).next().is_some()
}

/// Where iterators were pinned.
fn pins(manifest: &Manifest) -> impl Iterator<Item = &str> {
    let targets = manifest.programs.iter().flat_map(|program| &program.attachments);
    targets.filter_map(|attachment| match &attachment.target {
        Target::Iterator { pin, .. } if !pin.is_empty() => Some(pin.as_str()),
        _ => None,
    })
}

/// The tables of the processes whose stacks are unwound, as far as they run.
fn unwinder(
    loaded: &Loaded,
    manifest: &Manifest,
    target: Option<u32>,
    options: &Options,
) -> Result<Option<Unwinder>, RuntimeError> {
    if !manifest.unwinds {
        return Ok(None);
    }
    if let Some(missing) = options.unwound.iter().find(|process| !Path::new(&format!("/proc/{process}")).exists()) {
        return Err(RuntimeError::NoProcess(*missing));
    }
    // What a command has mapped before it is one is our own: it is looked at when it starts.
    let running = target.filter(|_| options.command.is_none());
    let mut unwinder = Unwinder::new(loaded)?;
    unwinder.trace(running.iter().chain(&options.unwound).copied()).map_err(no_tables)?;
    Ok(Some(unwinder))
}

fn no_tables(reason: io::Error) -> RuntimeError {
    RuntimeError::System { what: "the unwind tables cannot be written".into(), reason }
}

fn process_of(options: &Options) -> Result<Option<Process>, RuntimeError> {
    match (&options.command, options.pid) {
        (Some(command), _) => Process::command(command).map(Some),
        (None, Some(id)) => Process::existing(id).map(Some),
        (None, None) => Ok(None),
    }
}

/// Those that end a session, the one that prints maps, and those that the script waits for.
fn signals_of(manifest: &Manifest) -> Vec<i32> {
    let targets = manifest.programs.iter().flat_map(|program| &program.attachments);
    let named = targets.filter_map(|attachment| match &attachment.target {
        Target::Signal { name } => signal::number(name),
        _ => None,
    });
    [libc::SIGINT, libc::SIGTERM, libc::SIGUSR1].into_iter().chain(named).collect()
}

fn printer<'m>(manifest: &'m Manifest, options: &Options) -> Result<Printer<'m>, RuntimeError> {
    let destination: Box<dyn Write> = match &options.output {
        Some(path) => Box::new(File::create(path).map_err(|reason| RuntimeError::System {
            what: format!("the output file {} cannot be written", path.display()),
            reason,
        })?),
        None => Box::new(io::stdout()),
    };
    let style = if options.json { Style::Json } else { Style::Text };
    let presentation = Presentation { style, quiet: options.quiet, no_warnings: options.no_warnings };
    Ok(Printer::new(manifest, presentation, Output::new(destination, options.buffering), Box::new(io::stderr())))
}
