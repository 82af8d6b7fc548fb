//! `rawtracepoint:event`: tracepoints without their record; arguments are those of the kernel's trace call, with the types
//! that BTF gives them. Actions that follow them become `tp_btf` programs (5.5), which load through them directly.

use super::btf_argument::{BtfArguments, with_btf};
use super::list::{Listed, Query};
use super::{Arguments, Cx, Expansion, Provider, Refused};
use crate::hir::ContextKind;
use crate::types::Space;
use lancet_kernel::btf::Btf;
use lancet_manifest::Target;
use lancet_syntax::code::Code;
use std::rc::Rc;

pub(super) struct RawTracepoint;

impl Provider for RawTracepoint {
    fn name(&self) -> &'static str {
        "rawtracepoint"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["rt"]
    }

    fn usage(&self) -> &'static str {
        "rawtracepoint:event or rawtracepoint:module:event"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<Vec<Expansion>, Refused> {
        let (module, event) = match cx.parts.as_slice() {
            [event] => (None, event.clone()),
            [module, event] => (Some(module.clone()), event.clone()),
            _ => return Err(cx.wrong(Code::BadAttachPoint, "this probe takes an event")),
        };
        let kernel = cx.environment.kernel;
        let shown = format!("raw tracepoint {event}");
        let mut found = kernel.raw_tracepoints(&event).map_err(|error| cx.unavailable(&shown, &error))?;
        found.retain(|(of, _)| module.as_deref().is_none_or(|module| lancet_kernel::wildcard_matches(module, of)));
        if found.is_empty() {
            let all = kernel.raw_tracepoints("*").unwrap_or_default();
            let nearest = lancet_kernel::nearest(&event, all.iter().map(|(_, name)| name.as_str()));
            let nearest = nearest.map(|name| format!("rawtracepoint:{name}"));
            return Err(cx.missing(format!("there is no {shown}"), nearest));
        }
        let expansions = found.into_iter().map(|(of, name)| {
            let shown = match &module {
                Some(_) => format!("rawtracepoint:{of}:{name}"),
                None => format!("rawtracepoint:{name}"),
            };
            let typed = with_btf(kernel, &of, |btf| BtfArguments::of_raw_tracepoint(btf, &of, &name));
            Expansion {
                section: "raw_tp",
                context: Some(ContextKind::Arguments),
                arguments: typed.map_or(Arguments::Raw, |arguments| Arguments::Typed(Rc::new(arguments))),
                space: Some(Space::Any),
                attach_points: vec![cx.attach_point("rawtracepoint", shown, Target::RawTracepoint { name })],
                ..Expansion::default()
            }
        });
        Ok(expansions.collect())
    }

    fn list(&self, query: &Query<'_>) -> Vec<Listed> {
        let (module, event) = if query.len() > 1 { (query.part(0), query.part(1)) } else { ("*", query.part(0)) };
        let found = query.found(query.kernel.raw_tracepoints(event));
        let matching = found.into_iter().filter(|(of, _)| lancet_kernel::wildcard_matches(module, of));
        let arguments = |module: &str, name: &str| {
            let declared = |btf: &Btf| Some(BtfArguments::of_raw_tracepoint(btf, module, name)?.declarations(btf));
            if query.arguments { with_btf(query.kernel, module, declared) } else { None }
        };
        let listed = matching.map(|(module, name)| Listed {
            arguments: arguments(&module, &name).unwrap_or_default(),
            name: format!("rawtracepoint:{module}:{name}"),
            ..Listed::default()
        });
        listed.collect()
    }
}
