//! `uprobe` and `uretprobe`: functions and addresses of programs and libraries.

use super::list::{Listed, Query};
use super::{Arguments, Cx, Expansion, Provider, Refused, is_pattern};
use crate::hir::{AttachPoint, ContextKind};
use crate::types::Space;
use lancet_kernel::{Executable, Symbol, wildcard_matches};
use lancet_manifest::Target;
use lancet_syntax::code::Code;
use std::path::Path;

pub(super) struct Uprobe;
pub(super) struct Uretprobe;

impl Provider for Uprobe {
    fn name(&self) -> &'static str {
        "uprobe"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["u"]
    }

    fn usage(&self) -> &'static str {
        "uprobe:path:function, uprobe:path:function+offset or uprobe:library:address"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<Vec<Expansion>, Refused> {
        expand(cx, "uprobe", false)
    }

    fn list(&self, query: &Query<'_>) -> Vec<Listed> {
        functions("uprobe", query)
    }
}

impl Provider for Uretprobe {
    fn name(&self) -> &'static str {
        "uretprobe"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["ur"]
    }

    fn usage(&self) -> &'static str {
        "uretprobe:path:function"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<Vec<Expansion>, Refused> {
        expand(cx, "uretprobe", true)
    }

    fn list(&self, query: &Query<'_>) -> Vec<Listed> {
        functions("uretprobe", query)
    }
}

/// Functions of the programs and libraries that the pattern names; all programs of the machine are not searched.
fn functions(provider: &str, query: &Query<'_>) -> Vec<Listed> {
    if query.len() == 0 || query.part(0) == "*" {
        return Vec::new();
    }
    let paths = query.kernel.executables(query.part(0), query.pid).unwrap_or_default();
    let mut listed = Vec::new();
    for path in paths {
        let Ok(executable) = query.kernel.executable(&path) else { continue };
        let matching = executable.functions().iter().filter(|symbol| wildcard_matches(query.part(1), &symbol.name));
        listed.extend(matching.map(|symbol| Listed::named(format!("{provider}:{}:{}", path.display(), symbol.name))));
    }
    listed
}

fn expand(cx: &mut Cx<'_>, provider: &'static str, at_return: bool) -> Result<Vec<Expansion>, Refused> {
    let (target, function) = match cx.parts.as_slice() {
        [function] => match cx.environment.settings.pid {
            Some(pid) => (format!("/proc/{pid}/exe"), function.clone()),
            None => return Err(cx.wrong(Code::BadAttachPoint, "this probe takes a program or library and a function")),
        },
        [target, function] => (target.clone(), function.clone()),
        [target, language, function] if language == "cpp" => (target.clone(), function.clone()),
        _ => return Err(cx.wrong(Code::BadAttachPoint, "this probe takes a program or library and a function")),
    };
    if function.is_empty() {
        return Err(cx.wrong(Code::BadAttachPoint, "the function is missing"));
    }
    let kernel = cx.environment.kernel;
    let paths = kernel
        .executables(&target, cx.environment.settings.pid)
        .map_err(|error| cx.unavailable("cannot trace", &error))?;
    let mut attach_points = Vec::new();
    let mut several = paths.len() > 1;
    for path in &paths {
        let executable =
            kernel.executable(path).map_err(|error| cx.unavailable(&path.display().to_string(), &error))?;
        several |= is_pattern(&function);
        match places(cx, &*executable, path, &function) {
            Ok(places) => attach_points.extend(places.into_iter().map(|place| {
                let name = format!("{provider}:{}:{}", path.display(), place.name);
                let target = Target::UserFunction {
                    path: path.display().to_string(),
                    file_offset: place.file_offset,
                    at_return,
                    semaphore: 0,
                };
                cx.attach_point(provider, name, target)
            })),
            // With several files it is enough that one has it.
            Err(Refused::Missing(_)) if several => {}
            Err(refused) => return Err(refused),
        }
    }
    if attach_points.is_empty() {
        return Err(cx.missing(format!("no function of {target} matches {function}"), None));
    }
    remove_repeated(&mut attach_points);
    let multi = kernel.features().uprobe_multi;
    Ok(vec![Expansion {
        section: provider,
        multi_section: multi.then_some(if at_return { "uretprobe.multi" } else { "uprobe.multi" }),
        context: Some(ContextKind::Registers),
        arguments: if at_return { Arguments::Return } else { Arguments::Entry },
        space: Some(Space::User),
        attach_points,
    }])
}

/// Two names of one address are one probe.
fn remove_repeated(points: &mut Vec<AttachPoint>) {
    let mut seen = rustc_hash::FxHashSet::default();
    points.retain(|point| match &point.target {
        Target::UserFunction { path, file_offset, .. } => seen.insert((path.clone(), *file_offset)),
        _ => true,
    });
}

struct Place {
    name: String,
    file_offset: u64,
}

/// Where a function, `function+offset`, wildcard or address is in the file.
fn places(cx: &Cx<'_>, executable: &dyn Executable, path: &Path, function: &str) -> Result<Vec<Place>, Refused> {
    if let Some(address) = crate::settings::parse_number(function) {
        return match executable.file_offset(address as u64) {
            Some(file_offset) => Ok(vec![Place { name: function.to_owned(), file_offset }]),
            None => Err(cx.wrong_help(
                Code::BadProbeArgument,
                format!("address {address:#x} is in no executable segment of {}", path.display()),
                "addresses are those of the symbol table (nm, objdump)",
            )),
        };
    }
    if is_pattern(function) {
        let matching = executable.functions().iter().filter(|symbol| wildcard_matches(function, &symbol.name));
        return Ok(matching
            .map(|symbol| Place { name: symbol.name.clone(), file_offset: symbol.file_offset })
            .collect());
    }
    let (name, offset) = match function.rsplit_once('+') {
        Some((name, text)) => match crate::settings::parse_number(text).and_then(|offset| u64::try_from(offset).ok()) {
            Some(offset) => (name, offset),
            None => return Err(cx.wrong(Code::BadProbeArgument, format!("\"{text}\" is not an offset"))),
        },
        None => (function, 0),
    };
    let Some(symbol) = executable.function(name) else {
        let names = executable.functions().iter().map(|symbol| symbol.name.as_str());
        let nearest = lancet_kernel::nearest(name, names).map(|found| format!("{}:{found}", path.display()));
        return Err(cx.missing(format!("{} has no function {name}", path.display()), nearest));
    };
    if symbol.size > 0 && offset >= symbol.size {
        return Err(outside(cx, symbol, offset));
    }
    Ok(vec![Place { name: function.to_owned(), file_offset: symbol.file_offset + offset }])
}

fn outside(cx: &Cx<'_>, symbol: &Symbol, offset: u64) -> Refused {
    let message = format!("offset {offset} is outside of {}, which has {} bytes", symbol.name, symbol.size);
    cx.wrong_help(Code::BadProbeArgument, message, "offsets are bytes from the start of the function")
}
