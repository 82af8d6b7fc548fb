//! Block parameters that always get the same value go, and so do parameters that always equal another one.

use super::Surroundings;
use super::rewrite::new_instruction;
use super::substitution::{Substitution, constant, retain_positions};
use crate::ir::analysis::ControlFlow;
use crate::ir::{Block, Function, Instruction, Terminator, Value};
use lancet_syntax::span::Span;

pub(super) fn run(function: &mut Function, surroundings: &Surroundings) -> bool {
    let mut changed = false;
    // Removing one parameter can make another redundant; the way through the blocks stays the same.
    let control_flow = surroundings.control_flow(function);
    while pass(function, &control_flow) {
        changed = true;
    }
    changed
}

fn pass(function: &mut Function, control_flow: &ControlFlow) -> bool {
    let mut substitution = Substitution::default();
    let mut changed = false;
    for block in control_flow.order.iter().copied().skip(1) {
        if function.blocks[block].parameters.is_empty() {
            continue;
        }
        let edges = incoming(function, control_flow, block);
        let parameters = function.blocks[block].parameters.clone();
        let mut keep = vec![true; parameters.len()];
        for (index, parameter) in parameters.iter().enumerate() {
            let column = column(&edges, index, *parameter, &substitution);
            let earlier = (0..index).find(|other| keep[*other] && edges.iter().all(|edge| edge[*other] == edge[index]));
            let replacement = match (&column[..], earlier) {
                ([only], _) => Some(*only),
                (_, Some(earlier)) => Some(parameters[earlier]),
                _ => shared_constant(function, block, &column),
            };
            if let Some(replacement) = replacement {
                substitution.replace(*parameter, replacement);
                keep[index] = false;
                changed = true;
            }
        }
        remove_parameters(function, control_flow, block, &keep);
    }
    substitution.apply(function);
    changed
}

/// The arguments on each edge to a block.
fn incoming(function: &Function, control_flow: &ControlFlow, block: Block) -> Vec<Vec<Value>> {
    let mut predecessors = control_flow.predecessors(block).to_vec();
    predecessors.dedup();
    let terminators = predecessors.iter().filter_map(|predecessor| function.blocks[*predecessor].terminator.as_ref());
    let targets = terminators.flat_map(Terminator::targets);
    targets.filter(|(target, _)| *target == block).map(|(_, arguments)| arguments.to_vec()).collect()
}

/// The different values that a parameter gets, besides itself.
fn column(edges: &[Vec<Value>], index: usize, parameter: Value, substitution: &Substitution) -> Vec<Value> {
    let mut values: Vec<Value> = edges.iter().map(|edge| substitution.resolve(edge[index])).collect();
    values.retain(|value| *value != parameter);
    values.sort();
    values.dedup();
    values
}

/// A constant at the head of the block when all of `values` are that constant.
fn shared_constant(function: &mut Function, block: Block, values: &[Value]) -> Option<Value> {
    let number = constant(function, *values.first()?)?;
    if !values.iter().all(|value| constant(function, *value) == Some(number)) {
        return None;
    }
    let (inst, value) = new_instruction(function, Instruction::Const(number as i64), Span::default());
    function.blocks[block].instructions.insert(0, inst);
    Some(value)
}

/// Drops the parameters of a block that are not kept, and their arguments.
pub(super) fn remove_parameters(function: &mut Function, control_flow: &ControlFlow, block: Block, keep: &[bool]) {
    if keep.iter().all(|keep| *keep) {
        return;
    }
    retain_positions(&mut function.blocks[block].parameters, keep);
    for (index, parameter) in function.blocks[block].parameters.iter().enumerate() {
        function.values[*parameter].definition = crate::ir::ValueDef::Parameter(block, index as u32);
    }
    for predecessor in all_predecessors(function, control_flow, block) {
        let Some(terminator) = &mut function.blocks[predecessor].terminator else { continue };
        for (target, arguments) in terminator.targets_mut() {
            if *target == block {
                retain_positions(arguments, keep);
            }
        }
    }
}

/// Unreachable predecessors have to be changed, too, until they are removed.
fn all_predecessors(function: &Function, control_flow: &ControlFlow, block: Block) -> Vec<Block> {
    let unreachable = function.blocks.keys().filter(|other| !control_flow.is_reachable(*other));
    let mut predecessors: Vec<Block> = control_flow.predecessors(block).iter().copied().chain(unreachable).collect();
    predecessors.sort();
    predecessors.dedup();
    predecessors
}
