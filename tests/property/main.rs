//! Property tests: what holds for every script is tried with random ones.
//!
//!     cargo test --test property
//!     LANCET_PROPERTY_CASES=5000 cargo test --test property -- --nocapture
//!     LANCET_PROPERTY_SEED=17 cargo test --test property       the case of one seed, and as many after it as asked for
//!
//! A case that fails is made smaller, and shown with its seed. What needs root is left out without it.

mod arithmetic;
mod choices;
mod compiler;
mod live;
mod mutation;
mod program;

use arithmetic::Arithmetic;
use choices::{Choices, reduced};
use compiler::Compiler;
use lancet_compiler::compile::Stage;
use mutation::Corpus;
use std::fmt::Display;
use std::path::Path;
use std::time::Duration;

/// How many seconds a failing case is made smaller, if nothing else is asked for.
const REDUCTION: u64 = 20;

#[test]
fn scripts_print_and_parse_to_the_same_tree() {
    every(60, random_script, || (), |(), script| compiler::prints(script));
}

#[test]
fn scripts_compile() {
    every(25, random_script, Compiler::new, |compiler, script| compiler.accepts(script));
}

#[test]
fn the_kernel_takes_every_script() {
    if let Err(reason) = live::available() {
        return eprintln!("left out: {reason}");
    }
    every(10, random_script, || (), |(), script| live::loads(script));
}

#[test]
fn literals_are_folded_as_the_language_says() {
    every(40, Arithmetic::random, Compiler::new, |compiler, arithmetic| {
        let (output, rendered) = compiler.output(&arithmetic.folded(), &[Stage::Hir])?;
        let tree = output.dumps.first().filter(|_| output.object.is_some());
        arithmetic.is_folded(tree.map(|(_, text)| text.as_str()).ok_or(rendered)?)
    });
}

#[test]
fn the_kernel_calculates_as_the_language_says() {
    if let Err(reason) = live::available() {
        return eprintln!("left out: {reason}");
    }
    every(
        5,
        Arithmetic::random,
        || (),
        |(), arithmetic| {
            let (printed, expected) = (live::run(&arithmetic.to_string(), &["-q"])?, arithmetic.expected());
            if printed.trim() == expected.trim() {
                return Ok(());
            }
            let differs = |(_, (printed, expected)): &(usize, (&str, &str))| printed != expected;
            let lines = printed.trim().lines().zip(expected.lines()).enumerate().filter(differs);
            let lines: Vec<_> =
                lines.map(|(line, (printed, expected))| format!("{line}: {printed}, expected {expected}")).collect();
            Err(format!("prints other values:\n{}", lines.join("\n")))
        },
    );
}

/// Random cases as behaviour cases, for `cargo test --test kernel -- --cases`.
#[test]
fn cases_are_written() {
    let Some(folder) = std::env::var_os("LANCET_PROPERTY_WRITE") else { return };
    let folder = Path::new(&folder).join("random");
    std::fs::create_dir_all(&folder).expect("the folder for cases can be made");
    let write = |name: String, text: String| std::fs::write(folder.join(name), text).expect("a case can be written");
    for seed in seeds(100) {
        let script = random_script(&mut Choices::seeded(seed));
        write(format!("script-{seed}.bt"), live::as_behaviour_case(&script));
        let arithmetic = Arithmetic::random(&mut Choices::seeded(seed));
        let expected: String = arithmetic.expected().lines().map(|line| format!("// {line}\n")).collect();
        let head = "//@ flags: -q --no-warnings";
        write(format!("arithmetic-{seed}.bt"), format!("{head}\n{arithmetic}// --- stdout ---\n{expected}"));
    }
}

#[test]
fn the_compiler_survives_damaged_scripts() {
    let corpus = Corpus::read();
    assert!(corpus.len() > 200, "{} scripts are too few: have they moved?", corpus.len());
    let (first, seconds) = (number("LANCET_PROPERTY_SEED"), number("LANCET_PROPERTY_SECONDS"));
    let count = first.filter(|_| seconds.is_none()).map(|_| number("LANCET_PROPERTY_CASES").unwrap_or(1));
    let duration = Duration::from_secs(seconds.unwrap_or(2));
    match mutation::run(corpus, first.unwrap_or(0), count, duration) {
        Ok(count) => println!("{count} damaged scripts"),
        Err(problem) => panic!("{problem}"),
    }
}

fn random_script(choices: &mut Choices) -> String {
    program::script(choices, number("LANCET_PROPERTY_SIZE").unwrap_or(1) as usize)
}

/// Tries a property with many cases. One that fails it is made smaller.
fn every<T: Display, S>(
    cases: u64,
    random: impl Fn(&mut Choices) -> T + Send + 'static,
    state: impl FnOnce() -> S + Send + 'static,
    property: impl Fn(&S, &T) -> Result<(), String> + Send + 'static,
) {
    with_room(move || {
        let state = state();
        let time = Duration::from_secs(number("LANCET_PROPERTY_REDUCTION").unwrap_or(REDUCTION));
        let mut failures = Vec::new();
        for seed in seeds(cases) {
            let mut choices = Choices::seeded(seed);
            let Err(problem) = property(&state, &random(&mut choices)) else { continue };
            let kind = kind(&problem);
            let again = |made: &[u32]| random(&mut Choices::repeated(made));
            // A smaller case has to fail in the same way, or another mistake takes the place of this one.
            let smallest = reduced(choices.made(), time, |made| {
                property(&state, &again(made)).is_err_and(|other| self::kind(&other) == kind)
            });
            let case = again(&smallest);
            let problem = property(&state, &case).err().unwrap_or(problem);
            eprintln!("seed {seed}:\n{case}\n{problem}");
            failures.push(seed);
            if failures.len() == 10 {
                break;
            }
        }
        assert!(failures.is_empty(), "failed with the seeds {failures:?} (LANCET_PROPERTY_SEED repeats one)");
    });
}

/// What two failures have in common that have one cause: the code of the diagnostic, or else the first line without numbers.
fn kind(problem: &str) -> String {
    let line = problem.lines().find(|line| line.contains("Error:")).or(problem.lines().next()).unwrap_or_default();
    line.chars().filter(|character| !character.is_ascii_digit()).take(40).collect()
}

/// Which seeds are tried.
fn seeds(cases: u64) -> std::ops::Range<u64> {
    let (first, count) = (number("LANCET_PROPERTY_SEED"), number("LANCET_PROPERTY_CASES"));
    let count = count.unwrap_or(if first.is_some() { 1 } else { cases });
    first.unwrap_or(0)..first.unwrap_or(0) + count
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} takes a number, not `{text}`")))
}

/// Runs with as much stack as a program's first thread has.
fn with_room(run: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(8 << 20).spawn(run);
    let outcome = thread.expect("a thread starts").join();
    if let Err(panic) = outcome {
        std::panic::resume_unwind(panic);
    }
}
