//! Text to tokens.
//!
//! The language is not context-free at this level: attach points are raw text, a slash may divide or end a predicate,
//! `#` may start a directive. So the lexer follows the brackets and knows what kind of top-level item it is in.
//! Invariant: it never fails; what it cannot read is reported once and becomes [`TokenKind::Invalid`].
//! It does not read the values of numbers and strings: see [`crate::literal`].

mod item;
mod probe;
#[cfg(test)]
mod tests;

use crate::ast::Comment;
use crate::code::Code;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::span::{FileId, Span};
use crate::token::{Token, TokenKind};

use item::Mode;

/// The tokens of a file.
#[derive(Debug, Default)]
pub struct Lexed {
    /// The `#!` line without its end.
    pub shebang: Option<String>,
    /// The tokens; the last is [`TokenKind::End`].
    pub tokens: Vec<Token>,
    /// The comments, and the preprocessor lines inside of blocks.
    pub comments: Vec<Comment>,
}

/// Reads a script: `text` is that of `file`, possibly with stretches blanked out.
pub fn lex(text: &str, file: FileId, diagnostics: &mut Diagnostics) -> Lexed {
    let mut lexer = Lexer::new(text, file, diagnostics);
    lexer.shebang();
    lexer.mode = Mode::Item;
    lexer.run();
    lexer.out
}

/// Reads C: a header, or the body of a directive. There are no attach points and no comments are kept.
pub fn lex_c(text: &str, file: FileId, range: std::ops::Range<usize>, diagnostics: &mut Diagnostics) -> Vec<Token> {
    let mut lexer = Lexer::new(&text[..range.end], file, diagnostics);
    lexer.position = range.start;
    lexer.run();
    lexer.out.tokens
}

/// The state of one reading.
struct Lexer<'a> {
    text: &'a str,
    file: FileId,
    position: usize,
    mode: Mode,
    /// The open brackets with their places.
    brackets: Vec<(u8, Span)>,
    diagnostics: &'a mut Diagnostics,
    out: Lexed,
}

impl<'a> Lexer<'a> {
    fn new(text: &'a str, file: FileId, diagnostics: &'a mut Diagnostics) -> Self {
        let out = Lexed::default();
        Self { text, file, position: 0, mode: Mode::C, brackets: Vec::new(), diagnostics, out }
    }

    fn run(&mut self) {
        loop {
            self.trivia();
            if self.position >= self.text.len() {
                break;
            }
            self.next_in_mode();
        }
        self.push(TokenKind::End, self.position);
    }

