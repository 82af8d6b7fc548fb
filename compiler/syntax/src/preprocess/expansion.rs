//! Macro expansion in tokens, as C defines it: arguments are expanded first, results are read again, a macro is not
//! expanded inside of its own expansion.

use std::rc::Rc;

use super::{Definition, Preprocessor};
use crate::code::Code;
use crate::diagnostic::Diagnostics;
use crate::lexer::lex_c;
use crate::span::Span;
use crate::token::{Token, TokenKind};

/// How many tokens all expansions of a script may produce: macros can double their size at every step.
const PRODUCTION_LIMIT: usize = 1_000_000;

/// How deep macro calls may nest in arguments of macro calls.
const DEPTH_LIMIT: u32 = 100;

/// Where tokens stand, which decides what is expanded.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Place {
    /// C: every word.
    C,
    /// An action: not the names of fields, nor what headers redefine of the language.
    Action,
    /// Settings and imports: nothing.
    Verbatim,
}

impl Place {
    /// The place that the first word of an item opens.
    pub(super) fn of_item(word: &str) -> Place {
        match word {
            "struct" | "union" | "enum" | "typedef" => Place::C,
            "config" | "import" => Place::Verbatim,
            _ => Place::Action,
        }
    }
}

/// The macros whose expansion a token comes from.
type Hidden = Option<Rc<HiddenName>>;

struct HiddenName {
    name: String,
    outer: Hidden,
}

/// A token still to be read.
struct Pending {
    token: Token,
    hidden: Hidden,
}

impl Preprocessor<'_> {
    /// Appends `tokens` to `out` with all macros expanded.
    pub(super) fn expand(&mut self, tokens: &[Token], place: Place, out: &mut Vec<Token>) {
        if place == Place::Verbatim || self.definitions.is_empty() {
            return out.extend_from_slice(tokens);
        }
        let mut work: Vec<Pending> = tokens.iter().rev().map(|token| Pending { token: *token, hidden: None }).collect();
        while let Some(pending) = work.pop() {
            let token = pending.token;
            match self.definition_for(&pending, place, out.last()) {
                Some(definition) if definition.parameters.is_none() => {
                    let hidden = self.hide(&pending);
                    let body = self.replaced(&definition, &[], token.span);
                    self.again(&mut work, body, &hidden);
                }
                Some(definition) if next_is_open(&work) => {
                    self.expand_call(&definition, pending, &mut work, place, out)
                }
                _ => out.push(token),
            }
        }
    }

    /// The macro that a token is a use of.
    fn definition_for(&self, pending: &Pending, place: Place, previous: Option<&Token>) -> Option<Rc<Definition>> {
        if pending.token.kind != TokenKind::Identifier {
            return None;
        }
        let name = pending.token.text(self.sources);
        let definition = self.definitions.get(name)?;
        let field = previous.is_some_and(|token| matches!(token.kind, TokenKind::Dot | TokenKind::Arrow));
        let defined =
            previous.is_some_and(|token| token.starts_item && matches!(token.text(self.sources), "macro" | "fn"));
        let reserved = definition.from_header && self.loader.is_reserved(name);
        let kept = place == Place::Action && (field || defined || reserved);
        let hidden = std::iter::successors(pending.hidden.as_ref(), |hidden| hidden.outer.as_ref());
        let expandable = !kept && self.produced < PRODUCTION_LIMIT && !{ hidden }.any(|hidden| hidden.name == name);
        expandable.then(|| definition.clone())
    }

    fn hide(&self, pending: &Pending) -> Hidden {
        let name = pending.token.text(self.sources).to_string();
        Some(Rc::new(HiddenName { name, outer: pending.hidden.clone() }))
    }

    /// Puts what a macro gave before what is still to be read.
    fn again(&mut self, work: &mut Vec<Pending>, tokens: Vec<Token>, hidden: &Hidden) {
        self.produced += tokens.len().max(1);
        if self.produced >= PRODUCTION_LIMIT
            && let Some(token) = tokens.first()
        {
            self.error(Code::BadDirective, token.span, "the macros of this script expand to too much".to_string());
        }
        work.extend(tokens.into_iter().rev().map(|token| Pending { token, hidden: hidden.clone() }));
    }

    fn expand_call(
        &mut self,
        definition: &Definition,
        name: Pending,
        work: &mut Vec<Pending>,
        place: Place,
        out: &mut Vec<Token>,
    ) {
        let Some((arguments, close)) = take_arguments(work) else {
            let message = format!("the arguments of `{}` have no `)`", name.token.text(self.sources));
            self.error(Code::BadMacroCall, name.token.span, message);
            // Every later call would end at the same missing parenthesis.
            out.push(name.token);
            return out.extend(work.drain(..).rev().map(|pending| pending.token));
        };
        let arguments = match self.fit(definition, &name.token, arguments) {
            Ok(arguments) => arguments,
            Err(message) => {
                self.error(Code::BadMacroCall, name.token.span, message);
                return out.push(name.token);
            }
        };
        if self.expansion_depth >= DEPTH_LIMIT {
            let message = format!("macros are nested more than {DEPTH_LIMIT} levels deep here");
            self.error(Code::NestedTooDeep, name.token.span, message);
            return out.push(name.token);
        }
        self.expansion_depth += 1;
        let expanded: Vec<Argument> = arguments
            .into_iter()
            .map(|written| {
                let mut expanded = Vec::new();
                self.expand(&written, place, &mut expanded);
                Argument { written, expanded }
            })
            .collect();
        self.expansion_depth -= 1;
        let hidden = self.hide(&name);
        let body = self.replaced(definition, &expanded, name.token.span.to(close.span));
        self.again(work, body, &hidden);
    }

    /// The arguments as the parameters take them.
    fn fit(
        &self,
        definition: &Definition,
        name: &Token,
        mut given: Vec<Vec<Token>>,
    ) -> Result<Vec<Vec<Token>>, String> {
        let wanted = definition.parameters.as_ref().map_or(0, Vec::len);
        if wanted == 0 && given.len() == 1 && given[0].is_empty() {
            given.clear();
        }
        if definition.variadic {
            if given.len() + 1 == wanted {
                given.push(Vec::new());
            }
            while given.len() > wanted.max(1) {
                let last = given.pop().unwrap_or_default();
                let comma = Token { kind: TokenKind::Comma, ..*name };
                if let Some(rest) = given.last_mut() {
                    rest.push(comma);
                    rest.extend(last);
                }
            }
        }
        if given.len() == wanted {
            return Ok(given);
        }
        let name = name.text(self.sources);
        let plural = if wanted == 1 { "" } else { "s" };
        Err(format!("the macro `{name}` takes {wanted} argument{plural}, not {}", given.len()))
    }

    /// The body of a macro with its arguments put in.
    fn replaced(&mut self, definition: &Definition, arguments: &[Argument], span: Span) -> Vec<Token> {
        let mut out: Vec<Token> = Vec::new();
        let argument = |this: &Self, token: &Token| {
            let parameters = definition.parameters.as_deref().unwrap_or_default();
            let found = parameters
                .iter()
                .position(|name| token.kind == TokenKind::Identifier && name == token.text(this.sources));
            found.and_then(|index| arguments.get(index))
        };
        let mut index = 0;
        while let Some(token) = definition.body.get(index) {
            let next = definition.body.get(index + 1);
            let own = Token { span, ..*token };
            index += 1;
            if token.kind == TokenKind::Hash
                && let Some(argument) = next.and_then(|next| argument(self, next))
            {
                out.push(self.text_of(&argument.written, span));
                index += 1;
            } else if token.kind == TokenKind::Paste
                && let Some(next) = next
            {
                let right = match argument(self, next) {
                    Some(argument) => argument.written.clone(),
                    None => vec![Token { span, ..*next }],
                };
                self.paste(&mut out, &right, span);
                index += 1;
            } else if let Some(argument) = argument(self, token) {
                let pasted = next.is_some_and(|next| next.kind == TokenKind::Paste);
                out.extend_from_slice(if pasted { &argument.written } else { &argument.expanded });
            } else {
                out.push(own);
            }
        }
        out
    }

    /// `#argument`: its text as a string.
    fn text_of(&mut self, tokens: &[Token], span: Span) -> Token {
        let words: Vec<&str> = tokens.iter().map(|token| token.text(self.sources)).collect();
        let text = words.join(" ").replace('\\', "\\\\").replace('"', "\\\"");
        let length = text.len() + 2;
        let file = self.sources.add("<macro>", format!("\"{text}\""));
        Token { kind: TokenKind::String, span, spelling: Span::new(file, 0, length), starts_item: false }
    }

    /// `left ## right`: the last token so far and the first of `right` become one.
    fn paste(&mut self, out: &mut Vec<Token>, right: &[Token], span: Span) {
        let Some((first, rest)) = right.split_first() else { return };
        let left = out.pop().map_or(String::new(), |token| token.text(self.sources).to_string());
        let text = left + first.text(self.sources);
        let length = text.len();
        let file = self.sources.add("<macro>", text);
        let mut ignored = Diagnostics::default();
        let mut joined = lex_c(&self.sources.file(file).text, file, 0..length, &mut ignored);
        joined.pop();
        out.extend(joined.into_iter().map(|token| Token { span, ..token }));
        out.extend_from_slice(rest);
    }
}

