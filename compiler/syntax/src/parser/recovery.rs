//! Where reading goes on after an error.

use super::{Failed, Parser};
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::span::Span;
use crate::token::TokenKind;

impl Parser<'_> {
    /// Goes to the next item whose start is sure; `first` is the token the broken item began with.
    pub(super) fn skip_to_item(&mut self, first: usize) {
        if self.at == first {
            self.bump();
        }
        while self.kind() != TokenKind::End && !self.starts_sure_item() {
            self.bump();
        }
    }

    /// True at a token that starts an item and is not just a stray bracket.
    fn starts_sure_item(&self) -> bool {
        let sure = matches!(self.kind(), TokenKind::Identifier | TokenKind::ProbePart | TokenKind::Directive);
        self.token().starts_item && sure
    }

    /// True where a block must have ended.
    pub(super) fn at_item_end(&self) -> bool {
        self.kind() == TokenKind::End || self.token().starts_item
    }

    /// Goes behind the broken statement: past its semicolon or block, or before the closing brace.
    pub(super) fn skip_statement(&mut self) {
        while !self.at_item_end() {
            match self.kind() {
                TokenKind::Semicolon => {
                    self.bump();
                    return;
                }
                TokenKind::RightBrace => return,
                TokenKind::LeftBrace => {
                    self.skip_brackets();
                    return;
                }
                TokenKind::LeftParenthesis | TokenKind::LeftBracket => self.skip_brackets(),
                _ => _ = self.bump(),
            }
        }
    }

    /// Goes behind the bracket that closes the current one; a brace that closes an outer block is left.
    pub(super) fn skip_brackets(&mut self) {
        let mut braces = 0usize;
        let mut others = 0usize;
        while !self.at_item_end() {
            match self.kind() {
                TokenKind::LeftBrace => braces += 1,
                TokenKind::LeftParenthesis | TokenKind::LeftBracket => others += 1,
                TokenKind::RightParenthesis | TokenKind::RightBracket => others = others.saturating_sub(1),
                TokenKind::RightBrace if braces == 0 => return,
                TokenKind::RightBrace => {
                    braces -= 1;
                    // What was open inside of the braces is closed with them.
                    others = if braces == 0 { 0 } else { others };
                }
                TokenKind::Semicolon if braces == 0 => return,
                _ => {}
            }
            self.bump();
            if braces == 0 && others == 0 {
                return;
            }
        }
    }

    /// Gives up the rest of the item.
    pub(super) fn abandon(&mut self) -> Failed {
        self.abandoned = true;
        while self.kind() != TokenKind::End {
            self.bump();
            if self.token().starts_item {
                break;
            }
        }
        Failed
    }

    /// Reports a statement without its semicolon. What follows on a new line is taken as the next statement.
    pub(super) fn missing_semicolon(&mut self) -> Result<(), Failed> {
        if self.kind() == TokenKind::Invalid {
            return Err(Failed);
        }
        let previous = self.tokens[self.at.saturating_sub(1)];
        let next = self.token();
        let here = Span { start: previous.span.end, ..previous.span };
        let found = super::shortened(self.text());
        let between = Span { start: previous.span.end, end: next.span.start, ..next.span };
        let new_line = previous.span.file == next.span.file && self.sources.text(between).contains('\n');
        let mut diagnostic = Diagnostic::error(Code::UnexpectedToken, here, format!("expected `;`, found `{found}`"))
            .primary("expected `;`")
            .help("statements are separated by semicolons");
        if new_line {
            diagnostic = diagnostic.label(next.span, "before this");
        }
        self.report(diagnostic);
        if new_line { Ok(()) } else { Err(Failed) }
    }

    /// Reports a block that the end of its item cuts off.
    pub(super) fn unclosed_block(&mut self, open: Span) -> Failed {
        let diagnostic = Diagnostic::error(Code::UnexpectedToken, open, "this `{` is never closed")
            .primary("opened here")
            .help("add `}` where the block ends");
        self.report(diagnostic);
        self.abandoned = true;
        Failed
    }
}
