//! Which probes there are: for `lancet -l`.

use super::{PROVIDERS, Provider, is_called, types, unknown_type};
use lancet_kernel::{Kernel, Unavailable, wildcard_matches};
use std::cell::RefCell;

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

/// What a pattern finds.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Listing {
    /// The probes that match.
    pub probes: Vec<Listed>,
    /// Why there may be more: what could not be read, or what a pattern names that is not there.
    pub missed: Vec<String>,
}

impl Listing {
    fn add(&mut self, other: Self) {
        self.probes.extend(other.probes);
        for missed in other.missed {
            self.miss(missed);
        }
    }

    /// Several probe types miss the same.
    fn miss(&mut self, missed: String) {
        if !self.missed.contains(&missed) {
            self.missed.push(missed);
        }
    }
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
    /// The pattern has the name of the provider, so that even what is not there is worth a word.
    is_named: bool,
    /// What the provider could not look at.
    missed: RefCell<Vec<String>>,
}

impl<'a> Query<'a> {
    /// The n-th part of the pattern, `*` where it is empty or the pattern ends before.
    pub(super) fn part(&self, index: usize) -> &'a str {
        self.parts.get(index).copied().filter(|part| !part.is_empty()).unwrap_or("*")
    }

    /// What was found, or nothing, and then why.
    pub(super) fn found<T: Default>(&self, found: Result<T, Unavailable>) -> T {
        found.unwrap_or_else(|unavailable| {
            if self.is_named || !matches!(unavailable, Unavailable::Missing(_)) {
                self.missed.borrow_mut().push(unavailable.message().to_owned());
            }
            T::default()
        })
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
pub fn list(pattern: &str, kernel: &dyn Kernel, pid: Option<u32>, arguments: bool) -> Listing {
    let mut listing = Listing::default();
    for pattern in pattern.split(',') {
        listing.add(list_one(pattern.trim(), kernel, pid, arguments));
    }
    listing
}

fn list_one(pattern: &str, kernel: &dyn Kernel, pid: Option<u32>, arguments: bool) -> Listing {
    if let Some(types) = types::list(pattern, kernel, arguments) {
        return Listing { probes: types, missed: Vec::new() };
    }
    let Some((provider, rest)) = pattern.split_once(':') else { return list_word(pattern, kernel, pid, arguments) };
    let provider = if provider.is_empty() { "*" } else { provider };
    let mut listing = Listing::default();
    let mut is_known = false;
    for known in PROVIDERS {
        let is_named = is_called(*known, provider);
        if is_named || wildcard_matches(provider, known.name()) {
            is_known = true;
            let parts = rest.split(':').collect();
            let missed = RefCell::default();
            listing.add(ask(*known, Query { kernel, parts, pid, arguments, is_named, missed }));
        }
    }
    if !is_known {
        let (message, help) = unknown_type(provider);
        listing.miss(help.map_or(message.clone(), |help| format!("{message}; {help}")));
    }
    listing
}

fn ask(provider: &dyn Provider, query: Query<'_>) -> Listing {
    let probes = provider.list(&query);
    let mut listing = Listing { probes, missed: Vec::new() };
    for missed in query.missed.into_inner() {
        listing.miss(missed);
    }
    listing
}

fn list_word(word: &str, kernel: &dyn Kernel, pid: Option<u32>, arguments: bool) -> Listing {
    let mut listing = Listing::default();
    let is_all = word == "*";
    for provider in PROVIDERS {
        // Arguments are looked up for the few that match: all of them take seconds.
        let arguments = is_all && arguments;
        let query = Query { kernel, parts: Vec::new(), pid, arguments, is_named: false, missed: RefCell::default() };
        listing.add(ask(*provider, query));
    }
    if is_all {
        return listing;
    }
    listing.probes.retain(|probe| {
        let last = probe.name.rsplit(':').next().unwrap_or_default();
        wildcard_matches(word, &probe.name) || wildcard_matches(word, last)
    });
    if arguments {
        let matching = std::mem::take(&mut listing.probes);
        for probe in matching {
            listing.add(list_one(&probe.name, kernel, pid, true));
        }
    }
    listing
}
