//! Members of structs, tuples and arrays, and loads through pointers.

use super::constant::{self, constant_of};
use super::typed::untracked;
use super::{Checker, conversion::convert};
use crate::hir::{Access, ArithmeticOperator, Expr, ExprKind};
use crate::types::{FieldLayout, INT64, Space, StructOrigin, StructRef, Type, UINT8, UINT64};
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;

impl<'a> Checker<'a> {
    /// `base.name` and `base->name`.
    pub(super) fn field(&mut self, base: &'a ast::Expr, name: &'a ast::Name, arrow: bool, span: Span) -> Option<Expr> {
        if arrow {
            let message = format!("->{} is an old spelling", name.text);
            self.report(Diagnostic::note(Code::OldSpelling, span, message).help(format!("write .{}", name.text)));
        }
        if let ast::ExprKind::Identifier(word) = &base.kind
            && word == "args"
            && !self.macros.contains_key("args")
        {
            return self.probe_argument(name, base.span, span);
        }
        let base = self.named_pointer(base)?;
        self.field_of(base, name, span)
    }

    /// A field of a checked value or of what a pointer points to.
    pub(super) fn field_of(&mut self, base: Expr, name: &ast::Name, span: Span) -> Option<Expr> {
        if let Type::Pointer(target, space) = &base.ty {
            let (target, is_typed) = ((**target).clone(), *space == Space::Typed);
            // p.field where p is a pointer to a pointer follows both, as bpftrace does.
            if let Type::Pointer(..) = target {
                let inner = self.load(base, 0, target, None, span)?;
                return self.field_of(inner, name, span);
            }
            let field = self.find_field(&target, name)?;
            let loaded = self.load(base, i64::from(field.offset), field.ty, field.bits, span)?;
            let followed = is_typed && self.is_followed(&target, &name.text);
            return Some(if followed { self.follow(loaded) } else { loaded });
        }
        let field = self.find_field(&base.ty.clone(), name)?;
        let followed = self.is_followed(&base.ty, &name.text);
        self.part(base, field, followed, span)
    }

    /// Part of an aggregate: of memory behind a pointer without loading the rest, else of the value. `followed` says that
    /// the verifier can tell the part from its neighbours.
    fn part(&mut self, base: Expr, field: FieldLayout, followed: bool, span: Span) -> Option<Expr> {
        match base.kind {
            ExprKind::Load { pointer, offset, access, bits: None } => {
                let is_typed = matches!(pointer.ty, Type::Pointer(_, Space::Typed));
                let loaded = self.load(*pointer, offset + i64::from(field.offset), field.ty, field.bits, span)?;
                let followed = followed && is_typed && access == Access::Direct;
                Some(if followed { self.follow(loaded) } else { loaded })
            }
            // A field of a record of literals is a literal.
            ExprKind::Aggregate(mut values) if values.iter().all(constant::is_literal) && !field.name.is_empty() => {
                let Type::Record(fields) = &base.ty else { return None };
                let index = fields.iter().position(|(name, _)| *name == field.name)?;
                Some(Expr { span, ..values.swap_remove(index) })
            }
            kind => {
                let base = Box::new(Expr { kind, ..base });
                let kind = ExprKind::Extract { base, offset: field.offset, bits: field.bits };
                Some(Expr { span, ty: field.ty, kind })
            }
        }
    }

