//! Runs behaviour cases in a virtual machine: kernel label and cases become lines of the report.
//!
//! A Debian kernel boots under QEMU's emulation (no KVM needed) with an initramfs that holds busybox, lancet, the test
//! programs, the cases and this very test program, which runs them and tells how they went over a second serial port.
//! No modules, no disk, no network. A panic or hang costs the case during which it happened: it is tried once more
//! in a fresh machine, then counts as failed, and the rest goes on.

mod archive;
pub mod guest;
mod image;
mod kernel_package;
mod machine;

use crate::case::Case;
use crate::report::Report;
use crate::run::{Place, Verdict};
use machine::{End, Message};

/// Runs the cases on one kernel, such as `6.12`.
pub fn run(label: &str, cases: &[&Case], place: &Place, report: &mut Report) {
    if cases.is_empty() {
        return report.note(&format!("kernel {label}: nothing is left to run"));
    }
    let kernel = match kernel_package::get(label) {
        Ok(kernel) => kernel,
        Err(reason) => return skip_all(label, cases, &reason, report),
    };
    if let Err(reason) = machine::available() {
        return skip_all(label, cases, &reason, report);
    }
    let mut left: Vec<&Case> = cases.to_vec();
    let mut retried = Vec::<String>::new();
    while !left.is_empty() {
        let image = match image::build(place, &left) {
            Ok(image) => image,
            Err(reason) => return report.finished(&format!("{label}::image"), Verdict::Failed(reason)),
        };
        let mut took = |message: Message| record(label, message, &mut left, report);
        let end = machine::boot(&kernel, &image, &mut took);
        match end {
            End::Done => break,
            End::Crashed { during: Some(name), why } if !retried.contains(&name) => {
                report.note(&format!("kernel {label}: {why} during {name}, which is tried once more"));
                retried.push(name);
            }
            End::Crashed { during: Some(name), why } => {
                left.retain(|case| case.name != name);
                report.finished(&format!("{label}::{name}"), Verdict::Failed(why));
            }
            End::Crashed { during: None, why } => {
                return report.finished(&format!("{label}::boot"), Verdict::Failed(why));
            }
        }
    }
}

fn record(label: &str, message: Message, left: &mut Vec<&Case>, report: &mut Report) {
    let (name, verdict) = match message {
        Message::Kernel(release) => return report.note(&format!("kernel {label}: {release} is up")),
        Message::Passed(name) => (name, Verdict::Passed),
        Message::Failed(name, details) => (name, Verdict::Failed(details)),
        Message::Skipped(name, reason) => {
            left.retain(|case| case.name != name);
            return report.skipped(&format!("{label}::{name}"), &reason);
        }
    };
    left.retain(|case| case.name != name);
    report.finished(&format!("{label}::{name}"), verdict);
}

fn skip_all(label: &str, cases: &[&Case], reason: &str, report: &mut Report) {
    for case in cases {
        report.skipped(&format!("{label}::{}", case.name), reason);
    }
}
