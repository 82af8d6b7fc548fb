//! `args.field`: the arguments that a probe's own description names.

use super::Checker;
use crate::builtin::{Call, Extra};
use crate::hir::{Access, Expr, ExprKind};
use crate::probe::Arguments;
use crate::types::{Space, Type, UINT8};
use lancet_kernel::tracepoint::{FieldStorage, TracepointField, TracepointFormat};
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;
use std::rc::Rc;

impl<'a> Checker<'a> {
    /// `args.name` of the probe that is checked.
    pub(super) fn probe_argument(&mut self, name: &ast::Name, args: Span, span: Span) -> Option<Expr> {
        let arguments = self.facts.expansion.arguments.clone();
        if !matches!(arguments, Arguments::Tracepoint { .. }) {
            self.facts.looks_at_arguments = true;
        }
        match arguments {
            Arguments::Tracepoint { format, space } => {
                self.facts.fields.push(name.text.clone());
                self.tracepoint_field(&format, space, name, span)
            }
            Arguments::Entry if self.is_in_program() => self.parameter(name, span),
            Arguments::Typed(arguments) => self.typed_argument(&arguments, name, span),
            Arguments::Unknown => None,
            Arguments::None
            | Arguments::Entry
            | Arguments::Return
            | Arguments::Raw
            | Arguments::Usdt(_)
            | Arguments::Iterator(_) => {
                let provider = self.facts.written_provider().to_owned();
                let help = match self.facts.expansion.arguments {
                    Arguments::Entry => "use arg0, arg1, …",
                    Arguments::Return => "use retval",
                    Arguments::Raw | Arguments::Usdt(_) => "use arg0, arg1, …",
                    Arguments::Iterator(_) => "iterators have ctx",
                    _ => "tracepoints have args",
                };
                let message = format!("args: a {provider} probe has no named arguments");
                self.report(Diagnostic::error(Code::NotHere, args, message).help(help));
                None
            }
        }
    }

    fn tracepoint_field(
        &mut self,
        format: &Rc<TracepointFormat>,
        space: Space,
        name: &ast::Name,
        span: Span,
    ) -> Option<Expr> {
        let Some(field) = format.fields.iter().find(|field| field.name == name.text) else {
            let probe = self.facts.expansion.attach_points.first().map(|point| point.name.clone()).unwrap_or_default();
            let names = || format.fields.iter().map(|field| field.name.as_str());
            let message = format!("{probe} has no field {}", name.text);
            let mut diagnostic = Diagnostic::error(Code::UnknownField, name.span, message);
            diagnostic = match lancet_kernel::nearest(&name.text, names()) {
                Some(nearest) => diagnostic.help(format!("did you mean {nearest}?")),
                None => {
                    let own: Vec<&str> = names().filter(|name| !name.starts_with("common_")).collect();
                    diagnostic.help(format!("its fields are {}", own.join(", ")))
                }
            };
            self.report(diagnostic);
            return None;
        };
        if field.name.starts_with("common_") {
            return self.common_field(format, field, span);
        }
        let context = context(span);
        let ty = self.tracepoint_type(field, space);
        self.facts.needs_own_event |= !ty.is_scalar();
        let offset = i64::from(field.offset);
        let kind = match field.storage {
            FieldStorage::Scalar => {
                let access = if ty.is_scalar() { Access::Direct } else { Access::Kernel };
                ExprKind::Load { pointer: Box::new(context), offset, access, bits: None }
            }
            FieldStorage::Array(_) => {
                ExprKind::Load { pointer: Box::new(context), offset, access: Access::Kernel, bits: None }
            }
            FieldStorage::DataLoc => return Some(self.located(context, offset, 0, ty, span)),
            FieldStorage::RelativeLoc => {
                let after = offset + i64::from(field.size);
                return Some(self.located(context, offset, after, ty, span));
            }
        };
        Some(Expr { span, ty, kind })
    }

