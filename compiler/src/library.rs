//! The part of the standard library that is written in the language: macros, parsed only when a script names one.
//!
//! Invariant: a macro of the script with the name of a library's macro replaces it, and start-up pays nothing for macros
//! that are not used.

use lancet_syntax::ast::{Item, Program};
use lancet_syntax::diagnostic::Diagnostics;
use lancet_syntax::span::{FileId, SourceMap};
use rustc_hash::{FxHashMap, FxHashSet};

/// A file of macros.
#[derive(Clone, Copy, Debug)]
pub struct LibraryFile {
    /// How messages call it.
    pub name: &'static str,
    /// The macros in it.
    pub macros: &'static [&'static str],
    /// Its text.
    pub text: &'static str,
}

/// Adds the library's macros that the sources name, and that the script does not define itself. Gives the first file of
/// the library, if any was needed; all files from there on are the library's.
pub fn add_used(
    program: &mut Program,
    sources: &mut SourceMap,
    library: &[LibraryFile],
    diagnostics: &mut Diagnostics,
) -> Option<FileId> {
    let used = files_used(sources, library);
    let own: FxHashSet<String> = program
        .items
        .iter()
        .filter_map(|item| match item {
            Item::Macro(definition) => Some(definition.name.text.clone()),
            _ => None,
        })
        .collect();
    let mut first = None;
    for file in used {
        let id = sources.add(file.name, file.text);
        first.get_or_insert(id);
        let parsed = lancet_syntax::parse(sources, id, diagnostics);
        program.items.extend(parsed.items.into_iter().filter(|item| match item {
            Item::Macro(definition) => !own.contains(&definition.name.text),
            _ => false,
        }));
    }
    first
}

/// The files with a macro whose name stands anywhere in the sources, and those that they need themselves.
fn files_used(sources: &SourceMap, library: &[LibraryFile]) -> Vec<LibraryFile> {
    let mut used = vec![false; library.len()];
    let mut places = FxHashMap::default();
    for (index, file) in library.iter().enumerate().rev() {
        places.extend(file.macros.iter().map(|name| (*name, index)));
    }
    let mut unread: Vec<&str> = sources.files().map(|(_, file)| file.text.as_str()).collect();
    while let Some(text) = unread.pop() {
        for word in words(text) {
            if let Some(index) = places.get(word).filter(|index| !used[**index]) {
                used[*index] = true;
                unread.push(library[*index].text);
            }
        }
    }
    library.iter().zip(used).filter(|(_, used)| *used).map(|(file, _)| *file).collect()
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|word| !word.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIBRARY: &[LibraryFile] = &[
        LibraryFile { name: "a.bt", macros: &["twice"], text: "macro twice(x) { 2 * x }" },
        LibraryFile {
            name: "b.bt",
            macros: &["four", "other"],
            text: "macro four(x) { twice(twice(x)) } macro other() { 1 }",
        },
        LibraryFile { name: "c.bt", macros: &["unused"], text: "macro unused() { 1 }" },
    ];

    fn macros_of(script: &str) -> Vec<String> {
        let mut sources = SourceMap::default();
        let mut diagnostics = Diagnostics::default();
        let file = sources.add("stdin", script);
        let mut program = lancet_syntax::parse(&sources, file, &mut diagnostics);
        add_used(&mut program, &mut sources, LIBRARY, &mut diagnostics);
        assert!(diagnostics.is_empty());
        let name = |item: &Item| match item {
            Item::Macro(definition) => {
                Some(format!("{}/{}", definition.name.text, sources.file(definition.name.span.file).name))
            }
            _ => None,
        };
        program.items.iter().filter_map(name).collect()
    }

    #[test]
    fn files_are_read_when_they_are_needed_and_with_what_they_need() {
        assert_eq!(macros_of("begin { print(1); }"), Vec::<String>::new());
        assert_eq!(macros_of("begin { print(four(1)); }"), ["twice/a.bt", "four/b.bt", "other/b.bt"]);
    }

    #[test]
    fn the_scripts_own_macro_wins() {
        assert_eq!(macros_of("macro twice(x) { x } begin { print(twice(1)); }"), ["twice/stdin"]);
    }
}
