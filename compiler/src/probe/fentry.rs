//! `fentry` and `fexit`: kernel functions through trampolines (5.5), with the arguments and results that BTF describes.

use super::btf_argument::{BtfArguments, with_btf};
use super::list::{Listed, Query};
use super::{Arguments, Cx, Expansion, Provider, Refused, bpf_program, is_pattern};
use crate::hir::ContextKind;
use crate::types::Space;
use lancet_kernel::btf::{Btf, NameKind, TypeId};
use lancet_kernel::{Kernel, KernelFunction, Unavailable, Version};
use lancet_manifest::Target;
use lancet_syntax::code::Code;
use rustc_hash::FxHashMap;
use std::rc::Rc;

pub(super) struct Fentry;
pub(super) struct Fexit;

/// Arguments beyond the six registers are passed to programs since then, up to twelve.
const STACK_ARGUMENTS: Version = Version::new(6, 6);

impl Provider for Fentry {
    fn name(&self) -> &'static str {
        "fentry"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["f", "kfunc"]
    }

    fn usage(&self) -> &'static str {
        "fentry:function, fentry:module:function or fentry:bpf:function"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<Vec<Expansion>, Refused> {
        expand(cx, "fentry", false)
    }

    fn list(&self, query: &Query<'_>) -> Vec<Listed> {
        functions("fentry", false, query)
    }
}

impl Provider for Fexit {
    fn name(&self) -> &'static str {
        "fexit"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["fr", "kretfunc"]
    }

    fn usage(&self) -> &'static str {
        "fexit:function, fexit:module:function or fexit:bpf:function"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<Vec<Expansion>, Refused> {
        expand(cx, "fexit", true)
    }

    fn list(&self, query: &Query<'_>) -> Vec<Listed> {
        functions("fexit", true, query)
    }
}

fn expand(cx: &mut Cx<'_>, provider: &'static str, at_return: bool) -> Result<Vec<Expansion>, Refused> {
    let (module, function) = match cx.parts.as_slice() {
        [module, function @ ..] if module == bpf_program::MODULE && !function.is_empty() => {
            return bpf_program::expand(cx, provider, function);
        }
        [function] => ("*".to_owned(), function.clone()),
        [module, function] => (module.clone(), function.clone()),
        _ => return Err(cx.wrong(Code::BadAttachPoint, "this probe takes a function")),
    };
    let kernel = cx.environment.kernel;
    if !kernel.features().fentry {
        let help = match kernel.btf() {
            None => "it needs a kernel with CONFIG_DEBUG_INFO_BTF; use kprobe instead",
            Some(_) => "use kprobe or a raw tracepoint instead",
        };
        return Err(cx.not_on_this_kernel(not_possible(kernel, provider), help));
    }
    let shown = format!("kernel function {function}");
    let found = kernel.functions(&module, &function).map_err(|error| cx.unavailable(&shown, &error))?;
    let mut types = FunctionTypes::new(kernel, is_pattern(&function));
    let mut expansions = Vec::new();
    let mut why_not = None;
    for found in found {
        match types.arguments(&found, at_return) {
            Ok(arguments) => expansions.push(expansion(cx, provider, found, arguments)),
            Err(reason) => why_not = Some((found.name, reason)),
        }
    }
    match why_not {
        // A wildcard means what can be traced.
        _ if !expansions.is_empty() => Ok(expansions),
        Some((name, reason)) => {
            let help = "use kprobe, which takes any function";
            Err(cx.wrong_help(Code::NoSuchProbe, format!("{provider} cannot trace {name}: {reason}"), help))
        }
        None => Err(missing(cx, provider, &module, &function)),
    }
}

fn expansion(
    cx: &Cx<'_>,
    provider: &'static str,
    KernelFunction { module, name }: KernelFunction,
    arguments: BtfArguments,
) -> Expansion {
    let shown = format!("{provider}:{module}:{name}");
    let function = if module == "vmlinux" { name } else { format!("{module}:{name}") };
    Expansion {
        section: provider,
        context: Some(ContextKind::TypedArguments),
        arguments: Arguments::Typed(Rc::new(arguments)),
        space: Some(Space::Any),
        attach_points: vec![cx.attach_point(provider, shown, Target::Trampoline { function })],
        ..Expansion::default()
    }
}

