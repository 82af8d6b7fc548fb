//! Single directives.

use std::rc::Rc;

use super::lines::Conditional;
use super::{Definition, Preprocessor};
use crate::code::Code;
use crate::diagnostic::Diagnostics;
use crate::lexer::lex_c;
use crate::span::{FileId, Span};
use crate::token::{Token, TokenKind};

impl Preprocessor<'_> {
    /// Follows the directive in that range of a file.
    pub(super) fn directive(&mut self, file: FileId, start: usize, end: usize) {
        let text = &self.sources.file(file).text;
        // The report of a directive does not include white space around it.
        let trimmed = text[start..end].trim_start_matches([' ', '\t', '\u{feff}']);
        let start = end - trimmed.len();
        let span = Span::new(file, start, start + trimmed.trim_end().len());
        let mut ignored = Diagnostics::default();
        let mut tokens = lex_c(text, file, start..end, &mut ignored);
        tokens.pop();
        let Some(name) = tokens.get(1) else { return };
        let name = name.text(self.sources).to_string();
        let rest = &tokens[2..];
        match name.as_str() {
            "if" | "ifdef" | "ifndef" => self.open_conditional(&name, span, rest),
            "elif" | "elifdef" | "elifndef" | "else" | "endif" => self.next_branch(&name, span, rest),
            _ if !self.is_active() => {}
            "define" => self.define_directive(span, rest),
            "undef" => match rest.first() {
                Some(name) if name.kind == TokenKind::Identifier => {
                    let name = name.text(self.sources).to_string();
                    self.define(span, name, None);
                }
                _ => self.bad_directive(span, "#undef needs a name"),
            },
            "include" | "include_next" => self.include(file, span, rest, name == "include_next"),
            "pragma" => {
                if rest.first().is_some_and(|token| token.text(self.sources) == "once") {
                    self.once.insert(self.sources.file(file).name.clone());
                }
            }
            "error" => {
                let message = self.rest_of_line(span, rest);
                self.bad_directive(span, &format!("#error: {message}"));
            }
            "warning" | "line" | "ident" | "sccs" | "assert" | "unassert" => {}
            _ => {
                let message = format!("`#{name}` is no preprocessor directive");
                self.bad_directive(span, &message);
            }
        }
    }

    fn rest_of_line(&self, span: Span, rest: &[Token]) -> String {
        let start = rest.first().map_or(span.end, |token| token.span.start);
        self.sources.text(Span { start, ..span }).trim_matches('"').to_string()
    }

    fn bad_directive(&mut self, span: Span, message: &str) {
        self.error(Code::BadDirective, span, message.to_string());
    }

    fn open_conditional(&mut self, name: &str, span: Span, rest: &[Token]) {
        let outer = self.is_active();
        let active = outer && self.branch_condition(name, span, rest);
        self.conditionals.push(Conditional { span, outer, active, taken: active, otherwise: false });
    }

    /// Goes on to another branch, or ends the conditional.
    fn next_branch(&mut self, name: &str, span: Span, rest: &[Token]) {
        let Some(last) = self.conditionals.last() else {
            return self.bad_directive(span, &format!("#{name} without #if"));
        };
        if name == "endif" {
            self.conditionals.pop();
            return;
        }
        if last.otherwise {
            return self.bad_directive(span, &format!("#{name} behind #else"));
        }
        let wanted = last.outer && !last.taken;
        let otherwise = name == "else";
        let active = wanted && (otherwise || self.branch_condition(name, span, rest));
        if let Some(last) = self.conditionals.last_mut() {
            last.active = active;
            last.taken |= active;
            last.otherwise = otherwise;
        }
    }

    fn branch_condition(&mut self, name: &str, span: Span, rest: &[Token]) -> bool {
        if matches!(name, "if" | "elif") {
            return self.condition(span, rest);
        }
        let Some(word) = rest.first().filter(|token| token.kind == TokenKind::Identifier) else {
            self.bad_directive(span, &format!("#{name} needs a name"));
            return false;
        };
        let defined = self.definitions.contains_key(word.text(self.sources));
        defined != name.ends_with("ndef")
    }

    fn define_directive(&mut self, span: Span, rest: &[Token]) {
        let Some((name, mut rest)) = rest.split_first().filter(|(name, _)| name.kind == TokenKind::Identifier) else {
            return self.bad_directive(span, "#define needs a name");
        };
        let mut parameters = None;
        let mut variadic = false;
        // Only a parenthesis directly behind the name makes a macro function-like.
        let adjacent = rest.first().is_some_and(|token| token.span.start == name.span.end);
        if adjacent && rest[0].kind == TokenKind::LeftParenthesis {
            let Some(close) = rest.iter().position(|token| token.kind == TokenKind::RightParenthesis) else {
                return self.bad_directive(span, "the parameters of this #define have no `)`");
            };
            let (list, body) = rest.split_at(close);
            let mut names = Vec::new();
            for token in &list[1..] {
                match token.kind {
                    TokenKind::Identifier => names.push(token.text(self.sources).to_string()),
                    TokenKind::Comma => {}
                    TokenKind::Ellipsis => variadic = true,
                    _ => return self.bad_directive(span, "the parameters of a #define are names"),
                }
            }
            // `args...` names the rest, `...` alone is called `__VA_ARGS__`.
            let named = variadic && list.len() > 2 && list[list.len() - 2].kind == TokenKind::Identifier;
            if variadic && !named {
                names.push("__VA_ARGS__".to_string());
            }
            parameters = Some(names);
            rest = &body[1..];
        }
        let from_header = self.include_depth > 0;
        let definition = Definition { parameters, variadic, body: rest.to_vec(), from_header };
        let name = name.text(self.sources).to_string();
        self.define(span, name, Some(Rc::new(definition)));
    }
}
