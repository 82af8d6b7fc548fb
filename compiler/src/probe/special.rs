//! `begin`, `end`, `self:signal:NAME`, `test:NAME` and `bench:NAME`: run by the tool itself, as raw tracepoint programs by
//! test-run.

use super::list::{Listed, Query};
use super::{Arguments, Cx, Expansion, Provider, Refused};
use crate::hir::ContextKind;
use lancet_kernel::wildcard_matches;
use lancet_manifest::Target;
use lancet_syntax::code::Code;

/// What `probetype` says of all of them.
pub(super) const PROVIDER: &str = "special";

pub(super) struct Begin;
pub(super) struct End;
pub(super) struct SelfSignal;
pub(super) struct Test;
pub(super) struct Bench;

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

    fn list(&self, query: &Query<'_>) -> Vec<Listed> {
        let matches = wildcard_matches(query.part(0), "signal") && wildcard_matches(query.part(1), "SIGUSR1");
        if matches { vec![Listed::named("self:signal:SIGUSR1".to_owned())] } else { Vec::new() }
    }
}

impl Provider for Test {
    fn name(&self) -> &'static str {
        "test"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &[]
    }

    fn usage(&self) -> &'static str {
        "test:name"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<Vec<Expansion>, Refused> {
        cx.exactly(1)?;
        let name = cx.parts[0].clone();
        Ok(vec![run_by_mode(cx, "test", Target::Test { name })])
    }
}

impl Provider for Bench {
    fn name(&self) -> &'static str {
        "bench"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &[]
    }

    fn usage(&self) -> &'static str {
        "bench:name"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<Vec<Expansion>, Refused> {
        cx.exactly(1)?;
        let name = cx.parts[0].clone();
        Ok(vec![run_by_mode(cx, "bench", Target::Bench { name })])
    }
}

fn run_by_mode(cx: &Cx<'_>, provider: &str, target: Target) -> Expansion {
    let name = format!("{provider}:{}", cx.parts[0]);
    Expansion {
        attach_points: vec![cx.attach_point(provider, name.clone(), target.clone())],
        ..run_by_the_tool(cx, name, target)
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
