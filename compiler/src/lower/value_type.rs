//! Types of the language as the runtime reads them.

use crate::types::{Layout, StructLayouts, Type};
use lancet_manifest::{Field, ValueType};

/// The layout of a value for the runtime.
pub fn value_type(ty: &Type, structs: &dyn StructLayouts) -> ValueType {
    nested(ty, structs, 0)
}

/// Deeper nesting than any real struct has means that a definition contains itself.
const DEEPEST: u32 = 32;

fn nested(ty: &Type, structs: &dyn StructLayouts, depth: u32) -> ValueType {
    match ty {
        Type::Void => ValueType::Int { size: 8, signed: false },
        Type::Int { size, signed } => ValueType::Int { size: *size, signed: *signed },
        Type::Bool => ValueType::Bool,
        Type::Enum(ty) => ValueType::Enum {
            size: ty.size,
            signed: ty.signed,
            names: ty.variants.iter().map(|(name, value)| (*value, name.clone())).collect(),
        },
        Type::Pointer(..) => ValueType::Pointer,
        Type::String(size) => ValueType::String { size: *size },
        Type::Buffer(capacity) => ValueType::Buffer { capacity: *capacity },
        Type::Inet => ValueType::Inet,
        Type::Mac => ValueType::Mac,
        Type::KernelSymbol => ValueType::KernelSymbol,
        Type::UserSymbol => ValueType::UserSymbol,
        Type::KernelStack(stack) => ValueType::KernelStack(stack.mode),
        Type::UserStack(stack) => ValueType::UserStack(stack.mode),
        Type::Username => ValueType::Username,
        Type::Timestamp(clock, format) => ValueType::Timestamp { clock: *clock, format: format.to_string() },
        Type::CgroupPath(filter) => ValueType::CgroupPath { filter: filter.to_string() },
        Type::ProbeName => ValueType::ProbeName,
        Type::Array(element, count) => {
            ValueType::Array { element: Box::new(nested(element, structs, depth + 1)), count: *count }
        }
        Type::Tuple(_) => {
            let layout = layout(ty, structs);
            ValueType::Tuple { size: layout.size, fields: fields(&layout, structs, depth) }
        }
        Type::Record(_) | Type::Struct(_) => {
            let layout = layout(ty, structs);
            ValueType::Record { size: layout.size, fields: fields(&layout, structs, depth) }
        }
    }
}

fn layout(ty: &Type, structs: &dyn StructLayouts) -> Layout {
    ty.aggregate_layout(structs).unwrap_or(Layout { size: 0, align: 1, fields: Vec::new() })
}

fn fields(layout: &Layout, structs: &dyn StructLayouts, depth: u32) -> Vec<Field> {
    if depth > DEEPEST {
        return Vec::new();
    }
    let fields = layout.fields.iter().map(|field| Field {
        name: field.name.clone(),
        offset: field.offset,
        ty: nested(&field.ty, structs, depth + 1),
        bits: field.bits,
    });
    fields.collect()
}
