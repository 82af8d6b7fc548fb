//! `interval` and `profile`: timers, as perf events on one CPU and on all.

use super::list::{Listed, Query};
use super::{Arguments, Cx, Expansion, Provider, Refused};
use crate::hir::ContextKind;
use lancet_kernel::wildcard_matches;
use lancet_manifest::Target;
use lancet_syntax::code::Code;

pub(super) struct Interval;
pub(super) struct Profile;

impl Provider for Interval {
    fn name(&self) -> &'static str {
        "interval"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["i"]
    }

    fn usage(&self) -> &'static str {
        "interval:s:1 (or us, ms, hz), or interval:100ms"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<Vec<Expansion>, Refused> {
        let (period, name) = period(cx, "interval")?;
        let nanoseconds = match period {
            Period::Frequency(hz) => 1_000_000_000 / hz,
            Period::Nanoseconds(ns) => ns,
        };
        Ok(vec![timer(cx, "interval", name, Target::Interval { nanoseconds })])
    }

    fn list(&self, query: &Query<'_>) -> Vec<Listed> {
        units("interval", query)
    }
}

impl Provider for Profile {
    fn name(&self) -> &'static str {
        "profile"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["p"]
    }

    fn usage(&self) -> &'static str {
        "profile:hz:99 (or us, ms, s), or profile:100ms"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<Vec<Expansion>, Refused> {
        let (period, name) = period(cx, "profile")?;
        let target = match period {
            Period::Frequency(hz) => Target::Profile { frequency: Some(hz), nanoseconds: 0 },
            Period::Nanoseconds(nanoseconds) => Target::Profile { frequency: None, nanoseconds },
        };
        Ok(vec![timer(cx, "profile", name, target)])
    }

    fn list(&self, query: &Query<'_>) -> Vec<Listed> {
        units("profile", query)
    }
}

fn units(provider: &str, query: &Query<'_>) -> Vec<Listed> {
    let matching = ["hz", "ms", "s", "us"].into_iter().filter(|unit| wildcard_matches(query.part(0), unit));
    matching.map(|unit| Listed::named(format!("{provider}:{unit}:"))).collect()
}

enum Period {
    Frequency(u64),
    Nanoseconds(u64),
}

fn timer(cx: &Cx<'_>, provider: &str, name: String, target: Target) -> Expansion {
    Expansion {
        section: "perf_event",
        context: Some(ContextKind::PerfEvent),
        arguments: Arguments::None,
        attach_points: vec![cx.attach_point(provider, name, target)],
        ..Expansion::default()
    }
}

/// `unit:count`, or a duration such as `100ms` or in nanoseconds; also the probe's full name.
fn period(cx: &Cx<'_>, provider: &str) -> Result<(Period, String), Refused> {
    let not_a_number = |text| cx.wrong(Code::BadProbeArgument, format!("\"{text}\" is not a number"));
    let (unit, count) = match cx.parts.as_slice() {
        [one] => match crate::settings::parse_duration(one).and_then(|duration| u64::try_from(duration).ok()) {
            Some(duration) if duration > 0 && duration % 1000 == 0 => ("us", duration / 1000),
            Some(duration) => ("ns", duration),
            None => return Err(not_a_number(one)),
        },
        [unit, count] => {
            let number = crate::settings::parse_number(count).and_then(|number| u64::try_from(number).ok());
            (unit.as_str(), number.ok_or_else(|| not_a_number(count))?)
        }
        parts => {
            let message = format!("this probe takes a unit and a number, not {} parts", parts.len());
            return Err(cx.wrong(Code::BadAttachPoint, message));
        }
    };
    if count == 0 {
        return Err(cx.wrong(Code::BadProbeArgument, "a timer needs a number above 0"));
    }
    let name = format!("{provider}:{unit}:{count}");
    let nanoseconds = |factor: u64| count.checked_mul(factor);
    let period = match unit {
        "hz" if count > 1_000_000_000 => None,
        "hz" => Some(Period::Frequency(count)),
        "ns" => nanoseconds(1).map(Period::Nanoseconds),
        "us" => nanoseconds(1_000).map(Period::Nanoseconds),
        "ms" => nanoseconds(1_000_000).map(Period::Nanoseconds),
        "s" => nanoseconds(1_000_000_000).map(Period::Nanoseconds),
        "m" => nanoseconds(60_000_000_000).map(Period::Nanoseconds),
        "h" => nanoseconds(3_600_000_000_000).map(Period::Nanoseconds),
        other => {
            let message = format!("\"{other}\" is not a unit of time");
            return Err(cx.wrong_help(Code::BadProbeArgument, message, "units are hz, s, ms, us and ns"));
        }
    };
    match period {
        Some(period) => Ok((period, name)),
        None => Err(cx.wrong(Code::BadProbeArgument, format!("{count} {unit} is too much for a timer"))),
    }
}
