//! Types as they are written in expressions and declarations.

use super::Printer;
use super::expression::reads_as_array_type;
use crate::ast::{TagKind, TypeExpr, TypeExprKind, TypeOrExpr};

impl Printer<'_> {
    pub(super) fn type_expr(&mut self, ty: &TypeExpr) {
        match &ty.kind {
            TypeExprKind::Named(name) => self.push(name),
            TypeExprKind::Tagged(tag, name) => {
                self.push(keyword(*tag));
                self.push(" ");
                self.push(name);
            }
            TypeExprKind::Pointer(target) => {
                self.type_expr(target);
                let star = if matches!(target.kind, TypeExprKind::Pointer(_)) { "*" } else { " *" };
                self.push(star);
            }
            TypeExprKind::Array(element, length) => {
                self.type_expr(element);
                self.push("[");
                if let Some(length) = length {
                    self.expression(length);
                }
                self.push("]");
            }
            TypeExprKind::Tuple(members) => {
                self.push("(");
                for (index, member) in members.iter().enumerate() {
                    if index > 0 {
                        self.push(", ");
                    }
                    self.type_expr(member);
                }
                self.push(")");
            }
            TypeExprKind::Typeof(operand) => {
                self.push("typeof(");
                self.type_or_expr(operand);
                self.push(")");
            }
        }
    }

    pub(super) fn type_or_expr(&mut self, operand: &TypeOrExpr) {
        match operand {
            TypeOrExpr::Type(ty) => self.type_expr(ty),
            TypeOrExpr::Expr(expr) if reads_as_array_type(expr) => self.parenthesized(expr),
            TypeOrExpr::Expr(expr) => self.expression(expr),
        }
    }
}

/// The keyword of a tag.
pub(super) fn keyword(tag: TagKind) -> &'static str {
    match tag {
        TagKind::Struct => "struct",
        TagKind::Union => "union",
        TagKind::Enum => "enum",
    }
}
