//! `usdt`: probes that programs and libraries have in them (`DTRACE_PROBE`, `STAP_PROBE`, the notes of `.note.stapsdt`).
//!
//! One probe can be at several places, with its arguments elsewhere at each: [`UsdtArguments`] lists the different
//! descriptions, and the attach cookie (5.15) says which one holds where the probe fired. Kernels without cookies get a
//! program for each description.

mod argument;
mod listing;
mod register;

pub use argument::{Address, Operand, UsdtArgument};
pub use register::Register;

use super::list::{Listed, Query};
use super::{Arguments, Cx, Expansion, Provider, Refused, is_pattern};
use crate::hir::ContextKind;
use crate::types::Space;
use lancet_kernel::{Executable, UsdtNote, wildcard_matches};
use lancet_manifest::{Target, UsdtLocation};
use lancet_syntax::code::Code;
use std::cell::OnceCell;
use std::rc::Rc;

pub(super) struct Usdt;

/// What the arguments of a probe are.
#[derive(Clone, PartialEq, Debug)]
pub struct UsdtArguments {
    /// The descriptions, by [`UsdtLocation::variant`]; at least one.
    pub variants: Vec<Vec<UsdtArgument>>,
    /// The script names this probe and no others.
    pub is_named: bool,
}

/// A probe of one file.
struct Found {
    namespace: String,
    name: String,
    locations: Vec<UsdtLocation>,
    variants: Vec<Vec<UsdtArgument>>,
}

/// What a script asks for.
struct Wanted {
    /// The file, or a pattern of files.
    target: String,
    /// The namespace or a pattern; anything where it is left out.
    namespace: String,
    /// The name or a pattern.
    name: String,
}

impl Provider for Usdt {
    fn name(&self) -> &'static str {
        "usdt"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["U"]
    }

    fn usage(&self) -> &'static str {
        "usdt:path:name, usdt:path:namespace:name; usdt:name with -p"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<Vec<Expansion>, Refused> {
        let wanted = parse(cx)?;
        let is_named = !is_pattern(&wanted.namespace) && !is_pattern(&wanted.name);
        let mut expansions: Vec<Expansion> = Vec::new();
        for (path, found) in find(cx, &wanted)? {
            for (target, arguments) in targets(cx, &path, &found, is_named) {
                let name = format!("usdt:{path}:{}:{}", found.namespace, found.name);
                let point = cx.attach_point("usdt", name, target);
                let arguments = Arguments::Usdt(Rc::new(arguments));
                // One body serves all probes whose arguments are at the same places.
                match expansions.iter_mut().find(|known| known.arguments == arguments) {
                    Some(known) => known.attach_points.push(point),
                    None => expansions.push(Expansion { attach_points: vec![point], ..expansion(cx, arguments) }),
                }
            }
        }
        Ok(expansions)
    }

    fn list(&self, query: &Query<'_>) -> Vec<Listed> {
        listing::probes(query)
    }
}

fn expansion(cx: &Cx<'_>, arguments: Arguments) -> Expansion {
    let multi = cx.environment.kernel.features().uprobe_multi;
    Expansion {
        section: "uprobe",
        multi_section: multi.then_some("uprobe.multi"),
        context: Some(ContextKind::Registers),
        arguments,
        space: Some(Space::User),
        ..Expansion::default()
    }
}

/// What one probe is attached to: itself, or without cookies once for each description of its arguments.
fn targets(cx: &Cx<'_>, path: &str, found: &Found, is_named: bool) -> Vec<(Target, UsdtArguments)> {
    let target = |locations: Vec<UsdtLocation>| Target::Usdt { path: path.to_owned(), locations };
    if cx.environment.kernel.features().attach_cookie {
        let arguments = UsdtArguments { variants: found.variants.clone(), is_named };
        return vec![(target(found.locations.clone()), arguments)];
    }
    let alone = found.variants.iter().zip(0..).map(|(variant, number)| {
        let here = found.locations.iter().filter(|location| location.variant == number);
        let locations = here.map(|location| UsdtLocation { variant: 0, ..*location }).collect();
        (target(locations), UsdtArguments { variants: vec![variant.clone()], is_named })
    });
    alone.collect()
}

