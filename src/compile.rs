//! From the command line to a compiled object: settings, sources, diagnostics.

use crate::arguments::Compile;
use crate::recipe::{self, Choices, Recipe, Recorder, Replay};
use crate::report;
use crate::script_option::{self, Named};
use crate::source::{self, Files, Headers, Script};
use lancet_compiler::builtin::Builtin;
use lancet_compiler::compile::{Input, Output, Section, Stage, compile};
use lancet_compiler::import::Importer;
use lancet_compiler::option::ScriptOption;
use lancet_compiler::settings::{Config, Settings};
use lancet_kernel::Kernel;
use lancet_syntax::preprocess::SourceLoader;
use lancet_syntax::span::SourceMap;
use std::cell::RefCell;
use std::io::Write;
use std::path::Path;

/// What is compiled besides the flags.
#[derive(Clone)]
pub struct Job<'a> {
    /// The script's file, unless `-e` is given.
    pub file: Option<&'a str>,
    /// What the user set.
    pub settings: Settings,
    /// `-v`: notes are shown.
    pub notes: bool,
    /// Warnings are shown.
    pub warnings: bool,
    /// The object file is to hold what it is compiled from; `Some(true)` when it is for the machine that it is built on.
    pub keeps_source: Option<bool>,
}

/// Compiles; shows diagnostics and dumps. `Err` is the exit code when nothing is left to do: after an error that was reported,
/// or when the script was asked for its help.
pub fn run(arguments: &Compile, job: Job<'_>, kernel: &dyn Kernel) -> Result<Output, u8> {
    let named = job.settings.named.clone();
    let (output, sources) = compiled(arguments, job.clone(), kernel)?;
    if script_option::asks_for_help(&named, &output.options) {
        print_script_help(arguments, job.file, &output.options);
        return Err(0);
    }
    shown(output, &sources, &named, job.notes, job.warnings)
}

/// Shows what compiling found and the stages that were asked for. `Err` is the exit code after an error that was reported.
fn shown(output: Output, sources: &SourceMap, named: &[Named], notes: bool, warnings: bool) -> Result<Output, u8> {
    report::diagnostics(&output.diagnostics, sources, notes, warnings);
    let labelled = output.dumps.len() > 1;
    for (stage, text) in &output.dumps {
        report::dump(*stage, text, labelled);
    }
    if output.object.is_none() {
        return Err(1);
    }
    let unknown = script_option::unknown(named, &output.options);
    match unknown.iter().map(|mistake| report::error(mistake)).max() {
        Some(code) => Err(code),
        None => Ok(output),
    }
}

/// Prints the script's own options; true, since that is all that is to be done.
pub fn print_script_help(arguments: &Compile, file: Option<&str>, options: &[ScriptOption]) -> bool {
    let script = if arguments.program.is_some() { "-e PROGRAM" } else { file.unwrap_or("-") };
    // A reader that has seen enough is no error.
    let _ = std::io::stdout().lock().write_all(script_option::help(script, options).as_bytes());
    true
}

/// Compiles; what was found is in the output, and its places in the sources.
pub fn compiled(arguments: &Compile, job: Job<'_>, kernel: &dyn Kernel) -> Result<(Output, SourceMap), u8> {
    let stages = stages(&arguments.dump).map_err(|message| report::error(&message))?;
    let script = source::read(arguments.program.as_deref(), job.file).map_err(|message| report::error(&message))?;
    let environment: Vec<(String, String)> = std::env::vars().collect();
    if let Some((name, wanted)) = Config::check_environment(&environment) {
        return Err(report::error(&format!("the environment variable {name} takes {wanted}")));
    }
    let beside = Path::new(job.file.unwrap_or(".")).parent().unwrap_or(Path::new(".")).to_owned();
    let builtins = lancet_stdlib::all();
    let headers = Headers {
        directories: arguments.include_dirs.clone(),
        includes: arguments.includes.clone(),
        beside,
        seen: RefCell::default(),
        reserved: builtins.iter().map(|builtin| builtin.signature().name).collect(),
    };
    let recorder = job.keeps_source.map(|is_for_here| {
        let choices = Choices {
            environment: environment.iter().filter(|(name, _)| Config::is_variable(name)).cloned().collect(),
            parameters: job.settings.parameters.clone(),
            named: job.settings.named.clone(),
            allow_unsafe: job.settings.allow_unsafe,
            probe_filter: arguments.probe_filter.clone(),
            no_feature: arguments.no_feature.clone(),
            debuginfo: arguments.debuginfo.clone(),
        };
        Recorder::new(&script, &headers, &Files, kernel, is_for_here, choices)
    });
    let (loader, importer): (&dyn SourceLoader, &dyn Importer) = match &recorder {
        Some(recorder) => (recorder, recorder),
        None => (&headers, &Files),
    };
    let section = || recorder.as_ref().map(|recorder| Section { name: recipe::SECTION, bytes: recorder.bytes() });
    let given = Given {
        kernel,
        settings: job.settings,
        environment: &environment,
        loader,
        importer,
        dumps: &stages,
        section: &section,
    };
    Ok(compile_script(script, &builtins, given))
}

/// What is compiled with a script.
struct Given<'a> {
    kernel: &'a dyn Kernel,
    settings: Settings,
    environment: &'a [(String, String)],
    loader: &'a dyn SourceLoader,
    importer: &'a dyn Importer,
    dumps: &'a [Stage],
    section: &'a dyn Fn() -> Option<Section>,
}

fn compile_script(script: Script, builtins: &[&'static dyn Builtin], given: Given<'_>) -> (Output, SourceMap) {
    let Given { kernel, settings, environment, loader, importer, dumps, section } = given;
    let mut sources = SourceMap::default();
    let file = sources.add(script.name, script.text);
    let library = lancet_stdlib::LIBRARY;
    let input = Input { kernel, builtins, library, settings, environment, loader, importer, dumps, section };
    (compile(&mut sources, file, input), sources)
}

/// Compiles again what an object file was compiled from; shows what was found. `Err` is the exit code after an error.
pub fn again(recipe: &Recipe, settings: Settings, warnings: bool, kernel: &dyn Kernel) -> Result<Output, u8> {
    let builtins = lancet_stdlib::all();
    let files = Replay::new(recipe, builtins.iter().map(|builtin| builtin.signature().name).collect());
    let named = settings.named.clone();
    let given = Given {
        kernel,
        settings,
        environment: &recipe.choices.environment,
        loader: &files,
        importer: &files,
        dumps: &[],
        section: &|| None,
    };
    let (output, sources) = compile_script(recipe.script(), &builtins, given);
    shown(output, &sources, &named, false, warnings)
}

fn stages(names: &[String]) -> Result<Vec<Stage>, String> {
    let mut stages = Vec::new();
    for name in names.iter().filter(|name| !name.is_empty()) {
        match (name.as_str(), Stage::parse(name)) {
            ("all", _) => stages.extend(Stage::ALL.iter().map(|(stage, ..)| *stage)),
            (_, Some(stage)) => stages.push(stage),
            (name, None) => return Err(format!("there is no stage {name}; lancet -d lists them")),
        }
    }
    Ok(stages)
}
