//! Pointers from the current task on, which the verifier is told not to trust: then it takes them for what they may be, null
//! included, as reads of what cannot be read give zero. For each pointer that it is to trust it searches the kernel's types
//! by name, half a millisecond each, and where it may be null it wants to see that it is not.

use super::Lowerer;
use crate::hir::{Expr, ExprKind};
use crate::ir::{Instruction, READ_ONLY_CAST, Value};
use crate::types::{Space, StructOrigin, Type};
use lancet_kernel::btf::NameKind;

impl Lowerer<'_> {
    /// A pointer that a value of that type is loaded through directly. Where that is another pointer, on whose way the
    /// verifier would have to search, it is cast to one that is only read from.
    pub(super) fn loaded_through(&mut self, pointer: &Expr, loaded: &Type) -> Value {
        let value = self.scalar(pointer);
        let Some(id) = target(pointer).filter(|_| matches!(loaded, Type::Pointer(..))) else { return value };
        match self.read_only_cast() {
            Some(function) => {
                let id = self.constant(i64::from(id));
                let (name, arguments) = (READ_ONLY_CAST.to_owned(), vec![value, id]);
                self.value(Instruction::CallKernel { name, btf_id: function, arguments })
            }
            None => value,
        }
    }

    /// Whether a pointer is one whose type the verifier knows and that has to be shown not to be null.
    pub(super) fn may_be_null(&mut self, pointer: &Expr) -> bool {
        let is_typed = matches!(pointer.ty, Type::Pointer(_, Space::Typed));
        // What a helper gives is not null.
        let is_loaded = is_typed && !matches!(pointer.kind, ExprKind::Call(_));
        is_loaded && !(target(root(pointer)).is_some() && self.read_only_cast().is_some())
    }

    /// `void *bpf_rdonly_cast(void *, u32)` (Linux 6.2), where this program may call it. It costs nothing: the verifier
    /// makes a move of it.
    fn read_only_cast(&mut self) -> Option<u32> {
        let part = self.part.filter(|_| self.target.features.kfuncs)?;
        if let Some((section, known)) = &self.read_only_cast
            && *section == part.section
        {
            return *known;
        }
        let kernel = self.target.kernel;
        let function = kernel.btf().and_then(|btf| btf.find(READ_ONLY_CAST, NameKind::Function));
        let known = function.filter(|_| kernel.may_call(READ_ONLY_CAST, &part.section)).map(|function| function.0);
        self.read_only_cast = Some((part.section.clone(), known));
        known
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
