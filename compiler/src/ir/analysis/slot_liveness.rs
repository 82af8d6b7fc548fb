//! From a function to the bytes of slots that may still be read, at the end of each block and, step by step, before each
//! instruction.

use super::control_flow::successors;
use super::{Access, AccessKind, ByteSet, ControlFlow, SlotAccesses};
use crate::ir::entity::Entity;
use crate::ir::{Block, Function, Inst};
use std::ops::Range;

/// The bytes that are read later. Escaped slots take no part: their bytes are never in a set.
#[derive(Clone, Debug)]
pub struct SlotLiveness<'a> {
    accesses: &'a SlotAccesses,
    starts: Vec<usize>,
    size: usize,
    on_entry: Vec<ByteSet>,
}

impl<'a> SlotLiveness<'a> {
    /// Solves the equations backwards to a fixed point.
    pub fn new(function: &Function, control_flow: &ControlFlow, accesses: &'a SlotAccesses) -> Self {
        let mut size = 0;
        let mut starts = Vec::with_capacity(function.slots.len());
        for (slot, data) in function.slots.iter() {
            starts.push(size);
            if !accesses.has_escaped(slot) {
                size += data.size as usize;
            }
        }
        let on_entry = vec![ByteSet::empty(size); function.blocks.len()];
        let mut liveness = Self { accesses, starts, size, on_entry };
        // Blocks with a successor that has changed since they were last followed: beyond the first round, those in loops.
        let mut pending = vec![true; control_flow.order.len()];
        while pending.contains(&true) {
            for (position, block) in control_flow.order.iter().enumerate().rev() {
                if !std::mem::take(&mut pending[position]) {
                    continue;
                }
                let mut live = liveness.on_exit(function, *block);
                liveness.step_back_over(&mut live, accesses.in_block(*block));
                if liveness.on_entry[block.index()] != live {
                    liveness.on_entry[block.index()] = live;
                    let before = control_flow.predecessors(*block).iter();
                    before.filter_map(|block| control_flow.position(*block)).for_each(|index| pending[index] = true);
                }
            }
        }
        liveness
    }

    /// What is read after the end of a block.
    pub fn on_exit(&self, function: &Function, block: Block) -> ByteSet {
        let mut successors = successors(function, block);
        let Some(first) = successors.next() else { return ByteSet::empty(self.size) };
        let mut live = self.on_entry[first.index()].clone();
        successors.for_each(|successor| live.unite(&self.on_entry[successor.index()]));
        live
    }

    /// From what is read after an instruction to what is read from before it on.
    pub fn step_back(&self, live: &mut ByteSet, inst: Inst) {
        self.step_back_over(live, self.accesses.of(inst));
    }

    fn step_back_over(&self, live: &mut ByteSet, accesses: &[Access]) {
        // Reads come first, so in reverse what is written dies before what is read lives.
        for access in accesses.iter().rev() {
            match access.kind {
                AccessKind::Read => live.insert(self.range(access)),
                AccessKind::Write => live.remove(self.range(access)),
                AccessKind::MayWrite => {}
            }
        }
    }

    /// Where the bytes of an access are in the set.
    pub fn range(&self, access: &Access) -> Range<usize> {
        let start = self.starts[access.slot.index()];
        start + access.start as usize..start + access.end as usize
    }
}
