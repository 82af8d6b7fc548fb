//! The documentation keeps its promises: every error code has a page, and the scripts on the pages do what they say.
//!
//! On a page the script under "Wrong:" must be reported with the page's code, the one under "Right:" must not.
//! Pages without a script are only checked for being there. `docs/functions` is made from what the functions say of
//! themselves; `BLESS=1` rewrites it. Nothing is attached or loaded.

use std::path::{Path, PathBuf};
use std::process::Command;

use lancet_compiler::compile::{Input, compile};
use lancet_compiler::import::NoImports;
use lancet_compiler::settings::Settings;
use lancet_kernel::captured::CapturedKernel;
use lancet_stdlib::documentation;
use lancet_syntax::code::Code;
use lancet_syntax::preprocess::NoIncludes;
use lancet_syntax::render::{RenderOptions, render};
use lancet_syntax::span::SourceMap;

#[test]
fn every_code_has_a_page_with_its_title() {
    for code in Code::ALL {
        let page = std::fs::read_to_string(page(*code)).unwrap_or_default();
        let title = format!("# {}: {}", code.as_str(), code.title());
        assert_eq!(page.lines().next(), Some(title.as_str()), "first line of {}", page_name(*code));
    }
}

#[test]
fn every_code_has_a_golden_case_that_shows_it() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/diagnostics");
    let names = cases.read_dir().unwrap().map(|entry| entry.unwrap().path());
    let text: String = names.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let shown = |code: &&Code| text.contains(&format!("// [{}] ", code.as_str()));
    let missing: Vec<&str> = Code::ALL.iter().filter(|code| !shown(code)).map(|code| code.as_str()).collect();
    assert!(missing.is_empty(), "no case in tests/golden/diagnostics shows {}", missing.join(", "));
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
fn the_pages_of_functions_are_what_these_say_of_themselves() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/functions");
    let pages = documentation::pages();
    for (name, wanted) in &pages {
        let path = folder.join(name);
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, wanted).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
        let found = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(found == *wanted, "docs/functions/{name} is out of date: make bless rewrites it");
    }
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    assert_eq!(files.count(), pages.len(), "a page in docs/functions is no family's");
}

#[test]
fn examples_of_functions_compile() {
    let entries = documentation::FAMILIES.iter().flat_map(|family| family.entries);
    let mut refused = String::new();
    for entry in entries.filter(|entry| entry.anywhere) {
        let settings = Settings { allow_unsafe: true, unwinds: true, ..Settings::default() };
        let (compiles, report) = compiled(entry.names[0], entry.example, settings);
        if !compiles {
            refused.push_str(&report);
        }
    }
    assert!(refused.is_empty(), "{refused}");
}

#[test]
fn broken_scripts_are_reported_as_their_page_shows() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/diagnostics.md");
    let page = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut parts = page.split("\n```bt\n");
    let mut wanted = parts.next().unwrap_or_default().to_owned();
    let mut count = 0;
    for part in parts {
        let (script, rest) = part.split_once("\n```\n").unwrap_or_else(|| panic!("a script has no end: {part}"));
        let (before, shown) = rest.split_once("\nlancet:\n\n```text\n").unwrap_or_else(|| panic!("no report: {part}"));
        let (_, after) = shown.split_once("```\n").unwrap_or_else(|| panic!("a report has no end: {part}"));
        let (compiles, report) = compiled("script.bt", script, Settings::default());
        assert!(!compiles, "{script} is not reported");
        // The editor's rule: no blanks at the ends of lines.
        let report: String = report.lines().map(|line| format!("{}\n", line.trim_end())).collect();
        wanted += &format!("\n```bt\n{script}\n```\n{before}\nlancet:\n\n```text\n{report}```\n{after}");
        count += 1;
    }
    assert!(count >= 20, "{count} scripts are few");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &wanted).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    } else {
        assert!(page == wanted, "docs/diagnostics.md is out of date: make bless rewrites it");
    }
}

#[test]
fn scripts_of_the_language_page_compile() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/language.md");
    let page = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let scripts = page.split("\n```bt\n").skip(1).filter_map(|part| part.split_once("\n```\n"));
    let reports: Vec<(bool, String)> =
        scripts.map(|(script, _)| compiled("script.bt", script, Settings::default())).collect();
    assert!(reports.len() >= 7, "{} scripts are few", reports.len());
    let bad: String = reports.into_iter().filter(|(compiles, _)| !compiles).map(|(_, report)| report).collect();
    assert!(bad.is_empty(), "{bad}");
}

/// Whether a script compiles for the captured machine, and what the compiler says of it.
fn compiled(name: &str, script: &str, settings: Settings) -> (bool, String) {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/kernel.capture");
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let kernel = CapturedKernel::from_bytes(&bytes).unwrap_or_else(|error| panic!("{}", error.message()));
    let builtins = lancet_stdlib::all();
    let mut sources = SourceMap::default();
    let file = sources.add(name, script);
    let input = Input {
        kernel: &kernel,
        library: lancet_stdlib::LIBRARY,
        builtins: &builtins,
        settings,
        environment: &[],
        loader: &NoIncludes,
        importer: &NoImports,
        dumps: &[],
        section: &|| None,
    };
    let output = compile(&mut sources, file, input);
    let report = render(&output.diagnostics, &sources, RenderOptions { color: false, notes: false, warnings: true });
    (output.object.is_some(), report)
}

#[test]
fn every_option_is_described() {
    let output = Command::new(env!("CARGO_BIN_EXE_lancet")).arg("-h").output();
    let help =
        String::from_utf8_lossy(&output.unwrap_or_else(|error| panic!("lancet -h: {error}")).stdout).into_owned();
    let options = help
        .split_whitespace()
        .map(|word| word.trim_end_matches([',', ']', '.']))
        .filter(|word| word.starts_with("--"));
    let options: Vec<&str> = options.filter(|option| option.len() > 2).collect();
    assert!(options.contains(&"--quiet"), "{help}");
    let page =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/command.md")).unwrap_or_default();
    let missing: Vec<&&str> = options
        .iter()
        .filter(|option| !page.contains(&format!("`{option}")) && !page.contains(&format!("{option}]")))
        .collect();
    assert!(missing.is_empty(), "docs/command.md does not say what these are: {missing:?}");
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
