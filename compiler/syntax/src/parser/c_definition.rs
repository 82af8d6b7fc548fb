//! C definitions: in scripts, where mistakes are reported, and in headers, where what is not understood is skipped.

use super::c_declarator::Attributes;
use super::{Failed, Parsed, Parser};
use crate::ast::{CAggregate, CDeclaration, CDefinition, CDefinitionKind, CEnum, CType, Expr, Name, TagKind};
use crate::diagnostic::Diagnostics;
use crate::lexer::lex_c;
use crate::span::{FileId, SourceMap, Span};
use crate::token::{Token, TokenKind};

/// Parses the C definitions of a header that needs no preprocessing. Functions, variables and what cannot be read are
/// left out.
pub fn parse_c(sources: &SourceMap, file: FileId) -> Vec<CDefinition> {
    let text = &sources.file(file).text;
    let mut diagnostics = Diagnostics::default();
    let tokens = lex_c(text, file, 0..text.len(), &mut diagnostics);
    parse_c_tokens(sources, &tokens)
}

/// Parses the C definitions among the tokens of headers.
pub(crate) fn parse_c_tokens(sources: &SourceMap, tokens: &[Token]) -> Vec<CDefinition> {
    let mut diagnostics = Diagnostics::default();
    let mut parser = Parser::new(sources, tokens, &mut diagnostics);
    let mut definitions = Vec::new();
    while parser.kind() != TokenKind::End {
        let start = parser.at;
        parser.abandoned = false;
        let wanted = matches!(parser.text(), "struct" | "union" | "enum" | "typedef" | "__extension__");
        match if wanted { parser.c_definitions() } else { Err(Failed) } {
            Ok(found) if parser.tokens[parser.at - 1].kind == TokenKind::Semicolon => definitions.extend(found),
            Ok(found) => {
                // A variable or function that defines its type on the way.
                definitions.extend(found.into_iter().filter(has_body));
                parser.skip_declaration();
            }
            Err(Failed) => {
                parser.at = start;
                parser.skip_declaration();
            }
        }
    }
    definitions
}

fn has_body(definition: &CDefinition) -> bool {
    match &definition.kind {
        CDefinitionKind::Aggregate(aggregate) => aggregate.members.is_some(),
        CDefinitionKind::Enum(_) => true,
        CDefinitionKind::Typedef(_) => false,
    }
}

