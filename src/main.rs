//! The lancet command: joins the compiler and the runtime.

mod arguments;
mod check;
mod compile;
mod explain;
mod fmt;
mod info;
mod list;
mod report;
mod source;
mod trace;

use arguments::{Command, Verb};
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let command = match Command::try_parse() {
        Ok(command) => command,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    let code = match command.subcommand {
        Some(Verb::Build(build)) => trace::build(&build),
        Some(Verb::Run(run)) => trace::run_object(&run),
        Some(Verb::Explain(wanted)) => explain::explain(&wanted.name),
        Some(Verb::Fmt(wanted)) => fmt::files(&wanted),
        Some(Verb::Check(wanted)) => check::scripts(&wanted),
        None => trace::trace(command.trace),
    };
    ExitCode::from(code)
}
