//! Probes: attach points, predicate, action.

use super::{Parsed, Parser};
use crate::ast::{AttachPoint, Name, Probe};
use crate::token::TokenKind;

impl Parser<'_> {
    /// Reads a probe.
    pub(super) fn probe(&mut self) -> Parsed<Probe> {
        let start = self.token().span;
        let mut attach_points = Vec::new();
        loop {
            attach_points.push(self.attach_point()?);
            if !self.eat(TokenKind::Comma) || self.at_end_of_list() {
                break;
            }
        }
        let predicate = match self.eat(TokenKind::Slash) {
            true => {
                let predicate = self.expression()?;
                if !self.eat(TokenKind::EndPredicate) {
                    return Err(self.expected_with_help("`/`", Some("a predicate ends with `/` before the `{`")));
                }
                Some(predicate)
            }
            false => None,
        };
        if self.kind() != TokenKind::LeftBrace {
            let help = "a probe is followed by its action: `begin { … }`";
            return Err(self.expected_with_help("`{`", Some(help)));
        }
        let body = self.block()?;
        Ok(Probe { span: self.since(start), attach_points, predicate, body })
    }

    /// Goes past the nothing behind a last comma.
    fn at_end_of_list(&mut self) -> bool {
        let ends = matches!(self.kind_at(1), TokenKind::LeftBrace | TokenKind::Slash);
        let nothing = self.kind() == TokenKind::ProbePart && self.text().is_empty() && ends;
        if nothing {
            self.bump();
        }
        nothing
    }

    fn attach_point(&mut self) -> Parsed<AttachPoint> {
        let start = self.token().span;
        let mut name = None;
        if self.kind_at(1) == TokenKind::Assign && self.kind() == TokenKind::ProbePart {
            name = Some(self.bump_name(0));
            self.bump();
        }
        let mut parts = vec![self.part()?];
        while self.eat(TokenKind::Colon) {
            parts.push(self.part()?);
        }
        let attach_point = AttachPoint { span: self.since(start), name, parts };
        if attach_point.parts[0].text.is_empty() {
            let message = "a probe is missing here";
            return Err(self.bad_attach_point(
                attach_point.span,
                message,
                "remove the comma, or add a probe behind it",
            ));
        }
        Ok(attach_point)
    }

    fn part(&mut self) -> Parsed<Name> {
        if self.kind() != TokenKind::ProbePart {
            return Err(self.expected("a probe"));
        }
        let text = unquoted(self.text());
        Ok(Name { span: self.bump().span, text })
    }
}

/// A part without its quotes and backslashes.
pub(crate) fn unquoted(text: &str) -> String {
    let mut out = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => {}
            '\\' => out.extend(characters.next()),
            _ => out.push(character),
        }
    }
    out
}