    /// The layout of a field; reports when there is none, with the nearest name.
    pub(super) fn find_field(&mut self, ty: &Type, name: &ast::Name) -> Option<FieldLayout> {
        let (found, names) = match ty {
            Type::Struct(reference) => {
                let reference = self.defined(reference);
                (self.types.field(&reference, &name.text), self.types.field_names(&reference))
            }
            Type::Record(_) => {
                let layout = ty.aggregate_layout(self.types)?;
                let names = layout.fields.iter().map(|field| field.name.clone()).collect();
                (layout.fields.into_iter().find(|field| field.name == name.text), names)
            }
            _ => {
                let message = format!("{ty} has no field {}", name.text);
                let help = match ty {
                    Type::Int { .. } => "cast it to a pointer first: ((struct name *)value).field",
                    Type::Tuple(_) => "elements of a tuple are .0, .1, …",
                    _ => "only structs, unions and records have fields",
                };
                self.report(Diagnostic::error(Code::UnknownField, name.span, message).help(help));
                return None;
            }
        };
        if found.is_none() {
            let mut diagnostic =
                Diagnostic::error(Code::UnknownField, name.span, format!("{ty} has no field {}", name.text));
            if names.is_empty() {
                diagnostic = diagnostic.help(format!("{ty} is declared but not defined"));
            } else if let Some(nearest) = lancet_kernel::nearest(&name.text, names.iter().map(String::as_str)) {
                diagnostic = diagnostic.help(format!("did you mean {nearest}?"));
            } else if names.len() <= 12 {
                diagnostic = diagnostic.help(format!("its fields are {}", names.join(", ")));
            }
            self.report(diagnostic);
        }
        found
    }

    /// A struct that was only declared where it was named may be defined by now.
    fn defined(&mut self, reference: &StructRef) -> StructRef {
        if reference.origin != StructOrigin::Opaque {
            return reference.clone();
        }
        let (kind, tag) = match reference.name.split_once(' ') {
            Some(("union", tag)) => (ast::TagKind::Union, tag),
            Some((_, tag)) => (ast::TagKind::Struct, tag),
            None => return reference.clone(),
        };
        match self.tagged(kind, tag) {
            Some(Type::Struct(found)) => found,
            _ => reference.clone(),
        }
    }

    /// Memory at an offset from a pointer.
    pub(super) fn load(
        &mut self,
        pointer: Expr,
        offset: i64,
        ty: Type,
        bits: Option<(u8, u8)>,
        span: Span,
    ) -> Option<Expr> {
        let Type::Pointer(_, space) = pointer.ty else { return None };
        let access = match space {
            Space::Any => Access::Any,
            Space::Kernel | Space::Typed => Access::Kernel,
            Space::User => Access::User,
            Space::Trusted => Access::Direct,
            // The verifier follows a pointer to a variable only while its offset is a constant.
            Space::Bpf if matches!(pointer.kind, ExprKind::AddressOfLocal(_)) => Access::Direct,
            Space::Bpf => Access::Kernel,
        };
        let ty = in_space(ty, space);
        let ty = match ty {
            Type::Struct(reference) => Type::Struct(self.defined(&reference)),
            other => other,
        };
        if !matches!(ty, Type::Void) && self.size_of(&ty) == 0 && !matches!(ty, Type::Array(..) | Type::String(_)) {
            self.report(
                Diagnostic::error(Code::UnknownType, span, format!("{ty} is declared but not defined"))
                    .help("define it, or include the header that does"),
            );
            return None;
        }
        Some(Expr { span, ty, kind: ExprKind::Load { pointer: Box::new(pointer), offset, access, bits } })
    }

    /// `base.N`.
    pub(super) fn tuple_field(&mut self, base: &'a ast::Expr, index: u32, span: Span) -> Option<Expr> {
        let base = self.expression(base)?;
        self.tuple_element(base, i64::from(index), span)
    }

    fn tuple_element(&mut self, base: Expr, index: i64, span: Span) -> Option<Expr> {
        let Type::Tuple(types) = &base.ty else {
            let message = format!("{} is not a tuple", base.ty);
            self.error(Code::BadIndex, base.span, message);
            return None;
        };
        if index < 0 || index as usize >= types.len() {
            let message = format!("index {index} is outside of a tuple of {} elements", types.len());
            self.error(Code::BadIndex, span, message);
            return None;
        }
        let layout = base.ty.aggregate_layout(self.types)?;
        self.part(base, layout.fields[index as usize].clone(), true, span)
    }

