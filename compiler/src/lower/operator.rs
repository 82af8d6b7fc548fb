//! Arithmetic and comparisons.

use super::Lowerer;
use crate::hir::{ArithmeticOperator, CompareOperator, Expr, ExprKind};
use crate::ir::{BinaryOp, Comparison, Value};
use lancet_manifest::Action;
use lancet_syntax::span::Span;

impl Lowerer<'_> {
    pub(super) fn arithmetic(
        &mut self,
        operator: ArithmeticOperator,
        signed: bool,
        left: &Expr,
        right: &Expr,
        span: Span,
    ) -> Value {
        let a = self.scalar(left);
        let b = self.scalar(right);
        let op = match (operator, signed) {
            (ArithmeticOperator::Add, _) => BinaryOp::Add,
            (ArithmeticOperator::Subtract, _) => BinaryOp::Sub,
            (ArithmeticOperator::Multiply, _) => BinaryOp::Mul,
            (ArithmeticOperator::Divide, true) => BinaryOp::SignedDiv,
            (ArithmeticOperator::Divide, false) => BinaryOp::UnsignedDiv,
            (ArithmeticOperator::Modulo, true) => BinaryOp::SignedMod,
            (ArithmeticOperator::Modulo, false) => BinaryOp::UnsignedMod,
            (ArithmeticOperator::BitAnd, _) => BinaryOp::And,
            (ArithmeticOperator::BitOr, _) => BinaryOp::Or,
            (ArithmeticOperator::BitXor, _) => BinaryOp::Xor,
            (ArithmeticOperator::ShiftLeft, _) => BinaryOp::ShiftLeft,
            (ArithmeticOperator::ShiftRight, true) => BinaryOp::SignedShiftRight,
            (ArithmeticOperator::ShiftRight, false) => BinaryOp::ShiftRight,
        };
        let divides = matches!(operator, ArithmeticOperator::Divide | ArithmeticOperator::Modulo);
        match right.kind {
            ExprKind::Constant(0) if divides => {
                self.division_by_zero(span);
                self.constant(1)
            }
            ExprKind::Constant(_) => self.binary(op, a, b),
            _ if divides => self.choose(
                b,
                |lowerer| lowerer.binary(op, a, b),
                |lowerer| {
                    lowerer.division_by_zero(span);
                    lowerer.constant(1)
                },
            ),
            _ => self.binary(op, a, b),
        }
    }

    fn division_by_zero(&mut self, span: Span) {
        let location = self.location(span);
        let message =
            "Divide or modulo by 0 detected. This can lead to unexpected results. 1 is being used as the result."
                .to_owned();
        self.emit(Action::RuntimeError { message, location }, &[]);
    }

    pub(super) fn comparison(&mut self, operator: CompareOperator, signed: bool, left: &Expr, right: &Expr) -> Value {
        let a = self.scalar(left);
        let b = self.scalar(right);
        let comparison = match (operator, signed) {
            (CompareOperator::Equal, _) => Comparison::Equal,
            (CompareOperator::NotEqual, _) => Comparison::NotEqual,
            (CompareOperator::Less, true) => Comparison::SignedLess,
            (CompareOperator::Less, false) => Comparison::UnsignedLess,
            (CompareOperator::LessEqual, true) => Comparison::SignedLessEqual,
            (CompareOperator::LessEqual, false) => Comparison::UnsignedLessEqual,
            (CompareOperator::Greater, true) => Comparison::SignedGreater,
            (CompareOperator::Greater, false) => Comparison::UnsignedGreater,
            (CompareOperator::GreaterEqual, true) => Comparison::SignedGreaterEqual,
            (CompareOperator::GreaterEqual, false) => Comparison::UnsignedGreaterEqual,
        };
        self.compare(comparison, a, b)
    }
}
