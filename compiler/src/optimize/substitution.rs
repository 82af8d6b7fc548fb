//! Values that are to be replaced by others: what the passes have for copy propagation, since the intermediate
//! representation has no copies.

use crate::ir::entity::Entity;
use crate::ir::{Function, Value};

/// Replacements to be made throughout a function.
#[derive(Default)]
pub(super) struct Substitution {
    /// Of each value, as far as the last that has one.
    replacements: Vec<Option<Value>>,
}

impl Substitution {
    /// `value` becomes `replacement` everywhere. The replacement must be defined wherever `value` is.
    pub(super) fn replace(&mut self, value: Value, replacement: Value) {
        let replacement = self.resolve(replacement);
        if value != replacement {
            let index = value.index();
            if index >= self.replacements.len() {
                self.replacements.resize(index + 1, None);
            }
            self.replacements[index] = Some(replacement);
        }
    }

    /// Nothing is to be replaced.
    pub(super) fn is_empty(&self) -> bool {
        self.replacements.is_empty()
    }

    /// What `value` has become.
    pub(super) fn resolve(&self, mut value: Value) -> Value {
        while let Some(Some(replacement)) = self.replacements.get(value.index()) {
            value = *replacement;
        }
        value
    }

    /// Rewrites all uses; true when there was anything to replace.
    pub(super) fn apply(&self, function: &mut Function) -> bool {
        if self.replacements.is_empty() {
            return false;
        }
        for (_, data) in function.instructions.iter_mut() {
            data.instruction.visit_operands_mut(|value| *value = self.resolve(*value));
        }
        for (_, data) in function.blocks.iter_mut() {
            if let Some(terminator) = &mut data.terminator {
                terminator.visit_operands_mut(|value| *value = self.resolve(*value));
            }
        }
        true
    }
}

/// The number that `value` always is, if it is a constant.
pub(super) fn constant(function: &Function, value: Value) -> Option<u64> {
    match function.definition(value) {
        Some(crate::ir::Instruction::Const(number)) => Some(*number as u64),
        _ => None,
    }
}

/// Drops the items whose position is not kept.
pub(super) fn retain_positions<T>(items: &mut Vec<T>, keep: &[bool]) {
    let mut position = 0;
    items.retain(|_| {
        position += 1;
        keep[position - 1]
    });
}
