//! Tokens to syntax tree, by recursive descent.
//!
//! Invariant: parsing never fails and never recurses deeper than [`NESTING_LIMIT`]. A part that cannot be read is
//! reported once and left out; reading goes on at the next statement, probe or item, so that one run shows several
//! independent errors. Nothing is resolved here: whether a word is a builtin, a macro or a type is not known.

mod attach_point;
mod c_declarator;
mod c_definition;
mod call;
mod declaration;
mod expression;
mod operator;
mod primary;
mod recovery;
mod statement;
#[cfg(test)]
mod tests;
mod types;

use crate::ast::{Item, Name, Program};
use crate::code::Code;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::lexer::{Lexed, lex};
use crate::span::{FileId, SourceMap, Span};
use crate::token::{Token, TokenKind};

pub(crate) use attach_point::unquoted;
pub use c_definition::parse_c;
pub(crate) use c_definition::parse_c_tokens;
pub(crate) use operator::{infix_precedence, precedence};
pub(crate) use types::{is_sure_type, is_type_name};

/// How deep expressions, blocks and types may nest.
pub const NESTING_LIMIT: u32 = 200;

/// Parses a script as it is written: preprocessor lines stay in the tree, nothing is expanded.
pub fn parse(sources: &SourceMap, file: FileId, diagnostics: &mut Diagnostics) -> Program {
    let lexed = lex(&sources.file(file).text, file, diagnostics);
    parse_tokens(sources, lexed, diagnostics)
}

/// Parses the tokens of a script.
pub(crate) fn parse_tokens(sources: &SourceMap, lexed: Lexed, diagnostics: &mut Diagnostics) -> Program {
    let mut parser = Parser::new(sources, &lexed.tokens, diagnostics);
    let items = parser.items();
    Program { shebang: lexed.shebang, items, comments: lexed.comments }
}

/// A part could not be read; the reason has been reported.
#[derive(Clone, Copy, Debug)]
struct Failed;

type Parsed<T> = Result<T, Failed>;

/// A place in the tokens, and what must be known while reading.
struct Parser<'a> {
    sources: &'a SourceMap,
    tokens: &'a [Token],
    at: usize,
    diagnostics: &'a mut Diagnostics,
    /// How deep the reading is nested.
    depth: u32,
    /// The height of the expression read last.
    height: u32,
    /// True when the rest of the item is given up: nothing more is reported about it.
    abandoned: bool,
    /// True in the body of a macro.
    in_macro: bool,
}

impl<'a> Parser<'a> {
    /// `tokens` must end with [`TokenKind::End`].
    fn new(sources: &'a SourceMap, tokens: &'a [Token], diagnostics: &'a mut Diagnostics) -> Self {
        Self { sources, tokens, at: 0, diagnostics, depth: 0, height: 0, abandoned: false, in_macro: false }
    }

    fn items(&mut self) -> Vec<Item> {
        let mut items = Vec::new();
        let mut seen_probe = false;
        while self.kind() != TokenKind::End {
            let before = self.at;
            self.abandoned = false;
            let known = items.len();
            if self.item(&mut items).is_err() {
                self.skip_to_item(before);
            }
            if let Some(item) = items.get(known) {
                self.check_order(item, before, seen_probe);
                seen_probe |= matches!(item, Item::Probe(_));
            }
        }
        items
    }

    /// Definitions that stand behind a probe are mistakes, as in bpftrace.
    fn check_order(&mut self, item: &Item, first: usize, seen_probe: bool) {
        let what = match item {
            Item::CDefinition(_) => "C definitions stand",
            Item::Config(_) => "the config block stands",
            Item::Import(_) => "an import stands",
            Item::Directive(_) | Item::MapDeclaration(_) | Item::Macro(_) | Item::Function(_) | Item::Probe(_) => {
                return;
            }
        };
        if seen_probe {
            let diagnostic = Diagnostic::error(
                Code::UnexpectedToken,
                self.tokens[first].span,
                format!("{what} before the first probe"),
            );
            self.report(diagnostic.help("move it up, above all probes"));
        }
    }

