//! Which tokens are operators, and how strongly they bind.

use crate::ast::{BinaryOperator, UnaryOperator};
use crate::token::TokenKind;

/// The infix operator of a token with its precedence; higher binds stronger, all associate to the left.
pub(super) fn binary(kind: TokenKind) -> Option<(BinaryOperator, u8)> {
    let operator = match kind {
        TokenKind::OrOr => BinaryOperator::Or,
        TokenKind::AndAnd => BinaryOperator::And,
        TokenKind::Or => BinaryOperator::BitOr,
        TokenKind::Caret => BinaryOperator::BitXor,
        TokenKind::And => BinaryOperator::BitAnd,
        TokenKind::EqualEqual => BinaryOperator::Equal,
        TokenKind::NotEqual => BinaryOperator::NotEqual,
        TokenKind::Less => BinaryOperator::Less,
        TokenKind::LessEqual => BinaryOperator::LessEqual,
        TokenKind::Greater => BinaryOperator::Greater,
        TokenKind::GreaterEqual => BinaryOperator::GreaterEqual,
        TokenKind::ShiftLeft => BinaryOperator::ShiftLeft,
        TokenKind::ShiftRight => BinaryOperator::ShiftRight,
        TokenKind::Plus => BinaryOperator::Add,
        TokenKind::Minus => BinaryOperator::Subtract,
        TokenKind::Star => BinaryOperator::Multiply,
        TokenKind::Slash => BinaryOperator::Divide,
        TokenKind::Percent => BinaryOperator::Modulo,
        _ => return None,
    };
    Some((operator, precedence(operator)))
}

/// How strongly the infix operator of a token binds.
pub(crate) fn infix_precedence(kind: TokenKind) -> Option<u8> {
    binary(kind).map(|(_, precedence)| precedence)
}

/// How strongly an infix operator binds, as in C.
pub(crate) fn precedence(operator: BinaryOperator) -> u8 {
    match operator {
        BinaryOperator::Or => 1,
        BinaryOperator::And => 2,
        BinaryOperator::BitOr => 3,
        BinaryOperator::BitXor => 4,
        BinaryOperator::BitAnd => 5,
        BinaryOperator::Equal | BinaryOperator::NotEqual => 6,
        BinaryOperator::Less | BinaryOperator::LessEqual | BinaryOperator::Greater | BinaryOperator::GreaterEqual => 7,
        BinaryOperator::ShiftLeft | BinaryOperator::ShiftRight => 8,
        BinaryOperator::Add | BinaryOperator::Subtract => 9,
        BinaryOperator::Multiply | BinaryOperator::Divide | BinaryOperator::Modulo => 10,
    }
}

/// The prefix operator of a token.
pub(super) fn unary(kind: TokenKind) -> Option<UnaryOperator> {
    match kind {
        TokenKind::Minus => Some(UnaryOperator::Negate),
        TokenKind::Plus => Some(UnaryOperator::Plus),
        TokenKind::Not => Some(UnaryOperator::Not),
        TokenKind::Tilde => Some(UnaryOperator::BitNot),
        TokenKind::Star => Some(UnaryOperator::Dereference),
        TokenKind::And => Some(UnaryOperator::AddressOf),
        _ => None,
    }
}

/// The operator of a compound assignment.
pub(super) fn compound(kind: TokenKind) -> Option<BinaryOperator> {
    match kind {
        TokenKind::ShiftLeftAssign => Some(BinaryOperator::ShiftLeft),
        TokenKind::ShiftRightAssign => Some(BinaryOperator::ShiftRight),
        TokenKind::AddAssign => Some(BinaryOperator::Add),
        TokenKind::SubtractAssign => Some(BinaryOperator::Subtract),
        TokenKind::MultiplyAssign => Some(BinaryOperator::Multiply),
        TokenKind::DivideAssign => Some(BinaryOperator::Divide),
        TokenKind::ModuloAssign => Some(BinaryOperator::Modulo),
        TokenKind::AndAssign => Some(BinaryOperator::BitAnd),
        TokenKind::OrAssign => Some(BinaryOperator::BitOr),
        TokenKind::XorAssign => Some(BinaryOperator::BitXor),
        _ => None,
    }
}
