//! `tracepoint:category:event`: the kernel's static tracepoints, with their records as `args`.

use super::list::{Listed, Query};
use super::{Arguments, Cx, Expansion, Provider, Refused, is_pattern};
use crate::hir::ContextKind;
use crate::types::Space;
use lancet_kernel::tracepoint::{FieldStorage, TracepointField};
use lancet_manifest::Target;
use std::rc::Rc;

pub(super) struct Tracepoint;

impl Provider for Tracepoint {
    fn name(&self) -> &'static str {
        "tracepoint"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["t"]
    }

    fn usage(&self) -> &'static str {
        "tracepoint:category:event"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<Vec<Expansion>, Refused> {
        cx.exactly(2)?;
        let kernel = cx.environment.kernel;
        let (category, event) = (cx.parts[0].clone(), cx.parts[1].clone());
        let shown = format!("tracepoint {category}:{event}");
        let names = if is_pattern(&category) || is_pattern(&event) {
            kernel.tracepoints(&category, &event).map_err(|error| cx.unavailable(&shown, &error))?
        } else {
            vec![(category.clone(), event.clone())]
        };
        if names.is_empty() {
            return Err(cx.missing(format!("no tracepoint matches {category}:{event}"), None));
        }
        let mut expansions = Vec::new();
        for (category, event) in names {
            let format = match kernel.tracepoint(&category, &event) {
                Ok(format) => format,
                Err(lancet_kernel::Unavailable::Missing(_)) => {
                    return Err(cx.missing(format!("there is no {shown}"), nearest(cx, &category, &event)));
                }
                Err(error) => return Err(cx.unavailable(&shown, &error)),
            };
            // System calls are given pointers by the traced program; other events have the kernel's own.
            let space = if category == "syscalls" { Space::User } else { Space::Kernel };
            let name = format!("tracepoint:{category}:{event}");
            let point = cx.attach_point("tracepoint", name, Target::Tracepoint { category, event });
            expansions.push(Expansion {
                section: "tracepoint",
                context: Some(ContextKind::TracepointRecord),
                arguments: Arguments::Tracepoint { format: Rc::new(format), space },
                space: Some(if space == Space::User { Space::User } else { Space::Any }),
                attach_points: vec![point],
                ..Expansion::default()
            });
        }
        Ok(expansions)
    }

    fn list(&self, query: &Query<'_>) -> Vec<Listed> {
        let found = query.found(query.kernel.tracepoints(query.part(0), query.part(1)));
        let listed = found.into_iter().map(|(category, event)| {
            // Formats are read only where they are shown.
            let format = if query.arguments { query.kernel.tracepoint(&category, &event).ok() } else { None };
            let fields = format.map(|format| format.fields).unwrap_or_default();
            let own = fields.iter().filter(|field| !field.name.starts_with("common_"));
            let arguments = own.map(declaration).collect();
            Listed { name: format!("tracepoint:{category}:{event}"), arguments, ..Listed::default() }
        });
        listed.collect()
    }
}

/// A field as the format declares it.
fn declaration(field: &TracepointField) -> String {
    match field.storage {
        FieldStorage::Array(count) => format!("{} {}[{count}]", field.type_name, field.name),
        FieldStorage::DataLoc | FieldStorage::RelativeLoc => format!("{}[] {}", field.type_name, field.name),
        FieldStorage::Scalar => format!("{} {}", field.type_name, field.name),
    }
}

fn nearest(cx: &Cx<'_>, category: &str, event: &str) -> Option<String> {
    let all = cx.environment.kernel.tracepoints("*", "*").ok()?;
    let names: Vec<String> = all.iter().map(|(category, event)| format!("{category}:{event}")).collect();
    let wanted = format!("{category}:{event}");
    lancet_kernel::nearest(&wanted, names.iter().map(String::as_str)).map(|found| format!("tracepoint:{found}"))
}
