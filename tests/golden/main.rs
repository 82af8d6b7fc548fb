//! Golden tests of the compiler: what each stage prints for a small input, kept beside the input.
//!
//! `tests/golden/STAGE/NAME.bt` is a script, `NAME.ir` a module; comments at the end hold what the stage prints. Every
//! case shows one stage only and is short enough to be read. Needs no root and reads nothing of the host.
//!
//!     cargo test --test golden [-- FILTER…]     compares
//!     cargo bless [FILTER…]                     rewrites the comments of the cases whose name contains a filter

mod case;
mod stage;

use case::Case;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let (flags, filters): (Vec<String>, Vec<String>) =
        std::env::args().skip(1).partition(|argument| argument.starts_with('-'));
    let bless = flags.iter().any(|flag| flag == "--bless");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let (mut passed, mut failures) = (0, Vec::new());
    for path in cases(&folder) {
        let name = path.strip_prefix(&folder).unwrap_or(&path).display().to_string();
        if filters.is_empty() || filters.iter().any(|filter| name.contains(filter.as_str())) {
            match run(&path, bless) {
                Ok(()) => passed += 1,
                Err(problem) => failures.push(format!("{name}: {problem}")),
            }
        }
    }
    for failure in &failures {
        eprintln!("{failure}\n");
    }
    println!("golden: {passed} passed, {} failed", failures.len());
    if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn cases(folder: &Path) -> Vec<PathBuf> {
    let entries = |folder: &Path| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let is_case = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "bt" || extension == "ir");
    let mut cases: Vec<PathBuf> = entries(folder).iter().flat_map(|stage| entries(stage)).filter(is_case).collect();
    cases.sort();
    cases
}

fn run(path: &Path, bless: bool) -> Result<(), String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let case = Case::parse(path, &text)?;
    let actual = case.with_sections(&stage::sections(&case)?)?;
    if actual == text {
        return Ok(());
    }
    if bless {
        return std::fs::write(path, actual).map_err(|error| error.to_string());
    }
    Err(format!(
        "prints something else; if that is right: cargo bless {}\n{}",
        case.name,
        case::difference(&text, &actual)
    ))
}
