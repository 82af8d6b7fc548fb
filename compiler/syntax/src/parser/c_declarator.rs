//! C declarations: specifiers, declarators, attributes.

use super::types::normal_words;
use super::{Parsed, Parser};
use crate::ast::{CType, Expr, ExprKind, Name};
use crate::token::TokenKind;

/// What `__attribute__` says that matters for layout.
#[derive(Clone, Copy, Default)]
pub(super) struct Attributes {
    pub(super) packed: bool,
    pub(super) aligned: Option<u32>,
}

/// One step from a declared name to its base type.
enum Derivation {
    Pointer,
    Array(Option<Box<Expr>>),
    Function,
}

/// The alignment of `aligned` without a number: the largest of the target.
const LARGEST_ALIGNMENT: u32 = 16;

/// The arithmetic words of C.
const BASE_WORDS: &[&str] = &[
    "void",
    "char",
    "short",
    "int",
    "long",
    "signed",
    "unsigned",
    "float",
    "double",
    "bool",
    "_Bool",
    "__signed__",
    "__int128",
];

/// Words that say nothing about layout.
const QUALIFIERS: &[&str] = &[
    "const",
    "volatile",
    "restrict",
    "__restrict",
    "__const",
    "__volatile__",
    "__extension__",
    "extern",
    "static",
    "inline",
    "__inline",
    "__inline__",
    "register",
    "__user",
    "__rcu",
    "__iomem",
    "__percpu",
    "_Noreturn",
    "auto",
];

impl Parser<'_> {
    /// Reads the type that a declaration begins with.
    pub(super) fn specifiers(&mut self, attributes: &mut Attributes) -> Parsed<CType> {
        let mut words = Vec::new();
        let mut ty = None;
        while self.kind() == TokenKind::Identifier {
            let text = self.text();
            if self.attribute(attributes)? {
                continue;
            }
            if QUALIFIERS.contains(&text) {
                self.bump();
            } else if let (Some(kind), None, true) = (self.tag_kind(), &ty, words.is_empty()) {
                ty = Some(self.tagged(kind)?);
            } else if BASE_WORDS.contains(&text) && ty.is_none() {
                words.push(text);
                self.bump();
            } else if ty.is_none() && words.is_empty() {
                ty = Some(CType::Named(self.bump_name(0).text));
            } else {
                break;
            }
        }
        match ty {
            Some(ty) => Ok(ty),
            None if words.is_empty() => Err(self.expected("a C type")),
            None => Ok(CType::Named(normal_words(&words))),
        }
    }

    /// Reads a declarator and applies it to `base`.
    pub(super) fn declarator(&mut self, base: CType, attributes: &mut Attributes) -> Parsed<(Option<Name>, CType)> {
        let mut derivations = Vec::new();
        let name = self.nested(|parser| parser.derivations(&mut derivations, attributes))?;
        if derivations.len() > super::NESTING_LIMIT as usize {
            return Err(self.too_deep(self.token().span));
        }
        let ty = derivations.into_iter().rev().fold(base, |ty, derivation| match derivation {
            Derivation::Pointer => CType::Pointer(Box::new(ty)),
            Derivation::Array(length) => CType::Array(Box::new(ty), length),
            Derivation::Function => CType::Function,
        });
        Ok((name, ty))
    }

    /// Reads a declarator as steps from its name outwards.
    fn derivations(&mut self, out: &mut Vec<Derivation>, attributes: &mut Attributes) -> Parsed<Option<Name>> {
        let mut pointers = 0;
        loop {
            if self.eat(TokenKind::Star) {
                pointers += 1;
            } else if self.kind() == TokenKind::Identifier && QUALIFIERS.contains(&self.text()) {
                self.bump();
            } else if !self.attribute(attributes)? {
                break;
            }
        }
        let mut name = None;
        if self.kind() == TokenKind::LeftParenthesis && self.is_nested_declarator() {
            self.bump();
            name = self.nested(|parser| parser.derivations(out, attributes))?;
            self.expect(TokenKind::RightParenthesis)?;
        } else if self.kind() == TokenKind::Identifier {
            name = Some(self.bump_name(0));
        }
        loop {
            match self.kind() {
                TokenKind::LeftBracket => out.push(Derivation::Array(self.array_length()?)),
                TokenKind::LeftParenthesis => {
                    self.skip_brackets();
                    out.push(Derivation::Function);
                }
                _ => break,
            }
        }
        out.extend((0..pointers).map(|_| Derivation::Pointer));
        while self.attribute(attributes)? {}
        Ok(name)
    }

    fn is_nested_declarator(&self) -> bool {
        match self.kind_at(1) {
            TokenKind::Star | TokenKind::LeftParenthesis => true,
            TokenKind::Identifier => matches!(self.kind_at(2), TokenKind::RightParenthesis | TokenKind::LeftBracket),
            _ => false,
        }
    }

    fn array_length(&mut self) -> Parsed<Option<Box<Expr>>> {
        self.bump();
        while self.eat_word("static") || self.eat_word("const") || self.eat_word("restrict") {}
        let length = match self.kind() {
            TokenKind::RightBracket => None,
            _ => Some(Box::new(self.expression()?)),
        };
        self.expect(TokenKind::RightBracket)?;
        Ok(length)
    }

    /// Reads an attribute, if one is here.
    pub(super) fn attribute(&mut self, attributes: &mut Attributes) -> Parsed<bool> {
        if self.kind() != TokenKind::Identifier {
            return Ok(false);
        }
        match self.text() {
            "__attribute__" | "__attribute" => {
                self.bump();
                self.expect(TokenKind::LeftParenthesis)?;
                self.expect(TokenKind::LeftParenthesis)?;
                while self.kind() != TokenKind::RightParenthesis {
                    self.one_attribute(attributes)?;
                    if !self.eat(TokenKind::Comma) {
                        break;
                    }
                }
                self.expect(TokenKind::RightParenthesis)?;
                self.expect(TokenKind::RightParenthesis)?;
            }
            "__packed" => {
                self.bump();
                attributes.packed = true;
            }
            "_Alignas" | "__aligned" => self.one_attribute(attributes)?,
            "__asm__" | "asm" => {
                self.bump();
                self.skip_brackets();
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn one_attribute(&mut self, attributes: &mut Attributes) -> Parsed<()> {
        let name = self.name("an attribute")?;
        let has_argument = self.kind() == TokenKind::LeftParenthesis;
        match name.text.as_str() {
            "packed" | "__packed__" => attributes.packed = true,
            "aligned" | "__aligned__" | "__aligned" | "_Alignas" if has_argument => {
                self.bump();
                let alignment = self.expression()?;
                self.expect(TokenKind::RightParenthesis)?;
                attributes.aligned = Some(constant(&alignment).unwrap_or(LARGEST_ALIGNMENT));
            }
            "aligned" | "__aligned__" => attributes.aligned = Some(LARGEST_ALIGNMENT),
            _ if has_argument => self.skip_brackets(),
            _ => {}
        }
        Ok(())
    }
}

/// The value of an alignment.
fn constant(expr: &Expr) -> Option<u32> {
    match &expr.kind {
        ExprKind::Integer(literal) => u32::try_from(literal.value).ok(),
        // Alignments are written so where they mean "as a 64-bit integer".
        ExprKind::Sizeof(_) => Some(8),
        _ => None,
    }
}
