//! `kprobe` and `kretprobe`: kernel functions, at entry (or an offset) and at return.

use super::list::{Listed, Query};
use super::{Arguments, Cx, Expansion, Provider, Refused, is_pattern};
use crate::hir::ContextKind;
use crate::types::Space;
use lancet_kernel::Unavailable;
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

const NO_KPROBES: &str = "this kernel was built without kprobes";

fn functions(provider: &str, query: &Query<'_>) -> Vec<Listed> {
    if !query.kernel.features().kprobe {
        return query.found(Err(Unavailable::Missing(NO_KPROBES.to_owned())));
    }
    let (module, function) = if query.len() > 1 { (query.part(0), query.part(1)) } else { ("*", query.part(0)) };
    let found = query.found(query.kernel.functions(module, function));
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
        return Err(cx.not_on_this_kernel(NO_KPROBES.to_owned(), help));
    }
    if let (None, Some(address)) = (&module, address(&function)) {
        return at_address(cx, provider, address, at_return);
    }
    let (name, offset) = split_offset(cx, &function)?;
    if offset != 0 && at_return {
        return Err(cx.wrong(Code::BadProbeArgument, "a kretprobe takes no offset"));
    }
    let shown = format!("kernel function {name}");
    let found =
        kernel.functions(module.as_deref().unwrap_or("*"), &name).map_err(|error| cx.unavailable(&shown, &error))?;
    if found.is_empty() {
        return Err(missing(cx, provider, module.as_deref(), &name));
    }
    let multi = found.len() > 1 && offset == 0 && kernel.features().kprobe_multi;
    let attach_points: Vec<_> = found
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
    let together = Expansion {
        multi_section: multi.then_some(if at_return { "kretprobe.multi" } else { "kprobe.multi" }),
        attach_points,
        ..expansion(provider, at_return)
    };
    // Where the kernel does not tell a program which function returns, the program must be told.
    Ok(if at_return && !kernel.features().func_ip { together.split() } else { vec![together] })
}

fn expansion(provider: &'static str, at_return: bool) -> Expansion {
    Expansion {
        section: provider,
        context: Some(ContextKind::Registers),
        arguments: if at_return { Arguments::Return } else { Arguments::Entry },
        space: Some(Space::Any),
        ..Expansion::default()
    }
}

/// An address, written as a hexadecimal number.
fn address(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

/// Nothing says that an instruction starts there: the user does.
fn at_address(cx: &Cx<'_>, provider: &'static str, address: u64, at_return: bool) -> Result<Vec<Expansion>, Refused> {
    if at_return {
        return Err(cx.wrong(Code::BadProbeArgument, "a kretprobe takes no address: write the function's name"));
    }
    if !cx.environment.settings.allow_unsafe {
        let help = "allow it with --unsafe, or write the function's name and an offset";
        let message = "a probe at an address is unsafe: it may lie inside an instruction";
        return Err(cx.wrong_help(Code::UnsafeFunction, message, help));
    }
    let target = Target::KernelFunction { function: String::new(), offset: address, at_return };
    let point = cx.attach_point(provider, format!("{provider}:{address:#x}"), target);
    Ok(vec![Expansion { attach_points: vec![point], ..expansion(provider, at_return) }])
}

/// Why there is no such function, as far as the kernel tells.
fn missing(cx: &Cx<'_>, provider: &str, module: Option<&str>, name: &str) -> Refused {
    let kernel = cx.environment.kernel;
    let functions = |module: &str, name: &str| kernel.functions(module, name).unwrap_or_default();
    if is_pattern(name) {
        return cx.missing(format!("no kernel function matches {name}"), None);
    }
    if let Some(module) = module {
        if let Some(elsewhere) = functions("*", name).first() {
            let message = format!("there is no kernel function {name} in {module}");
            return cx.missing(message, Some(format!("{provider}:{}:{name}", elsewhere.module)));
        }
    }
    if kernel.symbol_address(name).is_some() {
        let message = format!("{name} cannot be traced: the kernel's function tracer does not list it");
        let help =
            "it is marked notrace, on the list of functions that must not be probed, or part of the tracer itself";
        return cx.wrong_help(Code::NoSuchProbe, message, help);
    }
    // The compiler renames functions whose parameters or code it changed: name.isra.0, name.constprop.0, name.part.0.
    if let Some(changed) = functions("*", &format!("{name}.*")).first() {
        let message = format!("the compiler made {} of the kernel function {name}", changed.name);
        return cx.missing(message, Some(format!("{provider}:{}", changed.name)));
    }
    match nearest(cx, name) {
        Some(nearest) => {
            cx.missing(format!("there is no kernel function {name}"), Some(format!("{provider}:{nearest}")))
        }
        None => {
            let help = "the compiler may have inlined it into its callers: trace one of those";
            cx.missing_help(format!("there is no kernel function {name}"), help)
        }
    }
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
