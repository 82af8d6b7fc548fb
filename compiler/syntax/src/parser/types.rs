//! Types in expressions and declarations, and telling them from expressions.

use super::{NESTING_LIMIT, Parsed, Parser};
use crate::ast::{TagKind, TypeExpr, TypeExprKind, TypeOrExpr};
use crate::token::TokenKind;

/// The words that C joins to one type name.
const C_WORDS: &[&str] = &[
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
    "const",
    "volatile",
    "__int128",
];

/// Names that are types everywhere.
const TYPE_NAMES: &[&str] = &[
    "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "string", "buffer", "inet", "u8", "u16",
    "u32", "u64", "s8", "s16", "s32", "s64", "__u8", "__u16", "__u32", "__u64", "__s8", "__s16", "__s32", "__s64",
    "__be16", "__be32", "__be64", "__le16", "__le32", "__le64",
];

/// How sure it is that tokens are a type.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Certainty {
    /// A word that could be anything.
    Word,
    /// A word that is usually a type: `size_t`.
    Likely,
    /// A type.
    Certain,
}

/// Tokens that can be read as a type.
pub(super) struct TypeAhead {
    /// The index of the first token behind them.
    pub(super) end: usize,
    pub(super) certainty: Certainty,
    /// Ends with a star or a bracket.
    pub(super) derived: bool,
}

impl Parser<'_> {
    /// Reads a type.
    pub(super) fn type_expr(&mut self) -> Parsed<TypeExpr> {
        self.nested(Self::type_here)
    }

    fn type_here(&mut self) -> Parsed<TypeExpr> {
        let start = self.token().span;
        let kind = match self.kind() {
            TokenKind::LeftParenthesis => self.tuple_type()?,
            TokenKind::Identifier => self.named_type()?,
            _ => return Err(self.expected("a type")),
        };
        let mut ty = TypeExpr { span: self.since(start), kind };
        let mut derived = 0;
        loop {
            let kind = match self.kind() {
                TokenKind::Star => {
                    self.bump();
                    while self.eat_word("const") || self.eat_word("volatile") {}
                    TypeExprKind::Pointer(Box::new(ty))
                }
                TokenKind::LeftBracket => {
                    self.bump();
                    let length = match self.kind() {
                        TokenKind::RightBracket => None,
                        _ => Some(Box::new(self.expression()?)),
                    };
                    self.expect(TokenKind::RightBracket)?;
                    TypeExprKind::Array(Box::new(ty), length)
                }
                _ => return Ok(ty),
            };
            ty = TypeExpr { span: self.since(start), kind };
            derived += 1;
            if derived > NESTING_LIMIT {
                return Err(self.too_deep(start));
            }
        }
    }

    fn tuple_type(&mut self) -> Parsed<TypeExprKind> {
        self.expect(TokenKind::LeftParenthesis)?;
        let mut types = Vec::new();
        while self.kind() != TokenKind::RightParenthesis {
            types.push(self.type_expr()?);
            if !self.eat(TokenKind::Comma) {
                break;
            }
        }
        self.expect(TokenKind::RightParenthesis)?;
        Ok(TypeExprKind::Tuple(types))
    }

    fn named_type(&mut self) -> Parsed<TypeExprKind> {
        while self.eat_word("const") || self.eat_word("volatile") {}
        if let Some(kind) = self.tag_kind() {
            self.bump();
            return Ok(TypeExprKind::Tagged(kind, self.name("the name of the type")?.text));
        }
        if self.at_word("typeof") {
            self.bump();
            return Ok(TypeExprKind::Typeof(Box::new(self.type_or_expr_in_parentheses()?)));
        }
        if !C_WORDS.contains(&self.text()) {
            return Ok(TypeExprKind::Named(self.name("a type")?.text));
        }
        let mut words = Vec::new();
        while self.kind() == TokenKind::Identifier && C_WORDS.contains(&self.text()) {
            let word = self.text();
            if !matches!(word, "const" | "volatile") {
                words.push(word);
            }
            self.bump();
        }
        Ok(TypeExprKind::Named(normal_words(&words)))
    }

    /// The tag keyword at the current token.
    pub(super) fn tag_kind(&self) -> Option<TagKind> {
        match self.text() {
            "struct" => Some(TagKind::Struct),
            "union" => Some(TagKind::Union),
            "enum" => Some(TagKind::Enum),
            _ => None,
        }
    }

    /// Reads `(type or expression)`.
    pub(super) fn type_or_expr_in_parentheses(&mut self) -> Parsed<TypeOrExpr> {
        self.expect(TokenKind::LeftParenthesis)?;
        let result = self.type_or_expr()?;
        self.expect(TokenKind::RightParenthesis)?;
        Ok(result)
    }

    /// Reads a type where it cannot be an expression, else an expression.
    pub(super) fn type_or_expr(&mut self) -> Parsed<TypeOrExpr> {
        if self.at_pure_type() || self.at_word("typeof") {
            return Ok(TypeOrExpr::Type(self.type_expr()?));
        }
        Ok(TypeOrExpr::Expr(self.expression()?))
    }

    /// True when a whole argument follows that is a type and cannot be an expression.
    pub(super) fn at_pure_type(&self) -> bool {
        let Some(ahead) = self.type_ahead(self.at) else { return false };
        let ends = matches!(self.tokens[ahead.end].kind, TokenKind::Comma | TokenKind::RightParenthesis);
        let one_word = ahead.end == self.at + 1;
        let pointer = self.tokens[ahead.end - 1].kind == TokenKind::Star;
        let typeof_argument = self.at_word("typeof") && !ahead.derived;
        let tuple = self.kind() == TokenKind::LeftParenthesis;
        ends && !one_word && !typeof_argument && !tuple && (pointer || ahead.certainty == Certainty::Certain)
    }

    /// Looks whether a type can be read from the token `at` on.
    pub(super) fn type_ahead(&self, at: usize) -> Option<TypeAhead> {
        self.type_ahead_nested(at, 0)
    }

    fn type_ahead_nested(&self, at: usize, depth: u32) -> Option<TypeAhead> {
        let token = self.tokens.get(at)?;
        let (mut end, certainty) = match token.kind {
            TokenKind::LeftParenthesis if depth < NESTING_LIMIT => self.tuple_ahead(at, depth)?,
            TokenKind::Identifier => self.base_ahead(at)?,
            _ => return None,
        };
        let base = end;
        loop {
            match self.tokens.get(end)?.kind {
                TokenKind::Star => end += 1,
                TokenKind::Identifier if end > base && self.tokens[end].text(self.sources) == "const" => end += 1,
                TokenKind::LeftBracket => end = self.matching_bracket(end)? + 1,
                _ => return Some(TypeAhead { end, certainty, derived: end > base }),
            }
        }
    }

    fn base_ahead(&self, mut at: usize) -> Option<(usize, Certainty)> {
        let text = |index: usize| self.tokens.get(index).map_or("", |token| token.text(self.sources));
        let kind = |index: usize| self.tokens.get(index).map(|token| token.kind);
        while matches!(text(at), "const" | "volatile") {
            at += 1;
        }
        match text(at) {
            "struct" | "union" | "enum" if kind(at + 1) == Some(TokenKind::Identifier) => {
                Some((at + 2, Certainty::Certain))
            }
            "typeof" if kind(at + 1) == Some(TokenKind::LeftParenthesis) => {
                Some((self.matching_bracket(at + 1)? + 1, Certainty::Certain))
            }
            word if C_WORDS.contains(&word) => {
                let words = (at..).take_while(|index| C_WORDS.contains(&text(*index))).count();
                Some((at + words, Certainty::Certain))
            }
            word if TYPE_NAMES.contains(&word) => Some((at + 1, Certainty::Certain)),
            word if word.ends_with("_t") => Some((at + 1, Certainty::Likely)),
            _ if kind(at) == Some(TokenKind::Identifier) => Some((at + 1, Certainty::Word)),
            _ => None,
        }
    }

    fn tuple_ahead(&self, at: usize, depth: u32) -> Option<(usize, Certainty)> {
        let mut index = at + 1;
        let mut certainty = Certainty::Certain;
        let mut members = 0;
        loop {
            let member = self.type_ahead_nested(index, depth + 1)?;
            certainty = certainty.min(member.certainty);
            members += 1;
            index = member.end + 1;
            match self.tokens.get(member.end)?.kind {
                TokenKind::Comma => {}
                TokenKind::RightParenthesis if members > 1 => return Some((index, certainty)),
                _ => return None,
            }
        }
    }

    /// The index of the bracket that closes the one at `open`.
    fn matching_bracket(&self, open: usize) -> Option<usize> {
        let mut depth = 0usize;
        for (index, token) in self.tokens.iter().enumerate().skip(open) {
            match token.kind {
                TokenKind::LeftParenthesis | TokenKind::LeftBracket | TokenKind::LeftBrace => depth += 1,
                TokenKind::RightParenthesis | TokenKind::RightBracket | TokenKind::RightBrace => {
                    depth = depth.checked_sub(1)?;
                    if depth == 0 {
                        return Some(index);
                    }
                }
                TokenKind::Semicolon if depth == 1 => return None,
                _ => {}
            }
        }
        None
    }
}

