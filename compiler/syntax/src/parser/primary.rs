//! The smallest expressions: literals, names, parentheses, blocks.

use super::{Failed, Parsed, Parser};
use crate::ast::{Expr, ExprKind, IntegerLiteral, Name};
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::literal;
use crate::span::Span;
use crate::token::TokenKind;

impl Parser<'_> {
    /// Reads an expression without operators.
    pub(super) fn primary(&mut self) -> Parsed<Expr> {
        let token = self.token();
        let text = self.text();
        let kind = match token.kind {
            TokenKind::Integer => ExprKind::Integer(self.integer()),
            TokenKind::Character => ExprKind::Integer(self.character()),
            TokenKind::String => ExprKind::String(self.strings()),
            TokenKind::Variable => {
                self.bump();
                ExprKind::Variable(text[1..].to_string())
            }
            TokenKind::Map => {
                self.bump();
                ExprKind::Map(text[1..].to_string())
            }
            TokenKind::PositionalCount => {
                self.bump();
                ExprKind::PositionalCount
            }
            TokenKind::Positional => self.positional()?,
            TokenKind::Identifier => return self.word(),
            TokenKind::LeftParenthesis => return self.parenthesis(),
            TokenKind::LeftBrace => {
                let block = self.value_block()?;
                return self.made(token.span, self.height, ExprKind::Block(block));
            }
            TokenKind::Assign => {
                return Err(self.expected_with_help("an expression", Some("values are compared with `==`")));
            }
            _ => return Err(self.expected("an expression")),
        };
        self.made(token.span, 0, kind)
    }

    /// Reads a number; a wrong one is reported and taken as 0.
    pub(super) fn integer(&mut self) -> IntegerLiteral {
        let result = literal::integer(self.text());
        let token = self.bump();
        result.unwrap_or_else(|message| {
            self.report(Diagnostic::error(Code::BadNumber, token.span, message));
            IntegerLiteral { value: 0, suffix: None }
        })
    }

    fn character(&mut self) -> IntegerLiteral {
        let result = literal::character(self.text());
        let token = self.bump();
        let value = result.unwrap_or_else(|message| {
            self.report(Diagnostic::error(Code::BadEscape, token.span, message));
            0
        });
        IntegerLiteral { value, suffix: None }
    }

    /// Reads one or more adjacent strings as one.
    pub(super) fn strings(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        while self.kind() == TokenKind::String {
            let result = literal::string(self.text());
            let token = self.bump();
            match result {
                Ok(part) => bytes.extend(part),
                Err(((offset, length), message)) => {
                    let own = token.span == token.spelling;
                    let start = token.span.start as usize + offset;
                    let span = if own { Span::new(token.span.file, start, start + length) } else { token.span };
                    self.report(Diagnostic::error(Code::BadEscape, span, message));
                }
            }
        }
        bytes
    }

    fn positional(&mut self) -> Parsed<ExprKind> {
        let number = self.text()[1..].parse().unwrap_or(0);
        let token = self.bump();
        if number == 0 {
            let message = "positional parameters are numbered from $1";
            self.report(Diagnostic::error(Code::BadNumber, token.span, message));
            return Err(Failed);
        }
        Ok(ExprKind::Positional(number))
    }

    /// Reads what begins with a word: a call, a name, a special form.
    fn word(&mut self) -> Parsed<Expr> {
        let start = self.token().span;
        let text = self.text();
        let call = self.kind_at(1) == TokenKind::LeftParenthesis;
        let bang = self.kind_at(1) == TokenKind::Not && self.kind_at(2) == TokenKind::LeftParenthesis;
        let kind = match text {
            "true" | "false" => {
                self.bump();
                ExprKind::Bool(text == "true")
            }
            "sizeof" | "offsetof" | "typeof" | "typeinfo" if call => return self.special_form(),
            "struct" | "union" | "enum" if self.kind_at(1) == TokenKind::Identifier => {
                return Err(
                    self.expected_with_help("an expression", Some("a type stands in a cast: (struct x *)value"))
                );
            }
            "if" if !bang => return self.if_expression(),
            "else" => {
                return Err(self.expected_with_help("a statement", Some("`else` follows the `}` of an `if`")));
            }
            _ if call || bang => return self.call(),
            _ => {
                self.bump();
                ExprKind::Identifier(text.to_string())
            }
        };
        self.made(start, 0, kind)
    }

    /// Reads `(expression)`, a tuple or a record.
    fn parenthesis(&mut self) -> Parsed<Expr> {
        let start = self.bump().span;
        if self.kind() == TokenKind::Identifier && self.kind_at(1) == TokenKind::Assign {
            let fields = self.record_fields()?;
            return self.made(start, self.height, ExprKind::Record(fields));
        }
        if self.eat(TokenKind::RightParenthesis) {
            return self.made(start, 0, ExprKind::Tuple(Vec::new()));
        }
        let mut first = self.expression()?;
        if !self.eat(TokenKind::Comma) {
            self.close_parenthesis(start)?;
            if !is_leaf(&first) {
                first.span = self.since(start);
            }
            return Ok(first);
        }
        let height = self.height;
        let mut members = vec![first];
        members.extend(self.expressions(TokenKind::RightParenthesis)?);
        self.close_parenthesis(start)?;
        self.made(start, height.max(self.height), ExprKind::Tuple(members))
    }

    fn record_fields(&mut self) -> Parsed<Vec<(Name, Expr)>> {
        let start = self.tokens[self.at - 1].span;
        let mut fields = Vec::new();
        let mut height = 0;
        while self.kind() != TokenKind::RightParenthesis {
            let name = self.name("the name of a field")?;
            self.expect(TokenKind::Assign)?;
            fields.push((name, self.expression()?));
            height = height.max(self.height);
            if !self.eat(TokenKind::Comma) {
                break;
            }
        }
        self.close_parenthesis(start)?;
        self.height = height;
        Ok(fields)
    }

    /// Expects `)`; a missing one is explained by the place of its `(`.
    pub(super) fn close_parenthesis(&mut self, open: Span) -> Parsed<()> {
        if self.eat(TokenKind::RightParenthesis) {
            return Ok(());
        }
        if let Some(diagnostic) = self.expectation("`)`") {
            self.report(diagnostic.label(open, "this `(` is open"));
        }
        Err(Failed)
    }
}

/// True for expressions of one token, which keep their span inside of parentheses.
fn is_leaf(expr: &Expr) -> bool {
    matches!(
        expr.kind,
        ExprKind::Integer(_)
            | ExprKind::Bool(_)
            | ExprKind::String(_)
            | ExprKind::Positional(_)
            | ExprKind::PositionalCount
            | ExprKind::Identifier(_)
            | ExprKind::Variable(_)
            | ExprKind::Map(_)
    )
}
