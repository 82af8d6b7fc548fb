//! Imports: other files' definitions and probes, put in place of the statement that names them, each file once.

use lancet_syntax::ast::{Import, Item, Program};
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::{Diagnostic, Diagnostics};
use lancet_syntax::preprocess::SourceLoader;
use lancet_syntax::span::{FileId, SourceMap};

/// Finds the files that `import` names.
pub trait Importer {
    /// The files of `path` (a file, or all of a directory), imported by the file called `from`: name and text of each.
    /// The error is a clause for users.
    fn import(&self, path: &str, from: &str) -> Result<Vec<(String, String)>, String>;
}

/// Imports nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoImports;

impl Importer for NoImports {
    fn import(&self, path: &str, _: &str) -> Result<Vec<(String, String)>, String> {
        Err(format!("{path}: no files can be imported here"))
    }
}

/// Replaces the imports of a program, and of what it imports.
pub fn resolve(
    program: Program,
    sources: &mut SourceMap,
    importer: &dyn Importer,
    loader: &dyn SourceLoader,
    diagnostics: &mut Diagnostics,
) -> Program {
    let mut resolver = Resolver { sources, importer, loader, diagnostics, known: Vec::new() };
    let items = resolver.items(program.items, None);
    Program { items, ..program }
}

struct Resolver<'a> {
    sources: &'a mut SourceMap,
    importer: &'a dyn Importer,
    loader: &'a dyn SourceLoader,
    diagnostics: &'a mut Diagnostics,
    /// Files that have been imported; a file that imports itself, in whatever way, is imported once.
    known: Vec<String>,
}

impl Resolver<'_> {
    fn items(&mut self, items: Vec<Item>, imported: Option<FileId>) -> Vec<Item> {
        let mut resolved = Vec::new();
        for item in items {
            match item {
                Item::Import(import) => resolved.extend(self.import(&import)),
                Item::Config(config) if imported.is_some() => {
                    self.diagnostics.push(
                        Diagnostic::error(Code::BadImport, config.span, "an imported file cannot have a config block")
                            .help("move it to the script itself"),
                    );
                }
                item => resolved.push(item),
            }
        }
        resolved
    }

    fn import(&mut self, import: &Import) -> Vec<Item> {
        let from = self.sources.file(import.span.file).name.clone();
        let files = match self.importer.import(&import.path, &from) {
            Ok(files) => files,
            Err(reason) => {
                let message = format!("cannot import {}: {reason}", import.path);
                self.diagnostics.push(Diagnostic::error(Code::BadImport, import.span, message));
                return Vec::new();
            }
        };
        let mut items = Vec::new();
        for (name, text) in files {
            if self.known.contains(&name) {
                continue;
            }
            self.known.push(name.clone());
            let is_header = name.ends_with(".h");
            let file = self.sources.add(name, text);
            if is_header {
                items.extend(lancet_syntax::parse_c(self.sources, file).into_iter().map(Item::CDefinition));
                continue;
            }
            let program = lancet_syntax::parse_expanded(self.sources, file, self.loader, self.diagnostics);
            items.extend(self.items(program.items, Some(file)));
        }
        items
    }
}
