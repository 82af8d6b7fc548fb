//! The compiler as a function: a script becomes an object file or diagnostics, for the machine in `tests/fixtures`; and the
//! printer: a script becomes its tree and its canonical layout.

use lancet_compiler::compile::Stage;
use lancet_compiler::compile::{Input, Output, compile};
use lancet_compiler::import::NoImports;
use lancet_compiler::settings::{Mode, Settings};
use lancet_kernel::captured::CapturedKernel;
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::{Diagnostic, Diagnostics, Severity};
use lancet_syntax::preprocess::NoIncludes;
use lancet_syntax::printer;
use lancet_syntax::render::{RenderOptions, render};
use lancet_syntax::span::SourceMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A compiler for the captured machine.
pub struct Compiler {
    kernel: CapturedKernel,
}

impl Compiler {
    /// Reads the captured machine.
    pub fn new() -> Compiler {
        let bytes = include_bytes!("../fixtures/kernel.capture");
        Compiler { kernel: CapturedKernel::from_bytes(bytes).expect("the fixture is sound") }
    }

    /// Compiles. The error says what the compiler found wrong with the script, or that it panicked.
    pub fn accepts(&self, script: &str) -> Result<(), String> {
        match self.output(script, &[]) {
            Err(panic) => Err(panic),
            Ok((output, rendered)) => {
                // What is too large for a kernel is refused with reason.
                let wrong = |diagnostic: &Diagnostic| {
                    diagnostic.severity == Severity::Error && diagnostic.code != Code::NotOnThisKernel
                };
                if !output.diagnostics.iter().any(wrong) {
                    return Ok(());
                }
                Err(rendered)
            }
        }
    }

    /// Compiles; the error is what the compiler panicked with.
    pub fn output(&self, script: &str, dumps: &[Stage]) -> Result<(Output, String), String> {
        let compiled = catch_unwind(AssertUnwindSafe(|| {
            let mut sources = SourceMap::default();
            let file = sources.add("script.bt", script.to_owned());
            let builtins = lancet_stdlib::all();
            let input = Input {
                kernel: &self.kernel,
                library: lancet_stdlib::LIBRARY,
                builtins: &builtins,
                settings: Settings { mode: Mode::Trace, ..Settings::default() },
                environment: &[],
                loader: &NoIncludes,
                importer: &NoImports,
                dumps,
                section: &|| None,
            };
            let output = compile(&mut sources, file, input);
            let options = RenderOptions { color: false, notes: false, warnings: false };
            let rendered = render(&output.diagnostics, &sources, options);
            (output, rendered)
        }));
        compiled.map_err(|panic| {
            let text = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
            format!("the compiler panicked: {}", text.unwrap_or("without a message"))
        })
    }
}

/// Printing loses nothing, and what is printed is laid out already.
pub fn prints(script: &str) -> Result<(), String> {
    let (tree, first) = printed(script).map_err(|rendered| format!("does not parse:\n{rendered}"))?;
    let (again, second) =
        printed(&first).map_err(|rendered| format!("what was printed does not parse:\n{rendered}\n{first}"))?;
    if tree != again {
        let line = tree.lines().zip(again.lines()).position(|(before, after)| before != after).unwrap_or_default();
        let part = |tree: &str| tree.lines().skip(line.saturating_sub(8)).take(16).collect::<Vec<_>>().join("\n");
        return Err(format!("the tree changes:\n{}\nbecomes\n{}\n{first}", part(&tree), part(&again)));
    }
    if first != second { Err(format!("is laid out in another way again:\n{first}\nthen\n{second}")) } else { Ok(()) }
}

/// The tree without places, and the canonical layout; or what the parser says.
fn printed(script: &str) -> Result<(String, String), String> {
    let mut sources = SourceMap::default();
    let file = sources.add("script.bt", script.to_owned());
    let mut diagnostics = Diagnostics::default();
    let program = lancet_syntax::parse(&sources, file, &mut diagnostics);
    if diagnostics.has_errors() {
        return Err(render(&diagnostics, &sources, RenderOptions { color: false, notes: false, warnings: false }));
    }
    let tree = format!("{:#?}", program.items);
    let is_place = |line: &&str| line.trim_start().starts_with("span:") || line.trim_start().starts_with("value_span:");
    let tree: Vec<&str> = tree.lines().filter(|line| !is_place(line)).collect();
    Ok((tree.join("\n"), printer::print(&program, &sources)))
}
