//! Script text to syntax tree and back: tokens, grammar, tree, printer, and the diagnostics every later stage uses.

pub mod ast;
pub mod code;
pub mod diagnostic;
pub mod lexer;
pub mod literal;
pub mod parser;
pub mod preprocess;
pub mod printer;
pub mod render;
pub mod span;
pub mod token;

pub use parser::{parse, parse_c};
pub use preprocess::parse_expanded;

#[cfg(test)]
mod front_end_tests;
