//! What each stage prints for a case.
//!
//! Scripts go through the whole compiler, for the machine in `tests/fixtures/kernel.capture`, so that a stage is shown as
//! users see it with `-d`.

use crate::case::Case;
use lancet_compiler::compile::{Input, Output, Stage, compile};
use lancet_compiler::import::NoImports;
use lancet_compiler::ir::{parser, verify};
use lancet_compiler::optimize;
use lancet_compiler::settings::Settings;
use lancet_kernel::captured::CapturedKernel;
use lancet_syntax::preprocess::NoIncludes;
use lancet_syntax::render::{RenderOptions, render};
use lancet_syntax::span::SourceMap;

/// The sections of a case: names and texts.
pub fn sections(case: &Case) -> Result<Vec<(String, String)>, String> {
    let section = |name: &str, text: String| Ok(vec![(name.to_owned(), text)]);
    match (case.stage.as_str(), Stage::parse(&case.stage)) {
        ("passes", _) => section("after", pass(case)?),
        ("diagnostics", _) => section("diagnostics", compiled(case, &[])?.1),
        (name, Some(stage)) => {
            let (output, diagnostics) = compiled(case, &[stage])?;
            let text = output.dumps.into_iter().next().map(|(_, text)| text);
            section(name, text.ok_or(format!("the compiler did not come to this stage:\n{diagnostics}"))?)
        }
        (name, None) => Err(format!("there is no stage {name}")),
    }
}

/// Compiles the script, with `// without: FEATURE` for a kernel that lacks it; the second part is the rendered diagnostics.
fn compiled(case: &Case, dumps: &[Stage]) -> Result<(Output, String), String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/kernel.capture");
    let bytes = std::fs::read(path).map_err(|error| format!("{path}: {error}"))?;
    let mut kernel = CapturedKernel::from_bytes(&bytes).map_err(|error| error.message().to_owned())?;
    if let Some(feature) = case.directive("without") {
        kernel = kernel.without_feature(feature).ok_or_else(|| format!("there is no feature {feature}"))?;
    }
    let mut sources = SourceMap::default();
    let file = sources.add("script.bt", case.input.clone());
    let builtins = lancet_stdlib::all();
    let input = Input {
        kernel: &kernel,
        library: lancet_stdlib::LIBRARY,
        builtins: &builtins,
        settings: Settings::default(),
        environment: &[],
        loader: &NoIncludes,
        importer: &NoImports,
        dumps,
        section: &|| None,
    };
    let output = compile(&mut sources, file, input);
    let options = RenderOptions { color: false, notes: true, warnings: true };
    let diagnostics = render(&output.diagnostics, &sources, options);
    Ok((output, diagnostics))
}

/// `; pass: NAME` runs that pass alone, `; pass: all` the whole optimizer.
fn pass(case: &Case) -> Result<String, String> {
    let name = case.directive("pass").ok_or("the case does not say its pass")?;
    let mut module = parser::parse(&case.input).map_err(|error| error.to_string())?;
    let problems = verify::verify(&module);
    if !problems.is_empty() {
        return Err(problems.join("\n"));
    }
    match name {
        "all" => optimize::run(&mut module),
        name => optimize::run_by_name(name, &mut module).ok_or_else(|| format!("there is no pass {name}"))?,
    }
    Ok(module.to_string())
}
