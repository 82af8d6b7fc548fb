//! `kprobe` and `kretprobe`: kernel functions, at entry (or an offset) and at return.

use super::list::{Listed, Query};
use super::{Arguments, Cx, Expansion, Provider, Refused, is_pattern};
use crate::hir::ContextKind;
use crate::types::Space;
use lancet_manifest::Target;
use lancet_syntax::code::Code;

pub(super) struct Kprobe;
pub(super) struct Kretprobe;

impl Provider for Kprobe {
    fn name(&self) -> &'static str {
        "kprobe"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["k"]
    }

    fn usage(&self) -> &'static str {
        "kprobe:function, kprobe:module:function or kprobe:function+offset"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<Vec<Expansion>, Refused> {
        expand(cx, "kprobe", false)
    }

    fn list(&self, query: &Query<'_>) -> Vec<Listed> {
        functions("kprobe", query)
    }
}

impl Provider for Kretprobe {
    fn name(&self) -> &'static str {
        "kretprobe"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["kr"]
    }

    fn usage(&self) -> &'static str {
        "kretprobe:function or kretprobe:module:function"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<Vec<Expansion>, Refused> {
        expand(cx, "kretprobe", true)
    }

    fn list(&self, query: &Query<'_>) -> Vec<Listed> {
        functions("kretprobe", query)
    }
}

fn functions(provider: &str, query: &Query<'_>) -> Vec<Listed> {
    if !query.kernel.features().kprobe {
        return Vec::new();
    }
    let (module, function) = if query.len() > 1 { (query.part(0), query.part(1)) } else { ("*", query.part(0)) };
    let found = query.kernel.functions(module, function).unwrap_or_default();
    let with_module = query.len() > 1;
    let name = |function: lancet_kernel::KernelFunction| match with_module {
        true => format!("{provider}:{}:{}", function.module, function.name),
        false => format!("{provider}:{}", function.name),
    };
    found.into_iter().map(|function| Listed::named(name(function))).collect()
}

fn expand(cx: &mut Cx<'_>, provider: &'static str, at_return: bool) -> Result<Vec<Expansion>, Refused> {
    let (module, function) = match cx.parts.as_slice() {
        [function] => (None, function.clone()),
        [module, function] => (Some(module.clone()), function.clone()),
        _ => return Err(cx.wrong(Code::BadAttachPoint, "this probe takes a function")),
    };
    let kernel = cx.environment.kernel;
    if !kernel.features().kprobe {
        let help = "use a tracepoint or a raw tracepoint instead";
        return Err(cx.wrong_help(Code::NotOnThisKernel, "this kernel was built without kprobes", help));
    }
    let (name, offset) = split_offset(cx, &function)?;
    if offset != 0 && at_return {
        return Err(cx.wrong(Code::BadProbeArgument, "a kretprobe takes no offset"));
    }
    let shown = format!("kernel function {name}");
    let found =
        kernel.functions(module.as_deref().unwrap_or("*"), &name).map_err(|error| cx.unavailable(&shown, &error))?;
    if found.is_empty() {
        if !is_pattern(&name) && kernel.symbol_address(&name).is_some() {
            let help = "it is inlined, not traceable or on the kernel's blacklist";
            return Err(cx.wrong_help(Code::NoSuchProbe, format!("{name} cannot be traced"), help));
        }
        let nearest = if is_pattern(&name) { None } else { nearest(cx, &name) };
        let what = if is_pattern(&name) {
            format!("no kernel function matches {name}")
        } else {
            format!("there is no {shown}")
        };
        return Err(cx.missing(what, nearest.map(|name| format!("{provider}:{name}"))));
    }
    let multi = found.len() > 1 && offset == 0 && kernel.features().kprobe_multi;
    let attach_points = found
        .into_iter()
        .map(|function| {
            let suffix = if offset == 0 { String::new() } else { format!("+{offset}") };
            let text = match &module {
                Some(_) => format!("{provider}:{}:{}{suffix}", function.module, function.name),
                None => format!("{provider}:{}{suffix}", function.name),
            };
            cx.attach_point(provider, text, Target::KernelFunction { function: function.name, offset, at_return })
        })
        .collect();
    Ok(vec![Expansion {
        section: provider,
        multi_section: multi.then_some(if at_return { "kretprobe.multi" } else { "kprobe.multi" }),
        context: Some(ContextKind::Registers),
        arguments: if at_return { Arguments::Return } else { Arguments::Entry },
        space: Some(Space::Any),
        attach_points,
    }])
}

/// `function+offset`.
fn split_offset(cx: &Cx<'_>, text: &str) -> Result<(String, u64), Refused> {
    let Some((name, offset)) = text.split_once('+') else { return Ok((text.to_owned(), 0)) };
    match crate::settings::parse_number(offset).and_then(|offset| u64::try_from(offset).ok()) {
        Some(offset) => Ok((name.to_owned(), offset)),
        None => Err(cx.wrong(Code::BadProbeArgument, format!("\"{offset}\" is not an offset"))),
    }
}

fn nearest(cx: &Cx<'_>, name: &str) -> Option<String> {
    let all = cx.environment.kernel.functions("*", "*").ok()?;
    lancet_kernel::nearest(name, all.iter().map(|function| function.name.as_str()))
}
