//! Tokens: what the lexer makes of text and the parser reads.
//!
//! Invariant: a token is two places, no text: `span` is where the user sees it, `spelling` where its characters stand.
//! They differ only for tokens that a `#define` put in: those carry the span of the use.

use std::fmt::Write;

use crate::span::{SourceMap, Span};

macro_rules! punctuation {
    ($($name:ident = $text:literal,)*) => {
        /// What a token is.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum TokenKind {
            /// A word; keywords are words, their meaning depends on the place.
            Identifier,
            /// `$name`.
            Variable,
            /// `@name` or `@`.
            Map,
            /// `$1`.
            Positional,
            /// `$#`.
            PositionalCount,
            /// A number with its suffix.
            Integer,
            /// A character in single quotes.
            Character,
            /// A string in double quotes.
            String,
            /// One part of an attach point between colons; may be empty.
            ProbePart,
            /// The slash that ends a predicate.
            EndPredicate,
            /// A whole preprocessor line at the top level.
            Directive,
            /// Text that the lexer has reported already.
            Invalid,
            /// The end of the file.
            End,
            $(#[doc = concat!("`", $text, "`.")] $name,)*
        }

        impl TokenKind {
            /// The longest punctuation that `text` starts with, and its length.
            pub fn punctuation(text: &str) -> Option<(TokenKind, usize)> {
                // Most of them are ruled out by the first byte.
                let first = *text.as_bytes().first()?;
                $(if first == $text.as_bytes()[0] && text.starts_with($text) {
                    return Some((TokenKind::$name, $text.len()));
                })*
                None
            }

            /// How the kind is called in messages.
            pub fn describe(self) -> &'static str {
                match self {
                    Self::Identifier => "a name",
                    Self::Variable => "a variable",
                    Self::Map => "a map",
                    Self::Positional | Self::PositionalCount => "a positional parameter",
                    Self::Integer => "a number",
                    Self::Character => "a character",
                    Self::String => "a string",
                    Self::ProbePart => "a probe",
                    Self::EndPredicate => "`/`",
                    Self::Directive => "a preprocessor line",
                    Self::Invalid => "unreadable text",
                    Self::End => "the end of the script",
                    $(Self::$name => concat!("`", $text, "`"),)*
                }
            }
        }
    };
}

// Longer ones first: the first that fits is taken.
punctuation! {
    ShiftLeftAssign = "<<=",
    ShiftRightAssign = ">>=",
    Ellipsis = "...",
    Range = "..",
    Paste = "##",
    Arrow = "->",
    Increment = "++",
    Decrement = "--",
    AddAssign = "+=",
    SubtractAssign = "-=",
    MultiplyAssign = "*=",
    DivideAssign = "/=",
    ModuloAssign = "%=",
    AndAssign = "&=",
    OrAssign = "|=",
    XorAssign = "^=",
    ShiftLeft = "<<",
    ShiftRight = ">>",
    EqualEqual = "==",
    NotEqual = "!=",
    LessEqual = "<=",
    GreaterEqual = ">=",
    AndAnd = "&&",
    OrOr = "||",
    Assign = "=",
    Less = "<",
    Greater = ">",
    Plus = "+",
    Minus = "-",
    Star = "*",
    Slash = "/",
    Percent = "%",
    And = "&",
    Or = "|",
    Caret = "^",
    Not = "!",
    Tilde = "~",
    Question = "?",
    Colon = ":",
    Semicolon = ";",
    Comma = ",",
    Dot = ".",
    LeftParenthesis = "(",
    RightParenthesis = ")",
    LeftBracket = "[",
    RightBracket = "]",
    LeftBrace = "{",
    RightBrace = "}",
    Hash = "#",
}

/// One token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// Where the user sees it.
    pub span: Span,
    /// Where its characters stand.
    pub spelling: Span,
    /// True for the first token of a top-level item: where parsing can resume after an error.
    pub starts_item: bool,
}

impl Token {
    /// A token that stands where it is seen.
    pub fn new(kind: TokenKind, span: Span) -> Self {
        Self { kind, span, spelling: span, starts_item: false }
    }

    /// Its characters.
    pub fn text(self, sources: &SourceMap) -> &str {
        sources.text(self.spelling)
    }
}

/// One line per token: place, kind, text.
pub fn print(tokens: &[Token], sources: &SourceMap) -> String {
    let mut out = String::new();
    for token in tokens {
        let start = sources.start(token.span);
        let place = format!("{}:{}", start.line, start.column);
        // Writing into a String cannot fail.
        let _ = writeln!(out, "{place:<8}{:<18}{}", format!("{:?}", token.kind), token.text(sources).escape_debug());
    }
    out
}
