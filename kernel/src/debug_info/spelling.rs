//! Types as C spells them, for listings: `const char* name`, `struct person* p`, `int[4] v`.

use super::Types;
use crate::btf::{Type, TypeId};

/// More layers of pointers and arrays than any sane type has.
const DEPTH: u32 = 32;

/// The type's spelling; `?` where its description is damaged.
pub fn spell(types: &dyn Types, id: TypeId) -> String {
    nested(types, id, DEPTH)
}

/// A parameter or member: its type, then its name.
pub fn spell_declaration(types: &dyn Types, id: TypeId, name: &str) -> String {
    let ty = spell(types, id);
    if name.is_empty() { ty } else { format!("{ty} {name}") }
}

fn nested(types: &dyn Types, id: TypeId, depth: u32) -> String {
    let Some(ty) = types.ty(id).filter(|_| depth > 0) else { return "?".to_owned() };
    let inner = |target| nested(types, target, depth - 1);
    let or_anonymous = |keyword: &str, name: &str| {
        if name.is_empty() { format!("{keyword} (anonymous)") } else { format!("{keyword} {name}") }
    };
    match ty {
        Type::Void | Type::Other => "void".to_owned(),
        Type::Int { name, .. } | Type::Float { name, .. } => name,
        Type::Pointer(target) => match types.ty(target) {
            Some(Type::Prototype { parameters, returns }) => {
                let parameters: Vec<String> = parameters.iter().map(|(_, ty)| inner(*ty)).collect();
                format!("{} (*)({})", inner(returns), parameters.join(", "))
            }
            _ => format!("{}*", inner(target)),
        },
        Type::Array { element, count } => format!("{}[{count}]", inner(element)),
        Type::Aggregate { name, is_union, .. } | Type::Forward { name, is_union } => {
            or_anonymous(if is_union { "union" } else { "struct" }, &name)
        }
        Type::Enum { name, .. } => or_anonymous("enum", &name),
        Type::Typedef { name, .. } => name,
        Type::Modifier(target) => format!("const {}", inner(target)),
        Type::Tag { target, .. } => inner(target),
        Type::Function { name, .. } => name,
        Type::Prototype { returns, .. } => format!("{} ()", inner(returns)),
        Type::Variable { target, .. } => inner(target),
    }
}
