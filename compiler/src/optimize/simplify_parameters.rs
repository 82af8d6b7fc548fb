//! Block parameters that always get the same value go, and so do parameters that always equal another one.

use super::Surroundings;
use super::rewrite::new_instruction;
use super::substitution::{Substitution, constant, retain_positions};
use crate::ir::analysis::ControlFlow;
use crate::ir::{Block, Function, Instruction, Value};
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
    let (mut edges, mut keep) = (Edges::default(), Vec::new());
    for block in control_flow.order.iter().copied().skip(1) {
        if function.blocks[block].parameters.is_empty() {
            continue;
        }
        edges.collect(function, control_flow, block);
        keep.clear();
        keep.resize(function.blocks[block].parameters.len(), true);
        for index in 0..keep.len() {
            let parameter = function.blocks[block].parameters[index];
            let replacement = match edges.only(index, parameter, &substitution) {
                Some(only) => Some(only),
                None => match (0..index).find(|other| keep[*other] && edges.are_equal(*other, index)) {
                    Some(earlier) => Some(function.blocks[block].parameters[earlier]),
                    None => shared_constant(function, block, edges.column(index, parameter, &substitution)),
                },
            };
            if let Some(replacement) = replacement {
                substitution.replace(parameter, replacement);
                keep[index] = false;
                changed = true;
            }
        }
        remove_parameters(function, control_flow, block, &keep);
    }
    substitution.apply(function);
    changed
}

/// The arguments on each edge to a block, one edge after the other.
#[derive(Default)]
struct Edges {
    arguments: Vec<Value>,
    parameters: usize,
}

impl Edges {
    fn collect(&mut self, function: &Function, control_flow: &ControlFlow, block: Block) {
        self.arguments.clear();
        self.parameters = function.blocks[block].parameters.len();
        let predecessors = control_flow.predecessors(block);
        for (index, predecessor) in predecessors.iter().enumerate() {
            // One that has two edges comes twice, one behind the other.
            let is_first = index == 0 || predecessors[index - 1] != *predecessor;
            let Some(terminator) = function.blocks[*predecessor].terminator.as_ref().filter(|_| is_first) else {
                continue;
            };
            for (_, arguments) in terminator.targets().iter().filter(|(target, _)| *target == block) {
                self.arguments.extend_from_slice(arguments);
            }
        }
    }

    /// The different values that a parameter gets, besides itself, some more than once.
    fn column(&self, index: usize, parameter: Value, substitution: &Substitution) -> impl Iterator<Item = Value> {
        let column = self.arguments.iter().skip(index).step_by(self.parameters);
        column.map(|argument| substitution.resolve(*argument)).filter(move |value| *value != parameter)
    }

    /// The value that a parameter always gets.
    fn only(&self, index: usize, parameter: Value, substitution: &Substitution) -> Option<Value> {
        let mut column = self.column(index, parameter, substitution);
        let first = column.next()?;
        column.all(|value| value == first).then_some(first)
    }

    fn are_equal(&self, one: usize, other: usize) -> bool {
        self.arguments.chunks_exact(self.parameters).all(|edge| edge[one] == edge[other])
    }
}

/// A constant at the head of the block when all of `values` are that constant.
fn shared_constant(function: &mut Function, block: Block, mut values: impl Iterator<Item = Value>) -> Option<Value> {
    let number = constant(function, values.next()?)?;
    if !values.all(|value| constant(function, value) == Some(number)) {
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
