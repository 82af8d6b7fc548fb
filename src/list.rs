//! `lancet -l`: what could be traced.

use lancet_compiler::probe;
use lancet_kernel::Kernel;
use lancet_manifest::{Manifest, Target};
use std::io::Write;

/// Lists the probes of the machine that match.
pub fn machine(pattern: &str, kernel: &dyn Kernel, pid: Option<u32>, arguments: bool) {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for probe in probe::list(if pattern.is_empty() { "*" } else { pattern }, kernel, pid, arguments) {
        // A reader that has seen enough is no error.
        let text = probe.definition.as_ref().filter(|_| arguments).unwrap_or(&probe.name);
        let _ = writeln!(out, "{text}");
        for argument in probe.arguments.iter().filter(|_| arguments) {
            let _ = writeln!(out, "    {argument}");
        }
    }
}

/// Lists what a program would attach to.
pub fn program(manifest: &Manifest) {
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    for attachment in manifest.programs.iter().flat_map(|program| &program.attachments) {
        let own = matches!(
            attachment.target,
            Target::Begin | Target::End | Target::Signal { .. } | Target::Test { .. } | Target::Bench { .. }
        );
        if let Some(probe) = manifest.probes.get(attachment.probe as usize).filter(|_| !own) {
            let _ = writeln!(out, "{}", probe.name);
        }
    }
}
