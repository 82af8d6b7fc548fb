//! Names of base types, and constant expressions inside C definitions.

use crate::types::Type;
use lancet_syntax::ast::{BinaryOperator, Expr, ExprKind, UnaryOperator};

/// The language's own type names, the kernel's, those of stdint.h, and C's words in any usual order.
pub fn base_type(name: &str) -> Option<Type> {
    let int = |size, signed| Some(Type::Int { size, signed });
    match name {
        "void" => Some(Type::Void),
        "bool" | "_Bool" => Some(Type::Bool),
        "int8" | "int8_t" | "s8" | "__s8" | "char" | "signed char" => int(1, true),
        "uint8" | "uint8_t" | "u8" | "__u8" | "unsigned char" => int(1, false),
        "int16" | "int16_t" | "s16" | "__s16" => int(2, true),
        "uint16" | "uint16_t" | "u16" | "__u16" | "__be16" | "__le16" => int(2, false),
        "int32" | "int32_t" | "s32" | "__s32" => int(4, true),
        "uint32" | "uint32_t" | "u32" | "__u32" | "__be32" | "__le32" => int(4, false),
        "int64" | "int64_t" | "s64" | "__s64" | "ssize_t" | "intptr_t" => int(8, true),
        "uint64" | "uint64_t" | "u64" | "__u64" | "__be64" | "__le64" | "size_t" | "uintptr_t" => int(8, false),
        "string" => Some(Type::String(0)),
        "buffer" => Some(Type::Buffer(0)),
        "inet" => Some(Type::Inet),
        "mac_address" => Some(Type::Mac),
        "ksym_t" | "ksym" => Some(Type::KernelSymbol),
        "usym_t" | "usym" => Some(Type::UserSymbol),
        "username" => Some(Type::Username),
        "timestamp" => Some(Type::Timestamp(lancet_manifest::Clock::Boot, "".into())),
        "cgroup_path" | "cgroup_path_t" => Some(Type::CgroupPath("".into())),
        _ => words(name),
    }
}

/// `unsigned long long int` and its kin.
fn words(name: &str) -> Option<Type> {
    let (mut unsigned, mut long, mut short, mut known) = (false, 0, false, false);
    for word in name.split_ascii_whitespace() {
        match word {
            "unsigned" => unsigned = true,
            "signed" | "int" => {}
            "long" => long += 1,
            "short" => short = true,
            "char" if known => return Some(Type::Int { size: 1, signed: !unsigned }),
            "const" | "volatile" => {}
            _ => return None,
        }
        known = true;
    }
    let size = match (short, long) {
        (true, _) => 2,
        (false, 0) => 4,
        _ => 8,
    };
    known.then_some(Type::Int { size, signed: !unsigned })
}

/// Evaluates a constant expression of C.
pub(super) fn constant(expr: &Expr, enumerator: &dyn Fn(&str) -> Option<i64>) -> Option<i64> {
    let eval = |expr| constant(expr, enumerator);
    Some(match &expr.kind {
        ExprKind::Integer(literal) => literal.value as i64,
        ExprKind::Bool(value) => i64::from(*value),
        ExprKind::Identifier(name) => enumerator(name)?,
        ExprKind::Cast(_, operand) => eval(operand)?,
        ExprKind::Unary(operator, operand) => {
            let value = eval(operand)?;
            match operator {
                UnaryOperator::Negate => value.wrapping_neg(),
                UnaryOperator::Plus => value,
                UnaryOperator::Not => i64::from(value == 0),
                UnaryOperator::BitNot => !value,
                UnaryOperator::Dereference | UnaryOperator::AddressOf => return None,
            }
        }
        ExprKind::Ternary { condition, then, otherwise } => {
            let chosen = eval(condition)?;
            match then {
                Some(then) if chosen != 0 => eval(then)?,
                None if chosen != 0 => chosen,
                _ => eval(otherwise)?,
            }
        }
        ExprKind::Binary(operator, left, right) => binary(*operator, eval(left)?, eval(right)?)?,
        _ => return None,
    })
}

/// Integer arithmetic on signed 64-bit constants, as the machine does it.
pub(crate) fn binary(operator: BinaryOperator, a: i64, b: i64) -> Option<i64> {
    use BinaryOperator as Op;
    Some(match operator {
        Op::Add => a.wrapping_add(b),
        Op::Subtract => a.wrapping_sub(b),
        Op::Multiply => a.wrapping_mul(b),
        Op::Divide => a.checked_div(b)?,
        Op::Modulo => a.checked_rem(b)?,
        Op::BitAnd => a & b,
        Op::BitOr => a | b,
        Op::BitXor => a ^ b,
        Op::ShiftLeft => a.wrapping_shl(b as u32),
        Op::ShiftRight => a.wrapping_shr(b as u32),
        Op::Equal => i64::from(a == b),
        Op::NotEqual => i64::from(a != b),
        Op::Less => i64::from(a < b),
        Op::LessEqual => i64::from(a <= b),
        Op::Greater => i64::from(a > b),
        Op::GreaterEqual => i64::from(a >= b),
        Op::And => i64::from(a != 0 && b != 0),
        Op::Or => i64::from(a != 0 || b != 0),
    })
}
