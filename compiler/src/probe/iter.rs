//! `iter:name`: the kernel's own iterators, which run the action once for each of its objects (5.8). Which there are, BTF
//! says: each has a context struct `bpf_iter__name` and a function `bpf_iter_name`.

use super::list::{Listed, Query};
use super::{Arguments, Cx, Expansion, Provider, Refused, is_pattern};
use crate::hir::ContextKind;
use crate::types::Space;
use lancet_kernel::btf::{Btf, NameKind, Type, TypeId};
use lancet_kernel::wildcard_matches;
use lancet_manifest::Target;
use lancet_syntax::code::Code;

pub(super) struct Iter;

/// Where relative pin paths start.
const PINS: &str = "/sys/fs/bpf";

impl Provider for Iter {
    fn name(&self) -> &'static str {
        "iter"
    }

    fn aliases(&self) -> &'static [&'static str] {
        &["it"]
    }

    fn usage(&self) -> &'static str {
        "iter:name or iter:name:pin, such as iter:task"
    }

    fn expand(&self, cx: &mut Cx<'_>) -> Result<Vec<Expansion>, Refused> {
        let (name, pin) = match cx.parts.as_slice() {
            [name] => (name.clone(), None),
            [name, pin] => (name.clone(), Some(pin.clone())),
            _ => return Err(cx.wrong(Code::BadAttachPoint, "this probe takes the name of an iterator")),
        };
        let Some(btf) = cx.environment.kernel.btf() else {
            let help = "it needs a kernel with CONFIG_DEBUG_INFO_BTF";
            return Err(cx.wrong_help(Code::NotOnThisKernel, "iterators are not known without the kernel's BTF", help));
        };
        let found: Vec<(String, TypeId)> = if is_pattern(&name) {
            all(btf).into_iter().filter(|(known, _)| wildcard_matches(&name, known)).collect()
        } else {
            context(btf, &name).map(|id| (name.clone(), id)).into_iter().collect()
        };
        if found.is_empty() {
            let names = all(btf);
            let nearest = lancet_kernel::nearest(&name, names.iter().map(|(name, _)| name.as_str()));
            return Err(match nearest {
                Some(nearest) => cx.missing(format!("there is no iterator {name}"), Some(format!("iter:{nearest}"))),
                None => {
                    let known: Vec<&str> = names.iter().map(|(name, _)| name.as_str()).collect();
                    let help = format!("this kernel has {}", known.join(", "));
                    cx.wrong_help(Code::NoSuchProbe, format!("there is no iterator {name}"), help)
                }
            });
        }
        if pin.is_some() && found.len() > 1 {
            return Err(cx.wrong(Code::BadAttachPoint, "several iterators cannot be pinned at one place"));
        }
        let expansions = found.into_iter().map(|(name, id)| {
            let shown = match &pin {
                Some(pin) => format!("iter:{name}:{pin}"),
                None => format!("iter:{name}"),
            };
            let object = object(btf, id);
            let target = Target::Iterator { name, pin: pin.as_deref().map(absolute).unwrap_or_default() };
            Expansion {
                section: "iter",
                context: Some(ContextKind::Iterator { object }),
                arguments: Arguments::Iterator(id),
                space: Some(Space::Any),
                attach_points: vec![cx.attach_point("iter", shown, target)],
                ..Expansion::default()
            }
        });
        Ok(expansions.collect())
    }

    fn list(&self, query: &Query<'_>) -> Vec<Listed> {
        let Some(btf) = query.kernel.btf() else { return Vec::new() };
        let found = all(btf).into_iter().filter(|(name, _)| wildcard_matches(query.part(0), name));
        let arguments = |id| if query.arguments { fields(btf, id) } else { Vec::new() };
        let listed = found.map(|(name, id)| Listed {
            name: format!("iter:{name}"),
            arguments: arguments(id),
            ..Listed::default()
        });
        listed.collect()
    }
}

/// A pin path as the kernel takes it.
fn absolute(pin: &str) -> String {
    if pin.starts_with('/') { pin.to_owned() } else { format!("{PINS}/{pin}") }
}

/// All iterators, sorted: those that have both a context and a function to attach to.
fn all(btf: &Btf) -> Vec<(String, TypeId)> {
    let contexts = btf.names(NameKind::Struct).filter_map(|(id, name)| Some((name.strip_prefix("bpf_iter__")?, id)));
    let mut found: Vec<(String, TypeId)> = contexts
        .filter(|(name, _)| btf.find(&format!("bpf_iter_{name}"), NameKind::Function).is_some())
        .map(|(name, id)| (name.to_owned(), id))
        .collect();
    found.sort();
    found.dedup_by(|one, other| one.0 == other.0);
    found
}

/// The context struct of an iterator.
fn context(btf: &Btf, name: &str) -> Option<TypeId> {
    btf.find(&format!("bpf_iter_{name}"), NameKind::Function)?;
    btf.find(&format!("bpf_iter__{name}"), NameKind::Struct)
}

/// The fields of a context besides what all iterators have: name, type, byte offset. Each may be within a union of its own.
fn members(btf: &Btf, context: TypeId) -> Vec<(String, TypeId, u32)> {
    let Some(Type::Aggregate { members, .. }) = btf.ty(context) else { return Vec::new() };
    let named = members.into_iter().filter_map(|member| match btf.ty(member.ty) {
        Some(Type::Aggregate { members: inner, .. }) if member.name.is_empty() => {
            let inner = inner.into_iter().find(|inner| !inner.name.is_empty())?;
            Some((inner.name, inner.ty, member.bit_offset / 8))
        }
        _ => Some((member.name, member.ty, member.bit_offset / 8)),
    });
    named.filter(|(name, ..)| name != "meta").collect()
}

/// Where the pointer to the object is: the last one. It is null when the kernel calls the program after the last object.
fn object(btf: &Btf, context: TypeId) -> Option<u32> {
    let is_pointer = |ty| matches!(btf.resolve(ty).and_then(|id| btf.ty(id)), Some(Type::Pointer(_)));
    members(btf, context).iter().rev().find(|(_, ty, _)| is_pointer(*ty)).map(|(.., offset)| *offset)
}

fn fields(btf: &Btf, context: TypeId) -> Vec<String> {
    let declaration = |(name, ty, _): &(String, TypeId, u32)| format!("{} {name}", btf.declaration(*ty, ""));
    members(btf, context).iter().map(declaration).collect()
}
