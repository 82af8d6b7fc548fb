//! Compiling and running, together and apart: `lancet -e`, `lancet build`, `lancet run`.

use crate::arguments::{Buffering, Build, Compile, Format, ModeName, Run, Runtime, Trace};
use crate::compile::{self, Job};
use crate::recipe::Recipe;
use crate::report;
use crate::source::reason;
use crate::{fmt, info, list, machine, script_option};
use lancet_compiler::settings::{Mode, Settings};
use lancet_kernel::{Features, Kernel};
use lancet_runtime::format::output;
use lancet_runtime::kernel::LiveKernel;
use lancet_runtime::session::{self, Options, Outcome, RuntimeError};
use std::path::Path;

/// `lancet -e PROGRAM`, `lancet FILE`: compiles for this machine, then runs what was compiled.
pub fn trace(arguments: Trace) -> u8 {
    let Trace { compile, runtime, list, test, bench, format_script, info, dry_run, mode, emit_elf, mut words, named } =
        arguments;
    let (test, bench) = (test || mode == Some(ModeName::Test), bench || mode == Some(ModeName::Bench));
    let dry_run = dry_run || mode == Some(ModeName::Codegen);
    if format_script || mode == Some(ModeName::Format) {
        return fmt::print(compile.program.as_deref(), words.first().map(String::as_str));
    }
    if compile.dump.iter().any(String::is_empty) && compile.program.is_none() && words.is_empty() {
        report::list_stages();
        return 0;
    }
    if let Some(unknown) = compile.no_feature.iter().find(|name| !Features::NAMES.contains(&name.as_str())) {
        return report::error(&format!("there is no feature {unknown}; there are {}", Features::NAMES.join(", ")));
    }
    if let Some(file) = &compile.traceable_functions
        && let Err(error) = std::fs::File::open(file)
    {
        return report::error(&format!("cannot read {}: {}", file.display(), reason(&error)));
    }
    let kernel = machine::this(&compile);
    if info {
        info::print(&kernel, runtime.format == Format::Json);
        return 0;
    }
    let probe_filter = match filter(compile.probe_filter.as_deref()) {
        Ok(filter) => filter,
        Err(message) => return report::error(&message),
    };
    let is_script = words.first().is_some_and(|word| std::path::Path::new(word).is_file());
    if list && compile.program.is_none() && !is_script {
        return list::machine(&words, &kernel, runtime.pid, runtime.verbose);
    }
    let file = match compile.program {
        None if words.is_empty() => None,
        None => Some(words.remove(0)),
        Some(_) => None,
    };
    let (named, more) = script_option::named(&named);
    words.extend(more);
    let settings = Settings {
        parameters: words,
        named,
        allow_unsafe: compile.allow_unsafe,
        pid: runtime.pid,
        has_target: runtime.pid.is_some() || runtime.command.is_some(),
        unwinds: unwinds(&runtime),
        report_helper_errors: runtime.helper_errors > 0,
        account: runtime.verbose,
        nested_pid_namespace: lancet_runtime::kernel::in_nested_pid_namespace(),
        mode: match (test, bench) {
            (true, _) => Mode::Test,
            (false, true) => Mode::Bench,
            (false, false) => Mode::Trace,
        },
        probe_filter,
        ..Settings::default()
    };
    let job = Job {
        file: file.as_deref(),
        settings,
        notes: runtime.verbose,
        warnings: !runtime.no_warnings,
        keeps_source: emit_elf.is_some().then_some(true),
    };
    let output = match compile::run(&compile, job.clone(), &kernel) {
        Ok(output) => output,
        Err(code) => return code,
    };
    if list {
        list::program(&output.manifest, &kernel, runtime.pid, runtime.verbose);
        return 0;
    }
    if let Some(file) = emit_elf {
        return write_object(&file, &output.object.unwrap_or_default());
    }
    if dry_run || !compile.dump.is_empty() {
        return 0;
    }
    let options = options(runtime);
    let result = session::run(&output.object.unwrap_or_default(), &options);
    let result = match result {
        Err(error) if error.is_too_much_to_verify() && !kernel.features().bpf_loop => {
            with_fewer_rounds(&compile, job, &kernel, error, &options)
        }
        other => other,
    };
    exit_code(result)
}

/// Loops that are walked round by round were too much for the verifier: they get a nearer end. What they leave is told when
/// it happens.
fn with_fewer_rounds(
    compile: &Compile,
    mut job: Job<'_>,
    kernel: &LiveKernel,
    first: RuntimeError,
    options: &Options,
) -> Result<Outcome, RuntimeError> {
    // All that there is to say about the script has been said.
    (job.notes, job.warnings) = (false, false);
    let options = Options { another_attempt: true, ..options.clone() };
    while let Some(rounds) = job.settings.rounds.fewer() {
        job.settings.rounds = rounds;
        let Some(object) = compile::run(compile, job.clone(), kernel).ok().and_then(|output| output.object) else {
            break;
        };
        match session::run(&object, &options) {
            Err(error) if error.is_too_much_to_verify() => {}
            other => return other,
        }
    }
    Err(first)
}

/// `lancet SCRIPT --help`: tells the script's own options. False if there is no script, or it has none.
pub fn script_help(arguments: &Trace) -> bool {
    let file = arguments.words.first().map(String::as_str);
    let settings = Settings {
        parameters: arguments.words.get(1..).unwrap_or_default().to_vec(),
        is_only_checked: true,
        allow_unsafe: arguments.compile.allow_unsafe,
        ..Settings::default()
    };
    let is_script = arguments.compile.program.is_some() || file.is_some_and(|file| Path::new(file).is_file());
    let job = Job { file, settings, notes: false, warnings: false, keeps_source: None };
    is_script
        && compile::compiled(&arguments.compile, job, &machine::this(&arguments.compile)).is_ok_and(|(output, _)| {
            !output.options.is_empty() && compile::print_script_help(&arguments.compile, file, &output.options)
        })
}