    /// A field that all tracepoints have. The kernel keeps a pointer of its own there while programs run, so these come from
    /// elsewhere.
    fn common_field(&mut self, format: &TracepointFormat, field: &TracepointField, span: Span) -> Option<Expr> {
        self.facts.looks_at_arguments = true;
        match field.name.as_str() {
            "common_type" => Some(super::constant::integer(i64::from(format.id), span)),
            "common_pid" => {
                let tid = self.environment.builtins.get("tid")?;
                // As tid(init).
                Some(Call::expr(tid, integer(field.size, field.signed), span, Vec::new(), Extra::Number(1)))
            }
            name => {
                let message = format!("{name} is not there while programs run");
                let help = "of the fields that all tracepoints have, common_type and common_pid can be read";
                self.report(Diagnostic::error(Code::UnknownField, span, message).help(help));
                None
            }
        }
    }

    /// The address that a `__data_loc` word gives: the context, plus `base`, plus the word's low half.
    fn located(&mut self, context: Expr, offset: i64, base: i64, ty: Type, span: Span) -> Expr {
        let word_type = Type::Int { size: 2, signed: false };
        let again = Expr { span, ty: context.ty.clone(), kind: ExprKind::Context };
        let word = ExprKind::Load { pointer: Box::new(again), offset, access: Access::Direct, bits: None };
        let word = Expr { span, ty: word_type, kind: word };
        let low = super::conversion::convert(word, crate::types::INT64);
        let low = match base {
            0 => low,
            _ => {
                let base = super::constant::integer(base, span);
                let sum = crate::hir::ArithmeticOperator::Add;
                let kind = ExprKind::Arithmetic(sum, Box::new(low), Box::new(base));
                Expr { span, ty: crate::types::INT64, kind }
            }
        };
        Expr { span, ty, kind: ExprKind::PointerOffset(Box::new(context), Box::new(low)) }
    }

    /// The type of a tracepoint's field, from its C spelling and its size.
    fn tracepoint_type(&mut self, field: &TracepointField, space: Space) -> Type {
        let spelled = field.type_name.trim_start_matches("__data_loc ").trim_start_matches("__rel_loc ");
        let words: Vec<&str> =
            spelled.split_whitespace().filter(|word| !matches!(*word, "const" | "volatile")).collect();
        let spelled = words.join(" ");
        let target = spelled.trim_end_matches(['*', ' ']);
        let stars = spelled.matches('*').count();
        let element = self.c_name(target).unwrap_or(Type::Void);
        let is_char = target == "char";
        match field.storage {
            FieldStorage::DataLoc | FieldStorage::RelativeLoc => {
                let element = if is_char { Type::Int { size: 1, signed: true } } else { element };
                element.pointer(Space::Kernel)
            }
            FieldStorage::Array(count) if is_char && stars == 0 => Type::String(count),
            FieldStorage::Array(count) if count > 0 => {
                let size = field.size / count;
                let element = match stars {
                    0 if self.size_of(&element) == size => element,
                    0 => integer(size, field.signed),
                    _ => element.pointer(space),
                };
                Type::Array(Box::new(element), count)
            }
            FieldStorage::Array(_) | FieldStorage::Scalar if stars > 0 => {
                (0..stars).fold(element, |ty, _| ty.pointer(space))
            }
            FieldStorage::Array(_) | FieldStorage::Scalar => match element {
                Type::Struct(_) | Type::Enum(_) | Type::Bool if self.size_of(&element) == field.size => element,
                _ => integer(field.size, field.signed),
            },
        }
    }

    /// A C type as tracepoint formats spell it: `struct x`, `enum y`, `u32`.
    fn c_name(&self, text: &str) -> Option<Type> {
        let tagged = |kind, tag: &str| self.types.tagged(kind, tag);
        if let Some(tag) = text.strip_prefix("struct ") {
            return tagged(ast::TagKind::Struct, tag);
        }
        if let Some(tag) = text.strip_prefix("union ") {
            return tagged(ast::TagKind::Union, tag);
        }
        if let Some(tag) = text.strip_prefix("enum ") {
            return tagged(ast::TagKind::Enum, tag);
        }
        self.types.named(text)
    }
}

/// The context of the program.
pub(super) fn context(span: Span) -> Expr {
    Expr { span, ty: Type::Void.pointer(Space::Trusted), kind: ExprKind::Context }
}

fn integer(size: u32, signed: bool) -> Type {
    match size {
        1 | 2 | 4 | 8 => Type::Int { size: size as u8, signed },
        bytes => Type::Array(Box::new(UINT8), bytes),
    }
}
