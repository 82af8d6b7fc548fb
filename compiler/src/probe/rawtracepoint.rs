//! `rawtracepoint:event`: tracepoints without their record; arguments are those of the kernel's trace call.

use super::list::{Listed, Query};
use super::{Arguments, Cx, Expansion, Provider, Refused};
use crate::hir::ContextKind;
use crate::types::Space;
use lancet_manifest::Target;
use lancet_syntax::code::Code;

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
        let attach_points = found
            .into_iter()
            .map(|(of, name)| {
                let shown = match &module {
                    Some(_) => format!("rawtracepoint:{of}:{name}"),
                    None => format!("rawtracepoint:{name}"),
                };
                cx.attach_point("rawtracepoint", shown, Target::RawTracepoint { name })
            })
            .collect();
        Ok(vec![Expansion {
            section: "raw_tp",
            context: Some(ContextKind::Arguments),
            arguments: Arguments::Raw,
            space: Some(Space::Any),
            attach_points,
            ..Expansion::default()
        }])
    }

    fn list(&self, query: &Query<'_>) -> Vec<Listed> {
        let (module, event) = if query.len() > 1 { (query.part(0), query.part(1)) } else { ("*", query.part(0)) };
        let found = query.kernel.raw_tracepoints(event).unwrap_or_default();
        let matching = found.into_iter().filter(|(of, _)| lancet_kernel::wildcard_matches(module, of));
        matching.map(|(module, name)| Listed::named(format!("rawtracepoint:{module}:{name}"))).collect()
    }
}
