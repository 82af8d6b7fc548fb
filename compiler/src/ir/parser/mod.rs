//! From the text that the printer writes back to a module, so that passes can be tested alone.
//!
//! Invariant: what is parsed prints as the same text. Lines that are empty or start with `;` are skipped; all spans are
//! empty. It does not verify: references may lead nowhere.

mod function;
mod instruction;
mod line;

#[cfg(test)]
mod tests;

use super::entity::Entity;
use super::{FunctionId, MapData, MapId, MapKind, Module};
use function::FunctionParser;
use line::{Line, Parsed};
use std::fmt;

/// Why a text is no module.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub message: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.message)
    }
}

/// Parses a module.
pub fn parse(text: &str) -> Result<Module, ParseError> {
    let symbols = Symbols::collect(text);
    let mut parser = ModuleParser { module: Module::default(), symbols, function: None };
    let mut last = 0;
    for (index, line) in text.lines().enumerate() {
        last = index + 1;
        let content = line.trim();
        if !content.is_empty() && !content.starts_with(';') {
            parser.line(content).map_err(|message| ParseError { line: last, message })?;
        }
    }
    match parser.function {
        Some(_) => Err(ParseError { line: last, message: "the last function does not end".into() }),
        None => Ok(parser.module),
    }
}

struct ModuleParser {
    module: Module,
    symbols: Symbols,
    function: Option<FunctionParser>,
}

impl ModuleParser {
    fn line(&mut self, content: &str) -> Parsed<()> {
        let mut line = Line::new(content);
        match &mut self.function {
            Some(_) if content == "}" => {
                let function = self.function.take().map(FunctionParser::finish).transpose()?;
                function.into_iter().for_each(|function| {
                    self.module.functions.push(function);
                });
            }
            Some(function) => function.line(&mut line, &self.symbols)?,
            None => self.declaration(&mut line)?,
        }
        if content == "}" { Ok(()) } else { line.end() }
    }

    fn declaration(&mut self, line: &mut Line<'_>) -> Parsed<()> {
        match line.word()? {
            "map" => {
                let map = map(line)?;
                self.module.maps.push(map);
            }
            "global" => {
                line.expect(&format!("g{}", self.module.globals.len()))?;
                self.module.globals.push(line.bytes()?);
            }
            keyword => self.function = Some(FunctionParser::start(keyword, line)?),
        }
        Ok(())
    }
}

fn map(line: &mut Line<'_>) -> Parsed<MapData> {
    let symbol = line.symbol("@")?;
    let kind = line.word()?;
    Ok(MapData {
        symbol,
        kind: MapKind::from_name(kind).ok_or_else(|| format!("`{kind}` is no kind of map"))?,
        key_size: line.field("key")?,
        value_size: line.field("value")?,
        max_entries: line.field("entries")?,
        flags: line.field("flags")?,
    })
}

/// What maps and functions are called: references may come before what they refer to.
struct Symbols {
    maps: Vec<String>,
    functions: Vec<String>,
}

impl Symbols {
    fn collect(text: &str) -> Self {
        let mut symbols = Self { maps: Vec::new(), functions: Vec::new() };
        for content in text.lines() {
            let mut line = Line::new(content);
            match line.word() {
                // Damaged declarations are reported when their line is parsed.
                Ok("map") => symbols.maps.extend(line.symbol("@")),
                Ok("program" | "subprogram" | "callback") => symbols.functions.extend(line.symbol("%")),
                _ => {}
            }
        }
        symbols
    }

    fn map(&self, line: &mut Line<'_>) -> Parsed<MapId> {
        Self::reference(line, "@", "m", &self.maps)
    }

    fn function(&self, line: &mut Line<'_>) -> Parsed<FunctionId> {
        Self::reference(line, "%", "f", &self.functions)
    }

    fn reference<E: Entity>(line: &mut Line<'_>, mark: &str, prefix: &str, names: &[String]) -> Parsed<E> {
        if !line.next_is(mark) {
            return line.entity(prefix);
        }
        let name = line.symbol(mark)?;
        let index = names.iter().position(|candidate| *candidate == name);
        index.map(E::new).ok_or_else(|| format!("there is no {mark}{name}"))
    }
}
