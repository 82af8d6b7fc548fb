//! What each stage prints for a case.

use crate::case::Case;
use lancet_compiler::ir::{parser, verify};
use lancet_compiler::optimize;
use lancet_syntax::diagnostic::Diagnostics;
use lancet_syntax::lexer::lex;
use lancet_syntax::preprocess::{NoIncludes, parse_expanded};
use lancet_syntax::render::{RenderOptions, render};
use lancet_syntax::span::SourceMap;
use lancet_syntax::{printer, token};

/// The sections of a case: names and texts.
pub fn sections(case: &Case) -> Result<Vec<(String, String)>, String> {
    match case.stage.as_str() {
        "tokens" => Ok(vec![section("tokens", tokens(case))]),
        "ast" => Ok(vec![section("ast", ast(case))]),
        "diagnostics" => Ok(vec![section("diagnostics", diagnostics(case))]),
        "passes" => Ok(vec![section("after", pass(case)?)]),
        other => Err(format!("there is no stage {other}")),
    }
}

fn section(name: &str, text: String) -> (String, String) {
    (name.into(), text)
}

fn tokens(case: &Case) -> String {
    let mut sources = SourceMap::default();
    let file = sources.add("script.bt", case.input.clone());
    let lexed = lex(&case.input, file, &mut Diagnostics::default());
    token::print(&lexed.tokens, &sources)
}

fn ast(case: &Case) -> String {
    let mut sources = SourceMap::default();
    let file = sources.add("script.bt", case.input.clone());
    let program = parse_expanded(&mut sources, file, &NoIncludes, &mut Diagnostics::default());
    printer::print(&program, &sources)
}

fn diagnostics(case: &Case) -> String {
    let mut sources = SourceMap::default();
    let file = sources.add("script.bt", case.input.clone());
    let mut diagnostics = Diagnostics::default();
    parse_expanded(&mut sources, file, &NoIncludes, &mut diagnostics);
    render(&diagnostics, &sources, RenderOptions { color: false, notes: true, warnings: true })
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
