//! Operations whose result a simpler operation gives.
//!
//! Constants move to the right; identities go; multiplication, division and modulo by powers of two become shifts and
//! masks; chains of one operation with constants shrink; negated comparisons become the opposite comparison.

use super::Surroundings;
use super::arithmetic::{self, exchanged, mask, negated};
use super::rewrite::{Rewrite, Rewriter, rewrite};
use super::substitution::constant;
use crate::ir::{BinaryOp, Comparison, Function, Instruction, MemorySize, UnaryOp, Value, Width};

pub(super) fn run(function: &mut Function, surroundings: &Surroundings) -> bool {
    rewrite(function, &surroundings.control_flow(function), |rewriter, inst| {
        match rewriter.function.instructions[inst].instruction {
            Instruction::Binary(op, width, left, right) => binary(rewriter, op, width, left, right),
            Instruction::Unary(op, operand) => unary(rewriter.function, op, operand),
            Instruction::Compare(comparison, width, left, right) => compare(rewriter, comparison, width, left, right),
            _ => Rewrite::Keep,
        }
    })
}

fn binary(rewriter: &mut Rewriter, op: BinaryOp, width: Width, left: Value, right: Value) -> Rewrite {
    match (rewriter.known(left), rewriter.known(right)) {
        (Some(_), None) if is_commutative(op) => Rewrite::Become(Instruction::Binary(op, width, right, left)),
        (None, Some(number)) => with_constant(rewriter, op, width, left, right, truncated(width, number)),
        (None, None) if left == right => with_itself(op, width, left),
        _ => Rewrite::Keep,
    }
}

fn is_commutative(op: BinaryOp) -> bool {
    matches!(op, BinaryOp::Add | BinaryOp::Mul | BinaryOp::And | BinaryOp::Or | BinaryOp::Xor)
}

fn truncated(width: Width, number: u64) -> u64 {
    if width == Width::W32 { number & mask(MemorySize::B4) } else { number }
}

/// A constant operand so that it fits a machine instruction if it can: narrow operations ignore the high half.
fn immediate(width: Width, number: u64) -> u64 {
    if width == Width::W32 { arithmetic::sign_extend(MemorySize::B4, number) } else { number }
}

/// The value itself, as an operation of that width gives it.
fn unchanged(width: Width, value: Value) -> Rewrite {
    match width {
        Width::W64 => Rewrite::Replace(value),
        Width::W32 => Rewrite::Become(Instruction::Unary(UnaryOp::ZeroExtend(MemorySize::B4), value)),
    }
}

fn with_itself(op: BinaryOp, width: Width, operand: Value) -> Rewrite {
    match op {
        BinaryOp::Sub | BinaryOp::Xor => Rewrite::Become(Instruction::Const(0)),
        BinaryOp::And | BinaryOp::Or => unchanged(width, operand),
        _ => Rewrite::Keep,
    }
}

fn with_constant(
    rewriter: &mut Rewriter,
    op: BinaryOp,
    width: Width,
    left: Value,
    right: Value,
    number: u64,
) -> Rewrite {
    let ones = truncated(width, u64::MAX);
    match (op, number) {
        (BinaryOp::Add | BinaryOp::Sub | BinaryOp::Or | BinaryOp::Xor, 0) => unchanged(width, left),
        (BinaryOp::ShiftLeft | BinaryOp::ShiftRight | BinaryOp::SignedShiftRight, 0) => unchanged(width, left),
        (BinaryOp::Mul | BinaryOp::UnsignedDiv | BinaryOp::SignedDiv, 1) | (BinaryOp::UnsignedMod, 0) => {
            unchanged(width, left)
        }
        (BinaryOp::And | BinaryOp::Mul | BinaryOp::UnsignedDiv | BinaryOp::SignedDiv, 0)
        | (BinaryOp::UnsignedMod | BinaryOp::SignedMod, 1) => Rewrite::Become(Instruction::Const(0)),
        (BinaryOp::And, all) if all == ones => unchanged(width, left),
        (BinaryOp::Or, all) if all == ones => Rewrite::Become(Instruction::Const(ones as i64)),
        (BinaryOp::And, _) if extension(number).is_some() => match extension(number) {
            Some(size) => Rewrite::Become(Instruction::Unary(UnaryOp::ZeroExtend(size), left)),
            None => Rewrite::Keep,
        },
        (BinaryOp::Mul | BinaryOp::UnsignedDiv | BinaryOp::UnsignedMod, power) if power.is_power_of_two() => {
            let (op, number) = match op {
                BinaryOp::Mul => (BinaryOp::ShiftLeft, power.trailing_zeros().into()),
                BinaryOp::UnsignedDiv => (BinaryOp::ShiftRight, power.trailing_zeros().into()),
                _ => (BinaryOp::And, power - 1),
            };
            let right = rewriter.constant(number);
            Rewrite::Become(Instruction::Binary(op, width, left, right))
        }
        (BinaryOp::Sub, _) => {
            let right = rewriter.constant(immediate(width, number.wrapping_neg()));
            Rewrite::Become(Instruction::Binary(BinaryOp::Add, width, left, right))
        }
        _ => chain(rewriter, op, width, left, right),
    }
}

/// The extension that a mask is.
fn extension(number: u64) -> Option<MemorySize> {
    [MemorySize::B1, MemorySize::B2, MemorySize::B4].into_iter().find(|size| mask(*size) == number)
}

