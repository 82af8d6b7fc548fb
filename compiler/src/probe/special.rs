//! `begin`, `end` and `self:signal:NAME`: run by the tool itself, as raw tracepoint programs by test-run.

use super::{Arguments, Cx, Expansion, Provider, Refused};
use crate::hir::ContextKind;
use lancet_manifest::Target;
use lancet_syntax::code::Code;

/// What `probetype` says of all of them.
pub(super) const PROVIDER: &str = "special";

pub(super) struct Begin;
pub(super) struct End;
pub(super) struct SelfSignal;

impl Provider for Begin {
    fn name(&self) -> &'static str {
        "begin"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["BEGIN"]
    }

    fn usage(&self) -> &'static str {
        "begin { … }"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<Vec<Expansion>, Refused> {
        cx.exactly(0)?;
        Ok(vec![run_by_the_tool(cx, "begin".into(), Target::Begin)])
    }
}

impl Provider for End {
    fn name(&self) -> &'static str {
        "end"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["END"]
    }

    fn usage(&self) -> &'static str {
        "end { … }"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<Vec<Expansion>, Refused> {
        cx.exactly(0)?;
        Ok(vec![run_by_the_tool(cx, "end".into(), Target::End)])
    }
}

impl Provider for SelfSignal {
    fn name(&self) -> &'static str {
        "self"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &[]
    }

    fn usage(&self) -> &'static str {
        "self:signal:SIGUSR1"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<Vec<Expansion>, Refused> {
        cx.exactly(2)?;
        let name = cx.parts[1].clone();
        if cx.parts[0] != "signal" || name != "SIGUSR1" {
            return Err(cx.wrong(Code::BadAttachPoint, "the only one of this probe type is self:signal:SIGUSR1"));
        }
        Ok(vec![run_by_the_tool(cx, format!("self:signal:{name}"), Target::Signal { name })])
    }
}

fn run_by_the_tool(cx: &Cx<'_>, name: String, target: Target) -> Expansion {
    Expansion {
        section: "raw_tp",
        context: Some(ContextKind::None),
        arguments: Arguments::None,
        attach_points: vec![cx.attach_point(PROVIDER, name, target)],
        ..Expansion::default()
    }
}
