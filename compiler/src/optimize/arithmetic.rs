//! What operations give on known operands: the machine's semantics, in one place for all passes.

use crate::ir::{BinaryOp, Comparison, MemorySize, UnaryOp, Width};

/// The result of a two-operand operation.
pub(super) fn binary(op: BinaryOp, width: Width, left: u64, right: u64) -> u64 {
    match width {
        Width::W64 => binary_64(op, left, right),
        Width::W32 => u64::from(binary_32(op, left as u32, right as u32)),
    }
}

fn binary_64(op: BinaryOp, left: u64, right: u64) -> u64 {
    let (signed_left, signed_right) = (left as i64, right as i64);
    match op {
        BinaryOp::Add => left.wrapping_add(right),
        BinaryOp::Sub => left.wrapping_sub(right),
        BinaryOp::Mul => left.wrapping_mul(right),
        BinaryOp::UnsignedDiv => left.checked_div(right).unwrap_or(0),
        BinaryOp::UnsignedMod => left.checked_rem(right).unwrap_or(left),
        BinaryOp::SignedDiv if right == 0 => 0,
        BinaryOp::SignedDiv => signed_left.wrapping_div(signed_right) as u64,
        BinaryOp::SignedMod if right == 0 => left,
        BinaryOp::SignedMod => signed_left.wrapping_rem(signed_right) as u64,
        BinaryOp::And => left & right,
        BinaryOp::Or => left | right,
        BinaryOp::Xor => left ^ right,
        BinaryOp::ShiftLeft => left.wrapping_shl(right as u32),
        BinaryOp::ShiftRight => left.wrapping_shr(right as u32),
        BinaryOp::SignedShiftRight => signed_left.wrapping_shr(right as u32) as u64,
    }
}

fn binary_32(op: BinaryOp, left: u32, right: u32) -> u32 {
    let (signed_left, signed_right) = (left as i32, right as i32);
    match op {
        BinaryOp::SignedDiv if right == 0 => 0,
        BinaryOp::SignedDiv => signed_left.wrapping_div(signed_right) as u32,
        BinaryOp::SignedMod if right == 0 => left,
        BinaryOp::SignedMod => signed_left.wrapping_rem(signed_right) as u32,
        BinaryOp::ShiftLeft => left.wrapping_shl(right),
        BinaryOp::ShiftRight => left.wrapping_shr(right),
        BinaryOp::SignedShiftRight => signed_left.wrapping_shr(right) as u32,
        BinaryOp::UnsignedDiv => left.checked_div(right).unwrap_or(0),
        BinaryOp::UnsignedMod => left.checked_rem(right).unwrap_or(left),
        BinaryOp::Add | BinaryOp::Sub | BinaryOp::Mul | BinaryOp::And | BinaryOp::Or | BinaryOp::Xor => {
            // The low half depends on the low halves alone.
            binary_64(op, left.into(), right.into()) as u32
        }
    }
}

/// The result of a one-operand operation.
pub(super) fn unary(op: UnaryOp, operand: u64) -> u64 {
    match op {
        UnaryOp::Negate => operand.wrapping_neg(),
        UnaryOp::Not => !operand,
        UnaryOp::ZeroExtend(size) => operand & mask(size),
        UnaryOp::SignExtend(size) => sign_extend(size, operand),
        UnaryOp::ByteSwap(size) => operand.swap_bytes() >> (64 - 8 * size.bytes()),
    }
}

/// The low bytes of that size, signed.
pub(super) fn sign_extend(size: MemorySize, operand: u64) -> u64 {
    let unused = 64 - 8 * size.bytes();
    (((operand << unused) as i64) >> unused) as u64
}

/// A comparison of known operands.
pub(super) fn compare(comparison: Comparison, width: Width, left: u64, right: u64) -> bool {
    let (left, right) = match width {
        Width::W64 => (left, right),
        // Signed comparisons want the sign, unsigned ones keep their order under sign extension.
        Width::W32 => (sign_extend(MemorySize::B4, left), sign_extend(MemorySize::B4, right)),
    };
    let (signed_left, signed_right) = (left as i64, right as i64);
    match comparison {
        Comparison::Equal => left == right,
        Comparison::NotEqual => left != right,
        Comparison::UnsignedLess => left < right,
        Comparison::UnsignedLessEqual => left <= right,
        Comparison::UnsignedGreater => left > right,
        Comparison::UnsignedGreaterEqual => left >= right,
        Comparison::SignedLess => signed_left < signed_right,
        Comparison::SignedLessEqual => signed_left <= signed_right,
        Comparison::SignedGreater => signed_left > signed_right,
        Comparison::SignedGreaterEqual => signed_left >= signed_right,
    }
}

