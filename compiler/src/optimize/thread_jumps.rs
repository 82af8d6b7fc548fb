//! A jump with known arguments to a block that only decides on them goes straight to where the decision leads.
//!
//! `a && b` lowered through a variable becomes two branches this way. The values of the skipped block must not be used
//! elsewhere, since it would no longer dominate those uses.

use super::Surroundings;
use super::arithmetic;
use super::substitution::constant;
use crate::ir::analysis::Uses;
use crate::ir::{Block, Function, Instruction, Terminator, Value};
use rustc_hash::FxHashMap;
use std::cell::OnceCell;
use std::rc::Rc;

/// More is not just a decision.
const MAX_INSTRUCTIONS: usize = 4;

pub(super) fn run(function: &mut Function, surroundings: &Surroundings) -> bool {
    let control_flow = surroundings.control_flow(function);
    // Threading adds no use to a value that is used in its own block alone, so the counts stay good enough.
    let uses = OnceCell::new();
    let mut changed = false;
    for block in control_flow.order.iter().copied() {
        for edge in 0..2 {
            let mut remaining = function.blocks.len();
            while let Some((target, arguments)) = edge_of(function, block, edge)
                && remaining > 0
                && target != block
                && let Some(threaded) =
                    thread(function, |function| uses.get_or_init(|| surroundings.uses(function)), target, arguments)
            {
                set_edge(function, block, edge, threaded);
                changed = true;
                remaining -= 1;
            }
        }
    }
    changed
}

/// An edge of the control flow: the block, and the arguments for its parameters.
type Edge = (Block, Vec<Value>);

/// The n-th edge out of a block.
fn edge_of(function: &Function, block: Block, index: usize) -> Option<(Block, &[Value])> {
    let (target, arguments) = match function.blocks[block].terminator.as_ref()? {
        Terminator::Jump(target, arguments) => (index == 0).then_some((target, arguments))?,
        Terminator::Branch { then, otherwise, .. } => {
            let (target, arguments) = if index == 0 { then } else { otherwise };
            (target, arguments)
        }
        Terminator::Return(_) => return None,
    };
    Some((*target, arguments))
}

fn set_edge(function: &mut Function, block: Block, index: usize, edge: Edge) {
    match &mut function.blocks[block].terminator {
        Some(Terminator::Jump(target, arguments)) => (*target, *arguments) = edge,
        Some(Terminator::Branch { then, otherwise, .. }) => *if index == 0 { then } else { otherwise } = edge,
        Some(Terminator::Return(_)) | None => {}
    }
}

/// The edge that replaces one to `block` with these arguments.
fn thread<'u>(
    function: &Function,
    uses: impl FnOnce(&Function) -> &'u Rc<Uses>,
    block: Block,
    arguments: &[Value],
) -> Option<Edge> {
    let data = &function.blocks[block];
    let Some(Terminator::Branch { condition, then, otherwise }) = &data.terminator else { return None };
    if data.instructions.len() > MAX_INSTRUCTIONS
        || data.parameters.is_empty()
        || !is_private(function, uses(function), block)
    {
        return None;
    }
    let outside: FxHashMap<Value, Value> = data.parameters.iter().copied().zip(arguments.iter().copied()).collect();
    let mut known = Known { function, outside: &outside, inside: FxHashMap::default() };
    for inst in &data.instructions {
        let data = &function.instructions[*inst];
        let number = known.evaluate(&data.instruction)?;
        known.inside.insert(data.result?, number);
    }
    let (next, next_arguments) = if known.number(*condition)? != 0 { then } else { otherwise };
    if next_arguments.iter().any(|argument| known.inside.contains_key(argument)) {
        return None;
    }
    let resolved = next_arguments.iter().map(|argument| *outside.get(argument).unwrap_or(argument)).collect();
    Some((*next, resolved))
}

/// True when what the block defines is used in it alone.
fn is_private(function: &Function, uses: &Uses, block: Block) -> bool {
    let data = &function.blocks[block];
    let inside = data.instructions.iter().flat_map(|inst| function.instructions[*inst].instruction.operands());
    let operands: Vec<Value> = inside.chain(data.terminator.iter().flat_map(|end| end.operands())).collect();
    let results = data.instructions.iter().filter_map(|inst| function.instructions[*inst].result);
    let mut defined = data.parameters.iter().copied().chain(results);
    defined.all(|value| operands.iter().filter(|operand| **operand == value).count() == uses.count(value) as usize)
}

/// What the values in a block are when it is entered with certain arguments.
struct Known<'a> {
    function: &'a Function,
    outside: &'a FxHashMap<Value, Value>,
    inside: FxHashMap<Value, u64>,
}

impl Known<'_> {
    fn number(&self, value: Value) -> Option<u64> {
        let value = *self.outside.get(&value).unwrap_or(&value);
        self.inside.get(&value).copied().or_else(|| constant(self.function, value))
    }

    fn evaluate(&self, instruction: &Instruction) -> Option<u64> {
        match instruction {
            Instruction::Const(number) => Some(*number as u64),
            Instruction::Binary(op, width, left, right) => {
                Some(arithmetic::binary(*op, *width, self.number(*left)?, self.number(*right)?))
            }
            Instruction::Unary(op, operand) => Some(arithmetic::unary(*op, self.number(*operand)?)),
            Instruction::Compare(comparison, width, left, right) => {
                let holds = arithmetic::compare(*comparison, *width, self.number(*left)?, self.number(*right)?);
                Some(holds.into())
            }
            _ => None,
        }
    }
}
