//! The USDT probes that could be traced, with the types of their arguments.

use super::super::list::{Listed, Query};
use super::argument;
use lancet_kernel::{UsdtNote, wildcard_matches};

/// Probes of the files that the pattern names, or that the process of `-p` runs; all programs of the machine are not
/// searched.
pub(super) fn probes(query: &Query<'_>) -> Vec<Listed> {
    let (target, namespace, name) = match query.len() {
        0 => ("*", "*", "*"),
        1 if query.pid.is_some() && !query.part(0).contains('/') => ("*", "*", query.part(0)),
        1 | 2 => (query.part(0), "*", query.part(1)),
        _ => (query.part(0), query.part(1), query.part(2)),
    };
    let target = if target.is_empty() { "*" } else { target };
    if target == "*" && query.pid.is_none() {
        return Vec::new();
    }
    let namespace = if namespace.is_empty() { "*" } else { namespace };
    let mut listed = Vec::new();
    for path in query.found(query.kernel.executables(target, query.pid)) {
        let mut notes = query.found(query.kernel.usdt_notes(&path));
        notes.retain(|note| wildcard_matches(namespace, &note.namespace) && wildcard_matches(name, &note.name));
        // The places of one probe are listed once, with the arguments of the first.
        notes.sort_by(|one, other| key(one).cmp(&key(other)));
        notes.dedup_by(|one, other| key(one) == key(other));
        listed.extend(notes.into_iter().map(|note| Listed {
            name: format!("usdt:{}:{}:{}", path.display(), note.namespace, note.name),
            arguments: declarations(&note.arguments),
            ..Listed::default()
        }));
    }
    listed
}

fn key(note: &UsdtNote) -> (&str, &str) {
    (&note.namespace, &note.name)
}

fn declarations(arguments: &str) -> Vec<String> {
    let arguments = argument::parse(arguments).into_iter().enumerate();
    arguments.map(|(number, argument)| format!("{} arg{number}", argument.type_name())).collect()
}