/// The usual spelling of a type of several words: `long unsigned int` is `unsigned long`.
pub(super) fn normal_words(words: &[&str]) -> String {
    let count = |word: &str| words.iter().filter(|w| **w == word).count();
    let unsigned = count("unsigned") > 0;
    let base = match () {
        () if count("char") > 0 => match count("signed") + count("__signed__") > 0 {
            true => "signed char",
            false => "char",
        },
        () if count("short") > 0 => "short",
        () if count("__int128") > 0 => "__int128",
        () if count("double") > 0 && count("long") > 0 => "long double",
        () if count("long") > 1 => "long long",
        () if count("long") == 1 => "long",
        () if count("int") > 0 || unsigned || count("signed") + count("__signed__") > 0 => "int",
        () => return words.join(" "),
    };
    if unsigned { format!("unsigned {base}") } else { base.to_string() }
}

/// True for words that name a type wherever one can stand.
pub(crate) fn is_type_name(word: &str) -> bool {
    C_WORDS.contains(&word) || TYPE_NAMES.contains(&word)
}

/// True for types that a cast can name without doubt, whatever operand follows.
pub(crate) fn is_sure_type(ty: &TypeExpr) -> bool {
    let mut base = ty;
    while let TypeExprKind::Array(inner, _) | TypeExprKind::Pointer(inner) = &base.kind {
        base = inner;
    }
    let pointer = matches!(ty.kind, TypeExprKind::Pointer(_));
    match &base.kind {
        TypeExprKind::Named(name) => {
            let first = name.split(' ').next().unwrap_or("");
            pointer || is_type_name(first) || name.ends_with("_t")
        }
        TypeExprKind::Tuple(members) => pointer || members.iter().all(is_sure_type),
        _ => true,
    }
}
