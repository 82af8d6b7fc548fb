//! Operators on literals: integers are worked out exactly, and have to fit 64 bits at the end; strings are compared. What
//! bpftrace's pass "fold literals" does with them, but for arithmetic on strings.

use super::Checker;
use super::constant::{self, boolean};
use super::operator::is_comparison;
use super::scope::MacroArgument;
use crate::hir::{Expr, ExprKind};
use crate::types::{INT64, Type, UINT64};
use lancet_syntax::ast::{self, BinaryOperator, UnaryOperator};
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;
use std::cmp::Ordering;

/// True for an integer that is written out, or a sum and the like of such: casts and macros are none.
pub fn is_written_integer(expr: &ast::Expr) -> bool {
    match &expr.kind {
        ast::ExprKind::Integer(_) | ast::ExprKind::Positional(_) => true,
        ast::ExprKind::Unary(UnaryOperator::Negate | UnaryOperator::Plus | UnaryOperator::BitNot, operand) => {
            is_written_integer(operand)
        }
        ast::ExprKind::Binary(_, left, right) => is_written_integer(left) && is_written_integer(right),
        _ => false,
    }
}

impl Checker<'_> {
    /// Whether a value takes the signedness of what it meets: a non-negative literal, or what is known to be one.
    pub(super) fn takes_sign(&self, value: &Expr, holds_cast: bool) -> bool {
        (constant::is_flexible(value) && !holds_cast) || self.holds_literal(value)
    }

    /// Whether a constant has its type from a cast, also where it is the argument of a macro.
    pub(super) fn holds_cast(&mut self, expr: &ast::Expr) -> bool {
        match &expr.kind {
            ast::ExprKind::Cast(..) => true,
            ast::ExprKind::Unary(_, operand) => self.holds_cast(operand),
            ast::ExprKind::Binary(_, left, right) => self.holds_cast(left) || self.holds_cast(right),
            // One whose condition is known has the type of both branches all the same.
            ast::ExprKind::Ternary { then, otherwise, .. } => {
                let mut branches = then.iter().map(|then| &**then).chain([&**otherwise]);
                branches.any(|branch| !is_written_integer(branch) || self.holds_cast(branch))
            }
            ast::ExprKind::Identifier(name) => match self.frame().arguments.get(name.as_str()).cloned() {
                Some(MacroArgument::Expression(ast::Argument::Expr(argument))) => {
                    self.in_caller(|checker| checker.holds_cast(argument))
                }
                _ => false,
            },
            _ => false,
        }
    }

    /// An operator on two integers that are written out. `None` when they are none, or the operator has its own rule for
    /// them.
    pub(super) fn fold_integers(
        &mut self,
        operator: BinaryOperator,
        left: &Expr,
        right: &Expr,
        span: Span,
    ) -> Option<Option<Expr>> {
        let (x, y) = (integer(left)?, integer(right)?);
        if is_comparison(operator) {
            return Some(Some(boolean(holds(operator, x.cmp(&y))?, span)));
        }
        let value = calculate(operator, x, y)?;
        let unsigned = left.ty == UINT64 || right.ty == UINT64;
        let folded = match (i64::try_from(value), u64::try_from(value)) {
            (Ok(value), Err(_)) => constant::constant_of(value, INT64, span),
            (Ok(value), _) if !unsigned => constant::constant_of(value, INT64, span),
            (_, Ok(value)) => constant::constant_of(value as i64, UINT64, span),
            (Err(_), Err(_)) => {
                let message = format!("the result is {value}, which does not fit 64 bits");
                self.report(
                    Diagnostic::error(Code::TooLarge, span, message)
                        .help("cast one side to calculate with 64 bits as the kernel does: (uint64)x"),
                );
                return Some(None);
            }
        };
        Some(Some(folded))
    }

    /// How two strings compare that are written out.
    pub(super) fn fold_strings(&self, operator: BinaryOperator, left: &Expr, right: &Expr, span: Span) -> Option<Expr> {
        let (x, y) = (text(left)?, text(right)?);
        Some(boolean(holds(operator, x.cmp(y))?, span))
    }
}

/// The number that a constant is.
fn integer(expr: &Expr) -> Option<i128> {
    match (&expr.kind, &expr.ty) {
        (ExprKind::Constant(value), Type::Int { size: 8, signed: false }) => Some(i128::from(*value as u64)),
        (ExprKind::Constant(value), Type::Int { .. }) => Some(i128::from(*value)),
        _ => None,
    }
}

/// The bytes of a string that is written out, without its NUL.
fn text(expr: &Expr) -> Option<&[u8]> {
    match &expr.kind {
        ExprKind::String(bytes) => bytes.split(|byte| *byte == 0).next(),
        _ => None,
    }
}

fn holds(operator: BinaryOperator, order: Ordering) -> Option<bool> {
    Some(match operator {
        BinaryOperator::Equal => order.is_eq(),
        BinaryOperator::NotEqual => order.is_ne(),
        BinaryOperator::Less => order.is_lt(),
        BinaryOperator::LessEqual => order.is_le(),
        BinaryOperator::Greater => order.is_gt(),
        BinaryOperator::GreaterEqual => order.is_ge(),
        _ => return None,
    })
}

/// Exact, but for bits that a shift moves out of 64; `None` for a division by zero and shifts that are too far.
fn calculate(operator: BinaryOperator, x: i128, y: i128) -> Option<i128> {
    let bits = |x: i128| if x > i128::from(i64::MAX) { x as u64 as i64 } else { x as i64 };
    // Numbers without a sign give one without.
    let together = |bits: i64| if x >= 0 && y >= 0 { i128::from(bits as u64) } else { i128::from(bits) };
    let distance = u32::try_from(y).ok().filter(|distance| *distance < 64);
    match operator {
        BinaryOperator::Add => x.checked_add(y),
        BinaryOperator::Subtract => x.checked_sub(y),
        BinaryOperator::Multiply => x.checked_mul(y),
        BinaryOperator::Divide => x.checked_div(y),
        BinaryOperator::Modulo => x.checked_rem(y),
        BinaryOperator::BitAnd => Some(together(bits(x) & bits(y))),
        BinaryOperator::BitOr => Some(together(bits(x) | bits(y))),
        BinaryOperator::BitXor => Some(together(bits(x) ^ bits(y))),
        BinaryOperator::ShiftLeft => Some(together(bits(x) << distance?)),
        BinaryOperator::ShiftRight => Some(x >> distance?),
        _ => None,
    }
}
