//! `lancet -l`: what could be traced.

use lancet_compiler::probe;
use lancet_compiler::probe::Listed;
use lancet_kernel::Kernel;
use lancet_manifest::{Manifest, Target};
use std::io::Write;

/// Lists the probes of the machine that match.
pub fn machine(pattern: &str, kernel: &dyn Kernel, pid: Option<u32>, arguments: bool) {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for probe in probe::list(if pattern.is_empty() { "*" } else { pattern }, kernel, pid, arguments) {
        write(&mut out, &probe, arguments);
    }
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
            // Events with a period are listed without it, as `-l PATTERN` lists them.
            let periodic = matches!(
                attachment.target,
                Target::Software { .. } | Target::Hardware { .. } | Target::Profile { .. } | Target::Interval { .. }
            );
            let looked_up =
                if periodic || arguments { probe::list(&probe.name, kernel, pid, arguments) } else { Vec::new() };
            match looked_up.as_slice() {
                [listed] => write(&mut out, listed, arguments),
                _ => write(&mut out, &Listed { name: probe.name.clone(), ..Listed::default() }, arguments),
            }
        }
    }
}
