//! Names as the source says them: C++ and Rust symbols demangled.

use cpp_demangle::{DemangleOptions, ParseOptions, Symbol};

/// Names nested deeper are no names that a compiler makes.
const DEPTH: u32 = 96;

/// A symbol's name as its source says it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Demangled {
    /// With parameters and, for templates, what it returns: `long conf::thrice<long>(long)`.
    pub full: String,
    /// Without both: `conf::thrice<long>`.
    pub name: String,
}

/// Demangles; `None` for names that are not mangled.
pub fn demangle(symbol: &str) -> Option<Demangled> {
    if symbol.starts_with("_R") || symbol.starts_with("_ZN") {
        // C++ names look the same but for the hash at the end, which is no name there.
        if let Some(rust) = rust_name(symbol) {
            return Some(Demangled { full: rust.clone(), name: rust });
        }
    }
    if !symbol.starts_with("_Z") {
        return None;
    }
    let parsed = Symbol::new_with_options(symbol, &ParseOptions::default().recursion_limit(DEPTH)).ok()?;
    let options = || DemangleOptions::new().recursion_limit(DEPTH);
    let full = parsed.demangle_with_options(&options()).ok()?;
    let name = parsed.demangle_with_options(&options().no_params().no_return_type()).ok()?;
    Some(Demangled { full, name })
}

fn rust_name(symbol: &str) -> Option<String> {
    let has_hash = symbol.starts_with("_R") || symbol.contains("17h") && symbol.ends_with('E');
    let demangled = rustc_demangle::try_demangle(symbol).ok().filter(|_| has_hash)?;
    // The alternate form leaves the hash out.
    Some(format!("{demangled:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_source() {
        for (symbol, full, name) in [
            ("_ZN4conf5twiceEi", "conf::twice(int)", "conf::twice"),
            ("_ZN4conf6thriceIiEET_S1_", "int conf::thrice<int>(int)", "conf::thrice<int>"),
            ("_ZN4conf7Counter4bumpEi", "conf::Counter::bump(int)", "conf::Counter::bump"),
            (
                "_ZN4core3fmt9Formatter3pad17h0123456789abcdefE",
                "core::fmt::Formatter::pad",
                "core::fmt::Formatter::pad",
            ),
            ("_RNvC3app4main", "app::main", "app::main"),
        ] {
            assert_eq!(demangle(symbol), Some(Demangled { full: full.into(), name: name.into() }), "{symbol}");
        }
    }

    #[test]
    fn other_names_are_left_alone() {
        for symbol in ["main", "_start", "_Znonsense", "_ZN", "", "_R"] {
            assert_eq!(demangle(symbol), None, "{symbol}");
        }
    }
}
