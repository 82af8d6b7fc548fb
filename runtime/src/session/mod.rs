//! A session: an object file is loaded, attached, collected from and printed, until it ends.
//!
//! The order is what a script can rely on: `begin` runs before any other probe fires, a command starts when everything is
//! attached, what was sent before the end is printed before it, `end` runs when everything is detached, maps come last.

mod account;
mod attach;
mod begin;
mod bpf_map;
mod collect;
pub mod error;
pub mod load;
pub mod options;
mod process;
mod signal;

pub use error::RuntimeError;
pub use options::{Options, Outcome};

use crate::event::{Flow, Presentation, Printer};
use crate::format::Style;
use crate::format::output::Output;
use account::Globals;
use attach::Attached;
use bpf_map::LoadedMaps;
use collect::{Collector, Wake};
use lancet_manifest::{Manifest, Target};
use load::Loaded;
use process::Process;
use signal::Signals;
use std::fs::File;
use std::io::{self, Write};

/// Runs an object file to the end of the script.
pub fn run(object: &[u8], options: &Options) -> Result<Outcome, RuntimeError> {
    let manifest = load::manifest(object)?;
    let mut process = process_of(options)?;
    let loaded = Loaded::new(object, &manifest, options)?;
    if options.dry_run {
        return Ok(Outcome::default());
    }
    let mut printer = printer(&manifest, options)?;
    let signals = Signals::queue(&signals_of(&manifest))?;
    let globals = Globals::new(&loaded, &manifest)?;
    let maps = LoadedMaps::new(&loaded, &manifest)?;
    let target = process.as_ref().map(|process| process.id);
    begin::write_initial_values(&manifest, &globals, target)?;
    for program in begin::programs(&manifest, |target| matches!(target, Target::Begin)) {
        begin::run_once(&loaded, program)?;
    }
    let attached = Attached::all(&loaded, &manifest, target, &mut printer)?;
    printer.attached_probes(attached.probes);
    if let Some(process) = &mut process {
        process.start()?;
        printer.remember_process(process.id);
    }
    let ring = match &manifest.ring_buffer {
        Some(symbol) => Some(loaded.map_descriptor(symbol)?),
        None => None,
    };
    let outcome = {
        let collector = Collector::new(ring, &mut printer, &maps)?;
        let mut session = Session { manifest: &manifest, loaded: &loaded, signals: &signals, collector };
        let flow = session.collect(process.as_ref())?;
        session.finish(flow, attached)?
    };
    printer.end(&maps);
    globals.report(&manifest, &mut printer);
    Ok(outcome)
}

/// What collecting needs.
struct Session<'s, 'm> {
    manifest: &'s Manifest,
    loaded: &'s Loaded,
    signals: &'s Signals,
    collector: Collector<'s, 'm>,
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
            match self.collector.wait(self.signals, process.map(Process::end))? {
                Wake::Records => {}
                Wake::Signal(signal) if self.run_signal_programs(signal)? => {}
                Wake::Signal(libc::SIGINT | libc::SIGTERM) => {
                    self.signals.end_at_next();
                    return Ok(Flow::Continue);
                }
                Wake::Signal(_) => {}
                Wake::ProcessEnded => return Ok(Flow::Continue),
            }
        }
    }

    /// Detaches, prints what is left, and runs the programs of `end`.
    fn finish(&mut self, flow: Flow, mut attached: Attached) -> Result<Outcome, RuntimeError> {
        attached.detach();
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
        self.collector.drain();
        Ok(Outcome { exit_code })
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

fn process_of(options: &Options) -> Result<Option<Process>, RuntimeError> {
    match (&options.command, options.pid) {
        (Some(command), _) => Process::command(command).map(Some),
        (None, Some(id)) => Process::existing(id).map(Some),
        (None, None) => Ok(None),
    }
}

/// Those that end a session, and those that the script waits for.
fn signals_of(manifest: &Manifest) -> Vec<i32> {
    let targets = manifest.programs.iter().flat_map(|program| &program.attachments);
    let named = targets.filter_map(|attachment| match &attachment.target {
        Target::Signal { name } => signal::number(name),
        _ => None,
    });
    [libc::SIGINT, libc::SIGTERM].into_iter().chain(named).collect()
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
