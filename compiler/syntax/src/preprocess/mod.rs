//! Scripts with preprocessor lines to syntax trees without them.
//!
//! Directives are followed line by line: inactive lines and the directives themselves are blanked out of the text, so
//! that every other byte keeps its place, and `#define`s are remembered with the place from which they hold. The rest
//! is lexed as usual, then macros are expanded in the tokens: what an expansion puts in carries the span of the use.
//! Headers contribute their `#define`s and C definitions. Nothing is read from disk here: see [`SourceLoader`].

mod condition;
mod directive;
mod expansion;
mod include;
mod lines;
mod predefined;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use crate::ast::{Item, Program};
use crate::code::Code;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::lexer::lex;
use crate::parser::{parse_c_tokens, parse_tokens};
use crate::span::{FileId, SourceMap, Span};
use crate::token::{Token, TokenKind};

use expansion::Place;
use lines::Conditional;

/// Finds the files that `#include` names.
pub trait SourceLoader {
    /// The path and text of the header `name`, included from `from` with angle brackets or quotes.
    fn load(&self, name: &str, angled: bool, from: FileId) -> Option<(String, String)>;

    /// Preprocessor lines that come before every script: what the command line defines and includes.
    fn prelude(&self) -> String {
        String::new()
    }

    /// True for names that headers may not redefine in actions: the functions and builtins of the language.
    fn is_reserved(&self, _name: &str) -> bool {
        false
    }
}

/// Includes nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoIncludes;

impl SourceLoader for NoIncludes {
    fn load(&self, _name: &str, _angled: bool, _from: FileId) -> Option<(String, String)> {
        None
    }
}

/// Parses a script with its preprocessor lines followed and its `#define`s expanded. The C definitions of its headers
/// come first in the tree; headers become files of `sources`.
pub fn parse_expanded(
    sources: &mut SourceMap,
    file: FileId,
    loader: &dyn SourceLoader,
    diagnostics: &mut Diagnostics,
) -> Program {
    let mut preprocessor = Preprocessor::new(sources, loader, diagnostics);
    preprocessor.predefine(file);
    let text = preprocessor.script(file);
    let mut lexed = lex(&text, file, preprocessor.diagnostics);
    lexed.tokens = preprocessor.expand_script(lexed.tokens);
    let mut header_tokens = std::mem::take(&mut preprocessor.header_tokens);
    header_tokens.push(Token::new(TokenKind::End, Span::new(file, 0, 0)));
    let definitions = parse_c_tokens(sources, &header_tokens);
    let mut program = parse_tokens(sources, lexed, diagnostics);
    program.items.splice(0..0, definitions.into_iter().map(Item::CDefinition));
    program
}

/// A `#define`.
#[derive(Debug)]
struct Definition {
    /// The parameters of a function-like macro.
    parameters: Option<Vec<String>>,
    /// True when `...` takes the remaining arguments.
    variadic: bool,
    /// What it expands to.
    body: Vec<Token>,
    /// True when a header defines it.
    from_header: bool,
}

/// A `#define` or `#undef` in the script: from its place on, a name means something else.
struct Change {
    offset: u32,
    name: String,
    definition: Option<Rc<Definition>>,
}

/// The state of preprocessing one script.
struct Preprocessor<'a> {
    sources: &'a mut SourceMap,
    loader: &'a dyn SourceLoader,
    diagnostics: &'a mut Diagnostics,
    /// What is defined at the current place.
    definitions: HashMap<String, Rc<Definition>>,
    /// What the script's own lines and includes change.
    changes: Vec<Change>,
    /// The open `#if`s of the current file.
    conditionals: Vec<Conditional>,
    /// The expanded tokens of all headers.
    header_tokens: Vec<Token>,
    /// The headers read so far by their paths.
    headers: HashMap<String, FileId>,
    /// The headers with `#pragma once`.
    once: HashSet<String>,
    /// Where the script includes the header being read; also how far the script has been read.
    site: Option<Span>,
    /// How deep headers include each other.
    include_depth: u32,
    /// How many tokens expansions have produced.
    produced: usize,
    /// How deep expansions are nested in arguments.
    expansion_depth: u32,
}

impl<'a> Preprocessor<'a> {
    fn new(sources: &'a mut SourceMap, loader: &'a dyn SourceLoader, diagnostics: &'a mut Diagnostics) -> Self {
        Self {
            sources,
            loader,
            diagnostics,
            definitions: HashMap::new(),
            changes: Vec::new(),
            conditionals: Vec::new(),
            header_tokens: Vec::new(),
            headers: HashMap::new(),
            once: HashSet::new(),
            site: None,
            include_depth: 0,
            produced: 0,
            expansion_depth: 0,
        }
    }

    /// Gives a name its meaning from `span` on.
    fn define(&mut self, span: Span, name: String, definition: Option<Rc<Definition>>) {
        match &definition {
            Some(definition) => _ = self.definitions.insert(name.clone(), definition.clone()),
            None => _ = self.definitions.remove(&name),
        }
        // What comes before the script holds from its start.
        let offset = if self.include_depth == 0 { span.start } else { self.site.map_or(0, |site| site.start) };
        self.changes.push(Change { offset, name, definition });
    }

    /// Reports a mistake at its line, or at the script's line that includes the header with the mistake.
    fn error(&mut self, code: Code, span: Span, message: String) {
        let diagnostic = match self.site {
            Some(site) if self.include_depth > 0 => {
                Diagnostic::error(code, site, message).label(span, "in this header")
            }
            _ => Diagnostic::error(code, span, message),
        };
        self.diagnostics.push(diagnostic);
    }

    /// Expands the macros of a script's tokens, each as it is defined at its place.
    fn expand_script(&mut self, tokens: Vec<Token>) -> Vec<Token> {
        self.definitions.clear();
        let mut changes = std::mem::take(&mut self.changes).into_iter().peekable();
        let mut out = Vec::with_capacity(tokens.len());
        let mut rest = tokens.as_slice();
        let mut place = Place::Action;
        while let Some(first) = rest.first() {
            while let Some(change) = changes.next_if(|change| change.offset <= first.span.start) {
                match change.definition {
                    Some(definition) => _ = self.definitions.insert(change.name, definition),
                    None => _ = self.definitions.remove(&change.name),
                }
            }
            if first.starts_item {
                place = Place::of_item(first.text(self.sources));
            }
            let until = changes.peek().map_or(u32::MAX, |change| change.offset);
            let length = 1 + rest[1..].iter().take_while(|t| !t.starts_item && t.span.start < until).count();
            let (part, behind) = rest.split_at(length);
            self.expand(part, place, &mut out);
            rest = behind;
        }
        out
    }
}