fn parse(cx: &Cx<'_>) -> Result<Wanted, Refused> {
    let (target, namespace, name) = match cx.parts.as_slice() {
        [name] if cx.environment.settings.pid.is_some() => ("*", "*", name.as_str()),
        [target, name] => (target.as_str(), "*", name.as_str()),
        [target, namespace, name] => (target.as_str(), namespace.as_str(), name.as_str()),
        _ => return Err(cx.wrong(Code::BadAttachPoint, "this probe takes a program or library and a probe of it")),
    };
    if name.is_empty() {
        return Err(cx.wrong(Code::BadAttachPoint, "the name of the probe is missing"));
    }
    let or_any = |part: &str| if part.is_empty() { "*".to_owned() } else { part.to_owned() };
    if target.is_empty() && cx.environment.settings.pid.is_none() {
        return Err(cx.wrong(Code::BadAttachPoint, "the program or library is missing"));
    }
    Ok(Wanted { target: or_any(target), namespace: or_any(namespace), name: name.to_owned() })
}

/// The probes that match, with the files that have them; never none.
fn find(cx: &Cx<'_>, wanted: &Wanted) -> Result<Vec<(String, Found)>, Refused> {
    let kernel = cx.environment.kernel;
    let paths = kernel
        .executables(&wanted.target, cx.environment.settings.pid)
        .map_err(|error| cx.unavailable("cannot trace", &error))?;
    let mut found = Vec::new();
    let mut others = Vec::new();
    for path in &paths {
        let notes = match kernel.usdt_notes(path) {
            Ok(notes) => notes,
            // With several files it is enough that one has the probe.
            Err(_) if paths.len() > 1 => continue,
            Err(error) => return Err(cx.unavailable("cannot trace", &error)),
        };
        let matches = |note: &UsdtNote| {
            wildcard_matches(&wanted.namespace, &note.namespace) && wildcard_matches(&wanted.name, &note.name)
        };
        let (matching, rest): (Vec<_>, Vec<_>) = notes.into_iter().partition(matches);
        let executable = OnceCell::new();
        let executable = || executable.get_or_init(|| kernel.executable(path).ok()).as_deref();
        let shown = path.display().to_string();
        found.extend(collect(matching, executable).into_iter().map(|probe| (shown.clone(), probe)));
        others.extend(rest.into_iter().map(|note| (shown.clone(), note)));
    }
    if found.is_empty() {
        return Err(not_found(cx, wanted, &others));
    }
    Ok(found)
}

fn not_found(cx: &Cx<'_>, wanted: &Wanted, others: &[(String, UsdtNote)]) -> Refused {
    let Wanted { target, namespace, name } = wanted;
    if others.is_empty() {
        return cx.missing(format!("{target} has no USDT probes"), None);
    }
    let near = lancet_kernel::nearest(name, others.iter().map(|(_, note)| note.name.as_str()));
    let near = near.and_then(|near| others.iter().find(|(_, note)| note.name == near));
    let nearest = near.map(|(path, note)| format!("usdt:{path}:{}:{}", note.namespace, note.name));
    let shown = if namespace == "*" { name.clone() } else { format!("{namespace}:{name}") };
    cx.missing(format!("{target} has no USDT probe {shown}"), nearest)
}

/// Notes by probe, sorted by name; each place once.
fn collect<'a>(notes: Vec<UsdtNote>, executable: impl Fn() -> Option<&'a dyn Executable>) -> Vec<Found> {
    let mut probes: Vec<Found> = Vec::new();
    for note in notes {
        let arguments = argument::parse(&note.arguments).into_iter();
        let placed: Vec<_> = arguments.map(|argument| argument.placed(note.address, &executable)).collect();
        let known = probes.iter().position(|known| known.namespace == note.namespace && known.name == note.name);
        let index = known.unwrap_or(probes.len());
        if known.is_none() {
            let (locations, variants) = (Vec::new(), Vec::new());
            probes.push(Found { namespace: note.namespace, name: note.name, locations, variants });
        }
        let probe = &mut probes[index];
        if probe.locations.iter().any(|location| location.file_offset == note.file_offset) {
            continue;
        }
        let variant = probe.variants.iter().position(|known| *known == placed).unwrap_or(probe.variants.len());
        if variant == probe.variants.len() {
            probe.variants.push(placed);
        }
        let (file_offset, semaphore) = (note.file_offset, note.semaphore);
        probe.locations.push(UsdtLocation { file_offset, semaphore, variant: variant as u32 });
    }
    probes.sort_by(|one, other| (&one.namespace, &one.name).cmp(&(&other.namespace, &other.name)));
    probes
}
