//! The programs of `bench/programs` become as many instructions as `bench/instructions.txt` says, or fewer.
//!
//! They are compiled for the captured kernel, so that the counts are the same everywhere. Growth above 2 % fails, and so
//! does a table that knows other programs than there are; `BLESS=1` writes the table anew. Nothing is loaded.

use lancet_compiler::compile::{Input, Stage, compile};
use lancet_compiler::import::NoImports;
use lancet_compiler::settings::Settings;
use lancet_kernel::captured::CapturedKernel;
use lancet_syntax::preprocess::NoIncludes;
use lancet_syntax::render::{RenderOptions, render};
use lancet_syntax::span::SourceMap;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

const PROGRAMS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/bench/programs");
const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/bench/instructions.txt");
const KERNEL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/kernel.capture");

/// Instructions by program.
type Counts = BTreeMap<String, usize>;

#[test]
fn programs_do_not_grow() {
    let now = counts();
    if std::env::var_os("BLESS").is_some() {
        fs::write(TABLE, table(&now)).unwrap_or_else(|error| panic!("{TABLE}: {error}"));
        return;
    }
    let before = read_table();
    let names = |counts: &Counts| counts.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&now), names(&before), "programs and the table differ: BLESS=1 make bench-check");
    let grown: Vec<String> = now
        .iter()
        .filter(|(name, count)| **count * 100 > before[*name] * 102)
        .map(|(name, count)| format!("{name}: {} instructions, {} before", count, before[name]))
        .collect();
    assert!(grown.is_empty(), "programs grew; BLESS=1 make bench-check accepts that:\n{}", grown.join("\n"));
}

/// A line for each program, its count first.
fn table(counts: &Counts) -> String {
    let mut text = String::new();
    for (name, count) in counts {
        let _ = writeln!(text, "{count:5} {name}");
    }
    text
}

fn read_table() -> Counts {
    let text = fs::read_to_string(TABLE).unwrap_or_else(|error| panic!("{TABLE}: {error}"));
    let entry = |line: &str| {
        let (count, name) = line.trim().split_once(' ')?;
        Some((name.to_owned(), count.parse().ok()?))
    };
    text.lines().map(|line| entry(line).unwrap_or_else(|| panic!("{TABLE}: {line}"))).collect()
}

fn counts() -> Counts {
    let bytes = fs::read(KERNEL).unwrap_or_else(|error| panic!("{KERNEL}: {error}"));
    let kernel = CapturedKernel::from_bytes(&bytes).unwrap_or_else(|error| panic!("{}", error.message()));
    let folder = fs::read_dir(PROGRAMS).unwrap_or_else(|error| panic!("{PROGRAMS}: {error}"));
    let mut counts = Counts::new();
    for entry in folder {
        let path = entry.unwrap_or_else(|error| panic!("{PROGRAMS}: {error}")).path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let script = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        counts.insert(name, count(&kernel, script));
    }
    counts
}

/// How many instructions a script becomes.
fn count(kernel: &CapturedKernel, script: String) -> usize {
    let mut sources = SourceMap::default();
    let file = sources.add("script.bt", script);
    let builtins = lancet_stdlib::all();
    let input = Input {
        kernel,
        library: lancet_stdlib::LIBRARY,
        builtins: &builtins,
        settings: Settings::default(),
        environment: &[],
        loader: &NoIncludes,
        importer: &NoImports,
        dumps: &[Stage::Insns],
        section: &|| None,
    };
    let output = compile(&mut sources, file, input);
    let options = RenderOptions { color: false, notes: true, warnings: true };
    assert!(output.object.is_some(), "{}", render(&output.diagnostics, &sources, options));
    output.dumps.iter().map(|(_, text)| instructions(text)).sum()
}

/// What the kernel counts: the index of a function's last instruction, which is never a wide one, and one.
fn instructions(text: &str) -> usize {
    let index = |line: &str| line.split_once(':')?.0.trim().parse::<usize>().ok();
    let functions = text.split("\n\n");
    functions.filter_map(|function| Some(function.lines().filter_map(index).next_back()? + 1)).sum()
}
