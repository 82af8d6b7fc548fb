//! Where in a file a function, an address or a source line is.
//!
//! Invariant: no place is inside an instruction, where a breakpoint would change what the program does, unless the user
//! insists.

use super::super::{Cx, Refused, is_pattern};
use lancet_kernel::debug_info::UnknownLine;
use lancet_kernel::{Executable, Symbol, demangle, wildcard_matches};
use lancet_syntax::code::Code;
use std::fmt;
use std::path::Path;

/// What a script asks for.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Wanted {
    /// A function of that name, and a place in it.
    Function { name: String, offset: u64 },
    /// Functions whose names match.
    Matching(String),
    /// An address of the symbol table.
    Address(u64),
    /// Functions whose names in the source match.
    Cpp(String),
    /// A source line.
    Line { file: String, line: u32, column: Option<u32> },
}

/// Where to put a probe.
pub(super) struct Place {
    /// Its name behind the file's.
    pub(super) name: String,
    pub(super) file_offset: u64,
}

impl Wanted {
    /// Reads `function`, `function+offset`, a pattern or an address.
    pub(super) fn parse(cx: &Cx<'_>, text: &str) -> Result<Self, Refused> {
        if text.is_empty() {
            return Err(cx.wrong(Code::BadAttachPoint, "the function is missing"));
        }
        if let Some(address) = crate::settings::parse_number(text) {
            return Ok(Self::Address(address as u64));
        }
        if is_pattern(text) {
            return Ok(Self::Matching(text.to_owned()));
        }
        let Some((name, offset)) = text.rsplit_once('+') else {
            return Ok(Self::Function { name: text.to_owned(), offset: 0 });
        };
        match crate::settings::parse_number(offset).and_then(|offset| u64::try_from(offset).ok()) {
            Some(offset) => Ok(Self::Function { name: name.to_owned(), offset }),
            None => Err(cx.wrong(Code::BadProbeArgument, format!("\"{offset}\" is not an offset"))),
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Function { name, offset: 0 } | Self::Matching(name) | Self::Cpp(name) => f.write_str(name),
            Self::Function { name, offset } => write!(f, "{name}+{offset}"),
            Self::Address(address) => write!(f, "{address:#x}"),
            Self::Line { file, line, column: None } => write!(f, "{file}:{line}"),
            Self::Line { file, line, column: Some(column) } => write!(f, "{file}:{line}:{column}"),
        }
    }
}

/// The places in one file; those of a pattern may be none.
pub(super) fn find(
    cx: &Cx<'_>,
    executable: &dyn Executable,
    path: &Path,
    wanted: &Wanted,
) -> Result<Vec<Place>, Refused> {
    match wanted {
        Wanted::Function { name, offset } => function(cx, executable, path, name, *offset).map(|place| vec![place]),
        Wanted::Matching(pattern) => {
            let matching = executable.functions().iter().filter(|symbol| wildcard_matches(pattern, &symbol.name));
            Ok(matching.map(|symbol| Place::of(symbol, "")).collect())
        }
        Wanted::Cpp(name) => {
            let matching = executable.functions().iter().filter(|symbol| is_cpp_name(name, symbol));
            Ok(matching.map(|symbol| Place::of(symbol, "cpp:")).collect())
        }
        Wanted::Address(address) => self::address(cx, executable, path, *address).map(|place| vec![place]),
        Wanted::Line { file, line, column } => source_line(cx, executable, path, (file, *line, *column)),
    }
}

/// Whether a symbol has that name in the source: with its parameters, or without them whatever they are.
pub(super) fn is_cpp_name(wanted: &str, symbol: &Symbol) -> bool {
    match demangle(&symbol.name) {
        Some(found) => wildcard_matches(wanted, &found.full) || wildcard_matches(wanted, &found.name),
        None => wildcard_matches(wanted, &symbol.name),
    }
}

impl Place {
    fn of(symbol: &Symbol, qualifier: &str) -> Self {
        Self { name: format!("{qualifier}{}", symbol.name), file_offset: symbol.file_offset }
    }
}

