//! `lancet -l`: what could be traced.

use crate::report;
use lancet_compiler::probe;
use lancet_compiler::probe::Listed;
use lancet_kernel::Kernel;
use lancet_manifest::{Manifest, Target};
use lancet_runtime::session::RuntimeError;
use std::io::Write;
use std::path::Path;

/// Lists the probes of the machine that match the pattern, all without one; gives the exit code.
pub fn machine(words: &[String], kernel: &dyn Kernel, pid: Option<u32>, arguments: bool) -> u8 {
    let pattern = words.first().map_or("", String::as_str);
    if let Some(word) = words.get(1) {
        return report::error(&format!(
            "-l takes one pattern, or several separated by commas, and not {word} too; does the shell expand its wildcards?"
        ));
    }
    if let Some(pid) = pid.filter(|pid| !Path::new(&format!("/proc/{pid}")).exists()) {
        return report::error(&RuntimeError::NoProcess(pid).to_string());
    }
    if pattern.ends_with(".bt") {
        eprintln!("Warning: there is no file {pattern}: it is taken for a pattern");
    }
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let listing = probe::list(if pattern.is_empty() { "*" } else { pattern }, kernel, pid, arguments);
    for probe in &listing.probes {
        write(&mut out, probe, arguments);
    }
    if listing.probes.is_empty() {
        return listing.missed.iter().map(|missed| report::error(missed)).max().unwrap_or(0);
    }
    // Behind the list, where it is seen.
    drop(out);
    for missed in &listing.missed {
        eprintln!("Warning: the list is not complete: {missed}");
    }
    0
}

fn write(out: &mut impl Write, probe: &Listed, arguments: bool) {
    // A reader that has seen enough is no error.
    let text = probe.definition.as_ref().filter(|_| arguments).unwrap_or(&probe.name);
    let _ = writeln!(out, "{text}");
    for argument in probe.arguments.iter().filter(|_| arguments) {
        let _ = writeln!(out, "    {argument}");
    }
}

/// Lists what a program would attach to.
pub fn program(manifest: &Manifest, kernel: &dyn Kernel, pid: Option<u32>, arguments: bool) {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for attachment in manifest.programs.iter().flat_map(|program| &program.attachments) {
        let own = matches!(
            attachment.target,
            Target::Begin | Target::End | Target::Signal { .. } | Target::Test { .. } | Target::Bench { .. }
        );
        if let Some(probe) = manifest.probes.get(attachment.probe as usize).filter(|_| !own) {
            // As `-l PATTERN` lists them: events with a period without it, raw tracepoints with their module.
            let listed_otherwise = matches!(
                attachment.target,
                Target::Software { .. }
                    | Target::Hardware { .. }
                    | Target::Profile { .. }
                    | Target::Interval { .. }
                    | Target::RawTracepoint { .. }
            );
            let looked_up = if listed_otherwise || arguments {
                probe::list(&probe.name, kernel, pid, arguments).probes
            } else {
                Vec::new()
            };
            match looked_up.as_slice() {
                [listed] => write(&mut out, listed, arguments),
                _ => write(&mut out, &Listed { name: probe.name.clone(), ..Listed::default() }, arguments),
            }
        }
    }
}