impl Parser<'_> {
    /// Reads a struct, union, enum or typedef with its semicolon, if there is one.
    pub(super) fn c_definitions(&mut self) -> Parsed<Vec<CDefinition>> {
        let start = self.token().span;
        while self.eat_word("__extension__") {}
        if self.eat_word("typedef") {
            return self.typedef(start);
        }
        let Some(tag) = self.tag_kind() else { return Err(self.expected("a C definition")) };
        let mut attributes = Attributes::default();
        let kind = match self.tagged(tag)? {
            CType::Aggregate(mut aggregate) => {
                while self.attribute(&mut attributes)? {}
                aggregate.packed |= attributes.packed;
                aggregate.aligned = aggregate.aligned.or(attributes.aligned);
                CDefinitionKind::Aggregate(*aggregate)
            }
            CType::Enum(definition) => {
                while self.attribute(&mut attributes)? {}
                CDefinitionKind::Enum(*definition)
            }
            CType::Tagged(tag @ (TagKind::Struct | TagKind::Union), name) => {
                let name = Some(Name { span: self.tokens[self.at - 1].span, text: name });
                let is_union = tag == TagKind::Union;
                let span = self.since(start);
                CDefinitionKind::Aggregate(CAggregate {
                    span,
                    is_union,
                    name,
                    members: None,
                    packed: false,
                    aligned: None,
                })
            }
            _ => return Err(self.expected("`{`")),
        };
        let definition = CDefinition { span: self.since(start), kind };
        // Behind a closing brace it may be missing.
        if !self.eat(TokenKind::Semicolon) && self.tokens[self.at - 1].kind == TokenKind::Identifier {
            self.expect(TokenKind::Semicolon)?;
        }
        Ok(vec![definition])
    }

    fn typedef(&mut self, start: Span) -> Parsed<Vec<CDefinition>> {
        let mut attributes = Attributes::default();
        let mut base = self.specifiers(&mut attributes)?;
        let mut definitions = Vec::new();
        loop {
            let mut own = attributes;
            let (name, ty) = self.declarator(base.clone(), &mut own)?;
            if name.is_none() {
                return Err(self.expected("the name of the new type"));
            }
            let span = self.since(start);
            let declaration = CDeclaration { span, name, ty, bits: None, aligned: own.aligned };
            definitions.push(CDefinition { span, kind: CDefinitionKind::Typedef(declaration) });
            base = reference(base);
            if !self.eat(TokenKind::Comma) {
                break;
            }
        }
        self.expect(TokenKind::Semicolon)?;
        Ok(definitions)
    }

    /// Reads `struct …`, `union …` or `enum …`: a definition or a reference.
    pub(super) fn tagged(&mut self, tag: TagKind) -> Parsed<CType> {
        let start = self.bump().span;
        let mut attributes = Attributes::default();
        while self.attribute(&mut attributes)? {}
        let name = match self.kind() {
            TokenKind::Identifier => Some(self.bump_name(0)),
            _ => None,
        };
        if self.kind() != TokenKind::LeftBrace {
            let Some(name) = name else { return Err(self.expected("a name or `{`")) };
            return Ok(CType::Tagged(tag, name.text));
        }
        if tag == TagKind::Enum {
            let variants = self.nested(Self::variants)?;
            return Ok(CType::Enum(Box::new(CEnum { span: self.since(start), name, variants })));
        }
        let members = self.nested(Self::members)?;
        let span = self.since(start);
        // Attributes behind the brace belong to the type, not to what is declared with it.
        while self.attribute(&mut attributes)? {}
        let Attributes { packed, aligned } = attributes;
        let is_union = tag == TagKind::Union;
        Ok(CType::Aggregate(Box::new(CAggregate { span, is_union, name, members: Some(members), packed, aligned })))
    }

    fn variants(&mut self) -> Parsed<Vec<(Name, Option<Expr>)>> {
        self.expect(TokenKind::LeftBrace)?;
        let mut variants = Vec::new();
        while self.kind() != TokenKind::RightBrace {
            let name = self.name("the name of an enumerator")?;
            self.attribute(&mut Attributes::default())?;
            let value = if self.eat(TokenKind::Assign) { Some(self.expression()?) } else { None };
            variants.push((name, value));
            if !self.eat(TokenKind::Comma) {
                break;
            }
        }
        self.expect(TokenKind::RightBrace)?;
        Ok(variants)
    }

    fn members(&mut self) -> Parsed<Vec<CDeclaration>> {
        let open = self.expect(TokenKind::LeftBrace)?.span;
        let mut members = Vec::new();
        while !self.eat(TokenKind::RightBrace) {
            if self.at_item_end() {
                return Err(self.unclosed_block(open));
            }
            if self.eat(TokenKind::Semicolon) {
                continue;
            }
            if self.at_word("_Static_assert") {
                self.bump();
                self.skip_brackets();
                continue;
            }
            self.member(&mut members)?;
        }
        Ok(members)
    }

    /// Reads one line of members: `int a, *b, c : 3;`.
    fn member(&mut self, members: &mut Vec<CDeclaration>) -> Parsed<()> {
        let start = self.token().span;
        let mut attributes = Attributes::default();
        let mut base = self.specifiers(&mut attributes)?;
        if self.eat(TokenKind::Semicolon) {
            let in_place = matches!(base, CType::Aggregate(_) | CType::Enum(_));
            if in_place {
                let span = self.since(start);
                members.push(CDeclaration { span, name: None, ty: base, bits: None, aligned: attributes.aligned });
            }
            return Ok(());
        }
        loop {
            let mut own = attributes;
            let (name, ty) = self.declarator(base.clone(), &mut own)?;
            let bits = if self.eat(TokenKind::Colon) { Some(self.expression()?) } else { None };
            while self.attribute(&mut own)? {}
            if name.is_none() && bits.is_none() {
                return Err(self.expected("the name of a member"));
            }
            let span = self.since(start);
            members.push(CDeclaration { span, name, ty, bits, aligned: own.aligned });
            base = reference(base);
            if !self.eat(TokenKind::Comma) {
                break;
            }
        }
        // The last member may go without, as clang allows.
        let ends = self.eat(TokenKind::Semicolon) || self.kind() == TokenKind::RightBrace;
        if ends { Ok(()) } else { self.missing_semicolon() }
    }

    /// Skips a declaration of a header: to its semicolon or the end of a function's body.
    fn skip_declaration(&mut self) {
        let linkage = self.at_word("extern") && self.kind_at(1) == TokenKind::String;
        if linkage && self.kind_at(2) == TokenKind::LeftBrace {
            // What the braces of `extern "C" { … }` hold is read as if they were not there.
            self.at += 3;
            return;
        }
        if self.eat(TokenKind::RightBrace) {
            return;
        }
        while self.kind() != TokenKind::End {
            match self.kind() {
                TokenKind::Semicolon => {
                    self.bump();
                    return;
                }
                TokenKind::LeftBrace => {
                    self.skip_group();
                    if !matches!(self.kind(), TokenKind::Semicolon | TokenKind::Comma | TokenKind::Identifier) {
                        return;
                    }
                    if self.kind() == TokenKind::Identifier && !self.at_word("__attribute__") {
                        return;
                    }
                }
                _ => _ = self.bump(),
            }
        }
    }

    /// Skips from a brace to the one that closes it.
    fn skip_group(&mut self) {
        let mut depth = 0usize;
        while self.kind() != TokenKind::End {
            match self.bump().kind {
                TokenKind::LeftBrace => depth += 1,
                TokenKind::RightBrace => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return;
            }
        }
    }
}

/// The type for further names of one declaration: a tagged definition is made once, then referred to.
fn reference(ty: CType) -> CType {
    match ty {
        CType::Aggregate(aggregate) => match &aggregate.name {
            Some(name) if aggregate.is_union => CType::Tagged(TagKind::Union, name.text.clone()),
            Some(name) => CType::Tagged(TagKind::Struct, name.text.clone()),
            None => CType::Aggregate(aggregate),
        },
        CType::Enum(definition) => match &definition.name {
            Some(name) => CType::Tagged(TagKind::Enum, name.text.clone()),
            None => CType::Enum(definition),
        },
        other => other,
    }
}
