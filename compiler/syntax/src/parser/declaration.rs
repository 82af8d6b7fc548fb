//! The items of the top level other than probes and C definitions.

use super::{Failed, Parsed, Parser};
use crate::ast::{
    ConfigBlock, ConfigSetting, ConfigValue, Directive, FunctionDefinition, Import, Item, Macro, MacroParameter,
    MapDeclaration, Name, TypeExpr,
};
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::token::TokenKind;

impl Parser<'_> {
    /// Reads one item.
    pub(super) fn item(&mut self, items: &mut Vec<Item>) -> Parsed<()> {
        match self.kind() {
            TokenKind::Semicolon => _ = self.bump(),
            TokenKind::Directive => items.push(Item::Directive(self.directive())),
            TokenKind::ProbePart => items.push(Item::Probe(self.probe()?)),
            TokenKind::LeftBrace => {
                return Err(self.expected_with_help(
                    "a probe before the action",
                    Some("an action belongs to a probe: `begin { … }`, `interval:s:1 { … }`"),
                ));
            }
            TokenKind::Identifier => match self.text() {
                "struct" | "union" | "enum" | "typedef" => {
                    items.extend(self.c_definitions()?.into_iter().map(Item::CDefinition));
                }
                "config" => items.push(Item::Config(self.config()?)),
                "import" => items.push(Item::Import(self.import()?)),
                "let" => items.push(Item::MapDeclaration(self.map_declaration()?)),
                "macro" => items.push(Item::Macro(self.macro_definition()?)),
                "fn" => items.push(Item::Function(self.function()?)),
                _ => return Err(self.expected("a probe or a definition")),
            },
            _ => return Err(self.expected("a probe or a definition")),
        }
        Ok(())
    }

    fn directive(&mut self) -> Directive {
        let text = self.text();
        let mut joined = String::new();
        for line in text.lines() {
            let line = line.trim_end_matches('\r');
            match line.strip_suffix('\\') {
                Some(continued) => {
                    joined.push_str(continued.trim_end());
                    joined.push(' ');
                    continue;
                }
                None => joined.push_str(if joined.is_empty() { line } else { line.trim_start() }),
            }
        }
        Directive { span: self.bump().span, text: joined.trim_end().to_string() }
    }

    fn config(&mut self) -> Parsed<ConfigBlock> {
        let start = self.bump().span;
        self.expect(TokenKind::Assign)?;
        let open = self.expect(TokenKind::LeftBrace)?.span;
        let mut settings = Vec::new();
        while !self.eat(TokenKind::RightBrace) {
            if self.at_item_end() {
                return Err(self.unclosed_block(open));
            }
            if self.eat(TokenKind::Semicolon) {
                continue;
            }
            match self.setting() {
                Ok(setting) => settings.push(setting),
                Err(Failed) => self.skip_statement(),
            }
        }
        Ok(ConfigBlock { span: self.since(start), settings })
    }

    fn setting(&mut self) -> Parsed<ConfigSetting> {
        let name = self.name("the name of a setting")?;
        self.expect(TokenKind::Assign)?;
        let value_span = self.token().span;
        let value = match self.kind() {
            TokenKind::Integer => ConfigValue::Integer(self.integer().value),
            TokenKind::String => ConfigValue::String(self.strings()),
            TokenKind::Identifier => match self.bump_name(0).text {
                word if word == "true" || word == "false" => ConfigValue::Bool(word == "true"),
                word => ConfigValue::Word(word),
            },
            _ => return Err(self.expected("a number, a string or a word")),
        };
        let value_span = self.since(value_span);
        let setting = ConfigSetting { span: self.since(name.span), name, value, value_span };
        if !matches!(self.kind(), TokenKind::Semicolon | TokenKind::RightBrace) && !self.at_item_end() {
            self.missing_semicolon()?;
        }
        Ok(setting)
    }

    fn import(&mut self) -> Parsed<Import> {
        let start = self.bump().span;
        if self.kind() != TokenKind::String {
            return Err(self.expected_with_help("a path in quotes", Some("imports are written `import \"file.bt\";`")));
        }
        let path = String::from_utf8_lossy(&self.strings()).into_owned();
        let import = Import { span: self.since(start), path };
        self.item_semicolon();
        Ok(import)
    }

    /// Reads `let @name = kind(entries);` or `let @name: type;`.
    fn map_declaration(&mut self) -> Parsed<MapDeclaration> {
        let start = self.bump().span;
        if self.kind() != TokenKind::Map {
            let help = "only maps are declared at the top level; variables belong into a probe";
            return Err(self.expected_with_help("a map", Some(help)));
        }
        let map = self.bump_name(1);
        let ty = if self.eat(TokenKind::Colon) { Some(self.type_expr()?) } else { None };
        let mut kind = None;
        if ty.is_none() || self.kind() == TokenKind::Assign {
            self.expect(TokenKind::Assign)?;
            let name = self.name("the kind of the map")?;
            let open = self.expect(TokenKind::LeftParenthesis)?.span;
            let arguments = self.expressions(TokenKind::RightParenthesis)?;
            self.close_parenthesis(open)?;
            kind = Some((name, arguments));
        }
        let declaration = MapDeclaration { span: self.since(start), map, kind, ty };
        self.item_semicolon();
        Ok(declaration)
    }

    /// Reads the semicolon of an item; a missing one is reported, and nothing is lost by it.
    fn item_semicolon(&mut self) {
        if self.eat(TokenKind::Semicolon) {
            return;
        }
        if self.missing_semicolon().is_err() && !self.at_item_end() {
            self.skip_statement();
        }
    }

    fn macro_definition(&mut self) -> Parsed<Macro> {
        let start = self.bump().span;
        let name = self.name("the name of the macro")?;
        let mut parameters = Vec::new();
        if self.kind() == TokenKind::LeftParenthesis {
            let open = self.bump().span;
            while self.kind() != TokenKind::RightParenthesis {
                parameters.push(self.macro_parameter()?);
                if !self.eat(TokenKind::Comma) {
                    break;
                }
            }
            self.close_parenthesis(open)?;
        }
        self.in_macro = true;
        let body = self.value_block();
        self.in_macro = false;
        Ok(Macro { span: self.since(start), name, parameters, body: body? })
    }

    fn macro_parameter(&mut self) -> Parsed<MacroParameter> {
        match self.kind() {
            TokenKind::Identifier => Ok(MacroParameter::Expression(self.bump_name(0))),
            TokenKind::Variable => Ok(MacroParameter::Variable(self.bump_name(1))),
            TokenKind::Map => Ok(MacroParameter::Map(self.bump_name(1))),
            _ => Err(self.expected_with_help("a parameter", Some("parameters are written `name`, `$name` or `@name`"))),
        }
    }

    fn function(&mut self) -> Parsed<FunctionDefinition> {
        let start = self.bump().span;
        let name = self.name("the name of the function")?;
        let open = self.expect(TokenKind::LeftParenthesis)?.span;
        let mut parameters = Vec::new();
        while self.kind() != TokenKind::RightParenthesis {
            parameters.push(self.function_parameter()?);
            if !self.eat(TokenKind::Comma) {
                break;
            }
        }
        self.close_parenthesis(open)?;
        let returns = if self.eat(TokenKind::Colon) { Some(self.type_expr()?) } else { None };
        let body = self.block()?;
        Ok(FunctionDefinition { span: self.since(start), name, parameters, returns, body })
    }

    fn function_parameter(&mut self) -> Parsed<(Name, TypeExpr)> {
        if self.kind() != TokenKind::Variable {
            return Err(self.expected_with_help("a parameter", Some("parameters are written `$name: type`")));
        }
        let name = self.bump_name(1);
        self.expect(TokenKind::Colon)?;
        Ok((name, self.type_expr()?))
    }

    /// Reports something about an attach point.
    pub(super) fn bad_attach_point(&mut self, span: crate::span::Span, message: &str, help: &str) -> Failed {
        self.report(Diagnostic::error(Code::BadAttachPoint, span, message).help(help));
        Failed
    }
}
