//! From control flow to the dominator tree (Cooper, Harvey, Kennedy, "A Simple, Fast Dominance Algorithm", 2001).
//!
//! Invariant: only reachable blocks take part.

use super::ControlFlow;
use crate::ir::Block;

/// The dominator tree, by position in reverse postorder.
#[derive(Clone, Debug)]
pub struct Dominators {
    order: Vec<Block>,
    immediate: Vec<usize>,
    /// Entry and exit times of a walk over the tree: an ancestor's interval encloses its descendants'.
    interval: Vec<(u32, u32)>,
    /// The first child of each, and the next of the same parent; 0, the entry, is nobody's child.
    first_child: Vec<usize>,
    next_sibling: Vec<usize>,
}

impl Dominators {
    /// Computes the tree.
    pub fn new(control_flow: &ControlFlow) -> Self {
        let immediate = immediate_dominators(control_flow);
        let mut first_child = vec![0; immediate.len()];
        let mut next_sibling = vec![0; immediate.len()];
        for (position, parent) in immediate.iter().enumerate().skip(1).rev() {
            next_sibling[position] = std::mem::replace(&mut first_child[*parent], position);
        }
        let interval = intervals(&immediate, &first_child, &next_sibling);
        Self { order: control_flow.order.clone(), immediate, interval, first_child, next_sibling }
    }

    /// True when every path from the entry to `block` goes through `dominator`; both must be reachable.
    pub fn dominates(&self, control_flow: &ControlFlow, dominator: Block, block: Block) -> bool {
        let (Some(above), Some(below)) = (control_flow.position(dominator), control_flow.position(block)) else {
            return false;
        };
        let ((enter, leave), (inner_enter, inner_leave)) = (self.interval[above], self.interval[below]);
        enter <= inner_enter && inner_leave <= leave
    }

    /// The closest strict dominator of a reachable block other than the entry.
    pub fn immediate(&self, control_flow: &ControlFlow, block: Block) -> Option<Block> {
        control_flow
            .position(block)
            .filter(|position| *position > 0)
            .map(|position| self.order[self.immediate[position]])
    }

    /// The blocks whose closest strict dominator is `block`, in reverse postorder.
    pub fn children(&self, control_flow: &ControlFlow, block: Block) -> impl Iterator<Item = Block> {
        let child = |position: usize| (position != 0).then_some(position);
        let first = control_flow.position(block).and_then(|position| child(self.first_child[position]));
        let children = std::iter::successors(first, move |position| child(self.next_sibling[*position]));
        children.map(|position| self.order[position])
    }
}

fn immediate_dominators(control_flow: &ControlFlow) -> Vec<usize> {
    const UNKNOWN: usize = usize::MAX;
    let mut immediate = vec![UNKNOWN; control_flow.order.len()];
    if immediate.is_empty() {
        return immediate;
    }
    immediate[0] = 0;
    let mut changed = true;
    while changed {
        changed = false;
        for (position, block) in control_flow.order.iter().enumerate().skip(1) {
            let predecessors =
                control_flow.predecessors(*block).iter().filter_map(|block| control_flow.position(*block));
            let known = predecessors.filter(|predecessor| immediate[*predecessor] != UNKNOWN);
            let closest = known.reduce(|left, right| intersect(&immediate, left, right));
            if let Some(closest) = closest
                && immediate[position] != closest
            {
                immediate[position] = closest;
                changed = true;
            }
        }
    }
    immediate
}

fn intersect(immediate: &[usize], mut left: usize, mut right: usize) -> usize {
    while left != right {
        while left > right {
            left = immediate[left];
        }
        while right > left {
            right = immediate[right];
        }
    }
    left
}

fn intervals(immediate: &[usize], first_child: &[usize], next_sibling: &[usize]) -> Vec<(u32, u32)> {
    let mut interval = vec![(0, 0); immediate.len()];
    if immediate.is_empty() {
        return interval;
    }
    let (mut clock, mut node) = (0, 0);
    loop {
        interval[node].0 = clock;
        clock += 1;
        if first_child[node] != 0 {
            node = first_child[node];
            continue;
        }
        // Up to the first that has a sibling behind it.
        interval[node].1 = clock;
        while next_sibling[node] == 0 {
            if node == 0 {
                return interval;
            }
            node = immediate[node];
            interval[node].1 = clock;
        }
        node = next_sibling[node];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ir::{FunctionBuilder, FunctionKind, Instruction, Terminator};

    /// entry → (left | right) → join → loop ⟲ → end
    #[test]
    fn a_join_is_dominated_by_the_branch_alone() {
        let mut builder = FunctionBuilder::new("f", FunctionKind::Subprogram, 1);
        let blocks: Vec<Block> = (0..5).map(|_| builder.block()).collect();
        let [left, right, join, repeat, end] = blocks[..] else { unreachable!() };
        let condition = builder.parameter(0);
        builder.branch(condition, left, right);
        for (from, to) in [(left, join), (right, join), (join, repeat)] {
            builder.switch_to(from);
            builder.jump(to);
        }
        builder.switch_to(repeat);
        builder.branch(condition, repeat, end);
        builder.switch_to(end);
        let zero = builder.value(Instruction::Const(0));
        builder.terminate(Terminator::Return(zero));
        let function = builder.finish();

        let control_flow = ControlFlow::new(&function);
        let dominators = Dominators::new(&control_flow);
        let dominates = |above, below| dominators.dominates(&control_flow, above, below);
        assert_eq!(dominators.immediate(&control_flow, join), Some(function.entry()));
        assert_eq!(dominators.immediate(&control_flow, end), Some(repeat));
        assert!(dominates(join, end) && dominates(function.entry(), end) && dominates(join, join));
        assert!(!dominates(left, join) && !dominates(end, repeat));
    }
}
