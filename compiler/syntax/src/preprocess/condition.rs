//! The conditions of `#if` and `#elif`: integer constant expressions.

use super::Preprocessor;
use super::expansion::Place;
use crate::code::Code;
use crate::literal;
use crate::span::{SourceMap, Span};
use crate::token::{Token, TokenKind};

/// How deep conditions may nest.
const DEPTH_LIMIT: u32 = 100;

impl Preprocessor<'_> {
    /// The value of a condition; a wrong one is reported and false.
    pub(super) fn condition(&mut self, span: Span, tokens: &[Token]) -> bool {
        let resolved = self.resolve_defined(tokens);
        let mut expanded = Vec::new();
        for part in resolved {
            match part {
                Part::Known(value) => expanded.push(Term::Value(value)),
                Part::Tokens(tokens) => {
                    let mut out = Vec::new();
                    self.expand(tokens, Place::C, &mut out);
                    expanded.extend(out.into_iter().map(Term::Token));
                }
            }
        }
        let mut evaluator = Evaluator { sources: self.sources, terms: &expanded, at: 0, depth: 0 };
        let result = evaluator.whole();
        match result {
            Ok(value) => value.bits != 0,
            Err(message) => {
                self.error(Code::BadDirective, span, format!("this condition cannot be read: {message}"));
                false
            }
        }
    }

    /// Replaces `defined X` before anything is expanded.
    fn resolve_defined<'t>(&self, tokens: &'t [Token]) -> Vec<Part<'t>> {
        let mut parts = Vec::new();
        let mut from = 0;
        let mut at = 0;
        while at < tokens.len() {
            let word = tokens[at].text(self.sources);
            if word != "defined" && word != "__has_include" {
                at += 1;
                continue;
            }
            parts.push(Part::Tokens(&tokens[from..at]));
            let open = tokens.get(at + 1).is_some_and(|token| token.kind == TokenKind::LeftParenthesis);
            let name = tokens.get(at + 1 + usize::from(open)).map_or("", |token| token.text(self.sources));
            let known = word == "defined" && (self.definitions.contains_key(name) || name == "__has_include");
            parts.push(Part::Known(i64::from(known)));
            let close = tokens[at..].iter().position(|token| token.kind == TokenKind::RightParenthesis);
            at = if open { close.map_or(tokens.len(), |close| at + close + 1) } else { (at + 2).min(tokens.len()) };
            from = at;
        }
        parts.push(Part::Tokens(&tokens[from..]));
        parts
    }
}

enum Part<'t> {
    Known(i64),
    Tokens(&'t [Token]),
}

enum Term {
    Value(i64),
    Token(Token),
}

/// A 64-bit number; C computes conditions in the widest types.
#[derive(Clone, Copy)]
struct Value {
    bits: i64,
    unsigned: bool,
}

struct Evaluator<'a> {
    sources: &'a SourceMap,
    terms: &'a [Term],
    at: usize,
    depth: u32,
}