/// Whether there is a process whose stacks can be unwound.
fn unwinds(runtime: &Runtime) -> bool {
    runtime.pid.is_some() || runtime.command.is_some() || !runtime.dwarf_pid.is_empty()
}

/// The regular expression of `--probe-filter`.
fn filter(text: Option<&str>) -> Result<Option<regex_lite::Regex>, String> {
    let compiled = text.map(regex_lite::Regex::new).transpose();
    compiled.map_err(|error| format!("--probe-filter takes a regular expression: {error}"))
}

/// `lancet build`: the object goes to a file.
pub fn build(arguments: &Build) -> u8 {
    let probe_filter = match filter(arguments.compile.probe_filter.as_deref()) {
        Ok(filter) => filter,
        Err(message) => return report::error(&message),
    };
    let (named, parameters) = script_option::named(&arguments.parameters);
    let settings = Settings {
        parameters,
        named,
        // `lancet run` may give one.
        has_target: true,
        unwinds: true,
        allow_unsafe: arguments.compile.allow_unsafe,
        nested_pid_namespace: lancet_runtime::kernel::in_nested_pid_namespace(),
        probe_filter,
        ..Settings::default()
    };
    let keeps_source = Some(arguments.machine.is_none());
    let job = Job { file: arguments.script.as_deref(), settings, notes: false, warnings: true, keeps_source };
    let kernel = match machine::wanted(arguments.machine.as_deref(), &arguments.compile) {
        Ok(kernel) => kernel,
        Err(message) => return report::error(&message),
    };
    let object = match compile::run(&arguments.compile, job, &*kernel) {
        Ok(output) => output.object.unwrap_or_default(),
        Err(code) => return code,
    };
    write_object(&arguments.output, &object)
}

fn write_object(file: &Path, object: &[u8]) -> u8 {
    match std::fs::write(file, object) {
        Ok(()) => 0,
        Err(error) => report::error(&format!("cannot write {}: {}", file.display(), reason(&error))),
    }
}

/// `lancet run`: an object of an earlier build, compiled anew where it was built for another machine.
pub fn run_object(arguments: &Run) -> u8 {
    let object = match std::fs::read(&arguments.object) {
        Ok(object) => object,
        Err(error) => return report::error(&format!("cannot read {}: {}", arguments.object.display(), reason(&error))),
    };
    let manifest = match session::load::manifest(&object) {
        Ok(manifest) => manifest,
        Err(error) => return report::error(&error.to_string()),
    };
    let Some(recipe) = Recipe::of(&object) else {
        let file = arguments.object.display();
        return report::error(&format!("{file} does not hold its script as this lancet writes it: build it again"));
    };
    let kernel = machine::without(&recipe.choices.no_feature, &recipe.choices.debuginfo);
    if recipe.is_for(&kernel, &manifest) {
        return run_bytes(&object, arguments.runtime.clone());
    }
    if arguments.runtime.verbose {
        eprintln!("{} was built for {}: compiling it for this machine", arguments.object.display(), recipe.machine());
    }
    match compiled_again(&recipe, &kernel, &arguments.runtime) {
        Ok(object) => run_bytes(&object, arguments.runtime.clone()),
        Err(code) => code,
    }
}

fn compiled_again(recipe: &Recipe, kernel: &LiveKernel, runtime: &Runtime) -> Result<Vec<u8>, u8> {
    let choices = &recipe.choices;
    let settings = Settings {
        parameters: choices.parameters.clone(),
        named: choices.named.clone(),
        allow_unsafe: choices.allow_unsafe,
        pid: runtime.pid,
        has_target: runtime.pid.is_some() || runtime.command.is_some(),
        unwinds: unwinds(runtime),
        report_helper_errors: runtime.helper_errors > 0,
        account: runtime.verbose,
        nested_pid_namespace: lancet_runtime::kernel::in_nested_pid_namespace(),
        probe_filter: filter(choices.probe_filter.as_deref()).map_err(|message| report::error(&message))?,
        ..Settings::default()
    };
    let output = compile::again(recipe, settings, !runtime.no_warnings, kernel)?;
    output.object.ok_or(1)
}

fn run_bytes(object: &[u8], arguments: Runtime) -> u8 {
    exit_code(session::run(object, &options(arguments)))
}

fn exit_code(result: Result<Outcome, RuntimeError>) -> u8 {
    match result {
        Ok(outcome) => outcome.exit_code,
        Err(error) => report::error(&error.to_string()),
    }
}

fn options(arguments: Runtime) -> Options {
    Options {
        pid: arguments.pid,
        command: arguments.command,
        unwound: arguments.dwarf_pid,
        output: arguments.output,
        json: arguments.format == Format::Json,
        buffering: match arguments.buffering {
            Buffering::Line => output::Buffering::Line,
            Buffering::Full => output::Buffering::Full,
            Buffering::None => output::Buffering::None,
        },
        quiet: arguments.quiet,
        verbose: arguments.verbose,
        no_warnings: arguments.no_warnings,
        statistics: arguments.statistics,
        strict: arguments.strict,
        drop_privileges: arguments.drop_privileges,
        another_attempt: false,
        dry_run: false,
    }
}
