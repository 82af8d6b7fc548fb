//! Pointers from the current task on, which the verifier is told not to trust: then it takes them for what they may be, null
//! included, as reads of what cannot be read give zero. For each pointer that it is to trust it searches the kernel's types
//! by name, half a millisecond each, and where it may be null it wants to see that it is not.

use super::Lowerer;
use crate::hir::{Expr, ExprKind};
use crate::ir::{READ_ONLY_CAST, Value};
use crate::types::{Space, StructOrigin, Type};

impl Lowerer<'_> {
    /// A pointer that a value of that type is loaded through directly. Where that is another pointer, on whose way the
    /// verifier would have to search, it is cast to one that is only read from.
    pub(super) fn loaded_through(&mut self, pointer: &Expr, loaded: &Type) -> Value {
        let value = self.scalar(pointer);
        let Some(id) = target(pointer).filter(|_| matches!(loaded, Type::Pointer(..))) else { return value };
        match self.kernel_function(READ_ONLY_CAST) {
            Some(function) => {
                let id = self.constant(i64::from(id));
                self.call_kernel(READ_ONLY_CAST, function, vec![value, id])
            }
            None => value,
        }
    }

    /// Whether a pointer is one whose type the verifier knows and that has to be shown not to be null.
    pub(super) fn may_be_null(&mut self, pointer: &Expr) -> bool {
        let is_typed = matches!(pointer.ty, Type::Pointer(_, Space::Typed));
        // What a helper gives is not null.
        let is_loaded = is_typed && !matches!(pointer.kind, ExprKind::Call(_));
        is_loaded && !(target(root(pointer)).is_some() && self.kernel_function(READ_ONLY_CAST).is_some())
    }
}

/// The type, in the kernel's BTF, that a builtin's pointer points to.
fn target(pointer: &Expr) -> Option<u32> {
    match (&pointer.kind, &pointer.ty) {
        (ExprKind::Call(_), Type::Pointer(target, Space::Typed)) => match &**target {
            Type::Struct(reference) => match reference.origin {
                StructOrigin::Btf(id) => Some(id.0),
                StructOrigin::Script(_) | StructOrigin::Module(..) | StructOrigin::Opaque => None,
            },
            _ => None,
        },
        _ => None,
    }
}

/// Where a chain of loads begins.
fn root(mut pointer: &Expr) -> &Expr {
    while let ExprKind::Load { pointer: outer, .. } = &pointer.kind {
        pointer = outer;
    }
    pointer
}
