//! From a function to the order of its reachable blocks and their predecessors.

use crate::ir::entity::Entity;
use crate::ir::{Block, Function};

/// The reachable part of the control-flow graph.
#[derive(Clone, Debug)]
pub struct ControlFlow {
    /// Reachable blocks in reverse postorder: the entry first, each before what it dominates.
    pub order: Vec<Block>,
    position: Vec<Option<u32>>,
    predecessors: Vec<Vec<Block>>,
}

impl ControlFlow {
    /// Walks the function from its entry.
    pub fn new(function: &Function) -> Self {
        let count = function.blocks.len();
        let mut order = postorder(function);
        order.reverse();
        let mut position = vec![None; count];
        let mut predecessors = vec![Vec::new(); count];
        for (index, block) in order.iter().enumerate() {
            position[block.index()] = Some(index as u32);
            for successor in successors(function, *block) {
                predecessors[successor.index()].push(*block);
            }
        }
        Self { order, position, predecessors }
    }

    /// The reachable blocks with an edge to `block`: once for each edge.
    pub fn predecessors(&self, block: Block) -> &[Block] {
        &self.predecessors[block.index()]
    }

    /// True when a path leads from the entry to `block`.
    pub fn is_reachable(&self, block: Block) -> bool {
        self.position[block.index()].is_some()
    }

    /// The place of a reachable block in [`Self::order`].
    pub fn position(&self, block: Block) -> Option<usize> {
        self.position[block.index()].map(|position| position as usize)
    }
}

/// The blocks that a block may go to, in order.
pub fn successors(function: &Function, block: Block) -> impl DoubleEndedIterator<Item = Block> + use<> {
    let targets = function.blocks[block].terminator.iter().flat_map(|terminator| terminator.targets());
    targets.map(|(block, _)| block).collect::<Vec<_>>().into_iter()
}

fn postorder(function: &Function) -> Vec<Block> {
    let mut order = Vec::new();
    if function.blocks.is_empty() {
        return order;
    }
    let mut seen = vec![false; function.blocks.len()];
    let mut stack = vec![(function.entry(), successors(function, function.entry()))];
    seen[function.entry().index()] = true;
    while let Some((block, pending)) = stack.last_mut() {
        // From the back, so that the first target comes first in reverse postorder.
        match pending.next_back() {
            Some(next) if !seen[next.index()] => {
                seen[next.index()] = true;
                stack.push((next, successors(function, next)));
            }
            Some(_) => {}
            None => {
                order.push(*block);
                stack.pop();
            }
        }
    }
    order
}