fn function(cx: &Cx<'_>, executable: &dyn Executable, path: &Path, name: &str, offset: u64) -> Result<Place, Refused> {
    let Some(symbol) = executable.function(name) else {
        let names = executable.functions().iter().map(|symbol| symbol.name.as_str());
        let nearest = lancet_kernel::nearest(name, names).map(|found| format!("{}:{found}", path.display()));
        return Err(cx.missing(format!("{} has no function {name}", path.display()), nearest));
    };
    if offset == 0 {
        return Ok(Place::of(symbol, ""));
    }
    if symbol.size > 0 && offset >= symbol.size {
        let message = format!("offset {offset} is outside of {}, which has {} bytes", symbol.name, symbol.size);
        return Err(cx.wrong_help(Code::BadProbeArgument, message, "offsets are bytes from the start of the function"));
    }
    starts_instruction(cx, executable, symbol, offset)?;
    Ok(Place { name: format!("{name}+{offset}"), file_offset: symbol.file_offset + offset })
}

fn address(cx: &Cx<'_>, executable: &dyn Executable, path: &Path, address: u64) -> Result<Place, Refused> {
    let Some(file_offset) = executable.file_offset(address) else {
        return Err(cx.wrong_help(
            Code::BadProbeArgument,
            format!("address {address:#x} is in no executable segment of {}", path.display()),
            "addresses are those of the symbol table (nm, objdump)",
        ));
    };
    if let Some(symbol) = holding(executable, address) {
        starts_instruction(cx, executable, symbol, address - symbol.address)?;
    }
    Ok(Place { name: address.to_string(), file_offset })
}

/// The function that an address is in.
fn holding(executable: &dyn Executable, address: u64) -> Option<&Symbol> {
    let holds = |symbol: &&Symbol| address.checked_sub(symbol.address).is_some_and(|within| within < symbol.size);
    executable.functions().iter().find(holds)
}

/// Refuses an offset that is inside an instruction.
fn starts_instruction(cx: &Cx<'_>, executable: &dyn Executable, symbol: &Symbol, offset: u64) -> Result<(), Refused> {
    if offset == 0 || cx.environment.settings.allow_unsafe {
        return Ok(());
    }
    let starts = executable.instructions(symbol);
    // Where decoding ended nothing is known.
    if starts.last().is_none_or(|last| offset > *last) || starts.binary_search(&offset).is_ok() {
        return Ok(());
    }
    let after = starts.partition_point(|start| *start < offset);
    let around: Vec<String> =
        starts[after - 1..].iter().take(2).map(|start| format!("{}+{start}", symbol.name)).collect();
    Err(cx.wrong_help(
        Code::BadProbeArgument,
        format!("{}+{offset} is inside an instruction: a probe there would change what the program does", symbol.name),
        format!("instructions start at {}; --unsafe insists", around.join(" and ")),
    ))
}

/// The first code of a line in each function that has some of it.
fn source_line(
    cx: &Cx<'_>,
    executable: &dyn Executable,
    path: &Path,
    (file, line, column): (&str, u32, Option<u32>),
) -> Result<Vec<Place>, Refused> {
    let shown = path.display();
    let info = executable.debug_info().map_err(|error| {
        let help = "compile the program with -g, or install its debug symbols";
        cx.wrong_help(Code::NoSuchProbe, format!("source lines are not known: {}", error.message()), help)
    })?;
    let addresses = info.line(file, line, column).map_err(|unknown| match unknown {
        UnknownLine::File => cx.missing(format!("the debug information of {shown} knows no file {file}"), None),
        UnknownLine::Line(before, after) => {
            let others: Vec<String> = [before, after].iter().flatten().map(|line| format!("{file}:{line}")).collect();
            let nearest = (!others.is_empty()).then(|| others.join(" or "));
            cx.missing(format!("no code of {shown} comes from {file}:{line}"), nearest)
        }
        UnknownLine::Column(columns) => {
            let nearest = columns.first().map(|column| format!("{file}:{line}:{column}"));
            cx.missing(format!("no code of {shown} comes from that column of {file}:{line}"), nearest)
        }
    })?;
    let mut places = Vec::new();
    let mut seen = Vec::new();
    for address in addresses {
        let function = holding(executable, address).map(|symbol| symbol.address);
        let Some(file_offset) = executable.file_offset(address) else { continue };
        if !seen.contains(&function) {
            seen.push(function);
            places.push(Place { name: address.to_string(), file_offset });
        }
    }
    Ok(places)
}
