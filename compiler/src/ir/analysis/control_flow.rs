//! From a function to the order of its reachable blocks and their predecessors.

use crate::ir::entity::Entity;
use crate::ir::{Block, Function, Terminator};
use smallvec::{SmallVec, smallvec};
use std::ops::Range;

/// The reachable part of the control-flow graph.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ControlFlow {
    /// Reachable blocks in reverse postorder: the entry first, each before what it dominates.
    pub order: Vec<Block>,
    /// The place of each block in the order, or [`UNREACHABLE`].
    position: Vec<u32>,
    /// The predecessors of all blocks, those of one next to each other.
    predecessors: Vec<Block>,
    /// Where those of each block start, and the end.
    starts: Vec<u32>,
}

const UNREACHABLE: u32 = u32::MAX;

impl ControlFlow {
    /// Walks the function from its entry.
    pub fn new(function: &Function) -> Self {
        let count = function.blocks.len();
        let (mut order, mut position) = postorder(function);
        order.reverse();
        let mut starts = vec![0; count + 1];
        for (index, block) in order.iter().enumerate() {
            position[block.index()] = index as u32;
            for successor in successors(function, *block) {
                starts[successor.index()] += 1;
            }
        }
        // From how many there are to where they end; filling from the back moves that to where they start.
        let mut total = 0;
        for start in &mut starts {
            total += *start;
            *start = total;
        }
        let mut predecessors = vec![Block::new(0); total as usize];
        for block in order.iter().rev() {
            for successor in successors(function, *block).rev() {
                let start = &mut starts[successor.index()];
                *start -= 1;
                predecessors[*start as usize] = *block;
            }
        }
        Self { order, position, predecessors, starts }
    }

    /// The reachable blocks with an edge to `block`: once for each edge.
    pub fn predecessors(&self, block: Block) -> &[Block] {
        let (start, end) = (self.starts[block.index()], self.starts[block.index() + 1]);
        &self.predecessors[start as usize..end as usize]
    }

    /// True when a path leads from the entry to `block`.
    pub fn is_reachable(&self, block: Block) -> bool {
        self.position[block.index()] != UNREACHABLE
    }

    /// The place of a reachable block in [`Self::order`].
    pub fn position(&self, block: Block) -> Option<usize> {
        let position = self.position[block.index()];
        (position != UNREACHABLE).then_some(position as usize)
    }
}

/// The blocks that a block may go to, in order.
pub fn successors(function: &Function, block: Block) -> Successors {
    match &function.blocks[block].terminator {
        Some(Terminator::Jump(next, _)) => Successors { blocks: [*next; 2], left: 0..1 },
        Some(Terminator::Branch { then, otherwise, .. }) => Successors { blocks: [then.0, otherwise.0], left: 0..2 },
        Some(Terminator::Return(_)) | None => Successors { blocks: [block; 2], left: 0..0 },
    }
}

/// None, one or two blocks.
#[derive(Clone, Debug)]
pub struct Successors {
    blocks: [Block; 2],
    left: Range<u8>,
}

impl Successors {
    /// True when no more comes.
    pub fn is_empty(&self) -> bool {
        self.left.is_empty()
    }
}

impl Iterator for Successors {
    type Item = Block;

    fn next(&mut self) -> Option<Block> {
        self.left.next().map(|index| self.blocks[usize::from(index & 1)])
    }
}

impl DoubleEndedIterator for Successors {
    fn next_back(&mut self) -> Option<Block> {
        self.left.next_back().map(|index| self.blocks[usize::from(index & 1)])
    }
}

/// Blocks after those they lead to, and a mark for each that was not reached.
fn postorder(function: &Function) -> (Vec<Block>, Vec<u32>) {
    let mut order = Vec::with_capacity(function.blocks.len());
    let mut seen = vec![UNREACHABLE; function.blocks.len()];
    if function.blocks.is_empty() {
        return (order, seen);
    }
    let mut stack: SmallVec<[_; 16]> = smallvec![(function.entry(), successors(function, function.entry()))];
    seen[function.entry().index()] = 0;
    while let Some((block, pending)) = stack.last_mut() {
        // From the back, so that the first target comes first in reverse postorder.
        match pending.next_back() {
            Some(next) if seen[next.index()] == UNREACHABLE => {
                seen[next.index()] = 0;
                stack.push((next, successors(function, next)));
            }
            Some(_) => {}
            None => {
                order.push(*block);
                stack.pop();
            }
        }
    }
    (order, seen)
}