/// `(x op a) op b` is `x op (a op b)`.
fn chain(rewriter: &mut Rewriter, op: BinaryOp, width: Width, left: Value, right: Value) -> Rewrite {
    let Some(Instruction::Binary(inner_op, inner_width, inner, inner_right)) = rewriter.function.definition(left)
    else {
        return Rewrite::Keep;
    };
    let inner = *inner;
    if !is_commutative(op) || *inner_op != op || *inner_width != width {
        return Rewrite::Keep;
    }
    match (rewriter.known(*inner_right), rewriter.known(right)) {
        (Some(first), Some(second)) => {
            let right = rewriter.constant(immediate(width, arithmetic::binary(op, width, first, second)));
            Rewrite::Become(Instruction::Binary(op, width, inner, right))
        }
        _ => Rewrite::Keep,
    }
}

fn unary(function: &Function, op: UnaryOp, operand: Value) -> Rewrite {
    let Some(Instruction::Unary(inner_op, inner)) = function.definition(operand) else { return Rewrite::Keep };
    let become_unary = |op| Rewrite::Become(Instruction::Unary(op, *inner));
    match (op, *inner_op) {
        (UnaryOp::Negate, UnaryOp::Negate) | (UnaryOp::Not, UnaryOp::Not) => Rewrite::Replace(*inner),
        (UnaryOp::ByteSwap(MemorySize::B8), UnaryOp::ByteSwap(MemorySize::B8)) => Rewrite::Replace(*inner),
        (UnaryOp::ByteSwap(outer), UnaryOp::ByteSwap(size)) if outer == size => become_unary(UnaryOp::ZeroExtend(size)),
        (UnaryOp::ZeroExtend(outer), UnaryOp::ZeroExtend(size)) => {
            become_unary(UnaryOp::ZeroExtend(if outer.bytes() < size.bytes() { outer } else { size }))
        }
        (UnaryOp::ZeroExtend(outer), UnaryOp::SignExtend(size)) if outer.bytes() <= size.bytes() => become_unary(op),
        (UnaryOp::SignExtend(outer), UnaryOp::ZeroExtend(size) | UnaryOp::SignExtend(size))
            if outer.bytes() <= size.bytes() =>
        {
            become_unary(op)
        }
        // The sign bit is clear, or copied already.
        (UnaryOp::SignExtend(_), UnaryOp::ZeroExtend(_) | UnaryOp::SignExtend(_)) => Rewrite::Replace(operand),
        _ => Rewrite::Keep,
    }
}

fn compare(rewriter: &mut Rewriter, comparison: Comparison, width: Width, left: Value, right: Value) -> Rewrite {
    if left == right {
        let result = arithmetic::compare(comparison, width, 0, 0);
        return Rewrite::Become(Instruction::Const(result.into()));
    }
    match (rewriter.known(left), rewriter.known(right)) {
        (Some(_), None) => Rewrite::Become(Instruction::Compare(exchanged(comparison), width, right, left)),
        (None, Some(number)) => compare_with_constant(rewriter, comparison, width, left, truncated(width, number)),
        _ => Rewrite::Keep,
    }
}

fn compare_with_constant(
    rewriter: &mut Rewriter,
    comparison: Comparison,
    width: Width,
    left: Value,
    number: u64,
) -> Rewrite {
    let mut with_zero = |comparison| {
        let zero = rewriter.constant(0);
        Rewrite::Become(Instruction::Compare(comparison, width, left, zero))
    };
    match (comparison, number) {
        (Comparison::UnsignedLess, 0) => Rewrite::Become(Instruction::Const(0)),
        (Comparison::UnsignedGreaterEqual, 0) => Rewrite::Become(Instruction::Const(1)),
        (Comparison::UnsignedLess, 1) | (Comparison::UnsignedLessEqual, 0) => with_zero(Comparison::Equal),
        (Comparison::UnsignedGreaterEqual, 1) | (Comparison::UnsignedGreater, 0) => with_zero(Comparison::NotEqual),
        (Comparison::NotEqual, 0) | (Comparison::Equal, 1) => truth(rewriter.function, left, true),
        (Comparison::Equal, 0) | (Comparison::NotEqual, 1) => truth(rewriter.function, left, false),
        _ => Rewrite::Keep,
    }
}

/// A comparison compared with 0 or 1; addresses of our own memory compared with 0.
fn truth(function: &Function, value: Value, wanted: bool) -> Rewrite {
    match function.definition(value) {
        Some(Instruction::Compare(..)) if wanted => Rewrite::Replace(value),
        Some(Instruction::Compare(comparison, width, left, right)) => {
            Rewrite::Become(Instruction::Compare(negated(*comparison), *width, *left, *right))
        }
        _ => Rewrite::Keep,
    }
}

/// True for addresses that are never null.
pub(super) fn is_never_null(function: &Function, value: Value) -> bool {
    match function.definition(value) {
        Some(
            Instruction::SlotAddress(..)
            | Instruction::MapReference(_)
            | Instruction::MapValueAddress(..)
            | Instruction::GlobalAddress(_)
            | Instruction::Context
            | Instruction::FunctionAddress(_),
        ) => true,
        Some(Instruction::Const(_)) => constant(function, value) != Some(0),
        _ => false,
    }
}
