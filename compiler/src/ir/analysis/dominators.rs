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
    children: Vec<Vec<usize>>,
}

impl Dominators {
    /// Computes the tree.
    pub fn new(control_flow: &ControlFlow) -> Self {
        let immediate = immediate_dominators(control_flow);
        let mut children = vec![Vec::new(); immediate.len()];
        for (position, parent) in immediate.iter().enumerate().skip(1) {
            children[*parent].push(position);
        }
        let interval = intervals(&children);
        Self { order: control_flow.order.clone(), immediate, interval, children }
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
    pub fn children(&self, control_flow: &ControlFlow, block: Block) -> impl DoubleEndedIterator<Item = Block> {
        let children = control_flow.position(block).map_or(&[][..], |position| &self.children[position]);
        children.iter().map(|child| self.order[*child])
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

fn intervals(children: &[Vec<usize>]) -> Vec<(u32, u32)> {
    let mut interval = vec![(0, 0); children.len()];
    let mut clock = 0;
    let mut stack: Vec<(usize, usize)> = if children.is_empty() { Vec::new() } else { vec![(0, 0)] };
    while let Some((node, next)) = stack.last_mut() {
        if *next == 0 {
            interval[*node].0 = clock;
            clock += 1;
        }
        match children[*node].get(*next) {
            Some(child) => {
                *next += 1;
                stack.push((*child, 0));
            }
            None => {
                interval[*node].1 = clock;
                stack.pop();
            }
        }
    }
    interval
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
