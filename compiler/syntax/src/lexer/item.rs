//! Which item of the top level the lexer is in, and where items end.

use super::Lexer;
use crate::token::TokenKind;

/// Where the lexer is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Mode {
    /// Plain C, without any of what follows.
    C,
    /// Between items.
    Item,
    /// In an item that a semicolon ends: `typedef`, `import`, `let`.
    UntilSemicolon,
    /// In an item that a closing brace ends: `macro`, `fn`, `config`, a stray block, an action.
    UntilBrace,
    /// In `struct`, `union` or `enum`: a brace ends it, attributes may follow.
    Aggregate,
    /// In a predicate.
    Predicate,
}

impl Mode {
    /// True where a preprocessor line cannot be an item.
    pub(super) fn is_inside(self) -> bool {
        !matches!(self, Mode::C | Mode::Item)
    }
}

impl Lexer<'_> {
    /// Reads what comes next in the current mode.
    pub(super) fn next_in_mode(&mut self) {
        let predicate = self.mode == Mode::Predicate && self.brackets.is_empty();
        if self.mode == Mode::Item {
            let first = self.out.tokens.len();
            self.item();
            if let Some(token) = self.out.tokens.get_mut(first) {
                token.starts_item = true;
            }
        } else if predicate && self.byte() == b'/' && self.body_follows(1) {
            self.push_length(TokenKind::EndPredicate, 1);
        } else if predicate && self.byte() == b'{' && self.ended_predicate() {
            self.mode = Mode::UntilBrace;
            self.token();
        } else {
            self.token();
            self.after_import_path();
        }
    }

    /// Starts an item.
    fn item(&mut self) {
        let byte = self.byte();
        match byte {
            b'#' => {
                let start = self.position;
                self.position = self.continued_line_end(start);
                self.push(TokenKind::Directive, start);
            }
            b'{' => {
                self.mode = Mode::UntilBrace;
                self.token();
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => match self.item_keyword() {
                Some(mode) => {
                    self.mode = mode;
                    self.token();
                }
                None => self.attach_points(),
            },
            b'*' | b'?' | b'"' => self.attach_points(),
            b'$' if self.byte_at(1).is_ascii_digit() => self.attach_points(),
            _ => self.token(),
        }
    }

    /// The mode of the item whose keyword stands here.
    fn item_keyword(&self) -> Option<Mode> {
        let rest = &self.text[self.position..];
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let after = after.trim_start();
        match word {
            _ if after.starts_with(':') => None,
            "struct" | "union" | "enum" => Some(Mode::Aggregate),
            "typedef" | "import" | "let" => Some(Mode::UntilSemicolon),
            "macro" | "fn" | "config" => Some(Mode::UntilBrace),
            _ => None,
        }
    }

    /// Ends the item where this punctuation ends it.
    pub(super) fn after_punctuation(&mut self, kind: TokenKind) {
        if !self.brackets.is_empty() {
            return;
        }
        let ends = match (self.mode, kind) {
            (Mode::UntilSemicolon | Mode::Aggregate | Mode::UntilBrace, TokenKind::Semicolon) => true,
            (Mode::UntilBrace, TokenKind::RightBrace) => true,
            (Mode::Aggregate, TokenKind::RightBrace | TokenKind::RightParenthesis) => !self.follows("__attribute__"),
            (Mode::UntilSemicolon, TokenKind::RightBrace) => self.item_began_with(&["import", "let"]),
            // `let @a = hash(10)` and nothing after it: the parser asks for the semicolon, the next item is safe.
            (Mode::UntilSemicolon, TokenKind::RightParenthesis) => self.item_began_with(&["let"]) && !self.follows(";"),
            (Mode::Predicate, TokenKind::RightBrace) => !self.predicate_goes_on(),
            _ => false,
        };
        // The attribute of `struct __attribute__((packed)) S` comes before the members.
        let early = kind == TokenKind::RightParenthesis && self.mode == Mode::Aggregate && !self.has_members();
        if ends && !early {
            self.mode = Mode::Item;
        }
    }

    /// A parenthesis that is open when the last brace closes was never closed: `macro m( { }`.
    pub(super) fn forget_unclosed(&mut self) {
        if self.mode == Mode::UntilBrace && !self.brackets.iter().any(|open| open.0 == b'{') {
            self.brackets.clear();
        }
    }

    /// An import that lacks its semicolon does not swallow the next item.
    fn after_import_path(&mut self) {
        let string = self.out.tokens.last().is_some_and(|token| token.kind == TokenKind::String);
        if string && self.mode == Mode::UntilSemicolon && self.brackets.is_empty() && !self.follows(";") {
            self.mode = Mode::Item;
        }
    }

    /// True when a brace closed a block inside of a predicate, false when it closed an action behind a predicate that
    /// was never ended.
    fn predicate_goes_on(&self) -> bool {
        let rest = self.after_trivia(self.position);
        rest.starts_with("else")
            || rest.starts_with(['/', '.', '+', '-', '%', '&', '|', '^', '<', '>', '=', '!', '?', ':', '['])
    }

    fn has_members(&self) -> bool {
        let item = self.out.tokens.iter().rev().take_while(|token| !token.starts_item);
        item.into_iter().any(|token| token.kind == TokenKind::LeftBrace)
    }

    fn item_began_with(&self, words: &[&str]) -> bool {
        let first = self.out.tokens.iter().rev().find(|token| token.starts_item);
        first.is_some_and(|token| words.contains(&&self.text[token.span.start as usize..token.span.end as usize]))
    }

    fn ended_predicate(&self) -> bool {
        self.out.tokens.last().is_some_and(|token| token.kind == TokenKind::EndPredicate)
    }

    /// True when, after `skip` bytes and any white space and comments, an opening brace comes.
    pub(super) fn body_follows(&self, skip: usize) -> bool {
        self.after_trivia(self.position + skip).starts_with('{')
    }

    fn follows(&self, text: &str) -> bool {
        self.after_trivia(self.position).starts_with(text)
    }

    /// The text from the first that is neither white space nor comment nor a preprocessor line.
    pub(super) fn after_trivia(&self, from: usize) -> &str {
        let mut rest = &self.text[from..];
        loop {
            rest = rest.trim_start();
            if rest.starts_with("//") {
                rest = rest.find('\n').map_or("", |end| &rest[end..]);
            } else if let Some(comment) = rest.strip_prefix("/*") {
                rest = comment.find("*/").map_or("", |end| &comment[end + 2..]);
            } else if rest.starts_with('#') && self.is_line_start(self.text.len() - rest.len()) {
                rest = &self.text[self.continued_line_end(self.text.len() - rest.len())..];
            } else {
                return rest;
            }
        }
    }

    /// Pushes a token of `length` bytes.
    pub(super) fn push_length(&mut self, kind: TokenKind, length: usize) {
        let start = self.position;
        self.position += length;
        self.push(kind, start);
    }
}
