//! The documentation of the functions, made from what the checker itself uses: signatures of builtins, and the comments
//! above the library's macros. What the parser itself knows is described in `form`.
//!
//! `docs/functions` and `lancet explain NAME` are made from this, so neither can disagree with the language.

mod family;
mod form;

pub use family::{Entry, FAMILIES, Family};

use crate::LIBRARY;
use std::collections::BTreeMap;

/// What there is to say of a function.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Description {
    /// How it is written.
    pub usage: String,
    /// What it is or does.
    pub summary: String,
    /// Needs `--unsafe`.
    pub is_unsafe: bool,
    /// Another name for the same.
    pub aliases: Vec<String>,
}

/// All functions by name.
pub fn descriptions() -> BTreeMap<String, Description> {
    let builtins = crate::all().into_iter().map(|builtin| {
        let signature = builtin.signature();
        let description = Description {
            usage: signature.usage.to_owned(),
            summary: signature.summary.to_owned(),
            is_unsafe: signature.is_unsafe,
            aliases: signature.aliases.iter().map(|&alias| alias.to_owned()).collect(),
        };
        (signature.name.to_owned(), description)
    });
    let macros = LIBRARY.iter().flat_map(|file| {
        file.macros.iter().filter_map(|name| Some(((*name).to_owned(), described_above(file.text, name)?)))
    });
    builtins.chain(macros).chain(form::descriptions()).collect()
}

/// The text of `lancet explain NAME`; `None` for a name that the language does not have.
pub fn explain(name: &str) -> Option<String> {
    let all = descriptions();
    let known =
        |known: &str, description: &Description| known == name || description.aliases.iter().any(|alias| alias == name);
    let (name, description) = all.iter().find(|(other, description)| known(other, description))?;
    let mut text = format!("{}\n\n{}\n", description.usage, description.summary);
    if description.is_unsafe {
        text.push_str("\nNeeds --unsafe.\n");
    }
    if let Some(entry) = entry_of(name) {
        text.push_str(&format!("\nFor example:\n\n{}", indented(entry.example)));
    }
    Some(text)
}

/// The pages of the documentation: names of files and their texts. The last holds functions that stand in no family.
pub fn pages() -> Vec<(String, String)> {
    let all = descriptions();
    let mut index = String::from("# Functions\n\nVariables, functions and aggregations of the language, by family.\n");
    let mut pages = Vec::new();
    for family in FAMILIES {
        index.push_str(&format!("\n## [{}]({}.md)\n\n", family.title, family.page));
        let mut page = format!("# {}\n\n{}\n", family.title, family.introduction);
        for entry in family.entries {
            let described: Vec<&Description> = entry.names.iter().filter_map(|name| all.get(*name)).collect();
            let Some(first) = described.first() else { continue };
            let heading = match entry.names {
                [name] => format!("`{name}`"),
                [name, .., last] => format!("`{name}` … `{last}`"),
                [] => continue,
            };
            index.push_str(&format!("- {heading}: {}\n", first.summary));
            page.push_str(&format!("\n## {heading}\n\n{}", section(first, entry.example)));
        }
        pages.push((format!("{}.md", family.page), page));
    }
    let more: Vec<_> = all.iter().filter(|(name, _)| entry_of(name).is_none()).collect();
    if !more.is_empty() {
        index.push_str("\n## More\n\n");
    }
    for (_, description) in more {
        index.push_str(&format!("- `{}`: {}\n", description.usage, description.summary));
    }
    pages.push(("README.md".to_owned(), index));
    pages
}

fn section(description: &Description, example: &str) -> String {
    let note = if description.is_unsafe { "\n\nNeeds `--unsafe`." } else { "" };
    let example = indented(example);
    format!("    {}\n\n{}{note}\n\nFor example:\n\n{example}", description.usage, description.summary)
}

fn entry_of(name: &str) -> Option<&'static Entry> {
    FAMILIES.iter().flat_map(|family| family.entries).find(|entry| entry.names.contains(&name))
}

/// An example as a block; each of its probes on a line.
fn indented(example: &str) -> String {
    let mut depth = 0;
    let mut lines = vec![String::new()];
    for character in example.chars() {
        if depth == 0 && character == ' ' && lines.last().is_some_and(|line| line.ends_with('}')) {
            lines.push(String::new());
            continue;
        }
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if let Some(line) = lines.last_mut() {
            line.push(character);
        }
    }
    lines.iter().map(|line| format!("    {line}\n")).collect()
}

/// The comment above the first macro of that name: a line that says how it is written, then what it does.
fn described_above(text: &str, name: &str) -> Option<Description> {
    let start = text.find(&format!("macro {name}("))?;
    let mut comment: Vec<&str> = text[..start].lines().rev().map_while(|line| line.strip_prefix("// ")).collect();
    comment.reverse();
    let (usage, summary) = comment.split_first()?;
    Some(Description { usage: (*usage).to_owned(), summary: summary.join(" "), is_unsafe: false, aliases: Vec::new() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_macro_of_the_library_is_described_and_there() {
        for file in LIBRARY {
            for name in file.macros {
                assert!(described_above(file.text, name).is_some_and(|found| !found.summary.is_empty()), "{name}");
            }
            let defined = file.text.lines().filter_map(|line| line.strip_prefix("macro ")?.split_once('('));
            for (name, _) in defined {
                assert!(file.macros.contains(&name), "{name} is not in the list of {}", file.name);
            }
        }
    }

    #[test]
    fn every_family_names_functions_that_there_are() {
        let all = descriptions();
        let names = FAMILIES.iter().flat_map(|family| family.entries).flat_map(|entry| entry.names);
        let unknown: Vec<&&str> = names.filter(|name| !all.contains_key(**name)).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }

    #[test]
    fn a_function_is_explained_with_usage_and_example() {
        let text = explain("str").expect("known");
        assert!(text.starts_with("str(pointer[, length])\n"), "{text}");
        assert!(text.contains("For example:\n\n    tracepoint:"), "{text}");
        assert!(explain("sizeof").is_some_and(|text| text.contains("How many bytes a type has")));
        assert!(explain("ppid").is_some_and(|text| text.contains("Process id of the parent")));
        assert_eq!(explain("no_such_function"), None);
    }
}
