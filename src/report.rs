//! Everything the command says about itself: errors, diagnostics, dumped stages.

use lancet_compiler::compile::Stage;
use lancet_syntax::diagnostic::Diagnostics;
use lancet_syntax::render::{RenderOptions, render};
use lancet_syntax::span::SourceMap;
use std::io::{IsTerminal, Write};

/// Says what is wrong; gives the exit code.
pub fn error(message: &str) -> u8 {
    eprintln!("Error: {message}");
    1
}

/// Shows diagnostics on standard error.
pub fn diagnostics(all: &Diagnostics, sources: &SourceMap, notes: bool, warnings: bool) {
    if all.is_empty() {
        return;
    }
    let options = RenderOptions { color: in_color(), notes, warnings };
    eprint!("{}", render(all, sources, options));
}

/// `BPFTRACE_COLOR` decides: always, never, or (auto) whether a terminal shows it and `NO_COLOR` does not forbid it.
fn in_color() -> bool {
    let wanted = std::env::var("LANCET_COLOR").or_else(|_| std::env::var("BPFTRACE_COLOR"));
    match wanted.as_deref() {
        Ok("always") => true,
        Ok("never") => false,
        _ => std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
    }
}

/// Prints a stage's text, under its name when there are several.
pub fn dump(stage: Stage, text: &str, labelled: bool) {
    let mut out = std::io::stdout().lock();
    if labelled {
        let name = Stage::ALL.iter().find(|(known, ..)| *known == stage).map_or("", |(_, name, _)| name);
        let _ = writeln!(out, "--- {name} ---");
    }
    // A closed output ends the dump quietly, as `| head` expects.
    let _ = out.write_all(text.as_bytes());
    if !text.ends_with('\n') {
        let _ = out.write_all(b"\n");
    }
}

/// Lists the stages of `-d`.
pub fn list_stages() {
    let mut out = std::io::stdout().lock();
    for (_, name, what) in Stage::ALL {
        let _ = writeln!(out, "{name:8} {what}");
    }
}
