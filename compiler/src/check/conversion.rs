//! Casts written and implied.

use super::constant::constant_of;
use super::typed::untracked;
use super::{Checker, constant};
use crate::hir::{Expr, ExprKind};
use crate::types::{Space, Type};
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::span::Span;

impl<'a> Checker<'a> {
    /// The value as the type wants it; types have been found to agree.
    pub(super) fn coerce(&mut self, expr: Expr, to: &Type) -> Expr {
        if &expr.ty == to {
            return expr;
        }
        if to.is_integer() && expr.ty.is_integer() {
            return convert(expr, to.clone());
        }
        if let (Type::Pointer(..), Type::Pointer(..)) = (to, &expr.ty) {
            return Expr { ty: to.clone(), ..expr };
        }
        // Strings and aggregates: lowering pads or cuts, the destination's type counts.
        expr
    }

    /// A scalar as a 64-bit integer of its own signedness.
    pub(super) fn widen(&mut self, expr: Expr) -> Expr {
        let signed = expr.ty.is_signed();
        convert(expr, Type::Int { size: 8, signed })
    }

    /// A scalar for a condition.
    pub(super) fn truth(&mut self, expr: Expr) -> Option<Expr> {
        if let ExprKind::String(bytes) = &expr.kind {
            return Some(constant::boolean(bytes.first() != Some(&0), expr.span));
        }
        match &expr.ty {
            Type::Bool => Some(expr),
            ty if ty.is_scalar() => Some(match expr.kind {
                ExprKind::Constant(value) => constant::boolean(value != 0, expr.span),
                _ => Expr { span: expr.span, ty: Type::Bool, kind: ExprKind::Convert(Box::new(expr)) },
            }),
            ty => {
                let message = format!("a condition must be a number, a bool or a pointer, not {ty}");
                self.error(Code::BadOperand, expr.span, message);
                None
            }
        }
    }

    /// `(type)operand`. A pointer that is cast to what it is keeps what the verifier knows of it.
    pub(super) fn tracked_cast(&mut self, ty: &'a ast::TypeExpr, operand: &'a ast::Expr, span: Span) -> Option<Expr> {
        let to = self.written_type(ty);
        let operand = self.named_pointer(operand);
        let (to, operand) = (to?, operand?);
        match (&to, &operand.ty) {
            (Type::Pointer(to, Space::Any), Type::Pointer(from, Space::Typed)) if to == from => {
                Some(Expr { span, ..operand })
            }
            _ => self.cast_to(untracked(operand), to, ty.span, span),
        }
    }

    pub(super) fn cast_to(&mut self, operand: Expr, to: Type, type_span: Span, span: Span) -> Option<Expr> {
        let from = operand.ty.clone();
        let whole = |expr: Expr| Some(Expr { span, ..expr });
        match (&to, &from) {
            (to, from) if to == from => whole(operand),
            (Type::Enum(listed), from) if from.is_scalar() => {
                if let ExprKind::Constant(value) = operand.kind
                    && !listed.variants.iter().any(|(_, known)| *known == value)
                {
                    self.error(Code::BadCast, span, format!("{to} has no name for {value}"));
                    return None;
                }
                whole(convert(operand, to.clone()))
            }
            (to, from) if to.is_integer() && from.is_scalar() => whole(convert(operand, to.clone())),
            (Type::Pointer(target, Space::Any), from) if from.is_integer() || matches!(from, Type::Pointer(..)) => {
                let space = match from {
                    Type::Pointer(_, space) => *space,
                    _ => self.facts.default_space,
                };
                let operand = if from.is_integer() { self.widen(operand) } else { operand };
                Some(Expr { span, ty: Type::Pointer(target.clone(), space), kind: operand.kind })
            }
            (Type::Array(element, count), from) if from.is_integer() => {
                self.integer_to_array(operand, element, *count, type_span, span)
            }
            (to, Type::Array(..)) if to.is_integer() => {
                let size = self.size_of(&from);
                if size > 8 || !size.is_power_of_two() {
                    let message = format!("{from} has {size} bytes: it cannot be an integer");
                    self.error(Code::BadCast, span, message);
                    return None;
                }
                let as_integer = Type::Int { size: size as u8, signed: false };
                let bits = Expr { span, ty: as_integer, kind: ExprKind::Reinterpret(Box::new(operand)) };
                Some(convert(bits, to.clone()))
            }
            (Type::Bool, Type::String(_)) => {
                if let ExprKind::String(_) = operand.kind {
                    return self.truth(operand);
                }
                let empty = constant::string(b"", span);
                let (left, right) = (Box::new(operand), Box::new(empty));
                Some(Expr { span, ty: Type::Bool, kind: ExprKind::MemoryEqual { negated: true, left, right } })
            }
            (Type::String(0), Type::String(_)) | (Type::Buffer(0), Type::Buffer(_)) => whole(operand),
            (Type::String(_), Type::String(_)) => {
                Some(Expr { span, ty: to, kind: ExprKind::Reinterpret(Box::new(operand)) })
            }
            (to, from) if super::inference::is_assignable(to, from) => whole(operand),
            _ => {
                self.error(Code::BadCast, span, format!("{from} cannot be cast to {to}"));
                None
            }
        }
    }

    fn integer_to_array(
        &mut self,
        operand: Expr,
        element: &Type,
        count: u32,
        type_span: Span,
        span: Span,
    ) -> Option<Expr> {
        let element_size = self.size_of(element);
        if !element.is_integer() {
            self.error(Code::BadCast, span, format!("an integer cannot be cast to an array of {element}"));
            return None;
        }
        let from_size = self.size_of(&operand.ty);
        let is_literal = matches!(operand.kind, ExprKind::Constant(_)) && operand.ty == crate::types::INT64;
        let count = if count == 0 { from_size / element_size.max(1) } else { count };
        let size = element_size.saturating_mul(count);
        let fits = size == from_size || (is_literal && size < from_size);
        if !(1..=8).contains(&size) || !size.is_power_of_two() || !fits {
            let message = format!("an integer of {from_size} bytes does not fit an array of {size} bytes");
            self.error(Code::BadCast, type_span, message);
            return None;
        }
        let bits = convert(operand, Type::Int { size: size as u8, signed: false });
        let ty = Type::Array(Box::new(element.clone()), count);
        Some(Expr { span, ty, kind: ExprKind::Reinterpret(Box::new(bits)) })
    }
}

/// A scalar as another integer type, constants folded.
pub(super) fn convert(expr: Expr, to: Type) -> Expr {
    match &expr.kind {
        _ if expr.ty == to => expr,
        ExprKind::Constant(value) => constant_of(*value, to, expr.span),
        _ => Expr { span: expr.span, ty: to, kind: ExprKind::Convert(Box::new(expr)) },
    }
}