    /// `base[index]` of arrays, strings, tuples and pointers.
    pub(super) fn index(&mut self, base: &'a ast::Expr, indices: &'a [ast::Expr], span: Span) -> Option<Expr> {
        let base = self.tracked(base);
        let [index] = indices else {
            self.error(Code::BadIndex, span, "only maps take several keys");
            return None;
        };
        let (base, index) = (untracked(base?), self.expression(index)?);
        if !index.ty.is_integer() {
            self.error(Code::BadIndex, index.span, format!("an index must be an integer, not {}", index.ty));
            return None;
        }
        let index = convert(index, INT64);
        match base.ty.clone() {
            Type::Tuple(_) => match index.kind {
                ExprKind::Constant(value) => self.tuple_element(base, value, span),
                _ => {
                    self.error(Code::NotConstant, index.span, "the index of a tuple must be a literal");
                    None
                }
            },
            Type::Array(element, count) => self.array_element(base, *element, count, index, span),
            Type::String(size) => self.array_element(base, UINT8, size, index, span),
            Type::Buffer(size) => {
                let bytes =
                    FieldLayout { name: String::new(), offset: 4, ty: Type::Array(Box::new(UINT8), size), bits: None };
                let bytes = self.part(base, bytes, true, span)?;
                self.array_element(bytes, UINT8, size, index, span)
            }
            Type::Pointer(target, _) => {
                let size = i64::from(self.size_of(&target));
                match index.kind {
                    ExprKind::Constant(value) => self.load(base, value.wrapping_mul(size), *target, None, span),
                    _ => {
                        let pointer = self.scaled(base, index, size);
                        self.load(pointer, 0, *target, None, span)
                    }
                }
            }
            ty => {
                self.error(Code::BadIndex, base.span, format!("{ty} cannot be indexed"));
                None
            }
        }
    }

    fn array_element(&mut self, base: Expr, element: Type, count: u32, index: Expr, span: Span) -> Option<Expr> {
        let size = self.size_of(&element);
        match (&index.kind, base.kind) {
            (ExprKind::Constant(value), _) if *value < 0 || (count > 0 && *value >= i64::from(count)) => {
                let message = format!("index {value} is outside of {} with {count} elements", base.ty);
                self.error(Code::BadIndex, index.span, message);
                None
            }
            (ExprKind::Constant(value), kind) => {
                let offset = (*value as u32).wrapping_mul(size);
                let field = FieldLayout { name: String::new(), offset, ty: element, bits: None };
                self.part(Expr { kind, ..base }, field, true, span)
            }
            // Behind a pointer no bounds are needed: what is not there reads as zero.
            (_, ExprKind::Load { pointer, offset, .. }) => {
                let pointer = self.scaled(untracked(*pointer), index, i64::from(size));
                self.load(pointer, offset, element, None, span)
            }
            (_, kind) => {
                let base = Box::new(Expr { kind, ..base });
                let kind = ExprKind::Element { base, index: Box::new(convert(index, UINT64)) };
                Some(Expr { span, ty: element, kind })
            }
        }
    }

    fn scaled(&mut self, pointer: Expr, index: Expr, size: i64) -> Expr {
        let span = index.span;
        let factor = constant_of(size, INT64, span);
        let bytes = match size {
            1 => index,
            _ => Expr {
                span,
                ty: INT64,
                kind: ExprKind::Arithmetic(ArithmeticOperator::Multiply, Box::new(index), Box::new(factor)),
            },
        };
        let (span, ty) = (pointer.span, pointer.ty.clone());
        Expr { span, ty, kind: ExprKind::PointerOffset(Box::new(pointer), Box::new(bytes)) }
    }
}

/// Pointers found through a pointer lead to the same memory, unless their own type says better.
pub(super) fn in_space(ty: Type, space: Space) -> Type {
    match ty {
        // The verifier knows what an iterator's context leads to.
        Type::Pointer(target, Space::Kernel | Space::Any) if space == Space::Trusted && is_struct(&target) => {
            Type::Pointer(target, Space::Typed)
        }
        Type::Pointer(target, own) => {
            let space = match (own, space) {
                (Space::User, _) | (_, Space::User) => Space::User,
                (Space::Kernel | Space::Typed, _) | (_, Space::Kernel | Space::Trusted | Space::Typed) => Space::Kernel,
                _ => Space::Any,
            };
            Type::Pointer(target, space)
        }
        Type::Array(element, count) => Type::Array(Box::new(in_space(*element, space)), count),
        other => other,
    }
}

fn is_struct(ty: &Type) -> bool {
    matches!(ty, Type::Struct(_))
}
