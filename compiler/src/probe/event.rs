//! `software`, `hardware` and `watchpoint`: perf events.

use super::list::{Listed, Query};
use super::{Arguments, Cx, Expansion, Provider, Refused};
use crate::hir::ContextKind;
use crate::types::Space;
use lancet_kernel::wildcard_matches;
use lancet_manifest::Target;
use lancet_syntax::code::Code;

pub(super) struct Software;
pub(super) struct Hardware;
pub(super) struct Watchpoint;

/// Name, other name, number in `enum perf_sw_ids` (include/uapi/linux/perf_event.h), usual period.
const SOFTWARE: &[(&str, &str, u64, u64)] = &[
    ("alignment-faults", "", 7, 1),
    ("bpf-output", "", 10, 1),
    ("context-switches", "cs", 3, 1000),
    ("cpu-clock", "cpu", 0, 1_000_000),
    ("cpu-migrations", "", 4, 1),
    ("dummy", "", 9, 1),
    ("emulation-faults", "", 8, 1),
    ("major-faults", "", 6, 1),
    ("minor-faults", "", 5, 100),
    ("page-faults", "faults", 2, 100),
    ("task-clock", "", 1, 1),
];

/// Name, other name, number in `enum perf_hw_id`, usual period.
const HARDWARE: &[(&str, &str, u64, u64)] = &[
    ("backend-stalls", "", 8, 1_000_000),
    ("branch-instructions", "branches", 4, 100_000),
    ("branch-misses", "", 5, 100_000),
    ("bus-cycles", "", 6, 100_000),
    ("cache-misses", "", 3, 1_000_000),
    ("cache-references", "", 2, 1_000_000),
    ("cpu-cycles", "cycles", 0, 1_000_000),
    ("frontend-stalls", "", 7, 1_000_000),
    ("instructions", "", 1, 1_000_000),
    ("ref-cycles", "", 9, 1_000_000),
];

impl Provider for Software {
    fn name(&self) -> &'static str {
        "software"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["s"]
    }

    fn usage(&self) -> &'static str {
        "software:event or software:event:count"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<Vec<Expansion>, Refused> {
        let (event, period, name) = counted(cx, "software", SOFTWARE)?;
        Ok(vec![expansion(cx, "software", name, Target::Software { event, period })])
    }

    fn list(&self, query: &Query<'_>) -> Vec<Listed> {
        events("software", SOFTWARE, query)
    }
}

impl Provider for Hardware {
    fn name(&self) -> &'static str {
        "hardware"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["h"]
    }

    fn usage(&self) -> &'static str {
        "hardware:event or hardware:event:count"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<Vec<Expansion>, Refused> {
        let (event, period, name) = counted(cx, "hardware", HARDWARE)?;
        Ok(vec![expansion(cx, "hardware", name, Target::Hardware { perf_type: 0, event, period })])
    }

    fn list(&self, query: &Query<'_>) -> Vec<Listed> {
        events("hardware", HARDWARE, query)
    }
}

impl Provider for Watchpoint {
    fn name(&self) -> &'static str {
        "watchpoint"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["w", "asyncwatchpoint", "aw"]
    }

    fn usage(&self) -> &'static str {
        "watchpoint:address:length:mode, mode any of r, w, x"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<Vec<Expansion>, Refused> {
        cx.exactly(3)?;
        let number = |text: &str| crate::settings::parse_number(text);
        let Some(address) = number(&cx.parts[0]) else {
            let message = format!("\"{}\" is not an address", cx.parts[0]);
            return Err(cx.wrong(Code::BadProbeArgument, message));
        };
        let Some(length @ (1 | 2 | 4 | 8)) = number(&cx.parts[1]) else {
            let message = format!("a watchpoint has a length of 1, 2, 4 or 8 bytes, not {}", cx.parts[1]);
            return Err(cx.wrong(Code::BadProbeArgument, message));
        };
        let mut mode = 0;
        for letter in cx.parts[2].chars() {
            let bit = match letter {
                'r' => 1,
                'w' => 2,
                'x' => 4,
                other => {
                    let message = format!("\"{other}\" is not a mode of a watchpoint");
                    return Err(cx.wrong_help(Code::BadProbeArgument, message, "modes are r, w and x"));
                }
            };
            if mode & bit != 0 {
                return Err(cx.wrong(Code::BadProbeArgument, format!("the mode {letter} is given twice")));
            }
            mode |= bit;
        }
        if mode & 4 != 0 && (mode != 4 || length != 8) {
            let message = "a watchpoint on execution has mode x alone and a length of 8";
            return Err(cx.wrong(Code::BadProbeArgument, message));
        }
        // The processor cannot watch for reads alone; the kernel takes read and write together.
        let mode = if mode == 1 { 3 } else { mode };
        let name = format!("watchpoint:{}", cx.parts.join(":"));
        let target = Target::Watchpoint { address: address as u64, length: length as u64, mode };
        Ok(vec![expansion(cx, "watchpoint", name, target)])
    }
}

fn events(provider: &str, table: &[(&str, &str, u64, u64)], query: &Query<'_>) -> Vec<Listed> {
    let names = table.iter().flat_map(|&(name, other, ..)| [name, other]).filter(|name| !name.is_empty());
    let matching = names.filter(|name| wildcard_matches(query.part(0), name));
    let mut probes: Vec<String> = matching.map(|name| format!("{provider}:{name}:")).collect();
    probes.sort_unstable();
    probes.into_iter().map(Listed::named).collect()
}

fn expansion(cx: &Cx<'_>, provider: &str, name: String, target: Target) -> Expansion {
    Expansion {
        section: "perf_event",
        context: Some(ContextKind::PerfEvent),
        arguments: Arguments::None,
        space: Some(Space::Any),
        attach_points: vec![cx.attach_point(provider, name, target)],
        ..Expansion::default()
    }
}

/// `event[:count]` of a table: number, period, full name.
fn counted(cx: &Cx<'_>, provider: &str, table: &[(&str, &str, u64, u64)]) -> Result<(u64, u64, String), Refused> {
    let (event, count) = match cx.parts.as_slice() {
        [event] => (event, None),
        [event, count] => (event, Some(count)),
        _ => return Err(cx.wrong(Code::BadAttachPoint, "this probe takes an event and a count")),
    };
    let is_named = |name: &str| !name.is_empty() && name == event;
    let Some((_, _, number, usual)) = table.iter().find(|(name, other, ..)| is_named(name) || is_named(other)) else {
        let names = table.iter().map(|(name, ..)| *name);
        let nearest = lancet_kernel::nearest(event, names.clone());
        let help = match nearest {
            Some(nearest) => format!("did you mean {provider}:{nearest}?"),
            None => format!("events are {}", names.collect::<Vec<_>>().join(", ")),
        };
        return Err(cx.wrong_help(Code::NoSuchProbe, format!("there is no {provider} event {event}"), help));
    };
    let period = match count {
        None => *usual,
        Some(text) => match crate::settings::parse_number(text).and_then(|count| u64::try_from(count).ok()) {
            Some(0) | None => {
                let message = format!("\"{text}\" is not a count");
                return Err(cx.wrong(Code::BadProbeArgument, message));
            }
            Some(count) => count,
        },
    };
    let name = match count {
        None => format!("{provider}:{event}"),
        Some(_) => format!("{provider}:{event}:{period}"),
    };
    Ok((*number, period, name))
}
