//! The documentation keeps its promises: every error code has a page, and the scripts on the pages do what they say.
//!
//! On a page the script under "Wrong:" must be reported with the page's code, the one under "Right:" must not.
//! Pages without a script are only checked for being there. `docs/builtins.md` is made from what the builtins say of
//! themselves; `BLESS=1` rewrites it. Nothing is attached or loaded.

use std::path::{Path, PathBuf};
use std::process::Command;

use lancet_syntax::code::Code;

#[test]
fn every_code_has_a_page_with_its_title() {
    for code in Code::ALL {
        let page = std::fs::read_to_string(page(*code)).unwrap_or_default();
        let title = format!("# {}: {}", code.as_str(), code.title());
        assert_eq!(page.lines().next(), Some(title.as_str()), "first line of {}", page_name(*code));
    }
}

#[test]
fn wrong_scripts_are_reported_with_the_code_of_their_page() {
    let unreported: Vec<String> = Code::ALL
        .iter()
        .filter_map(|code| Some((code, script(*code, "Wrong:")?)))
        .filter_map(|(code, script)| {
            let report = report(*code, &script);
            (!report.contains(code.as_str())).then(|| format!("{}:\n{script}\n{report}", code.as_str()))
        })
        .collect();
    assert!(unreported.is_empty(), "{}", unreported.join("\n"));
}

#[test]
fn right_scripts_are_accepted() {
    let refused: Vec<String> = Code::ALL
        .iter()
        .filter_map(|code| Some((code, script(*code, "Right:")?)))
        .filter_map(|(code, script)| {
            let report = report(*code, &script);
            let bad = report.contains(code.as_str()) || report.contains("panicked");
            bad.then(|| format!("{}:\n{script}\n{report}", code.as_str()))
        })
        .collect();
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

#[test]
fn the_list_of_builtins_is_what_they_say_of_themselves() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/builtins.md");
    let wanted = builtins();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &wanted).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, wanted, "docs/builtins.md is out of date: make bless rewrites it");
}

fn builtins() -> String {
    let mut signatures: Vec<_> = lancet_stdlib::all().into_iter().map(|builtin| builtin.signature()).collect();
    signatures.sort_by_key(|signature| signature.name);
    let cell = |text: &str| text.replace('|', "\\|");
    let row = |signature: &&lancet_compiler::builtin::Signature| {
        let note = if signature.is_unsafe { " Needs `--unsafe`." } else { "" };
        format!("| `{}` | {}{note} |\n", cell(signature.usage), cell(signature.summary))
    };
    let rows: String = signatures.iter().map(row).collect();
    format!("# Builtins\n\n| usage | what it is or does |\n| --- | --- |\n{rows}")
}

fn page_name(code: Code) -> String {
    format!("docs/errors/{}.md", code.as_str())
}

fn page(code: Code) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(page_name(code))
}

/// The fenced block after a line.
fn script(code: Code, heading: &str) -> Option<String> {
    let page = std::fs::read_to_string(page(code)).ok()?;
    let (_, rest) = page.split_once(&format!("\n{heading}\n\n```\n"))?;
    Some(rest.split_once("\n```")?.0.to_owned())
}

/// What the command says about a script that it only compiles.
fn report(code: Code, script: &str) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_lancet")).args(["--dry-run", "-e", script]).output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}", code.as_str()));
    String::from_utf8_lossy(&output.stderr).into_owned()
}
