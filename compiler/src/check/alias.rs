//! Variables that only ever are another name for a pointer whose type the verifier knows: `$task = curtask`. Loads through
//! them are direct, as through the pointer itself.
//!
//! The verifier loses such a pointer's type in variables that may hold something else too. So one is followed only where
//! the assignment that makes the variable is the only one, and the value a builtin's that is the same all through a probe.

use super::Checker;
use super::typed::untracked;
use crate::builtin::{Builtin, Call, Extra};
use crate::hir::{Expr, ExprKind, LocalIndex};
use crate::types::{Space, Type};
use lancet_syntax::ast;

/// What a variable is another name for.
#[derive(Clone)]
pub(super) struct Alias {
    builtin: &'static dyn Builtin,
    ty: Type,
}

impl Alias {
    fn of(value: &Expr) -> Option<Self> {
        match (&value.kind, &value.ty) {
            (ExprKind::Call(call), ty @ Type::Pointer(_, Space::Typed))
                if call.arguments.is_empty() && call.extra == Extra::None =>
            {
                Some(Self { builtin: call.builtin, ty: ty.clone() })
            }
            _ => None,
        }
    }
}

impl<'a> Checker<'a> {
    /// A value that is assigned to a variable, and the pointer that it is, if it is one.
    pub(super) fn assigned_value(&mut self, written: &'a ast::Expr) -> Option<(Expr, Option<Alias>)> {
        let value = self.named_pointer(written)?;
        let alias = Alias::of(&value);
        Some((self.is_value(untracked(value))?, alias))
    }

    /// The variable is made as another name.
    pub(super) fn is_made_as(&mut self, index: LocalIndex, alias: Alias) {
        if !self.inference.is_no_alias(&self.sites[index.0 as usize]) {
            self.aliases.insert(index, alias);
        }
    }

    /// The variable may get another value: what was checked before has to be checked again.
    pub(super) fn gets_another_value(&mut self, index: LocalIndex) {
        if self.aliases.remove(&index).is_some() {
            self.inference.is_no_alias_from_now_on(self.sites[index.0 as usize].clone());
        }
    }

    /// A checked expression, with its type as the verifier knows it; for a variable the pointer that it names.
    pub(super) fn named_pointer(&mut self, written: &'a ast::Expr) -> Option<Expr> {
        let checked = self.tracked(written)?;
        let ExprKind::Local(index) = checked.kind else { return Some(checked) };
        Some(match self.aliases.get(&index).cloned() {
            Some(Alias { builtin, ty }) => Call::expr(builtin, ty, checked.span, Vec::new(), Extra::None),
            None => checked,
        })
    }
}
