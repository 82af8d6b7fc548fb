//! `fentry:bpf[:id]:function` and `fexit:bpf[:id]:function`: functions of BPF programs that are loaded, by trampolines.
//!
//! Their arguments are not offered: all that the kernel could check is the context, whose type depends on the program.

use super::list::{Listed, Query};
use super::{Cx, Expansion, Refused};
use crate::hir::ContextKind;
use lancet_kernel::BpfFunction;
use lancet_manifest::Target;
use lancet_syntax::code::Code;

/// What stands for a module in the names of these probes.
pub(super) const MODULE: &str = "bpf";

/// The probes of `parts`, which follow [`MODULE`].
pub(super) fn expand(cx: &Cx<'_>, provider: &'static str, parts: &[String]) -> Result<Vec<Expansion>, Refused> {
    let (program, function) = match parts {
        [function] => (None, function),
        [id, function] if id == "*" => (None, function),
        [id, function] => match id.parse::<u32>() {
            Ok(id) => (Some(id), function),
            Err(_) => {
                let message = format!("{id} is no number of a BPF program");
                return Err(cx.wrong_help(
                    Code::BadAttachPoint,
                    message,
                    "`bpftool prog` lists the programs that are loaded",
                ));
            }
        },
        _ => return Err(cx.wrong(Code::BadAttachPoint, "this probe takes the function of a BPF program")),
    };
    let shown = format!("BPF program {function}");
    let kernel = cx.environment.kernel;
    let found = kernel.bpf_functions(program, function).map_err(|error| cx.unavailable(&shown, &error))?;
    if found.is_empty() {
        let of_program = program.map(|id| format!(" in program {id}")).unwrap_or_default();
        let message = format!("no loaded BPF program has a function {function}{of_program} that can be traced");
        return Err(cx.missing(message, None));
    }
    Ok(found.into_iter().map(|found| expansion(cx, provider, found)).collect())
}

fn expansion(cx: &Cx<'_>, provider: &'static str, BpfFunction { program, name }: BpfFunction) -> Expansion {
    let shown = format!("{provider}:{MODULE}:{program}:{name}");
    Expansion {
        section: provider,
        context: Some(ContextKind::TypedArguments),
        attach_points: vec![cx.attach_point(provider, shown, Target::BpfFunction { program, function: name })],
        ..Expansion::default()
    }
}

/// The probes that match a pattern whose module may be [`MODULE`].
pub(super) fn list(provider: &str, query: &Query<'_>) -> Vec<Listed> {
    let (program, function) = match query.len() {
        0 | 1 => (None, "*"),
        2 => (None, query.part(1)),
        _ => (query.part(1).parse().ok(), query.part(2)),
    };
    let found = query.found(query.kernel.bpf_functions(program, function));
    found
        .into_iter()
        .map(|found| Listed::named(format!("{provider}:{MODULE}:{}:{}", found.program, found.name)))
        .collect()
}
