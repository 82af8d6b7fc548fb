//! Diagnostics to text, for terminals and logs.
//!
//! Invariant: every report contains `name:line:column` of its primary place and its code in brackets; the same report
//! is shown once. This is the only place that knows how reports look.

use std::collections::{HashMap, HashSet};
use std::fmt::{Debug, Display, Write};
use std::ops::Range;

use ariadne::{Cache, CharSet, Color, Config, IndexType, Label, Report, ReportKind, Source};

use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::span::{FileId, SourceMap, Span};

/// What is shown, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RenderOptions {
    /// With terminal colours.
    pub color: bool,
    /// Notes too (`-v`).
    pub notes: bool,
    /// Warnings too.
    pub warnings: bool,
}

/// Renders the findings in their order.
pub fn render(diagnostics: &Diagnostics, sources: &SourceMap, options: RenderOptions) -> String {
    let mut shown = HashSet::new();
    let mut out = String::new();
    for diagnostic in diagnostics.iter() {
        let wanted = match diagnostic.severity {
            Severity::Error => true,
            Severity::Warning => options.warnings,
            Severity::Note => options.notes,
        };
        if wanted && shown.insert((diagnostic.code, diagnostic.span, &diagnostic.message)) {
            report(diagnostic, sources, options.color, &mut out);
        }
    }
    out
}

fn report(diagnostic: &Diagnostic, sources: &SourceMap, color: bool, out: &mut String) {
    let Some(primary) = place(diagnostic.span, sources) else {
        return plain(diagnostic, out);
    };
    let config = Config::default().with_index_type(IndexType::Byte).with_color(color).with_char_set(CharSet::Unicode);
    let (kind, hue) = kind(diagnostic.severity);
    let mut report = Report::build(kind, primary.clone())
        .with_config(config)
        .with_code(diagnostic.code.as_str())
        .with_message(&diagnostic.message);
    // Without words, a place would not be underlined.
    let words = if diagnostic.primary.is_empty() { "here" } else { &diagnostic.primary };
    let label = Label::new(primary.clone()).with_color(hue).with_priority(1).with_message(words);
    report = report.with_label(label.with_order(order(&primary, &primary)));
    for other in &diagnostic.labels {
        if let Some(at) = place(other.span, sources) {
            let order = order(&at, &primary);
            let label = Label::new(at).with_message(&other.message).with_color(Color::Blue);
            report = report.with_label(label.with_order(order));
        }
    }
    if let Some(help) = &diagnostic.help {
        report = report.with_help(help);
    }
    let cache = Excerpts { sources, read: HashMap::new() };
    let mut bytes = Vec::new();
    match report.finish().write(cache, &mut bytes) {
        // The only kind of report without a fixed name has a fixed colour, which must not be seen in plain text.
        Ok(()) => out.push_str(&String::from_utf8_lossy(&bytes).replacen("] Advice:", "] Note:", 1)),
        Err(_) => plain(diagnostic, out),
    }
}

/// The files of the reports, read into lines when they are needed.
struct Excerpts<'a> {
    sources: &'a SourceMap,
    read: HashMap<FileId, Source<&'a str>>,
}

impl<'a> Cache<FileId> for Excerpts<'a> {
    type Storage = &'a str;

    fn fetch(&mut self, id: &FileId) -> Result<&Source<&'a str>, impl Debug> {
        let text = self.sources.file(*id).text.as_str();
        Ok::<_, std::convert::Infallible>(self.read.entry(*id).or_insert_with(|| Source::from(text)))
    }

    fn display<'b>(&self, id: &'b FileId) -> Option<impl Display + 'b> {
        Some(self.sources.file(*id).name.clone())
    }
}

/// A report without an excerpt, for places that have no text.
fn plain(diagnostic: &Diagnostic, out: &mut String) {
    let (severity, code) = (severity(diagnostic.severity), diagnostic.code.as_str());
    // Writing into a String cannot fail.
    let _ = writeln!(out, "[{code}] {severity}: {}", diagnostic.message);
    if let Some(help) = &diagnostic.help {
        let _ = writeln!(out, "  Help: {help}");
    }
}

