//! Expressions as they stand in a script.

use super::{Condition, Expression, Input, Writing};
use std::fmt;

/// An expression or condition as it stands in the script.
pub struct Written<'a, T>(pub &'a T, pub &'a [Input], pub Writing);

impl fmt::Display for Written<'_, Expression> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Written(expression, inputs, writing) = *self;
        let of = |expression: &'_ Expression| Written::<Expression>(expression, inputs, writing).to_string();
        match expression {
            Expression::Input(index) => match (writing, &inputs[*index]) {
                (Writing::Read, _) => write!(out, "$read{index}"),
                (Writing::Assigned, _) => write!(out, "$assigned{index}"),
                (Writing::Folded, Input { ty, value }) => write!(out, "({ty}){value:#x}"),
            },
            Expression::Literal(literal) => write!(out, "{literal}"),
            Expression::Negative(literal) => write!(out, "-{literal}"),
            Expression::Operator(operator, left, right) => {
                write!(out, "({} {} {})", of(left), operator.symbol(), of(right))
            }
            Expression::Negate(operand) => write!(out, "-({})", of(operand)),
            Expression::Complement(operand) => write!(out, "~({})", of(operand)),
            Expression::Cast(ty, operand) => write!(out, "({ty})({})", of(operand)),
            Expression::Truth(ty, condition) => write!(out, "({ty}){}", Written(&**condition, inputs, writing)),
            Expression::Choice(condition, then, otherwise) => {
                write!(out, "({} ? {} : {})", Written(&**condition, inputs, writing), of(then), of(otherwise))
            }
        }
    }
}

impl fmt::Display for Written<'_, Condition> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Written(condition, inputs, writing) = *self;
        let of = |condition: &'_ Condition| Written::<Condition>(condition, inputs, writing).to_string();
        match condition {
            Condition::Compare(comparison, left, right) => {
                let (left, right) = (Written(left, inputs, writing), Written(right, inputs, writing));
                write!(out, "({left} {} {right})", comparison.symbol())
            }
            Condition::Not(condition) => write!(out, "(!{})", of(condition)),
            Condition::And(left, right) => write!(out, "({} && {})", of(left), of(right)),
            Condition::Or(left, right) => write!(out, "({} || {})", of(left), of(right)),
        }
    }
}