    /// Reads one ordinary token.
    fn token(&mut self) {
        let start = self.position;
        match self.byte() {
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                self.word();
                self.push(TokenKind::Identifier, start);
            }
            b'0'..=b'9' => self.number(),
            b'$' => self.dollar(),
            b'@' => {
                self.position += 1;
                if !self.byte().is_ascii_digit() {
                    self.word();
                }
                self.push(TokenKind::Map, start);
            }
            b'"' => self.quoted(b'"', TokenKind::String),
            b'\'' => self.quoted(b'\'', TokenKind::Character),
            _ => self.punctuation(),
        }
    }

    fn dollar(&mut self) {
        let start = self.position;
        self.position += 1;
        let kind = match self.byte() {
            b'#' => {
                self.position += 1;
                TokenKind::PositionalCount
            }
            b'0'..=b'9' => {
                self.take_while(|byte| byte.is_ascii_digit());
                TokenKind::Positional
            }
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                self.word();
                TokenKind::Variable
            }
            _ => return self.unknown(start),
        };
        self.push(kind, start);
    }

    /// A number is every letter and digit after the first digit, so that a bad one is reported as a whole.
    fn number(&mut self) {
        let start = self.position;
        self.word();
        let text = &self.text[start..self.position];
        let exponent = text.ends_with(['e', 'E']) && !text.starts_with("0x") && !text.starts_with("0X");
        if exponent && matches!(self.byte(), b'-' | b'+') && self.byte_at(1).is_ascii_digit() {
            self.position += 1;
            self.word();
        }
        self.push(TokenKind::Integer, start);
    }

    fn quoted(&mut self, quote: u8, kind: TokenKind) {
        let start = self.position;
        if self.skip_quoted(quote) {
            self.push(kind, start);
            return;
        }
        // In C text, an apostrophe may stand in lines that are not read (`#error don't`).
        if self.mode != Mode::C {
            let (what, mark) = if quote == b'"' { ("string", "\"") } else { ("character", "'") };
            let diagnostic = Diagnostic::error(
                Code::UnterminatedString,
                self.span(start, self.position),
                format!("this {what} has no closing quote on its line"),
            );
            self.diagnostics
                .push(diagnostic.help(format!("close it with `{mark}`; a line break in it is written \\n")));
        }
        self.push(TokenKind::Invalid, start);
    }

    /// Skips a quoted text; false when its line ends first.
    fn skip_quoted(&mut self, quote: u8) -> bool {
        self.position += 1;
        loop {
            match self.byte() {
                b'\\' if self.byte_at(1) == b'\r' && self.byte_at(2) == b'\n' => self.position += 3,
                b'\\' if self.position + 1 < self.text.len() => {
                    self.position += 1;
                    self.skip_character();
                }
                b'\n' | b'\r' => return false,
                byte if byte == quote => {
                    self.position += 1;
                    return true;
                }
                _ if self.position >= self.text.len() => return false,
                _ => self.skip_character(),
            }
        }
    }

    fn punctuation(&mut self) {
        let start = self.position;
        match TokenKind::punctuation(&self.text[start..]) {
            Some((TokenKind::Hash | TokenKind::Paste, _)) if self.mode != Mode::C => self.unknown(start),
            Some((kind, length)) => {
                self.position += length;
                self.bracket(kind, start);
            }
            None => self.unknown(start),
        }
    }

    /// Follows the brackets; a brace that closes a parenthesis by mistake does not end its block.
    fn bracket(&mut self, kind: TokenKind, start: usize) {
        let span = self.span(start, self.position);
        match kind {
            TokenKind::LeftParenthesis => self.brackets.push((b'(', span)),
            TokenKind::LeftBracket => self.brackets.push((b'[', span)),
            TokenKind::LeftBrace => self.brackets.push((b'{', span)),
            TokenKind::RightParenthesis => self.close(b'('),
            TokenKind::RightBracket => self.close(b'['),
            TokenKind::RightBrace => {
                if self.wrong_brace(span) {
                    return self.push(TokenKind::Invalid, start);
                }
                while self.brackets.pop().is_some_and(|open| open.0 != b'{') {}
                self.forget_unclosed();
            }
            _ => {}
        }
        self.push(kind, start);
        self.after_punctuation(kind);
    }

    fn close(&mut self, open: u8) {
        if self.brackets.last().is_some_and(|last| last.0 == open) {
            self.brackets.pop();
        }
    }

    /// Reports `}` where `)` or `]` is meant, which what follows tells.
    fn wrong_brace(&mut self, span: Span) -> bool {
        let Some(&(open, place)) = self.brackets.last() else { return false };
        let Some(&next) = self.text.as_bytes()[self.position..].iter().find(|byte| !byte.is_ascii_whitespace()) else {
            return false;
        };
        if open == b'{' || !matches!(next, b';' | b',' | b')' | b']') || self.mode == Mode::C {
            return false;
        }
        self.brackets.pop();
        let (open, close) = if open == b'(' { ('(', ')') } else { ('[', ']') };
        let diagnostic = Diagnostic::error(Code::UnexpectedToken, span, format!("`}}` cannot close `{open}`"))
            .primary(format!("expected `{close}`"))
            .label(place, format!("this `{open}` is open"));
        self.diagnostics.push(diagnostic);
        true
    }

    fn unknown(&mut self, start: usize) {
        self.position = start;
        self.skip_character();
        let span = self.span(start, self.position);
        if self.mode != Mode::C {
            let character = &self.text[start..self.position];
            self.diagnostics.push(match character {
                // What stands for bytes that are no UTF-8.
                "\u{fffd}" => Diagnostic::error(Code::NotText, span, "this is not UTF-8 text")
                    .help("is it a script? An old encoding is converted by iconv -t UTF-8"),
                _ => {
                    let message = format!("`{}` starts no token", character.escape_debug());
                    Diagnostic::error(Code::UnknownCharacter, span, message)
                }
            });
        }
        self.push(TokenKind::Invalid, start);
    }

    /// Skips white space, comments, continued line ends, and directives inside of blocks.
    fn trivia(&mut self) {
        loop {
            let start = self.position;
            match self.byte() {
                b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c => self.position += 1,
                b'\\' if matches!(self.byte_at(1), b'\n' | b'\r') => self.position += 2,
                0xef if self.text[start..].starts_with('\u{feff}') => self.position += 3,
                b'/' if self.byte_at(1) == b'/' => {
                    self.position = self.line_end(start);
                    self.comment(start);
                }
                b'/' if self.byte_at(1) == b'*' => self.block_comment(),
                b'#' if self.mode.is_inside() && self.is_line_start(start) => {
                    self.position = self.continued_line_end(start);
                    self.comment(start);
                }
                _ => return,
            }
        }
    }

    fn block_comment(&mut self) {
        let start = self.position;
        if let Some(length) = self.text[start + 2..].find("*/") {
            self.position = start + 2 + length + 2;
            return self.comment(start);
        }
        self.position = self.text.len();
        let span = self.span(start, start + 2);
        let diagnostic = Diagnostic::error(Code::UnterminatedComment, span, "this comment has no end");
        self.diagnostics.push(diagnostic.help("close it with `*/`"));
    }

    fn comment(&mut self, start: usize) {
        if self.mode != Mode::C {
            let text = self.text[start..self.position].trim_end().to_string();
            let span = self.span(start, start + text.len());
            self.out.comments.push(Comment { span, text });
        }
    }

    fn shebang(&mut self) {
        if self.text.starts_with("#!") {
            self.position = self.line_end(0);
            self.out.shebang = Some(self.text[..self.position].to_string());
        }
    }

    fn is_line_start(&self, position: usize) -> bool {
        let line = self.text[..position].rfind('\n').map_or(0, |end| end + 1);
        self.text[line..position].trim().is_empty()
    }

    fn line_end(&self, from: usize) -> usize {
        let end = self.text[from..].find('\n').map_or(self.text.len(), |length| from + length);
        if self.text[from..end].ends_with('\r') { end - 1 } else { end }
    }

    /// The end of a line that backslashes at line ends continue.
    fn continued_line_end(&self, from: usize) -> usize {
        let mut end = self.line_end(from);
        while self.text[from..end].ends_with('\\')
            && let Some(length) = self.text[end..].find('\n')
        {
            end = self.line_end(end + length + 1);
        }
        end
    }

    fn word(&mut self) {
        self.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    }

    fn take_while(&mut self, wanted: impl Fn(u8) -> bool) {
        while self.position < self.text.len() && wanted(self.byte()) {
            self.position += 1;
        }
    }

    fn skip_character(&mut self) {
        self.position += self.text[self.position..].chars().next().map_or(0, char::len_utf8);
    }

    /// The byte at the position; 0 at the end.
    fn byte(&self) -> u8 {
        self.byte_at(0)
    }

    fn byte_at(&self, offset: usize) -> u8 {
        self.text.as_bytes().get(self.position + offset).copied().unwrap_or(0)
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.file, start, end)
    }

    fn push(&mut self, kind: TokenKind, start: usize) {
        let span = self.span(start, self.position);
        self.out.tokens.push(Token::new(kind, span));
    }
}
