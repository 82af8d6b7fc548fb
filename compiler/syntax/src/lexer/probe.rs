//! Attach points: raw text between colons, where slashes, commas and quotes mean what their place says.

use super::Lexer;
use super::item::Mode;
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::token::TokenKind;

/// The probe types whose second part is the path of a file.
const WITH_PATH: &[&str] = &["uprobe", "u", "uretprobe", "ur", "usdt", "U"];

impl Lexer<'_> {
    /// Reads the attach points of a probe, up to its predicate or body.
    pub(super) fn attach_points(&mut self) {
        // Comments between attach points are ordinary, directives are not items.
        self.mode = Mode::UntilBrace;
        loop {
            self.attach_point();
            self.trivia();
            if self.byte() != b',' {
                break;
            }
            self.push_length(TokenKind::Comma, 1);
            self.trivia();
        }
        match self.byte() {
            b'{' => {}
            b'/' => {
                self.push_length(TokenKind::Slash, 1);
                self.mode = Mode::Predicate;
            }
            _ if self.position >= self.text.len() => {}
            _ => self.missing_brace(),
        }
    }

    /// Decides whether what follows is the body of a probe whose brace was forgotten, so that its end is found.
    fn missing_brace(&mut self) {
        let rest = &self.text[self.position..];
        if rest.find(['{', '}', ';']).is_some_and(|at| rest.as_bytes()[at] != b'{') {
            let here = self.span(self.position, self.position);
            self.brackets.push((b'{', here));
        }
    }

    fn attach_point(&mut self) {
        let provider_start = self.position;
        let mut index = 0;
        loop {
            let provider = self.text[provider_start..].split(':').next().unwrap_or("");
            let path = index == 1 && WITH_PATH.contains(&provider.trim_end());
            self.part(path, index == 0);
            if index == 0 && self.byte() == b'=' && self.byte_at(1) != b'=' {
                // `name=provider:…`: the name is no part.
                self.push_length(TokenKind::Assign, 1);
                return self.attach_point();
            }
            if !self.after_trivia(self.position).starts_with(':') {
                return;
            }
            self.trivia();
            self.push_length(TokenKind::Colon, 1);
            index += 1;
        }
    }

    /// Reads one part up to a colon, comma, brace, white space, or the slash of a predicate.
    fn part(&mut self, path: bool, first: bool) {
        let start = self.position;
        let rest = &self.text[start..];
        let slashes = !first && (path || rest.starts_with(['/']) || rest.starts_with("./") || rest.starts_with("../"));
        while self.position < self.text.len() {
            match self.byte() {
                b':' | b'{' | b'}' | b';' | b'(' | b')' => break,
                b'=' if first => break,
                b'/' if !slashes => break,
                b',' if !slashes || !self.comma_in_path() => break,
                b'"' => self.quoted_part(),
                b'\\' if !self.byte_at(1).is_ascii_whitespace() => {
                    self.position += 1;
                    self.skip_character();
                }
                byte if byte.is_ascii_whitespace() => break,
                _ => self.skip_character(),
            }
        }
        self.push(TokenKind::ProbePart, start);
    }

    fn quoted_part(&mut self) {
        let start = self.position;
        if !self.skip_quoted(b'"') {
            let span = self.span(start, self.position);
            let diagnostic = Diagnostic::error(Code::UnterminatedString, span, "this quote is not closed on its line");
            self.diagnostics.push(diagnostic.help("close it with `\"`"));
        }
    }

    /// True when the comma here belongs to a path: what follows up to the next colon is no word, so no attach point.
    fn comma_in_path(&self) -> bool {
        let rest = &self.text[self.position + 1..];
        let end = rest.find(|c: char| c.is_whitespace() || matches!(c, ':' | '{' | '"')).unwrap_or(rest.len());
        let (next, after) = rest.split_at(end);
        let next = next.rsplit(',').next().unwrap_or("");
        let word = next.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'*' | b'?'));
        after.starts_with(':') && !word
    }
}
