//! Extensions and masks that change nothing go: the bits that they set are so already, or nobody looks at them.

use super::Surroundings;
use super::arithmetic::mask;
use super::rewrite::{Rewrite, rewrite};
use crate::ir::analysis::{ControlFlow, KnownBits, Uses};
use crate::ir::entity::Entity;
use crate::ir::{BinaryOp, Function, InstData, Instruction, MemorySize, UnaryOp, Value, Width};
use rustc_hash::FxHashSet;

pub(super) fn run(function: &mut Function, surroundings: &Surroundings) -> bool {
    let control_flow = surroundings.control_flow(function);
    let instructions = control_flow.order.iter().flat_map(|block| &function.blocks[*block].instructions);
    if !instructions.into_iter().any(|inst| may_narrow(&function.instructions[*inst].instruction)) {
        return false;
    }
    let known = KnownBits::new(function, &control_flow);
    let seen_whole = seen_whole(function, &control_flow);
    let uses = surroundings.uses(function);
    rewrite(function, &control_flow, |rewriter, inst| {
        let data = &rewriter.function.instructions[inst];
        match data.instruction {
            Instruction::Unary(UnaryOp::ZeroExtend(size), operand) if known.possible(operand) & !mask(size) == 0 => {
                Rewrite::Replace(operand)
            }
            Instruction::Unary(UnaryOp::SignExtend(size), operand)
                if known.possible(operand) & !(mask(size) >> 1) == 0
                    || is_extended(rewriter.function, operand, size) =>
            {
                Rewrite::Replace(operand)
            }
            Instruction::Binary(BinaryOp::And, width, operand, number) => {
                let Some(number) = rewriter.known(number) else { return Rewrite::Keep };
                let kept = if width == Width::W32 { number & mask(MemorySize::B4) } else { number };
                if known.possible(operand) & !kept == 0 { Rewrite::Replace(operand) } else { Rewrite::Keep }
            }
            Instruction::Store { address, size, value } => match below_extension(rewriter.function, &uses, value, size)
            {
                Some(value) => Rewrite::Become(Instruction::Store { address, size, value }),
                None => Rewrite::Keep,
            },
            Instruction::Load { address, size, signed: true }
                if data.result.is_some_and(|it| !seen_whole.contains(&it)) =>
            {
                Rewrite::Become(Instruction::Load { address, size, signed: false })
            }
            _ => Rewrite::Keep,
        }
    })
}

/// Whether there is anything to look into: extensions are what stores can do without.
fn may_narrow(instruction: &Instruction) -> bool {
    matches!(
        instruction,
        Instruction::Unary(UnaryOp::ZeroExtend(_) | UnaryOp::SignExtend(_), _)
            | Instruction::Binary(BinaryOp::And, ..)
            | Instruction::Load { signed: true, .. }
    )
}

/// Whether all bits above the low `size` are copies of the highest of those.
fn is_extended(function: &Function, value: Value, size: MemorySize) -> bool {
    match function.definition(value) {
        Some(Instruction::Load { size: from, signed: true, .. } | Instruction::Unary(UnaryOp::SignExtend(from), _)) => {
            from.bytes() <= size.bytes()
        }
        _ => false,
    }
}

/// What a value was extended from, if the low `size` of it are the same. Zero-extending is a move, which is needed all the
/// same where others want its result.
fn below_extension(function: &Function, uses: &Uses, value: Value, size: MemorySize) -> Option<Value> {
    let (from, operand) = match function.definition(value)? {
        Instruction::Unary(UnaryOp::SignExtend(from), operand) => (from, operand),
        Instruction::Unary(UnaryOp::ZeroExtend(from), operand) if uses.count(value) == 1 => (from, operand),
        _ => return None,
    };
    (from.bytes() >= size.bytes()).then_some(*operand)
}

/// The results of signed loads of which somebody sees more than was loaded.
fn seen_whole(function: &Function, control_flow: &ControlFlow) -> FxHashSet<Value> {
    let mut seen = FxHashSet::default();
    let loaded = loaded_bytes(function, control_flow);
    if loaded.is_empty() {
        return seen;
    }
    for block in &control_flow.order {
        let data = &function.blocks[*block];
        for inst in &data.instructions {
            let instruction = &function.instructions[*inst].instruction;
            let part = match instruction {
                Instruction::Store { size, value, .. } => Some((*value, *size)),
                Instruction::Unary(UnaryOp::ZeroExtend(size), value) => Some((*value, *size)),
                _ => None,
            };
            instruction.visit_operands(|operand| {
                let bytes = loaded[operand.index()];
                let is_part = part.is_some_and(|(value, size)| value == operand && size.bytes() <= bytes);
                if bytes != 0 && !is_part {
                    seen.insert(operand);
                }
            });
        }
        if let Some(terminator) = &data.terminator {
            terminator.visit_operands(|operand| seen.extend((loaded[operand.index()] != 0).then_some(operand)));
        }
    }
    seen
}

/// By value: how many bytes a signed load gave, or 0; nothing if there is no signed load.
fn loaded_bytes(function: &Function, control_flow: &ControlFlow) -> Vec<u32> {
    let mut loaded = Vec::new();
    for inst in control_flow.order.iter().flat_map(|block| &function.blocks[*block].instructions) {
        let InstData { instruction, result, .. } = &function.instructions[*inst];
        if let (Instruction::Load { size, signed: true, .. }, Some(result)) = (instruction, result) {
            loaded.resize(function.values.len(), 0);
            loaded[result.index()] = size.bytes();
        }
    }
    loaded
}
