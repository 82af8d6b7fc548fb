//! Decided branches become jumps, jumps to jumps go to the end, blocks with one way in join their predecessor, and
//! unreachable blocks are emptied.

use super::Surroundings;
use super::simplify_algebra::is_never_null;
use super::substitution::{Substitution, constant};
use crate::ir::analysis::control_flow::successors;
use crate::ir::analysis::{ControlFlow, Uses};
use crate::ir::{Block, BlockData, Comparison, Function, Instruction, Terminator, Value, Width};
use smallvec::SmallVec;

pub(super) fn run(function: &mut Function, surroundings: &Surroundings) -> bool {
    let mut changed = false;
    loop {
        let decided = decide_branches(function);
        let is_as_before = !changed && !decided;
        let control_flow =
            if is_as_before { surroundings.control_flow(function) } else { ControlFlow::new(function).into() };
        let emptied = empty_unreachable(function, &control_flow);
        let skipped = skip_empty_blocks(function, &control_flow);
        let control_flow = if skipped { ControlFlow::new(function).into() } else { control_flow };
        let merged = merge_blocks(function, &control_flow);
        changed |= decided | emptied | skipped | merged;
        if !(decided | skipped | merged) {
            if changed {
                surroundings.leave_control_flow(control_flow);
            }
            return changed;
        }
    }
}

/// Branches whose way is known become jumps; negations exchange the ways.
fn decide_branches(function: &mut Function) -> bool {
    let mut changed = false;
    for block in function.blocks.keys() {
        while let Some(decided) = function.blocks[block].terminator.as_ref().and_then(|old| decide(function, old)) {
            function.blocks[block].terminator = Some(decided);
            changed = true;
        }
    }
    changed
}

fn decide(function: &Function, terminator: &Terminator) -> Option<Terminator> {
    let Terminator::Branch { condition, then, otherwise } = terminator else { return None };
    let jump = |(block, arguments): &(Block, Vec<Value>)| Some(Terminator::Jump(*block, arguments.clone()));
    if then == otherwise || is_never_null(function, *condition) {
        return jump(then);
    }
    if constant(function, *condition) == Some(0) {
        return jump(otherwise);
    }
    // A comparison with 0 is what a branch does by itself, and what the kernel wants to see of pointers.
    let Some(Instruction::Compare(comparison, Width::W64, left, right)) = function.definition(*condition) else {
        return None;
    };
    let (condition, then, otherwise) = match (comparison, constant(function, *right)) {
        (Comparison::NotEqual, Some(0)) => (*left, then.clone(), otherwise.clone()),
        (Comparison::Equal, Some(0)) => (*left, otherwise.clone(), then.clone()),
        _ => return None,
    };
    Some(Terminator::Branch { condition, then, otherwise })
}

fn empty_unreachable(function: &mut Function, control_flow: &ControlFlow) -> bool {
    let mut changed = false;
    for (block, data) in function.blocks.iter_mut() {
        if !control_flow.is_reachable(block) && *data != BlockData::default() {
            *data = BlockData::default();
            changed = true;
        }
    }
    changed
}

/// Edges to blocks that only jump on go where those jump.
fn skip_empty_blocks(function: &mut Function, control_flow: &ControlFlow) -> bool {
    let is_skipped = |block: &Block| {
        let data = &function.blocks[*block];
        data.instructions.is_empty() && matches!(data.terminator, Some(Terminator::Jump(..)))
    };
    let mut skipped = control_flow.order.iter().filter(|block| is_skipped(block)).peekable();
    if skipped.peek().is_none() {
        return false;
    }
    // Only parameters are asked for.
    let has_parameters = skipped.any(|block| !function.blocks[*block].parameters.is_empty());
    let uses = has_parameters.then(|| Uses::new(function, control_flow));
    let mut changed = false;
    for block in &control_flow.order {
        let is_empty = |block: Block| function.blocks[block].instructions.is_empty();
        if !successors(function, *block).any(is_empty) {
            continue;
        }
        let Some(terminator) = &function.blocks[*block].terminator else { continue };
        let is_jump = matches!(terminator, Terminator::Jump(..));
        let redirected = terminator.targets().into_iter().map(|(target, arguments)| {
            let next = forward(function, uses.as_ref(), target, arguments);
            // A branch with arguments needs a block for its moves again.
            next.filter(|(_, arguments)| is_jump || arguments.is_empty())
        });
        let redirected: SmallVec<[_; 2]> = redirected.collect();
        let targets = function.blocks[*block].terminator.iter_mut().flat_map(Terminator::targets_mut);
        for ((target, arguments), next) in targets.zip(redirected) {
            if let Some(next) = next {
                (*target, *arguments) = next;
                changed = true;
            }
        }
    }
    changed
}

/// Where an edge to `block` ends when the block only jumps on.
fn forward(function: &Function, uses: Option<&Uses>, block: Block, arguments: &[Value]) -> Option<(Block, Vec<Value>)> {
    let data = &function.blocks[block];
    let Some(Terminator::Jump(next, next_arguments)) = &data.terminator else { return None };
    if !data.instructions.is_empty() || *next == block {
        return None;
    }
    for parameter in &data.parameters {
        let here = next_arguments.iter().filter(|argument| *argument == parameter).count();
        if uses.is_none_or(|uses| uses.count(*parameter) as usize != here) {
            return None;
        }
    }
    let resolve = |value: &Value| {
        let index = data.parameters.iter().position(|parameter| parameter == value);
        index.map_or(*value, |index| arguments[index])
    };
    Some((*next, next_arguments.iter().map(resolve).collect()))
}

/// A block that only one jump leads to is appended to its predecessor.
fn merge_blocks(function: &mut Function, control_flow: &ControlFlow) -> bool {
    let mut substitution = Substitution::default();
    let mut changed = false;
    for block in &control_flow.order {
        while let Some(Terminator::Jump(next, arguments)) = &function.blocks[*block].terminator {
            let next = *next;
            if control_flow.predecessors(next).len() != 1 || next == *block || next == function.entry() {
                break;
            }
            let arguments = arguments.clone();
            let merged = std::mem::take(&mut function.blocks[next]);
            for (parameter, argument) in merged.parameters.iter().zip(arguments) {
                substitution.replace(*parameter, argument);
            }
            function.blocks[*block].instructions.extend(merged.instructions);
            function.blocks[*block].terminator = merged.terminator;
            changed = true;
        }
    }
    substitution.apply(function);
    changed
}
