//! Integers of the language and what its operators make of them.

use crate::choices::Choices;
use std::fmt;

/// An integer type.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Integer {
    pub bits: u32,
    pub signed: bool,
}

#[derive(Clone, Copy)]
pub enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    And,
    Or,
    Xor,
    Left,
    Right,
}

#[derive(Clone, Copy)]
pub enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}

/// A value with what the checker knows of it.
#[derive(Clone, Copy)]
pub struct Value {
    pub value: i64,
    pub ty: Integer,
    pub constant: bool,
    /// Written without a cast.
    pub literal: bool,
}

pub const LONG: Integer = Integer { bits: 64, signed: true };
pub const UNSIGNED_LONG: Integer = Integer { bits: 64, signed: false };
impl Operator {
    pub fn apply(self, left: Value, right: Value) -> Value {
        let signed = match self {
            Operator::Subtract => true,
            Operator::Left | Operator::Right => left.ty.signed,
            _ => match (left.ty.signed, right.ty.signed) {
                (false, false) => false,
                (false, true) => !right.is_flexible(),
                (true, false) => !left.is_flexible(),
                (true, true) => true,
            },
        };
        let (x, y) = (left.value, right.value);
        let value = match self {
            Operator::Add => x.wrapping_add(y),
            Operator::Subtract => x.wrapping_sub(y),
            Operator::Multiply => x.wrapping_mul(y),
            Operator::Divide if signed => x.wrapping_div(y),
            Operator::Divide => (x as u64 / y as u64) as i64,
            Operator::Modulo if signed => x.wrapping_rem(y),
            Operator::Modulo => (x as u64 % y as u64) as i64,
            Operator::And => x & y,
            Operator::Or => x | y,
            Operator::Xor => x ^ y,
            Operator::Left => x << y,
            Operator::Right if signed => x >> y,
            Operator::Right => (x as u64 >> y) as i64,
        };
        Value {
            value,
            ty: Integer { bits: 64, signed },
            constant: left.constant && right.constant,
            literal: left.literal && right.literal,
        }
    }

    pub fn symbol(self) -> &'static str {
        match self {
            Operator::Add => "+",
            Operator::Subtract => "-",
            Operator::Multiply => "*",
            Operator::Divide => "/",
            Operator::Modulo => "%",
            Operator::And => "&",
            Operator::Or => "|",
            Operator::Xor => "^",
            Operator::Left => "<<",
            Operator::Right => ">>",
        }
    }
}

impl Comparison {
    pub fn holds(self, left: Value, right: Value) -> bool {
        // Signed as soon as a side can be negative.
        let negative = |value: Value| value.ty.signed && !value.is_flexible();
        let signed = negative(left) || negative(right) || (left.is_flexible() && right.is_flexible());
        let order = if signed { left.value.cmp(&right.value) } else { (left.value as u64).cmp(&(right.value as u64)) };
        match self {
            Comparison::Equal => order.is_eq(),
            Comparison::NotEqual => order.is_ne(),
            Comparison::Less => order.is_lt(),
            Comparison::LessEqual => order.is_le(),
            Comparison::Greater => order.is_gt(),
            Comparison::GreaterEqual => order.is_ge(),
        }
    }

    pub fn symbol(self) -> &'static str {
        match self {
            Comparison::Equal => "==",
            Comparison::NotEqual => "!=",
            Comparison::Less => "<",
            Comparison::LessEqual => "<=",
            Comparison::Greater => ">",
            Comparison::GreaterEqual => ">=",
        }
    }
}

impl Value {
    /// A literal that is not negative.
    pub fn is_flexible(self) -> bool {
        self.literal && self.ty == LONG && self.value >= 0
    }

    pub fn cast(self, ty: Integer) -> Value {
        Value { value: ty.extend(self.value), ty, literal: false, ..self }
    }
}

impl Integer {
    pub fn random(choices: &mut Choices) -> Integer {
        Integer { bits: choices.pick(&[64, 32, 16, 8]), signed: choices.below(2) == 0 }
    }

    pub fn extend(self, value: i64) -> i64 {
        let unused = 64 - self.bits;
        if self.signed { value << unused >> unused } else { ((value as u64) << unused >> unused) as i64 }
    }
}

/// The type that holds values of both.
pub fn common(a: Value, b: Value) -> Integer {
    match (a.ty.signed, b.ty.signed) {
        (true, false) if a.is_flexible() => UNSIGNED_LONG,
        (false, true) if b.is_flexible() => UNSIGNED_LONG,
        (x, y) if x == y => Integer { bits: a.ty.bits.max(b.ty.bits), signed: x },
        (x, _) => {
            let (signed, unsigned) = if x { (a.ty.bits, b.ty.bits) } else { (b.ty.bits, a.ty.bits) };
            Integer { bits: if signed > unsigned { signed } else { (unsigned * 2).min(64) }, signed: true }
        }
    }
}

impl fmt::Display for Integer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}int{}", if self.signed { "" } else { "u" }, self.bits)
    }
}