/// A span as ariadne wants it: inside of its text, and not longer than its first line.
fn place(span: Span, sources: &SourceMap) -> Option<(FileId, Range<usize>)> {
    let (_, file) = sources.files().nth(span.file.0 as usize)?;
    let mut start = (span.start as usize).min(file.text.len());
    while !file.text.is_char_boundary(start) {
        start -= 1;
    }
    let rest = &file.text[start..];
    let line = rest.find(['\n', '\r']).unwrap_or(rest.len());
    let mut end = (span.end as usize).clamp(start, start + line);
    while !file.text.is_char_boundary(end) {
        end += 1;
    }
    Some((span.file, start..end))
}

/// Places of the primary file come in the order of its text, which makes them one excerpt; other files follow.
fn order(at: &(FileId, Range<usize>), primary: &(FileId, Range<usize>)) -> i32 {
    if at.0 == primary.0 { i32::try_from(at.1.start).unwrap_or(i32::MAX - 1) } else { i32::MAX }
}

fn kind(severity: Severity) -> (ReportKind<'static>, Color) {
    match severity {
        Severity::Error => (ReportKind::Error, Color::Red),
        Severity::Warning => (ReportKind::Warning, Color::Yellow),
        Severity::Note => (ReportKind::Advice, Color::Cyan),
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "Error",
        Severity::Warning => "Warning",
        Severity::Note => "Note",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::Code;

    const OPTIONS: RenderOptions = RenderOptions { color: false, notes: false, warnings: true };

    fn rendered(text: &str, diagnostics: &[Diagnostic], options: RenderOptions) -> String {
        let mut sources = SourceMap::default();
        sources.add("stdin", text);
        let mut all = Diagnostics::default();
        diagnostics.iter().for_each(|diagnostic| all.push(diagnostic.clone()));
        render(&all, &sources, options)
    }

    fn span(start: usize, end: usize) -> Span {
        Span::new(FileId(0), start, end)
    }

    #[test]
    fn shows_place_code_message_and_help() {
        let text = "begin {\n  print($nope);\n}";
        let error = Diagnostic::error(Code::UnknownVariable, span(16, 21), "`$nope` is not defined")
            .primary("not defined")
            .help("assign it first");
        let out = rendered(text, &[error], OPTIONS);
        for wanted in ["[E0401] Error: `$nope` is not defined", "stdin:2:9 ]", "not defined", "Help: assign it first"] {
            assert!(out.contains(wanted), "{wanted} is missing in:\n{out}");
        }
    }

    #[test]
    fn columns_count_bytes_behind_wide_characters() {
        let out = rendered("a = \"é\" $x", &[Diagnostic::error(Code::UnknownVariable, span(9, 11), "no")], OPTIONS);
        assert!(out.contains("stdin:1:9 ]") || out.contains("stdin:1:10 ]"), "{out}");
    }

    #[test]
    fn severities_are_filtered() {
        let note = Diagnostic::note(Code::OldSpelling, span(0, 1), "a note");
        let warning = Diagnostic::warning(Code::Unused, span(0, 1), "a warning");
        let out = rendered("x", &[note.clone(), warning.clone()], OPTIONS);
        assert!(out.contains("[E0601] Warning: a warning") && !out.contains("a note"), "{out}");
        let out = rendered("x", &[note, warning], RenderOptions { color: false, notes: true, warnings: false });
        assert!(out.contains("[E0602] Note: a note") && !out.contains("a warning"), "{out}");
    }

    #[test]
    fn places_at_and_behind_the_end_are_shown() {
        for (text, start, end) in [("", 0, 0), ("x\n", 2, 2), ("x", 1, 1), ("x", 5, 9), ("é", 1, 1)] {
            let out = rendered(text, &[Diagnostic::error(Code::UnexpectedToken, span(start, end), "no")], OPTIONS);
            assert!(out.contains("[E0201] Error: no") && out.contains("stdin:"), "{text:?} gives:\n{out}");
        }
    }

    #[test]
    fn long_places_are_cut_to_their_first_line() {
        let out = rendered("one\ntwo\nthree", &[Diagnostic::error(Code::TooLarge, span(0, 13), "no")], OPTIONS);
        assert!(out.contains("one") && !out.contains("three"), "{out}");
    }
}
