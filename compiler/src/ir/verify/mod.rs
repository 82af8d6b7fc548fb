//! Checks a module against the contract of the intermediate representation; what passes never makes the code generator
//! panic.
//!
//! Messages are for the compiler's own developers: a module that fails here is a mistake of lowering or of a pass.
//! Structure is checked first; dominance only where the structure is sound, since it follows references.
//! It does not check what the kernel's verifier does: types of pointers, bounds of accesses through them.

mod dominance;
mod memory;
mod structure;

#[cfg(test)]
mod tests;

use super::{Function, FunctionId, Module};
use std::collections::HashSet;

/// All that is wrong with a module, each with the function's name.
pub fn verify(module: &Module) -> Vec<String> {
    let mut problems = duplicates("map", module.maps.values().map(|map| map.symbol.as_str()));
    problems.extend(duplicates("function", module.functions.values().map(|function| function.name.as_str())));
    for function in module.functions.values() {
        problems.extend(verify_function(function, module));
    }
    problems
}

/// All that is wrong with one function of a module.
pub fn verify_function(function: &Function, module: &Module) -> Vec<String> {
    let mut problems = structure::check(function, module);
    if problems.is_empty() {
        problems = memory::check(function, module);
        problems.extend(dominance::check(function));
    }
    problems.iter().map(|problem| format!("{}: {problem}", function.name)).collect()
}

/// Panics with `stage` and all problems when the module is not sound: for debug builds and tests.
pub fn assert_valid(module: &Module, stage: &str) {
    let problems = verify(module);
    assert!(problems.is_empty(), "{stage} broke the intermediate representation:\n{}\n{module}", problems.join("\n"));
}

/// The same for one function.
pub fn assert_valid_function(module: &Module, function: FunctionId, stage: &str) {
    let problems = verify_function(&module.functions[function], module);
    assert!(problems.is_empty(), "{stage} broke the intermediate representation:\n{}\n{module}", problems.join("\n"));
}

fn duplicates<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut seen = HashSet::new();
    names.filter(|name| !seen.insert(*name)).map(|name| format!("two {what}s are called {name}")).collect()
}
