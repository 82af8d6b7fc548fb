//! Which probes there are: for `lancet -l`.

use super::{PROVIDERS, types};
use lancet_kernel::{Kernel, wildcard_matches};

/// A probe that could be attached to.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Listed {
    /// The full name.
    pub name: String,
    /// Its arguments, `type name` each, as far as its description says.
    pub arguments: Vec<String>,
    /// For a type: its definition, which stands for the name where details are asked for.
    pub definition: Option<String>,
}

/// What is asked of a provider.
pub(super) struct Query<'a> {
    /// The machine.
    pub(super) kernel: &'a dyn Kernel,
    /// The pattern's parts behind the provider.
    parts: Vec<&'a str>,
    /// The process of `-p`.
    pub(super) pid: Option<u32>,
    /// Arguments are wanted too, where finding them costs something.
    pub(super) arguments: bool,
}

impl<'a> Query<'a> {
    /// The n-th part of the pattern, `*` where it is empty or the pattern ends before.
    pub(super) fn part(&self, index: usize) -> &'a str {
        self.parts.get(index).copied().filter(|part| !part.is_empty()).unwrap_or("*")
    }

    /// The number of parts.
    pub(super) fn len(&self) -> usize {
        self.parts.len()
    }
}

impl Listed {
    /// A probe whose arguments are not known.
    pub(super) fn named(name: String) -> Self {
        Self { name, ..Self::default() }
    }
}

/// The probes that match `pattern`: `provider:parts`, patterns separated by commas, or a word that a probe's whole name or
/// its last part matches.
pub fn list(pattern: &str, kernel: &dyn Kernel, pid: Option<u32>, arguments: bool) -> Vec<Listed> {
    pattern.split(',').flat_map(|pattern| list_one(pattern.trim(), kernel, pid, arguments)).collect()
}

fn list_one(pattern: &str, kernel: &dyn Kernel, pid: Option<u32>, arguments: bool) -> Vec<Listed> {
    if let Some(types) = types::list(pattern, kernel, arguments) {
        return types;
    }
    let Some((provider, rest)) = pattern.split_once(':') else { return list_word(pattern, kernel, pid, arguments) };
    let provider = if provider.is_empty() { "*" } else { provider };
    let parts: Vec<&str> = rest.split(':').collect();
    let query = Query { kernel, parts, pid, arguments };
    let matching = PROVIDERS
        .iter()
        .filter(|known| wildcard_matches(provider, known.name()) || known.aliases().contains(&provider));
    matching.flat_map(|known| known.list(&query)).collect()
}

fn list_word(word: &str, kernel: &dyn Kernel, pid: Option<u32>, arguments: bool) -> Vec<Listed> {
    let listed = |arguments| {
        let everything = Query { kernel, parts: Vec::new(), pid, arguments };
        PROVIDERS.iter().flat_map(move |provider| provider.list(&everything))
    };
    if word == "*" {
        return listed(arguments).collect();
    }
    let is_meant = |probe: &Listed| {
        let last = probe.name.rsplit(':').next().unwrap_or_default();
        wildcard_matches(word, &probe.name) || wildcard_matches(word, last)
    };
    let matching = listed(false).filter(is_meant);
    // Arguments are looked up for the few that match: all of them take seconds.
    if arguments {
        matching.flat_map(|probe| list_one(&probe.name, kernel, pid, true)).collect()
    } else {
        matching.collect()
    }
}