impl Evaluator<'_> {
    fn whole(&mut self) -> Result<Value, String> {
        let value = self.conditional()?;
        match self.kind() {
            TokenKind::End => Ok(value),
            kind => Err(format!("{} does not fit there", kind.describe())),
        }
    }

    fn kind(&self) -> TokenKind {
        match self.terms.get(self.at) {
            Some(Term::Token(token)) => token.kind,
            Some(Term::Value(_)) => TokenKind::Integer,
            None => TokenKind::End,
        }
    }

    fn eat(&mut self, kind: TokenKind) -> bool {
        let found = self.kind() == kind;
        self.at += usize::from(found);
        found
    }

    fn conditional(&mut self) -> Result<Value, String> {
        self.depth += 1;
        if self.depth > DEPTH_LIMIT {
            return Err("it is nested too deep".to_string());
        }
        let condition = self.binary(0)?;
        let value = match self.eat(TokenKind::Question) {
            false => condition,
            true => {
                let then = self.conditional()?;
                if !self.eat(TokenKind::Colon) {
                    return Err("`:` is missing".to_string());
                }
                let otherwise = self.conditional()?;
                if condition.bits != 0 { then } else { otherwise }
            }
        };
        self.depth -= 1;
        Ok(value)
    }

    fn binary(&mut self, least: u8) -> Result<Value, String> {
        let mut left = self.unary()?;
        while let Some(precedence) = precedence(self.kind()).filter(|precedence| *precedence >= least) {
            let operator = self.kind();
            self.at += 1;
            // The right side of a decided `&&` or `||` is not evaluated: a division by zero there does no harm.
            let right = self.binary(precedence + 1);
            left = match (operator, left.bits != 0) {
                (TokenKind::OrOr, true) => truth(true),
                (TokenKind::AndAnd, false) => truth(false),
                _ => apply(operator, left, right?)?,
            };
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Value, String> {
        let kind = self.kind();
        if !matches!(kind, TokenKind::Not | TokenKind::Tilde | TokenKind::Minus | TokenKind::Plus) {
            return self.primary();
        }
        self.at += 1;
        self.depth += 1;
        if self.depth > DEPTH_LIMIT {
            return Err("it is nested too deep".to_string());
        }
        let value = self.unary()?;
        self.depth -= 1;
        Ok(match kind {
            TokenKind::Not => truth(value.bits == 0),
            TokenKind::Tilde => Value { bits: !value.bits, ..value },
            TokenKind::Minus => Value { bits: value.bits.wrapping_neg(), ..value },
            _ => value,
        })
    }

    fn primary(&mut self) -> Result<Value, String> {
        let Some(term) = self.terms.get(self.at) else { return Err("a value is missing".to_string()) };
        self.at += 1;
        let token = match term {
            Term::Value(bits) => return Ok(Value { bits: *bits, unsigned: false }),
            Term::Token(token) => token,
        };
        let text = token.text(self.sources);
        match token.kind {
            TokenKind::Integer => {
                let number = literal::integer(text)?;
                let unsigned = number.suffix.is_some_and(|suffix| suffix.unsigned) || number.value > i64::MAX as u64;
                Ok(Value { bits: number.value as i64, unsigned })
            }
            TokenKind::Character => Ok(Value { bits: literal::character(text)? as i64, unsigned: false }),
            // A name that is not defined is 0; so are calls of unknown macros.
            TokenKind::Identifier => {
                if matches!(text, "L" | "u" | "U" | "u8") && self.kind() == TokenKind::Character {
                    return self.primary();
                }
                if text != "true" && self.kind() == TokenKind::LeftParenthesis {
                    return Err(format!("`{text}` is not defined"));
                }
                Ok(Value { bits: i64::from(text == "true"), unsigned: false })
            }
            TokenKind::LeftParenthesis => {
                let value = self.conditional()?;
                if self.eat(TokenKind::RightParenthesis) { Ok(value) } else { Err("`)` is missing".to_string()) }
            }
            _ => Err(format!("`{text}` is no value")),
        }
    }
}

fn truth(value: bool) -> Value {
    Value { bits: i64::from(value), unsigned: false }
}

fn precedence(kind: TokenKind) -> Option<u8> {
    crate::parser::infix_precedence(kind)
}

fn apply(operator: TokenKind, left: Value, right: Value) -> Result<Value, String> {
    let unsigned = left.unsigned || right.unsigned;
    let (a, b) = (left.bits, right.bits);
    let (ua, ub) = (a as u64, b as u64);
    let less = if unsigned { ua < ub } else { a < b };
    let number = |bits| Ok(Value { bits, unsigned });
    let division_by_zero = || "it divides by zero".to_string();
    match operator {
        TokenKind::OrOr => Ok(truth(a != 0 || b != 0)),
        TokenKind::AndAnd => Ok(truth(a != 0 && b != 0)),
        TokenKind::Or => number(a | b),
        TokenKind::Caret => number(a ^ b),
        TokenKind::And => number(a & b),
        TokenKind::EqualEqual => Ok(truth(a == b)),
        TokenKind::NotEqual => Ok(truth(a != b)),
        TokenKind::Less => Ok(truth(less)),
        TokenKind::GreaterEqual => Ok(truth(!less)),
        TokenKind::Greater => Ok(truth(!less && a != b)),
        TokenKind::LessEqual => Ok(truth(less || a == b)),
        TokenKind::ShiftLeft => number(a.wrapping_shl(b as u32)),
        TokenKind::ShiftRight if left.unsigned => number(ua.wrapping_shr(b as u32) as i64),
        TokenKind::ShiftRight => number(a.wrapping_shr(b as u32)),
        TokenKind::Plus => number(a.wrapping_add(b)),
        TokenKind::Minus => number(a.wrapping_sub(b)),
        TokenKind::Star => number(a.wrapping_mul(b)),
        TokenKind::Slash if unsigned => number(ua.checked_div(ub).ok_or_else(division_by_zero)? as i64),
        TokenKind::Percent if unsigned => number(ua.checked_rem(ub).ok_or_else(division_by_zero)? as i64),
        TokenKind::Slash if b != 0 => number(a.wrapping_div(b)),
        TokenKind::Percent if b != 0 => number(a.wrapping_rem(b)),
        TokenKind::Slash | TokenKind::Percent => Err(division_by_zero()),
        _ => Err(format!("{} is no operator there", operator.describe())),
    }
}
