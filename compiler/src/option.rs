//! The options of a script: what it reads with getopt(), for its `--help` and for what the command line may say.

use lancet_syntax::span::Span;
use std::fmt;

/// An option of a script.
#[derive(Clone, PartialEq, Debug)]
pub struct ScriptOption {
    /// The name, without dashes.
    pub name: String,
    /// What it is when the command line does not give it; says too what it may be.
    pub default: OptionValue,
    /// What the script says of it, if anything.
    pub description: Option<String>,
    /// The first place that reads it.
    pub span: Span,
}

/// The value of an option.
#[derive(Clone, PartialEq, Debug)]
pub enum OptionValue {
    /// It is given or not, or is true or false.
    Bool(bool),
    /// A number, as it is written.
    Number(String),
    /// A text.
    Text(String),
}

impl fmt::Display for OptionValue {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(out, "{value}"),
            Self::Number(value) => write!(out, "{value}"),
            Self::Text(value) => write!(out, "{value:?}"),
        }
    }
}
