//! Whether a script shows functions of processes: only then it is worth while to watch what processes map.

use lancet_manifest::{Action, Manifest, MapShape, MapValue, ValueType};

/// Whether anything that the script prints is an address of a process.
pub fn are_used(manifest: &Manifest) -> bool {
    let in_maps = manifest.maps.iter().any(|map| {
        let key = match &map.shape {
            MapShape::Keyed { key, .. } => is_or_has(key),
            MapShape::Scalar { .. } => false,
        };
        key || matches!(&map.value, MapValue::Plain(value) if is_or_has(value))
    });
    in_maps || manifest.actions.iter().any(in_action)
}

fn in_action(action: &Action) -> bool {
    match action {
        Action::Text { arguments, .. } | Action::Join { arguments, .. } => {
            arguments.iter().any(|argument| is_or_has(&argument.ty))
        }
        Action::Value(argument) => is_or_has(&argument.ty),
        _ => false,
    }
}

fn is_or_has(ty: &ValueType) -> bool {
    match ty {
        ValueType::UserSymbol | ValueType::UserStack(_) => true,
        ValueType::Array { element, .. } => is_or_has(element),
        ValueType::Tuple { fields, .. } | ValueType::Record { fields, .. } => {
            fields.iter().any(|field| is_or_has(&field.ty))
        }
        ValueType::Int { .. }
        | ValueType::Bool
        | ValueType::Enum { .. }
        | ValueType::Pointer
        | ValueType::String { .. }
        | ValueType::Buffer { .. }
        | ValueType::Inet
        | ValueType::Mac
        | ValueType::KernelSymbol
        | ValueType::KernelStack(_)
        | ValueType::Username
        | ValueType::Timestamp { .. }
        | ValueType::CgroupPath { .. }
        | ValueType::ProbeName => false,
    }
}
