//! All arithmetic and comparisons, in registers and with constants on either side.

use super::run;
use crate::ir::{BinaryOp, Comparison, FunctionBuilder, Instruction, MemorySize, UnaryOp, Value, Width};
use proptest::prelude::*;

const BINARY: [BinaryOp; 13] = [
    BinaryOp::Add,
    BinaryOp::Sub,
    BinaryOp::Mul,
    BinaryOp::UnsignedDiv,
    BinaryOp::UnsignedMod,
    BinaryOp::SignedDiv,
    BinaryOp::SignedMod,
    BinaryOp::And,
    BinaryOp::Or,
    BinaryOp::Xor,
    BinaryOp::ShiftLeft,
    BinaryOp::ShiftRight,
    BinaryOp::SignedShiftRight,
];

const COMPARISONS: [Comparison; 10] = [
    Comparison::Equal,
    Comparison::NotEqual,
    Comparison::UnsignedLess,
    Comparison::UnsignedLessEqual,
    Comparison::UnsignedGreater,
    Comparison::UnsignedGreaterEqual,
    Comparison::SignedLess,
    Comparison::SignedLessEqual,
    Comparison::SignedGreater,
    Comparison::SignedGreaterEqual,
];

/// Any number, and often one where things go wrong.
fn number() -> impl Strategy<Value = i64> {
    let special = [0, 1, -1, 2, -2, 7, -7, 31, 32, 63, 64, i64::MIN, i64::MAX, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];
    let narrow = [i64::from(i32::MIN), 1 << 32, -(1 << 32), i64::MIN + 1];
    prop_oneof![any::<i64>(), prop::sample::select(special.to_vec()), prop::sample::select(narrow.to_vec())]
}

fn width() -> impl Strategy<Value = Width> {
    prop_oneof![Just(Width::W32), Just(Width::W64)]
}

fn expected(op: BinaryOp, width: Width, a: i64, b: i64) -> u64 {
    if width == Width::W32 {
        let (a, b) = (a as i32, b as i32);
        let result = match op {
            BinaryOp::UnsignedDiv => (a as u32).checked_div(b as u32).unwrap_or(0) as i32,
            BinaryOp::UnsignedMod => (a as u32).checked_rem(b as u32).unwrap_or(a as u32) as i32,
            BinaryOp::SignedDiv if b == 0 => 0,
            BinaryOp::SignedDiv => a.wrapping_div(b),
            BinaryOp::SignedMod if b == 0 => a,
            BinaryOp::SignedMod => a.wrapping_rem(b),
            BinaryOp::ShiftLeft => a.wrapping_shl(b as u32),
            BinaryOp::ShiftRight => (a as u32).wrapping_shr(b as u32) as i32,
            BinaryOp::SignedShiftRight => a.wrapping_shr(b as u32),
            _ => expected(op, Width::W64, a.into(), b.into()) as i32,
        };
        return u64::from(result as u32);
    }
    let result = match op {
        BinaryOp::Add => a.wrapping_add(b),
        BinaryOp::Sub => a.wrapping_sub(b),
        BinaryOp::Mul => a.wrapping_mul(b),
        BinaryOp::UnsignedDiv => (a as u64).checked_div(b as u64).unwrap_or(0) as i64,
        BinaryOp::UnsignedMod => (a as u64).checked_rem(b as u64).unwrap_or(a as u64) as i64,
        BinaryOp::SignedDiv if b == 0 => 0,
        BinaryOp::SignedDiv => a.wrapping_div(b),
        BinaryOp::SignedMod if b == 0 => a,
        BinaryOp::SignedMod => a.wrapping_rem(b),
        BinaryOp::And => a & b,
        BinaryOp::Or => a | b,
        BinaryOp::Xor => a ^ b,
        BinaryOp::ShiftLeft => a.wrapping_shl(b as u32),
        BinaryOp::ShiftRight => (a as u64).wrapping_shr(b as u32) as i64,
        BinaryOp::SignedShiftRight => a.wrapping_shr(b as u32),
    };
    result as u64
}

