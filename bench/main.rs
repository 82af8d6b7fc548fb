//! `make bench`: what starting, attaching and an event cost and how that grows, of lancet alone or beside another program.
//!
//!     cargo bench                                all of it
//!     cargo bench --bench compare -- attach      one part: startup, attach, events, scaling
//!     RIVAL=bpftrace cargo bench                 beside another program that takes the same arguments
//!
//! Runs of the two alternate, and a ratio is the median of the pairs. Nothing is asserted: these are figures to look at.
//! It runs as root.

mod attach;
mod events;
mod measure;
mod scaling;
mod startup;

use measure::Tool;

fn main() {
    type Part = (&'static str, fn(&[Tool]));
    let parts: [Part; 4] =
        [("startup", startup::run), ("attach", attach::run), ("events", events::run), ("scaling", scaling::run)];
    // cargo itself says --bench.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let tools = measure::tools();
    for (name, run) in parts {
        if wanted.is_empty() || wanted.iter().any(|word| word == name) {
            println!("\n== {name}");
            run(&tools);
        }
    }
}
