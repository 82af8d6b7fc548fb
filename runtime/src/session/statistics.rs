//! The kernel's own figures of the programs: how often each ran, how long, how often it was passed over.
//!
//! How often programs were passed over is counted by the kernel in any case and is always reported. Runs and their time
//! it counts only while somebody holds a descriptor for that, which costs every BPF program of the machine two readings
//! of the clock a run: so only when they are asked for.

use super::account::Globals;
use super::attach::Attached;
use super::load::Loaded;
use super::options::Options;
use crate::event::Printer;
use crate::format::message::Severity;
use crate::format::statistics::Figures;
use lancet_manifest::{Manifest, Program};
use libbpf_sys as sys;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};

/// Figures that are being taken.
pub struct Statistics {
    /// While it is open, the kernel takes the time of runs.
    _measuring: Option<OwnedFd>,
    wants_table: bool,
    /// Events that attach points missed before any program was asked.
    missed_by_links: u64,
}

impl Statistics {
    /// Begins to measure, if the command line asks for that.
    pub fn begin(options: &Options, printer: &mut Printer) -> Self {
        let wants_table = options.statistics || options.verbose;
        let measuring = wants_table.then(measure).and_then(|result| match result {
            Ok(descriptor) => Some(descriptor),
            Err(error) => {
                let advice = "it takes CAP_SYS_ADMIN, or the setting kernel.bpf_stats_enabled=1";
                printer.tell(Severity::Warning, &format!("the time of probes cannot be measured: {error}; {advice}"));
                None
            }
        });
        Self { _measuring: measuring, wants_table, missed_by_links: 0 }
    }

    /// Remembers what is gone once the links are.
    pub fn before_detaching(&mut self, attached: &Attached) {
        self.missed_by_links = attached.missed();
    }

    /// Reports what was missed, and the table if it was asked for.
    pub fn report(&self, loaded: &Loaded, manifest: &Manifest, globals: &Globals, printer: &mut Printer) {
        let mut missed = self.missed_by_links;
        let mut rows = Vec::new();
        let outcomes = globals.outcomes(manifest);
        for (program, outcomes) in manifest.programs.iter().zip(outcomes) {
            let Some(mut figures) = figures(loaded, program) else { continue };
            figures.outcomes = manifest.accounts.then_some(outcomes);
            missed += figures.missed;
            rows.push((name(manifest, program), figures));
        }
        if self.wants_table {
            printer.statistics(&rows);
        }
        if missed > 0 {
            let why = "the kernel passed over the probe, because it interrupted a BPF program on the same CPU";
            printer.lost("missed_events", missed, &format!("missed {missed} events: {why}"));
        }
    }
}

/// Linux 5.8.
fn measure() -> io::Result<OwnedFd> {
    // SAFETY: takes a number.
    let descriptor = unsafe { sys::bpf_enable_stats(sys::BPF_STATS_RUN_TIME) };
    if descriptor < 0 {
        return Err(io::Error::from_raw_os_error(-descriptor));
    }
    // SAFETY: the descriptor is new, and nobody else's.
    Ok(unsafe { OwnedFd::from_raw_fd(descriptor) })
}

fn figures(loaded: &Loaded, program: &Program) -> Option<Figures> {
    let handle = loaded.program(&program.symbol).ok()?;
    let mut info = sys::bpf_prog_info::default();
    let mut size = size_of::<sys::bpf_prog_info>() as u32;
    // SAFETY: the program belongs to the loaded object; the kernel writes no more than the size says, and leaves what it
    // does not know at zero.
    let result = unsafe { sys::bpf_prog_get_info_by_fd(sys::bpf_program__fd(handle), &mut info, &mut size) };
    (result == 0).then_some(Figures {
        runs: info.run_cnt,
        nanoseconds: info.run_time_ns,
        missed: info.recursion_misses,
        outcomes: None,
    })
}

/// The program's first attach point, and how many more there are.
fn name(manifest: &Manifest, program: &Program) -> String {
    let mut probes = program.attachments.iter().filter_map(|attachment| manifest.probes.get(attachment.probe as usize));
    let first = probes.next().map_or(program.symbol.as_str(), |probe| probe.name.as_str());
    match probes.count() {
        0 => first.to_owned(),
        more => format!("{first} and {more} more"),
    }
}