fn holds(comparison: Comparison, width: Width, a: i64, b: i64) -> bool {
    let (a, b, x, y) = match width {
        Width::W64 => (a, b, a as u64, b as u64),
        Width::W32 => ((a as i32).into(), (b as i32).into(), (a as u32).into(), (b as u32).into()),
    };
    match comparison {
        Comparison::Equal => x == y,
        Comparison::NotEqual => x != y,
        Comparison::UnsignedLess => x < y,
        Comparison::UnsignedLessEqual => x <= y,
        Comparison::UnsignedGreater => x > y,
        Comparison::UnsignedGreaterEqual => x >= y,
        Comparison::SignedLess => a < b,
        Comparison::SignedLessEqual => a <= b,
        Comparison::SignedGreater => a > b,
        Comparison::SignedGreaterEqual => a >= b,
    }
}

/// Which operands are constants in the code.
#[derive(Clone, Copy, Debug)]
enum Form {
    Registers,
    ConstantRight,
    ConstantLeft,
    Constants,
}

fn form() -> impl Strategy<Value = Form> {
    prop::sample::select(vec![Form::Registers, Form::ConstantRight, Form::ConstantLeft, Form::Constants])
}

fn operands(builder: &mut FunctionBuilder, form: Form, a: i64, b: i64) -> (Value, Value) {
    let left = match form {
        Form::Registers | Form::ConstantRight => builder.parameter(0),
        Form::ConstantLeft | Form::Constants => builder.value(Instruction::Const(a)),
    };
    let right = match form {
        Form::Registers | Form::ConstantLeft => builder.parameter(1),
        Form::ConstantRight | Form::Constants => builder.value(Instruction::Const(b)),
    };
    (left, right)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn arithmetic_gives_what_it_says(
        op in prop::sample::select(BINARY.to_vec()), width in width(), form in form(), a in number(), b in number(),
    ) {
        let result = run(&[a as u64, b as u64], |builder| {
            let (left, right) = operands(builder, form, a, b);
            builder.value(Instruction::Binary(op, width, left, right))
        });
        prop_assert_eq!(result, expected(op, width, a, b), "{:?} {:?} {} {}", op, width, a, b);
    }

    #[test]
    fn comparisons_are_values_and_branches(
        comparison in prop::sample::select(COMPARISONS.to_vec()), width in width(), form in form(),
        a in number(), b in number(),
    ) {
        let parameters = [a as u64, b as u64];
        let value = run(&parameters, |builder| {
            let (left, right) = operands(builder, form, a, b);
            builder.value(Instruction::Compare(comparison, width, left, right))
        });
        let branch = run(&parameters, |builder| {
            let (left, right) = operands(builder, form, a, b);
            let condition = builder.value(Instruction::Compare(comparison, width, left, right));
            let (then, otherwise, end) = (builder.block(), builder.block(), builder.block());
            let result = builder.variable();
            builder.branch(condition, then, otherwise);
            for (block, constant) in [(then, 10), (otherwise, 20)] {
                builder.seal(block);
                builder.switch_to(block);
                let constant = builder.value(Instruction::Const(constant));
                builder.define(result, constant);
                builder.jump(end);
            }
            builder.seal(end);
            builder.switch_to(end);
            builder.read(result)
        });
        let holds = holds(comparison, width, a, b);
        prop_assert_eq!((value, branch), (u64::from(holds), if holds { 10 } else { 20 }));
    }

    #[test]
    fn operations_on_one_operand(a in number()) {
        use MemorySize::{B1, B2, B4, B8};
        let cases = [
            (UnaryOp::Negate, a.wrapping_neg()),
            (UnaryOp::Not, !a),
            (UnaryOp::ZeroExtend(B1), a & 0xff),
            (UnaryOp::ZeroExtend(B2), a & 0xffff),
            (UnaryOp::ZeroExtend(B4), a & 0xffff_ffff),
            (UnaryOp::ZeroExtend(B8), a),
            (UnaryOp::SignExtend(B1), i64::from(a as i8)),
            (UnaryOp::SignExtend(B2), i64::from(a as i16)),
            (UnaryOp::SignExtend(B4), i64::from(a as i32)),
            (UnaryOp::SignExtend(B8), a),
            (UnaryOp::ByteSwap(B2), i64::from((a as u16).swap_bytes())),
            (UnaryOp::ByteSwap(B4), i64::from((a as u32).swap_bytes())),
            (UnaryOp::ByteSwap(B8), a.swap_bytes()),
        ];
        for (op, expected) in cases {
            let result = run(&[a as u64], |builder| {
                let operand = builder.parameter(0);
                builder.value(Instruction::Unary(op, operand))
            });
            prop_assert_eq!(result, expected as u64, "{:?} {}", op, a);
        }
    }
}
