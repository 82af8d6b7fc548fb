//! `#include`: headers through the caller's loader.

use super::Preprocessor;
use super::expansion::Place;
use crate::code::Code;
use crate::diagnostic::Diagnostics;
use crate::lexer::lex_c;
use crate::span::{FileId, Span};
use crate::token::{Token, TokenKind};

/// How deep headers may include each other.
const INCLUDE_LIMIT: u32 = 100;

impl Preprocessor<'_> {
    /// Reads the header that a directive names.
    pub(super) fn include(&mut self, from: FileId, span: Span, rest: &[Token], next: bool) {
        let Some((name, angled)) = self.header_name(span, rest) else {
            let message = "#include needs a name: <linux/types.h> or \"own.h\"";
            return self.error(Code::BadDirective, span, message.to_string());
        };
        if self.include_depth >= INCLUDE_LIMIT {
            let message = format!("headers include each other more than {INCLUDE_LIMIT} levels deep at {name}");
            return self.error(Code::BadInclude, span, message);
        }
        let Some((path, text)) = self.loader.load(&name, angled, from) else {
            return self.missing(span, &name, from);
        };
        // `#include_next` means the next header of that name; where there is none, the header finds itself again.
        let itself = next && path == self.sources.file(from).name;
        if itself || self.once.contains(&path) {
            return;
        }
        // A header that is included again is the same file; its guard usually leaves nothing of it.
        let file = *self.headers.entry(path).or_insert_with_key(|path| self.sources.add(path, text));
        self.header(file);
    }

    fn missing(&mut self, span: Span, name: &str, from: FileId) {
        let message = match self.include_depth {
            0 => format!("the header {name} is not found"),
            _ => format!("the header {name} is not found, which {} includes", self.sources.file(from).name),
        };
        self.error(Code::BadInclude, span, message);
    }

    /// The name in a directive and whether it stands in angle brackets.
    fn header_name(&mut self, span: Span, rest: &[Token]) -> Option<(String, bool)> {
        let first = rest.first()?;
        if first.kind == TokenKind::String {
            return Some((self.sources.text(first.spelling).trim_matches('"').to_string(), false));
        }
        if first.kind == TokenKind::Less {
            let line = self.sources.text(Span { start: first.span.end, ..span });
            return line.split_once('>').map(|(name, _)| (name.trim().to_string(), true));
        }
        let mut expanded = Vec::new();
        self.expand(rest, Place::C, &mut expanded);
        let text: String = expanded.iter().map(|token| token.text(self.sources)).collect();
        if let Some(name) = text.strip_prefix('"') {
            return name.split_once('"').map(|(name, _)| (name.to_string(), false));
        }
        text.strip_prefix('<')?.split_once('>').map(|(name, _)| (name.to_string(), true))
    }

    /// Keeps the tokens of a stretch of a header, expanded.
    pub(super) fn header_text(&mut self, file: FileId, text: &str, range: std::ops::Range<usize>) {
        if text[range.clone()].trim().is_empty() {
            return;
        }
        let mut ignored = Diagnostics::default();
        let mut tokens = lex_c(text, file, range, &mut ignored);
        tokens.pop();
        let mut expanded = std::mem::take(&mut self.header_tokens);
        self.expand(&tokens, Place::C, &mut expanded);
        self.header_tokens = expanded;
    }
}
