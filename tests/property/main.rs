//! Property tests: what holds for every script is tried with random ones.
//!
//!     cargo test --test property
//!     LANCET_PROPERTY_CASES=5000 cargo test --test property -- --nocapture
//!     LANCET_PROPERTY_SEED=17 cargo test --test property       the case of one seed, and as many after it as asked for
//!
//! A case that fails is made smaller, and shown with its seed. What needs root is left out without it.

mod choices;
mod compiler;
mod live;
mod program;

use choices::{Choices, reduced};
use compiler::Compiler;
use std::time::Duration;

/// How long a failing case is made smaller.
const REDUCTION: Duration = Duration::from_secs(20);

#[test]
fn scripts_print_and_parse_to_the_same_tree() {
    every_script(100, || (), |(), script| compiler::prints(script));
}

#[test]
fn scripts_compile() {
    every_script(40, Compiler::new, |compiler, script| compiler.accepts(script));
}

#[test]
fn the_kernel_takes_every_script() {
    if let Err(reason) = live::available() {
        return eprintln!("left out: {reason}");
    }
    every_script(25, || (), |(), script| live::loads(script));
}

/// Tries a property with many scripts. A script that fails it is made smaller.
fn every_script<S>(
    cases: u64,
    state: impl FnOnce() -> S + Send + 'static,
    property: impl Fn(&S, &str) -> Result<(), String> + Send + 'static,
) {
    let size = number("LANCET_PROPERTY_SIZE").unwrap_or(1) as usize;
    with_room(move || {
        let state = state();
        let mut failures = Vec::new();
        for seed in seeds(cases) {
            let mut choices = Choices::seeded(seed);
            let Err(problem) = property(&state, &program::script(&mut choices, size)) else { continue };
            let kind = kind(&problem);
            let script_of = |made: &[u32]| program::script(&mut Choices::repeated(made), size);
            // A smaller script has to fail in the same way, or another mistake takes the place of this one.
            let smallest = reduced(choices.made(), REDUCTION, |made| {
                property(&state, &script_of(made)).is_err_and(|other| self::kind(&other) == kind)
            });
            let script = script_of(&smallest);
            let problem = property(&state, &script).err().unwrap_or(problem);
            let report = format!("seed {seed}:\n{script}\n{problem}");
            eprintln!("{report}");
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
    let line = problem.lines().find(|line| line.contains("[E")).or(problem.lines().next()).unwrap_or_default();
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
