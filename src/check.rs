//! `lancet check`: every diagnostic of scripts, without root and without attaching. What the scripts may be right about, but
//! this machine lacks, is listed apart and is no mistake.

use crate::arguments::{Check, Format};
use crate::compile::{self, Job};
use crate::{machine, report};
use lancet_compiler::settings::Settings;
use lancet_runtime::format::json::{Object, write_integer, write_list, write_string};
use lancet_runtime::format::number::Integer;
use lancet_syntax::diagnostic::{Diagnostic, Diagnostics, Severity};
use lancet_syntax::span::SourceMap;
use std::io::Write;

/// Checks all scripts; the exit code is 1 when any has a mistake.
pub fn scripts(arguments: &Check) -> u8 {
    let files: Vec<Option<&str>> = match &arguments.compile.program {
        Some(_) => vec![None],
        None => arguments.files.iter().map(|file| Some(file.as_str())).collect(),
    };
    files.into_iter().map(|file| one(arguments, file)).max().unwrap_or_default()
}

fn one(arguments: &Check, file: Option<&str>) -> u8 {
    let settings = Settings {
        is_only_checked: true,
        allow_unsafe: arguments.compile.allow_unsafe,
        nested_pid_namespace: lancet_runtime::kernel::in_nested_pid_namespace(),
        ..Settings::default()
    };
    let (notes, warnings) = (arguments.verbose, !arguments.no_warnings);
    let job = Job { file, settings, notes, warnings, keeps_source: None };
    let kernel = match machine::wanted(arguments.machine.as_deref(), &arguments.compile) {
        Ok(kernel) => kernel,
        Err(message) => return report::error(&message),
    };
    let (output, sources) = match compile::compiled(&arguments.compile, job, &*kernel) {
        Ok(compiled) => compiled,
        Err(code) => return code,
    };
    let (mut mistakes, mut lacking) = (Diagnostics::default(), Vec::new());
    for diagnostic in output.diagnostics.iter() {
        if diagnostic.severity == Severity::Error && diagnostic.code.is_of_the_machine() {
            lacking.push(diagnostic);
        } else {
            mistakes.push(diagnostic.clone());
        }
    }
    lacking.sort_by_key(|diagnostic| (diagnostic.span.file, diagnostic.span.start));
    let result = Checked { name: file.unwrap_or("the program"), mistakes: &mistakes, lacking: &lacking };
    match arguments.format {
        Format::Text => {
            report::diagnostics(&mistakes, &sources, arguments.verbose, !arguments.no_warnings);
            result.text(&sources);
        }
        Format::Json => result.json(&sources),
    }
    u8::from(mistakes.has_errors())
}

/// What is to be said of one script.
struct Checked<'a> {
    name: &'a str,
    mistakes: &'a Diagnostics,
    lacking: &'a [&'a Diagnostic],
}

impl Checked<'_> {
    fn text(&self, sources: &SourceMap) {
        let verdict = match (self.mistakes.errors(), self.lacking.len()) {
            (0, 0) => "ok".to_owned(),
            (0, _) => "ok, as far as this machine can tell; it lacks".to_owned(),
            (1, 0) => "1 error".to_owned(),
            (errors, 0) => format!("{errors} errors"),
            (1, _) => "1 error; besides, this machine lacks".to_owned(),
            (errors, _) => format!("{errors} errors; besides, this machine lacks"),
        };
        let colon = if self.lacking.is_empty() { "" } else { ":" };
        let mut text = format!("{}: {verdict}{colon}\n", self.name);
        for diagnostic in self.lacking {
            let place = sources.start(diagnostic.span);
            let (code, message) = (diagnostic.code.as_str(), &diagnostic.message);
            text.push_str(&format!("  {}:{}: [{code}] {message}\n", place.line, place.column));
        }
        print(&text);
    }

    fn json(&self, sources: &SourceMap) {
        let of = |severity| self.mistakes.iter().filter(move |diagnostic| diagnostic.severity == severity);
        let mut out = Vec::new();
        let mut object = Object::open(&mut out);
        object.name(&mut out, b"type");
        write_string(&mut out, b"check");
        object.name(&mut out, b"file");
        write_string(&mut out, self.name.as_bytes());
        object.name(&mut out, b"errors");
        write_list(&mut out, of(Severity::Error), |out, diagnostic| describe(out, diagnostic, sources));
        object.name(&mut out, b"warnings");
        write_list(&mut out, of(Severity::Warning), |out, diagnostic| describe(out, diagnostic, sources));
        object.name(&mut out, b"lacking");
        write_list(&mut out, self.lacking, |out, diagnostic| describe(out, diagnostic, sources));
        object.close(&mut out);
        out.push(b'\n');
        print(&String::from_utf8_lossy(&out));
    }
}

fn describe(out: &mut Vec<u8>, diagnostic: &Diagnostic, sources: &SourceMap) {
    let place = sources.start(diagnostic.span);
    let mut object = Object::open(out);
    let texts = [
        ("code", diagnostic.code.as_str()),
        ("message", &diagnostic.message),
        ("help", diagnostic.help.as_deref().unwrap_or_default()),
        ("filename", &sources.file(diagnostic.span.file).name),
    ];
    for (name, text) in texts {
        object.name(out, name.as_bytes());
        write_string(out, text.as_bytes());
    }
    for (name, number) in [("line", place.line), ("col", place.column)] {
        object.name(out, name.as_bytes());
        write_integer(out, Integer { bits: u64::from(number), signed: false });
    }
    object.close(out);
}

fn print(text: &str) {
    // A reader that has seen enough is no error.
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}
