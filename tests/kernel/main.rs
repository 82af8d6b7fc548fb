//! Behaviour tests: scripts that run against a real kernel, with what they must print.
//!
//!     cargo test --test kernel                                    on this machine's kernel
//!     cargo test --test kernel -- --kernels 6.12 maps/            what cannot run here, in a virtual machine
//!     cargo test --test kernel -- --kernels 5.10,6.1,6.12,7.2 --all
//!     cargo test --test kernel -- --cases FOLDER                  cases from elsewhere, in folders of that folder
//!
//! `cases/` holds one script per case. A case runs live where this kernel has what it needs, otherwise in the virtual
//! machines that are asked for (or that LANCET_KERNELS names); `--all` runs every case in each of them too. What runs nowhere is reported as ignored
//! with the reason. The same program is carried into the virtual machine and runs the cases there (`--guest`).

mod case;
mod expect;
mod need;
mod programs;
mod report;
mod run;
#[path = "../vm/mod.rs"]
mod vm;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use case::Case;
use report::Report;
use run::{Place, Verdict};

fn main() -> ExitCode {
    let options = Options::from_arguments(std::env::args().skip(1));
    if let Some(guest) = &options.guest {
        return vm::guest::run(guest);
    }
    let own = || Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kernel/cases");
    let cases = match case::load(&options.cases.clone().unwrap_or_else(own)) {
        Ok(cases) => cases,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
    };
    let chosen: Vec<&Case> = cases.iter().filter(|case| options.wants(&case.name)).collect();
    if options.list {
        chosen.iter().for_each(|case| println!("{}: test", case.name));
        return ExitCode::SUCCESS;
    }
    let mut report = Report::start(chosen.len(), cases.len() - chosen.len());
    let place = live_place(&mut report);
    let elsewhere = run_live(&chosen, &place, &mut report);
    for label in &options.kernels {
        let wanted: Vec<&Case> = match options.all {
            true => chosen.clone(),
            false => elsewhere.iter().map(|(case, _)| *case).collect(),
        };
        vm::run(label, &wanted, &place, &mut report);
    }
    for (case, reason) in elsewhere.iter().filter(|_| options.kernels.is_empty()) {
        report.skipped(&format!("live::{}", case.name), reason);
    }
    let _ = std::fs::remove_dir_all(&place.scratch);
    report.finish()
}

/// Runs what this kernel can; the rest comes back with the reasons.
fn run_live<'a>(cases: &[&'a Case], place: &Place, report: &mut Report) -> Vec<(&'a Case, String)> {
    let mut rest = Vec::new();
    for case in cases {
        match need::missing(case) {
            Some(reason) => rest.push((*case, reason)),
            None => {
                let verdict = run::run(case, place);
                report.finished(&format!("live::{}", case.name), verdict);
            }
        }
    }
    rest
}

fn live_place(report: &mut Report) -> Place {
    let programs = programs::build().unwrap_or_else(|error| {
        report.finished("live::programs", Verdict::Failed(error));
        PathBuf::from("/nonexistent")
    });
    let lancet = std::env::var_os("LANCET").map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_lancet")), PathBuf::from);
    let scratch = std::env::temp_dir().join(format!("lancet-kernel-{}", std::process::id()));
    Place { lancet, programs, scratch, slow: 1 }
}

/// What the command line asks for. Options of the standard test harness are accepted and mean what they mean there.
#[derive(Default)]
struct Options {
    filters: Vec<String>,
    exact: bool,
    list: bool,
    all: bool,
    kernels: Vec<String>,
    guest: Option<String>,
    cases: Option<PathBuf>,
}

impl Options {
    fn from_arguments(mut arguments: impl Iterator<Item = String>) -> Options {
        let asked = std::env::var("LANCET_KERNELS").unwrap_or_default();
        let mut options = Options { kernels: labels(&asked), ..Options::default() };
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--exact" => options.exact = true,
                "--list" => options.list = true,
                "--all" => options.all = true,
                "--cases" => options.cases = arguments.next().map(PathBuf::from),
                "--guest" => options.guest = arguments.next(),
                "--kernels" => options.kernels = labels(&arguments.next().unwrap_or_default()),
                "--test-threads" | "--format" | "--color" | "--skip" | "-Z" => drop(arguments.next()),
                other if other.starts_with('-') => {}
                filter => options.filters.push(filter.to_owned()),
            }
        }
        options
    }

    fn wants(&self, name: &str) -> bool {
        let matches = |filter: &String| if self.exact { filter == name } else { name.contains(filter.as_str()) };
        self.filters.is_empty() || self.filters.iter().any(matches)
    }
}

fn labels(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|label| !label.is_empty()).map(str::to_owned).collect()
}
