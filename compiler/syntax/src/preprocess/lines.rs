//! A file line by line: which lines are directives, which are active.

use super::Preprocessor;
use crate::code::Code;
use crate::span::{FileId, Span};

/// An open `#if`.
pub(super) struct Conditional {
    /// The directive that opened it.
    pub(super) span: Span,
    /// True when the lines around it are active.
    pub(super) outer: bool,
    /// True when its current branch is active.
    pub(super) active: bool,
    /// True when a branch has been active.
    pub(super) taken: bool,
    /// True behind its `#else`.
    pub(super) otherwise: bool,
}

/// One logical line: a continued directive with all its lines, or a plain line.
struct Line {
    start: usize,
    end: usize,
    directive: bool,
}

impl Preprocessor<'_> {
    /// Follows the directives of a script; gives its text without them and without inactive lines.
    pub(super) fn script(&mut self, file: FileId) -> String {
        let text = self.sources.file(file).text.clone();
        let mut bytes = text.clone().into_bytes();
        let mut reader = Reader { text: &text, position: 0, in_comment: false, script: true };
        while let Some(line) = reader.next() {
            let active = self.is_active();
            if line.directive {
                self.site = Some(Span::new(file, line.start, line.end));
                self.directive(file, line.start, line.end);
            }
            if line.directive || !active {
                bytes[line.start..line.end].iter_mut().filter(|b| !matches!(b, b'\n' | b'\r')).for_each(|b| *b = b' ');
            }
        }
        self.close_conditionals(0);
        // Blanks replace whole characters: directives and lines begin and end between characters.
        String::from_utf8(bytes).unwrap_or(text)
    }

    /// Follows the directives of a header and keeps its expanded tokens.
    pub(super) fn header(&mut self, file: FileId) {
        let text = self.sources.file(file).text.clone();
        let mut reader = Reader { text: &text, position: 0, in_comment: false, script: false };
        let outer = std::mem::take(&mut self.conditionals);
        self.include_depth += 1;
        let mut from = 0;
        while let Some(line) = reader.next() {
            if !line.directive {
                continue;
            }
            if self.is_active() {
                self.header_text(file, &text, from..line.start);
            }
            self.directive(file, line.start, line.end);
            from = line.end;
        }
        if self.is_active() {
            self.header_text(file, &text, from..text.len());
        }
        self.close_conditionals(0);
        self.include_depth -= 1;
        self.conditionals = outer;
    }

    /// True when the current lines count.
    pub(super) fn is_active(&self) -> bool {
        self.conditionals.last().is_none_or(|conditional| conditional.active)
    }

    fn close_conditionals(&mut self, keep: usize) {
        for conditional in self.conditionals.split_off(keep) {
            self.error(Code::BadDirective, conditional.span, "this #if has no #endif".to_string());
        }
    }
}

/// Splits a text into logical lines.
struct Reader<'a> {
    text: &'a str,
    position: usize,
    in_comment: bool,
    /// In scripts, `/*` may be part of a path.
    script: bool,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<Line> {
        let start = self.position;
        if start >= self.text.len() {
            return None;
        }
        let shebang = start == 0 && self.script && self.text.starts_with("#!");
        let first = self.text[start..].trim_start_matches([' ', '\t', '\u{feff}']);
        let directive = !self.in_comment && !shebang && first.starts_with('#');
        let mut end = self.line_end(start);
        while directive && self.text[start..end].trim_end_matches(['\n', '\r']).ends_with('\\') && end < self.text.len()
        {
            end = self.line_end(end);
        }
        self.follow_comments(start, end);
        // A comment that begins behind a directive and ends on a later line belongs to the directive.
        while directive && self.in_comment && end < self.text.len() {
            let next = self.line_end(end);
            self.follow_comments(end, next);
            end = next;
        }
        self.position = end;
        Some(Line { start, end, directive })
    }

    fn line_end(&self, from: usize) -> usize {
        self.text[from..].find('\n').map_or(self.text.len(), |length| from + length + 1)
    }

    /// Finds out whether a block comment is open at `end`.
    fn follow_comments(&mut self, start: usize, end: usize) {
        let bytes = self.text.as_bytes();
        let mut at = start;
        while at < end {
            // Where nothing begins or ends there is nothing to look at.
            let counts = |byte: &u8| if self.in_comment { *byte == b'*' } else { matches!(byte, b'/' | b'"' | b'\'') };
            match bytes[at..end].iter().position(counts) {
                Some(distance) => at += distance,
                None => return,
            }
            let two = &bytes[at..(at + 2).min(end)];
            if self.in_comment {
                if two == b"*/" {
                    self.in_comment = false;
                    at += 1;
                }
            } else if two == b"//" && !self.in_path(at) {
                return;
            } else if two == b"/*" && !self.in_path(at) {
                self.in_comment = self.text[at + 2..].contains("*/");
                at += 1;
            } else if bytes[at] == b'"' || (bytes[at] == b'\'' && bytes.get(at + 2) == Some(&b'\'')) {
                at = quoted_end(bytes, at, end);
            }
            at += 1;
        }
    }

    /// True when a slash follows a path's character: `uprobe:/lib/*:f` has no comment.
    fn in_path(&self, at: usize) -> bool {
        let before = at.checked_sub(1).map(|before| self.text.as_bytes()[before]);
        self.script && before.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':'))
    }
}

/// The place of the quote that closes the one at `open`, or the end.
fn quoted_end(bytes: &[u8], open: usize, end: usize) -> usize {
    let mut at = open + 1;
    while at < end && bytes[at] != bytes[open] {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    at
}
