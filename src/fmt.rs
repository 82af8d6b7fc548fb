//! `lancet fmt` and `--fmt`: scripts in the canonical layout, from the printer that `-d ast` uses.

use crate::arguments::Fmt;
use crate::report;
use crate::source::{self, reason};
use lancet_syntax::diagnostic::Diagnostics;
use lancet_syntax::printer;
use lancet_syntax::span::SourceMap;
use std::io::Write;

/// `lancet fmt`: changes the files that are laid out otherwise, or tells which they are.
pub fn files(arguments: &Fmt) -> u8 {
    let mut worst = 0;
    for file in &arguments.files {
        worst = worst.max(one(file, arguments.check));
    }
    worst
}

/// `--fmt`: prints one script.
pub fn print(program: Option<&str>, file: Option<&str>) -> u8 {
    match formatted(program, file) {
        Ok((_, text)) => show(&text),
        Err(code) => code,
    }
}

fn one(file: &str, check: bool) -> u8 {
    let (before, after) = match formatted(None, Some(file)) {
        Ok(texts) => texts,
        Err(code) => return code,
    };
    match (check, file) {
        (true, _) if before == after => 0,
        (true, _) => report::error(&format!("{file} is laid out otherwise: lancet fmt {file} changes it")),
        (false, "-") => show(&after),
        (false, _) if before == after => 0,
        (false, _) => match replace(file, &after) {
            Ok(()) => 0,
            Err(error) => report::error(&format!("cannot write {file}: {}", reason(&error))),
        },
    }
}

/// Writes beside the file first: whatever happens, there is one whole script.
fn replace(file: &str, text: &str) -> std::io::Result<()> {
    let file = std::fs::canonicalize(file)?;
    let mut name = file.file_name().unwrap_or_default().to_owned();
    name.push(".lancet-fmt");
    let beside = file.with_file_name(name);
    std::fs::write(&beside, text)?;
    std::fs::set_permissions(&beside, std::fs::metadata(&file)?.permissions())?;
    std::fs::rename(beside, file)
}

fn show(text: &str) -> u8 {
    // A reader that has seen enough is no error.
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
    0
}

/// The script before and after; a script with mistakes in its syntax is left alone.
fn formatted(program: Option<&str>, file: Option<&str>) -> Result<(String, String), u8> {
    let script = source::read(program, file).map_err(|message| report::error(&message))?;
    let mut sources = SourceMap::default();
    let id = sources.add(script.name, script.text.clone());
    let mut diagnostics = Diagnostics::default();
    let tree = lancet_syntax::parse(&sources, id, &mut diagnostics);
    if diagnostics.has_errors() {
        report::diagnostics(&diagnostics, &sources, false, false);
        return Err(1);
    }
    let text = printer::print(&tree, &sources);
    if !is_same_script(&script.text, &text) {
        let message =
            format!("{} cannot be laid out without changing it; it is left as it is", file.unwrap_or("the script"));
        return Err(report::error(&message));
    }
    Ok((script.text, text))
}

/// What is laid out parses, prints the same once more, and has as many comments.
fn is_same_script(before: &str, after: &str) -> bool {
    let printed = |text: &str| {
        let mut sources = SourceMap::default();
        let id = sources.add("script", text.to_owned());
        let mut diagnostics = Diagnostics::default();
        let tree = lancet_syntax::parse(&sources, id, &mut diagnostics);
        (!diagnostics.has_errors(), printer::print(&tree, &sources), tree.comments.len())
    };
    let (before, after) = (printed(before), printed(after));
    after.0 && before == after
}
