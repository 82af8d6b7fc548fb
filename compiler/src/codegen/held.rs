//! Which registers hold what is in a spill slot too: reloads of it are needless.
//!
//! That matters beyond the load. Kernels before 6.8 forget, when a value comes back from the stack, that it is the one that
//! was compared before, and with it its bounds.

use super::vcode::VCode;
use regalloc2::{Allocation, Block, Function, Inst, OperandKind, Output, PRegSet};

const REGISTERS: usize = 11;

/// By register: the number of the spill slot whose value it has.
#[derive(Clone, Default)]
pub(super) struct Held {
    slots: [Option<u32>; REGISTERS],
}

/// What a reload comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reload {
    /// Nothing: the register has the value.
    Needless,
    /// A move from a register that has it.
    From(usize),
    /// A load.
    Load,
}

impl Held {
    /// Where a block starts: what all its predecessors end with, as far as they came before it.
    pub(super) fn at_start(code: &VCode, block: usize, ends: &[Held]) -> Self {
        let mut before = code.block_preds(Block::new(block)).iter();
        let Some(mut held) = before.next().map(|first| ends.get(first.index()).cloned().unwrap_or_default()) else {
            return Self::default();
        };
        for other in before {
            let theirs = ends.get(other.index()).cloned().unwrap_or_default();
            for (ours, theirs) in held.slots.iter_mut().zip(theirs.slots) {
                *ours = ours.filter(|slot| theirs == Some(*slot));
            }
        }
        held
    }

    /// A register's value goes to a slot.
    pub(super) fn spill(&mut self, register: usize, slot: u32) {
        self.slots.iter_mut().filter(|held| **held == Some(slot)).for_each(|held| *held = None);
        self.slots[register] = Some(slot);
    }

    /// A slot's value is wanted in a register, which has it from now on.
    pub(super) fn reload(&mut self, slot: u32, register: usize) -> Reload {
        let holder = self.slots.iter().position(|held| *held == Some(slot));
        let has_it = self.slots[register] == Some(slot);
        self.slots[register] = Some(slot);
        match holder {
            _ if has_it => Reload::Needless,
            Some(holder) => Reload::From(holder),
            None => Reload::Load,
        }
    }

    /// One register's value goes to another.
    pub(super) fn copy(&mut self, from: usize, to: usize) {
        self.slots[to] = self.slots[from];
    }

    /// An instruction writes its results, and a call what it does not keep.
    pub(super) fn execute(&mut self, code: &VCode, output: &Output, inst: Inst) {
        let clobbered = code.inst_clobbers(inst);
        if clobbered != PRegSet::empty() {
            for (number, held) in self.slots.iter_mut().enumerate() {
                if clobbered.contains(super::vcode::preg(number)) {
                    *held = None;
                }
            }
        }
        let results = code.inst_operands(inst).iter().zip(output.inst_allocs(inst));
        for register in
            results.filter(|(operand, _)| operand.kind() == OperandKind::Def).filter_map(|(_, at)| at.as_reg())
        {
            self.slots[register.hw_enc()] = None;
        }
    }
}

/// The number of a spill slot.
pub(super) fn slot_of(allocation: Allocation) -> Option<u32> {
    allocation.as_stack().map(|slot| slot.index() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_loaded_once() {
        let mut held = Held::default();
        assert_eq!(held.reload(3, 1), Reload::Load);
        assert_eq!(held.reload(3, 1), Reload::Needless);
        assert_eq!(held.reload(3, 2), Reload::From(1));
        held.spill(4, 3);
        assert_eq!(held.reload(3, 1), Reload::From(4));
        held.copy(5, 4);
        assert_eq!(held.reload(3, 4), Reload::From(1));
    }
}