/// Ones in the low bytes of that size.
pub(super) fn mask(size: MemorySize) -> u64 {
    u64::MAX >> (64 - 8 * size.bytes())
}

/// The comparison that holds when this one does not.
pub(super) fn negated(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Equal => Comparison::NotEqual,
        Comparison::NotEqual => Comparison::Equal,
        Comparison::UnsignedLess => Comparison::UnsignedGreaterEqual,
        Comparison::UnsignedLessEqual => Comparison::UnsignedGreater,
        Comparison::UnsignedGreater => Comparison::UnsignedLessEqual,
        Comparison::UnsignedGreaterEqual => Comparison::UnsignedLess,
        Comparison::SignedLess => Comparison::SignedGreaterEqual,
        Comparison::SignedLessEqual => Comparison::SignedGreater,
        Comparison::SignedGreater => Comparison::SignedLessEqual,
        Comparison::SignedGreaterEqual => Comparison::SignedLess,
    }
}

/// The comparison with its operands exchanged.
pub(super) fn exchanged(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Equal | Comparison::NotEqual => comparison,
        Comparison::UnsignedLess => Comparison::UnsignedGreater,
        Comparison::UnsignedLessEqual => Comparison::UnsignedGreaterEqual,
        Comparison::UnsignedGreater => Comparison::UnsignedLess,
        Comparison::UnsignedGreaterEqual => Comparison::UnsignedLessEqual,
        Comparison::SignedLess => Comparison::SignedGreater,
        Comparison::SignedLessEqual => Comparison::SignedGreaterEqual,
        Comparison::SignedGreater => Comparison::SignedLess,
        Comparison::SignedGreaterEqual => Comparison::SignedLessEqual,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn division_follows_the_machine() {
        let minimum = i64::MIN as u64;
        assert_eq!(binary(BinaryOp::UnsignedDiv, Width::W64, 7, 0), 0);
        assert_eq!(binary(BinaryOp::SignedMod, Width::W64, 7, 0), 7);
        assert_eq!(binary(BinaryOp::SignedDiv, Width::W64, minimum, u64::MAX), minimum);
        assert_eq!(binary(BinaryOp::SignedDiv, Width::W32, -7i32 as u32 as u64, 2), u64::from(-3i32 as u32));
        assert_eq!(binary(BinaryOp::SignedMod, Width::W64, -7i64 as u64, 2), -1i64 as u64);
        assert_eq!(binary(BinaryOp::UnsignedMod, Width::W32, 0x1_0000_0007, 0x1_0000_0000), 7);
    }

    #[test]
    fn shifts_take_their_amount_modulo_the_width() {
        assert_eq!(binary(BinaryOp::ShiftLeft, Width::W64, 1, 65), 2);
        assert_eq!(binary(BinaryOp::ShiftLeft, Width::W32, 1, 33), 2);
        assert_eq!(binary(BinaryOp::SignedShiftRight, Width::W32, 0x8000_0000, 31), 0xffff_ffff);
    }

    #[test]
    fn extensions_and_swaps_look_at_the_low_bytes_only() {
        assert_eq!(unary(UnaryOp::SignExtend(MemorySize::B1), 0x1ff), u64::MAX);
        assert_eq!(unary(UnaryOp::ZeroExtend(MemorySize::B2), 0x12345), 0x2345);
        assert_eq!(unary(UnaryOp::ByteSwap(MemorySize::B2), 0x55_1234), 0x3412);
        assert_eq!(unary(UnaryOp::ByteSwap(MemorySize::B8), 1), 1 << 56);
    }

    #[test]
    fn narrow_comparisons_ignore_the_high_half() {
        assert!(compare(Comparison::SignedLess, Width::W32, 0xffff_ffff, 0));
        assert!(compare(Comparison::UnsignedGreater, Width::W32, 0xffff_ffff, 0x1_0000_0001));
        assert!(compare(Comparison::Equal, Width::W32, 0x1_0000_0000, 0));
    }
}