fn missing(cx: &Cx<'_>, provider: &str, module: &str, function: &str) -> Refused {
    let kernel = cx.environment.kernel;
    if is_pattern(function) || is_pattern(module) && module != "*" {
        return cx.missing(format!("no kernel function matches {module}:{function}").replace(" *:", " "), None);
    }
    let elsewhere = if module == "*" { Vec::new() } else { kernel.functions("*", function).unwrap_or_default() };
    if let Some(other) = elsewhere.first() {
        let message = format!("there is no kernel function {function} in {module}");
        return cx.missing(message, Some(format!("{provider}:{}:{function}", other.module)));
    }
    if kernel.symbol_address(function).is_some() {
        let message = format!("{provider} cannot trace {function}: the kernel's BTF does not describe it");
        return cx.wrong_help(Code::NoSuchProbe, message, "it is written in assembly or inlined; try kprobe");
    }
    let nearest = kernel
        .btf()
        .and_then(|btf| lancet_kernel::nearest(function, btf.names(NameKind::Function).map(|(_, name)| name)));
    cx.missing(format!("there is no kernel function {function}"), nearest.map(|name| format!("{provider}:{name}")))
}

/// Of a kernel without these probes.
fn not_possible(kernel: &dyn Kernel, provider: &str) -> String {
    match kernel.btf() {
        None => format!("{provider} is not possible without the kernel's BTF"),
        Some(_) => format!("this kernel does not allow {provider}"),
    }
}

fn functions(provider: &str, at_return: bool, query: &Query<'_>) -> Vec<Listed> {
    if query.part(0) == bpf_program::MODULE {
        return bpf_program::list(provider, query);
    }
    if !query.kernel.features().fentry {
        return query.found(Err(Unavailable::Missing(not_possible(query.kernel, provider))));
    }
    let (module, function) = if query.len() > 1 { (query.part(0), query.part(1)) } else { ("*", query.part(0)) };
    let found = query.found(query.kernel.functions(module, function));
    let mut types = FunctionTypes::new(query.kernel, is_pattern(function));
    let listed = found.into_iter().filter_map(|found| {
        let arguments = match query.arguments {
            true => types.declarations(&found, at_return)?,
            false => types.is_known(&found).then(Vec::new)?,
        };
        let name = format!("{provider}:{}:{}", found.module, found.name);
        Some(Listed { name, arguments, ..Listed::default() })
    });
    listed.collect()
}

/// Looks functions up in the BTF of their modules: one by one, or where there are many through an index.
struct FunctionTypes<'k> {
    kernel: &'k dyn Kernel,
    many: bool,
    indexes: FxHashMap<String, FxHashMap<String, TypeId>>,
}

impl<'k> FunctionTypes<'k> {
    fn new(kernel: &'k dyn Kernel, many: bool) -> Self {
        Self { kernel, many, indexes: FxHashMap::default() }
    }

    fn arguments(&mut self, function: &KernelFunction, at_return: bool) -> Result<BtfArguments, String> {
        let unknown = || "the kernel's BTF does not describe it".to_owned();
        let id = self.find(function).ok_or_else(unknown)?;
        let module = function.module.as_str();
        let (arguments, words) = with_btf(self.kernel, module, |btf| {
            Some(BtfArguments::of_function(btf, module, id, at_return).map(|found| (found.words(btf), found)))
        })
        .ok_or_else(unknown)?
        .map(|(words, found)| (found, words))?;
        let limit = if self.kernel.version() < STACK_ARGUMENTS { 6 } else { 12 };
        if words > limit {
            let since = if words <= 12 { ", twelve from Linux 6.6 on" } else { "" };
            return Err(format!("its arguments take {words} registers; this kernel passes {limit}{since}"));
        }
        Ok(arguments)
    }

    fn declarations(&mut self, function: &KernelFunction, at_return: bool) -> Option<Vec<String>> {
        let arguments = self.arguments(function, at_return).ok()?;
        with_btf(self.kernel, &function.module, |btf| Some(arguments.declarations(btf)))
    }

    fn is_known(&mut self, function: &KernelFunction) -> bool {
        self.find(function).is_some()
    }

    fn find(&mut self, function: &KernelFunction) -> Option<TypeId> {
        if !self.many {
            return with_btf(self.kernel, &function.module, |btf| btf.find(&function.name, NameKind::Function));
        }
        if !self.indexes.contains_key(&function.module) {
            let index = with_btf(self.kernel, &function.module, |btf| Some(index(btf))).unwrap_or_default();
            self.indexes.insert(function.module.clone(), index);
        }
        self.indexes.get(&function.module)?.get(&function.name).copied()
    }
}

fn index(btf: &Btf) -> FxHashMap<String, TypeId> {
    btf.names(NameKind::Function).map(|(id, name)| (name.to_owned(), id)).collect()
}
