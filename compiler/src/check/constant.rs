//! What is known at compile time: literals and what folds from them.

use super::Checker;
use crate::hir::{Expr, ExprKind};
use crate::settings::Given;
use crate::types::{INT64, Type, UINT64};
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::span::Span;

/// True for constants and strings.
pub fn is_literal(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Constant(_) | ExprKind::String(_) => true,
        ExprKind::Convert(inner) => is_literal(inner),
        _ => false,
    }
}

/// True for a non-negative integer literal, which takes the signedness of what it meets.
pub(super) fn is_flexible(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Constant(value) if value >= 0) && expr.ty == INT64
}

/// An int64 constant.
pub(super) fn integer(value: i64, span: Span) -> Expr {
    Expr { span, ty: INT64, kind: ExprKind::Constant(value) }
}

/// A constant of any scalar type, extended as the type says.
pub(super) fn constant_of(value: i64, ty: Type, span: Span) -> Expr {
    Expr { span, kind: ExprKind::Constant(extend(value, &ty)), ty }
}

/// A bool constant.
pub(super) fn boolean(value: bool, span: Span) -> Expr {
    Expr { span, ty: Type::Bool, kind: ExprKind::Constant(i64::from(value)) }
}

/// A string constant with its NUL.
pub(super) fn string(bytes: &[u8], span: Span) -> Expr {
    let mut bytes = bytes.to_vec();
    // A NUL inside ends the string wherever it is looked at.
    bytes.push(0);
    Expr { span, ty: Type::String(bytes.len() as u32), kind: ExprKind::String(bytes) }
}

/// The value of a register that holds a constant of that type.
pub(super) fn extend(value: i64, ty: &Type) -> i64 {
    let (size, signed) = match ty {
        Type::Int { size, signed } => (*size, *signed),
        Type::Enum(ty) => (ty.size, ty.signed),
        Type::Bool => return i64::from(value != 0),
        _ => return value,
    };
    match (size, signed) {
        (1, true) => i64::from(value as i8),
        (2, true) => i64::from(value as i16),
        (4, true) => i64::from(value as i32),
        (1, false) => i64::from(value as u8),
        (2, false) => i64::from(value as u16),
        (4, false) => i64::from(value as u32),
        _ => value,
    }
}

impl<'a> Checker<'a> {
    /// A number literal: int64, or uint64 when it does not fit.
    pub(super) fn integer_literal(&mut self, literal: &ast::IntegerLiteral, span: Span) -> Expr {
        let unsigned = literal.suffix.is_some_and(|suffix| suffix.unsigned) || i64::try_from(literal.value).is_err();
        let ty = if unsigned { UINT64 } else { INT64 };
        Expr { span, ty, kind: ExprKind::Constant(literal.value as i64) }
    }

    /// A number from the command line, typed as the same literal is.
    pub fn given_number(&self, given: Given, span: Span) -> Expr {
        Expr { span, ty: if given.unsigned { UINT64 } else { INT64 }, kind: ExprKind::Constant(given.bits) }
    }

    /// A string literal at `span`.
    pub fn string(&self, bytes: &[u8], span: Span) -> Expr {
        string(bytes, span)
    }

    /// A constant of a scalar type at `span`.
    pub fn constant(&self, value: i64, ty: Type, span: Span) -> Expr {
        constant_of(value, ty, span)
    }

    /// An argument that must be an integer constant; reports when it is not.
    pub fn constant_argument(&mut self, argument: &'a ast::Argument, what: &str) -> Option<i64> {
        let expr = self.argument(argument)?;
        match expr.kind {
            ExprKind::Constant(value) if expr.ty.is_integer() => Some(value),
            _ => {
                self.error(Code::NotConstant, expr.span, format!("{what} must be an integer literal"));
                None
            }
        }
    }

    /// An argument that must be a string literal; reports when it is not.
    pub fn text_argument(&mut self, argument: &'a ast::Argument, what: &str) -> Option<String> {
        let (bytes, _) = self.bytes_argument(argument, what)?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The same as bytes, with the place of the literal. It may be of any length: no program holds it.
    pub fn bytes_argument(&mut self, argument: &'a ast::Argument, what: &str) -> Option<(Vec<u8>, Span)> {
        let outer = std::mem::replace(&mut self.outside, true);
        let expr = self.argument(argument);
        self.outside = outer;
        let expr = expr?;
        match &expr.kind {
            ExprKind::String(bytes) => Some((bytes[..bytes.len() - 1].to_vec(), expr.span)),
            _ => {
                self.error(Code::NotConstant, expr.span, format!("{what} must be a string literal"));
                None
            }
        }
    }
}
