//! The lancet command: joins the compiler and the runtime.

mod arguments;
mod check;
mod compile;
mod explain;
mod fmt;
mod info;
mod list;
mod machine;
mod recipe;
mod report;
mod script_option;
mod source;
mod trace;

use arguments::{Command, Trace, Verb};
use clap::Parser;
use clap::error::ErrorKind;
use std::process::ExitCode;

fn main() -> ExitCode {
    let command = match Command::try_parse() {
        Ok(command) => command,
        Err(error) => {
            if error.kind() == ErrorKind::DisplayHelp && script_asked().is_some_and(|asked| trace::script_help(&asked))
            {
                return ExitCode::SUCCESS;
            }
            let _ = error.print();
            return if error.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    let code = match command.subcommand {
        Some(Verb::Build(build)) => trace::build(&build),
        Some(Verb::Run(run)) => trace::run_object(&run),
        Some(Verb::Capture(wanted)) => machine::capture(&wanted),
        Some(Verb::Explain(wanted)) => explain::explain(&wanted.name),
        Some(Verb::Fmt(wanted)) => fmt::files(&wanted),
        Some(Verb::Check(wanted)) => check::scripts(&wanted),
        None => trace::trace(command.trace),
    };
    ExitCode::from(code)
}

/// `lancet SCRIPT --help` asks the script, if it has options of its own: the command without that word.
fn script_asked() -> Option<Trace> {
    let is_help = |word: &str| word == "-h" || word == "--help";
    let own = std::env::args().take_while(|word| word != "--").filter(|word| !is_help(word));
    let command = Command::try_parse_from(own).ok()?;
    command.subcommand.is_none().then_some(command.trace)
}
