//! Syntax tree to script text in the canonical layout.
//!
//! Invariant: what is printed parses to the same tree (places aside), and printing that again changes nothing.
//! Comments stay where they were, as near as lines allow. Literals and parentheses keep the spelling of their author
//! where the sources still have it; everything else is laid out anew.

mod c_definition;
mod expression;
mod item;
mod literal;
mod statement;
#[cfg(test)]
mod tests;
mod types;

use crate::ast::{Comment, Program};
use crate::span::{FileId, SourceMap, Span};

/// Prints a program; `sources` is what it was parsed from.
pub fn print(program: &Program, sources: &SourceMap) -> String {
    let file = program.comments.first().map(|comment| comment.span.file);
    let mut printer = Printer::new(sources, &program.comments, file);
    printer.program(program);
    printer.out
}

/// The text so far, and which comments are still to come.
struct Printer<'a> {
    sources: &'a SourceMap,
    comments: &'a [Comment],
    /// The file that the comments are of.
    file: Option<FileId>,
    out: String,
    indent: usize,
    /// The line on which the code printed last ends in its source; 0 when there is none.
    last_line: u32,
    /// True directly behind an opening brace, where no blank line is kept.
    opened: bool,
}

impl<'a> Printer<'a> {
    fn new(sources: &'a SourceMap, comments: &'a [Comment], file: Option<FileId>) -> Self {
        Self { sources, comments, file, out: String::new(), indent: 0, last_line: 0, opened: true }
    }

    fn push(&mut self, text: &str) {
        self.out.push_str(text);
    }

    /// Starts a line for what stands at `span`, with the comments before it.
    fn start(&mut self, span: Span) {
        self.comments_before(span);
        let line = self.sources_line(span);
        self.new_line(line);
    }

    /// Remembers that what stands at `span` has been printed.
    fn finish(&mut self, span: Span) {
        let last = Span { start: span.end.saturating_sub(1).max(span.start), ..span };
        self.last_line = self.sources_line(last);
    }

    /// Starts a line; a blank line before it in the source is kept.
    fn new_line(&mut self, source_line: u32) {
        if !self.out.is_empty() {
            self.push("\n");
            if !self.opened && self.last_line != 0 && source_line > self.last_line + 1 {
                self.push("\n");
            }
        }
        self.opened = false;
        self.push_indent();
    }

    fn push_indent(&mut self) {
        for _ in 0..self.indent {
            self.push("  ");
        }
    }

    /// Prints the comments that stand before `span`.
    fn comments_before(&mut self, span: Span) {
        if Some(span.file) == self.file {
            self.comments_until(span.start);
        }
    }

    fn comments_until(&mut self, offset: u32) {
        while let Some((comment, rest)) = self.comments.split_first() {
            if comment.span.start >= offset {
                break;
            }
            self.comments = rest;
            self.comment(comment);
        }
    }

    fn has_comments_before(&self, span: Span) -> bool {
        let next = self.comments.first();
        next.is_some_and(|comment| comment.span.file == span.file && comment.span.start < span.start)
    }

    /// True when a comment stands inside of `span`.
    fn has_comments_in(&self, span: Span) -> bool {
        self.comments.first().is_some_and(|comment| comment.span.file == span.file && comment.span.start < span.end)
    }

    fn comment(&mut self, comment: &Comment) {
        let line = self.sources_line(comment.span);
        let directive = comment.text.starts_with('#');
        if directive {
            let indent = std::mem::take(&mut self.indent);
            self.new_line(line);
            self.indent = indent;
        } else if line == self.last_line && !self.out.is_empty() {
            self.push(" ");
        } else {
            self.new_line(line);
        }
        self.push(&comment.text.replace("\r\n", "\n"));
        self.finish(comment.span);
    }

    /// The line a span begins on; 0 for files without comments or lines to keep.
    fn sources_line(&self, span: Span) -> u32 {
        self.sources.start(span).line
    }

    /// The text of a span as its author wrote it.
    fn written(&self, span: Span) -> &'a str {
        self.sources.text(span)
    }

    /// Ends the line if the last thing on it is a comment, so that code can follow.
    fn end_comment_line(&mut self) {
        self.push("\n");
        self.push_indent();
    }
}