/// An argument of a macro, before and after its own expansion.
struct Argument {
    written: Vec<Token>,
    expanded: Vec<Token>,
}

fn next_is_open(work: &[Pending]) -> bool {
    work.last().is_some_and(|next| next.token.kind == TokenKind::LeftParenthesis)
}

/// Takes `(a, b)` off the tokens to be read; gives the arguments and the closing parenthesis.
fn take_arguments(work: &mut Vec<Pending>) -> Option<(Vec<Vec<Token>>, Token)> {
    let mut depth = 0usize;
    let mut arguments = vec![Vec::new()];
    let close = work.iter().rev().position(|pending| {
        match pending.token.kind {
            TokenKind::LeftParenthesis | TokenKind::LeftBrace | TokenKind::LeftBracket => depth += 1,
            TokenKind::RightParenthesis | TokenKind::RightBrace | TokenKind::RightBracket => {
                depth = depth.saturating_sub(1);
            }
            _ => {}
        }
        depth == 0
    })?;
    let taken = work.split_off(work.len() - close - 1);
    let mut depth = 0usize;
    for pending in taken[1..].iter().rev().skip(1) {
        match pending.token.kind {
            TokenKind::LeftParenthesis | TokenKind::LeftBrace | TokenKind::LeftBracket => depth += 1,
            TokenKind::RightParenthesis | TokenKind::RightBrace | TokenKind::RightBracket => {
                depth = depth.saturating_sub(1);
            }
            TokenKind::Comma if depth == 0 => {
                arguments.push(Vec::new());
                continue;
            }
            _ => {}
        }
        if let Some(last) = arguments.last_mut() {
            last.push(pending.token);
        }
    }
    Some((arguments, taken[0].token))
}