    /// The current token.
    fn token(&self) -> Token {
        self.tokens[self.at]
    }

    fn kind(&self) -> TokenKind {
        self.token().kind
    }

    /// The kind of the token `offset` behind the current one.
    fn kind_at(&self, offset: usize) -> TokenKind {
        self.tokens.get(self.at + offset).map_or(TokenKind::End, |token| token.kind)
    }

    fn text(&self) -> &'a str {
        self.token().text(self.sources)
    }

    /// Goes past the current token, but never past the last.
    fn bump(&mut self) -> Token {
        let token = self.token();
        if token.kind != TokenKind::End {
            self.at += 1;
        }
        token
    }

    fn eat(&mut self, kind: TokenKind) -> bool {
        let found = self.kind() == kind;
        if found {
            self.at += 1;
        }
        found
    }

    /// True when the current token is that word.
    fn at_word(&self, word: &str) -> bool {
        self.kind() == TokenKind::Identifier && self.text() == word
    }

    fn eat_word(&mut self, word: &str) -> bool {
        let found = self.at_word(word);
        if found {
            self.at += 1;
        }
        found
    }

    fn expect(&mut self, kind: TokenKind) -> Parsed<Token> {
        if self.kind() == kind { Ok(self.bump()) } else { Err(self.expected(kind.describe())) }
    }

    /// Reads a word as a name.
    fn name(&mut self, what: &str) -> Parsed<Name> {
        if self.kind() != TokenKind::Identifier {
            return Err(self.expected(what));
        }
        Ok(self.bump_name(0))
    }

    /// The current token as a name without the first `sigil` bytes.
    fn bump_name(&mut self, sigil: usize) -> Name {
        let text = self.text()[sigil..].to_string();
        Name { span: self.bump().span, text }
    }

    /// The span from `start` to the token before the current one.
    fn since(&self, start: Span) -> Span {
        if self.at == 0 { start } else { start.to(self.tokens[self.at - 1].span) }
    }

    /// Runs a nested reading, unless it is too deep.
    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth >= NESTING_LIMIT {
            return Err(self.too_deep(self.token().span));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// Reports nesting that is too deep and gives up the item.
    fn too_deep(&mut self, span: Span) -> Failed {
        let message = "this is nested too deep";
        let help = "give parts of it names: store them in variables, or make them macros";
        self.report(Diagnostic::error(Code::NestedTooDeep, span, message).help(help));
        self.abandon()
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        if !self.abandoned {
            self.diagnostics.push(diagnostic);
        }
    }

    /// Reports that something else was expected than the current token.
    fn expected(&mut self, what: &str) -> Failed {
        self.expected_with_help(what, None)
    }

    fn expected_with_help(&mut self, what: &str, help: Option<&str>) -> Failed {
        if let Some(mut diagnostic) = self.expectation(what) {
            diagnostic.help = help.map(str::to_string);
            self.report(diagnostic);
        }
        Failed
    }

    /// What to report when `what` was expected here; nothing where the lexer has reported already.
    fn expectation(&self, what: &str) -> Option<Diagnostic> {
        let token = self.token();
        let found = match token.kind {
            TokenKind::Invalid => return None,
            TokenKind::End => token.kind.describe().to_string(),
            _ => format!("`{}`", shortened(self.text())),
        };
        let message = format!("expected {what}, found {found}");
        let diagnostic = Diagnostic::error(Code::UnexpectedToken, token.span, message);
        Some(diagnostic.primary(format!("expected {what}")))
    }
}

/// The start of a text, for messages.
fn shortened(text: &str) -> String {
    let line = text.lines().next().unwrap_or("");
    if line.chars().count() <= 40 { line.to_string() } else { line.chars().take(40).chain("…".chars()).collect() }
}
