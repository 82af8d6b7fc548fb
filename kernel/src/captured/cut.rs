//! A kernel's BTF cut down to some types and what they are made of. A struct that is only pointed to, further away than
//! asked for, becomes a declaration; what is cut is still sound BTF.

use std::collections::BTreeMap;

use crate::btf::writer::Writer;
use crate::btf::{Btf, Member, Type, TypeId};

/// The types reachable from `roots`, following pointers to structs `pointers` times. In the order of the original.
pub(super) fn cut(btf: &Btf, roots: &[TypeId], pointers: u32) -> Vec<u8> {
    let reached = reach(btf, roots, pointers);
    let kept: Vec<(TypeId, Type)> = reached
        .into_iter()
        .filter_map(|(id, depth)| Some((id, if depth.is_some() { btf.ty(id)? } else { declaration(btf.ty(id)?) })))
        .filter(|(_, ty)| !matches!(ty, Type::Void | Type::Other))
        .collect();
    let numbers: BTreeMap<TypeId, TypeId> = kept.iter().zip(1..).map(|((id, _), new)| (*id, TypeId(new))).collect();
    let renumber = |id: TypeId| numbers.get(&id).copied().unwrap_or(TypeId(0));
    let mut writer = Writer::new();
    for (_, ty) in kept {
        writer.add(&with_ids(ty, renumber));
    }
    writer.finish()
}

/// All types to keep: with how many pointers may still be followed from them, or `None` for a declaration only.
fn reach(btf: &Btf, roots: &[TypeId], pointers: u32) -> BTreeMap<TypeId, Option<u32>> {
    let mut reached: BTreeMap<TypeId, Option<u32>> = BTreeMap::new();
    let mut pending: Vec<(TypeId, Option<u32>)> = roots.iter().map(|root| (*root, Some(pointers))).collect();
    while let Some((id, depth)) = pending.pop() {
        // `None` is less than any number: a type is visited again only when more can be seen from there.
        if reached.get(&id).is_some_and(|before| *before >= depth) {
            continue;
        }
        let Some(ty) = btf.ty(id) else { continue };
        let (depth, followed) = match &ty {
            Type::Aggregate { name, .. } if depth.is_none() && !name.is_empty() => (None, None),
            // Nameless structs cannot be declared only.
            _ => (Some(depth.unwrap_or(0)), Some(depth)),
        };
        reached.insert(id, depth);
        let Some(depth) = followed else { continue };
        match &ty {
            Type::Pointer(target) => {
                let is_struct = points_to_struct(btf, *target);
                let next = if is_struct { depth.and_then(|depth| depth.checked_sub(1)) } else { depth };
                pending.push((*target, next));
            }
            _ => pending.extend(parts(&ty).into_iter().map(|part| (part, depth))),
        }
    }
    reached
}

fn points_to_struct(btf: &Btf, target: TypeId) -> bool {
    btf.resolve(target).and_then(|id| btf.ty(id)).is_some_and(|ty| matches!(ty, Type::Aggregate { .. }))
}

/// The types that a type contains or refers to.
fn parts(ty: &Type) -> Vec<TypeId> {
    let mut parts = Vec::new();
    with_ids(ty.clone(), |id| {
        parts.push(id);
        id
    });
    parts
}

/// The same type with other ids.
fn with_ids(ty: Type, mut id: impl FnMut(TypeId) -> TypeId) -> Type {
    match ty {
        Type::Pointer(target) => Type::Pointer(id(target)),
        Type::Array { element, count } => Type::Array { element: id(element), count },
        Type::Aggregate { name, is_union, size, members } => {
            let members = members.into_iter().map(|member| Member { ty: id(member.ty), ..member }).collect();
            Type::Aggregate { name, is_union, size, members }
        }
        Type::Typedef { name, target } => Type::Typedef { name, target: id(target) },
        Type::Modifier(target) => Type::Modifier(id(target)),
        Type::Tag { name, target } => Type::Tag { name, target: id(target) },
        Type::Function { name, prototype } => Type::Function { name, prototype: id(prototype) },
        Type::Prototype { parameters, returns } => {
            let parameters = parameters.into_iter().map(|(name, ty)| (name, id(ty))).collect();
            Type::Prototype { parameters, returns: id(returns) }
        }
        Type::Variable { name, target } => Type::Variable { name, target: id(target) },
        Type::Void | Type::Int { .. } | Type::Float { .. } | Type::Enum { .. } | Type::Forward { .. } | Type::Other => {
            ty
        }
    }
}

fn declaration(ty: Type) -> Type {
    match ty {
        Type::Aggregate { name, is_union, .. } => Type::Forward { name, is_union },
        other => other,
    }
}
