//! `uprobe` and `uretprobe`: functions, addresses and source lines of programs and libraries.

mod listing;
mod place;

use super::list::{Listed, Query};
use super::{Arguments, Cx, Expansion, Provider, Refused};
use crate::hir::{AttachPoint, ContextKind};
use crate::types::Space;
use lancet_manifest::Target;
use lancet_syntax::code::Code;
use place::{Place, Wanted};

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
        "uprobe:path:function, path:function+offset, path:address, path@file.c:line or path:cpp:\"name\""
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<Vec<Expansion>, Refused> {
        expand(cx, "uprobe", false)
    }

    fn list(&self, query: &Query<'_>) -> Vec<Listed> {
        listing::functions("uprobe", query)
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
        listing::functions("uretprobe", query)
    }
}

fn expand(cx: &mut Cx<'_>, provider: &'static str, at_return: bool) -> Result<Vec<Expansion>, Refused> {
    let (target, wanted) = parse(cx)?;
    if at_return && !matches!(wanted, Wanted::Function { offset: 0, .. } | Wanted::Matching(_) | Wanted::Cpp(_)) {
        return Err(cx.wrong(Code::BadAttachPoint, "a return probe takes a whole function"));
    }
    let kernel = cx.environment.kernel;
    let paths = kernel
        .executables(&target, cx.environment.settings.pid)
        .map_err(|error| cx.unavailable("cannot trace", &error))?;
    let mut attach_points = Vec::new();
    let several = paths.len() > 1 || matches!(wanted, Wanted::Matching(_) | Wanted::Cpp(_));
    for path in &paths {
        let executable =
            kernel.executable(path).map_err(|error| cx.unavailable(&path.display().to_string(), &error))?;
        if at_return && executable.is_go() {
            return Err(cx.wrong_help(
                Code::BadProbeArgument,
                format!("{} is a Go program: a return probe would crash it", path.display()),
                "Go moves its stacks and finds the changed return address; use uprobe at the end of the function: f+offset",
            ));
        }
        match place::find(cx, &*executable, path, &wanted) {
            Ok(places) => attach_points.extend(places.into_iter().map(|Place { name, file_offset }| {
                let name = format!("{provider}:{}:{name}", path.display());
                let path = path.display().to_string();
                cx.attach_point(provider, name, Target::UserFunction { path, file_offset, at_return })
            })),
            // With several files it is enough that one has it.
            Err(Refused::Missing(_)) if several => {}
            Err(refused) => return Err(refused),
        }
    }
    if attach_points.is_empty() {
        return Err(cx.missing(format!("no function of {target} matches {wanted}"), None));
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
        allowed: false,
        missing: None,
    }])
}

/// The file that is to be traced, and where in it.
fn parse(cx: &Cx<'_>) -> Result<(String, Wanted), Refused> {
    let incomplete = || cx.wrong(Code::BadAttachPoint, "this probe takes a program or library and a function");
    let number = |text: &str| text.parse::<u32>().ok();
    let at_line = |target: &str, line: &str, column: Option<&str>| {
        let (target, file) = target.rsplit_once('@')?;
        let column = match column {
            Some(column) => Some(number(column)?),
            None => None,
        };
        Some((target.to_owned(), Wanted::Line { file: file.to_owned(), line: number(line)?, column }))
    };
    let line = match cx.parts.as_slice() {
        [target, line] => at_line(target, line, None),
        [target, line, column] => at_line(target, line, Some(column)),
        _ => None,
    };
    if let Some(line) = line {
        return Ok(line);
    }
    match cx.parts.as_slice() {
        [function] => match cx.environment.settings.pid {
            Some(pid) => Ok((format!("/proc/{pid}/exe"), Wanted::parse(cx, function)?)),
            None => Err(incomplete()),
        },
        [target, function] => Ok((target.clone(), Wanted::parse(cx, function)?)),
        [target, language, name @ ..] if language == "cpp" && !name.is_empty() => {
            Ok((target.clone(), Wanted::Cpp(name.join(":"))))
        }
        _ => Err(incomplete()),
    }
}

/// Two names of one address are one probe.
fn remove_repeated(points: &mut Vec<AttachPoint>) {
    let mut seen = rustc_hash::FxHashSet::default();
    points.retain(|point| match &point.target {
        Target::UserFunction { path, file_offset, .. } => seen.insert((path.clone(), *file_offset)),
        _ => true,
    });
}
