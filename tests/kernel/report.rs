//! Prints how the cases go, in the words of the standard test harness.
//!
//! One line per case as it ends, then the failures with their details, then the summary. Nothing is kept beyond that.

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::time::Instant;

use crate::run::Verdict;

/// The running account of a test run.
pub struct Report {
    started: Instant,
    passed: usize,
    filtered: usize,
    failures: Vec<(String, String)>,
    skipped: BTreeMap<String, usize>,
}

impl Report {
    /// Begins with a line that says how many cases there are.
    pub fn start(cases: usize, filtered: usize) -> Report {
        println!("\nrunning {cases} cases on kernel {}", crate::need::kernel_release());
        Report { started: Instant::now(), passed: 0, filtered, failures: Vec::new(), skipped: BTreeMap::new() }
    }

    /// A case has run.
    pub fn finished(&mut self, name: &str, verdict: Verdict) {
        match verdict {
            Verdict::Passed => {
                println!("test {name} ... ok");
                self.passed += 1;
            }
            Verdict::Failed(details) => {
                println!("test {name} ... FAILED");
                self.failures.push((name.to_owned(), details));
            }
        }
    }

    /// A case was not run, for a reason.
    pub fn skipped(&mut self, name: &str, reason: &str) {
        println!("test {name} ... ignored, {reason}");
        *self.skipped.entry(reason.to_owned()).or_default() += 1;
    }

    /// Something worth knowing that is no result.
    pub fn note(&self, text: &str) {
        println!("{text}");
    }

    /// Prints failures and summary; the exit code says whether all is well.
    pub fn finish(self) -> ExitCode {
        if !self.failures.is_empty() {
            println!("\nfailures:\n");
        }
        for (name, details) in &self.failures {
            println!("---- {name} ----\n{details}\n");
        }
        if !self.skipped.is_empty() {
            println!("\nskipped:");
        }
        for (reason, count) in &self.skipped {
            println!("    {count} cases: {reason}");
        }
        println!(
            "\ntest result: {}. {} passed; {} failed; {} ignored; 0 measured; {} filtered out; finished in {:.2}s\n",
            if self.failures.is_empty() { "ok" } else { "FAILED" },
            self.passed,
            self.failures.len(),
            self.skipped.values().sum::<usize>(),
            self.filtered,
            self.started.elapsed().as_secs_f64()
        );
        if self.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}
