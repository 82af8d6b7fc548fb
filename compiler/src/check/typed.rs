//! Arguments that BTF describes, and direct loads through pointers whose types the verifier knows.
//!
//! The verifier follows such a pointer only from one load to the next, at constant offsets, through members that are in no
//! union. So only chains of members keep it ([`Space::Typed`]); everything else takes the pointer's number, which is read
//! anew in a way that the verifier does not see ([`untracked`]).

use super::Checker;
use super::argument::context;
use super::conversion::convert;
use crate::hir::{Access, Expr, ExprKind};
use crate::probe::{Arguments, BtfArgument, BtfArguments};
use crate::types::{Space, Type, UINT8, UINT64};
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;
use std::rc::Rc;

impl<'a> Checker<'a> {
    /// `args.name`.
    pub(super) fn typed_argument(
        &mut self,
        arguments: &Rc<BtfArguments>,
        name: &ast::Name,
        span: Span,
    ) -> Option<Expr> {
        if let Some(argument) = arguments.argument(&name.text) {
            return self.argument_value(arguments, argument, span);
        }
        let probe = self.facts.expansion.attach_points.first().map(|point| point.name.clone()).unwrap_or_default();
        let names = || arguments.arguments.iter().map(|argument| argument.name.as_str());
        let message = format!("{probe} has no argument {}", name.text);
        let help = match lancet_kernel::nearest(&name.text, names()) {
            Some(nearest) => format!("did you mean {nearest}?"),
            None if arguments.arguments.is_empty() => "it takes no arguments".to_owned(),
            None => format!("its arguments are {}", names().collect::<Vec<_>>().join(", ")),
        };
        self.report(Diagnostic::error(Code::UnknownField, name.span, message).help(help));
        None
    }

    /// `args`: all of them, by their names.
    pub(super) fn all_typed_arguments(&mut self, arguments: &Rc<BtfArguments>, span: Span) -> Option<Expr> {
        if arguments.arguments.is_empty() {
            self.report(Diagnostic::error(Code::NotHere, span, "args: the function has no arguments").help("use func"));
            return None;
        }
        let mut values = Vec::new();
        let mut fields = Vec::new();
        for argument in &arguments.arguments {
            let value = untracked(self.argument_value(arguments, argument, span)?);
            fields.push((argument.name.clone(), value.ty.clone()));
            values.push(value);
        }
        Some(Expr { span, ty: Type::Record(fields.into()), kind: ExprKind::Aggregate(values) })
    }

    /// `retval` of a function whose type is known; the error says why there is none.
    pub fn typed_result(&mut self, span: Span) -> Option<Expr> {
        self.facts.looks_at_arguments = true;
        let Arguments::Typed(arguments) = self.facts.expansion.arguments.clone() else { return None };
        let Some(result) = &arguments.result else {
            let probe = self.facts.expansion.attach_points.first().map(|point| point.name.clone()).unwrap_or_default();
            let (message, help) = if arguments.at_return {
                (format!("{probe} has no retval"), "the function returns nothing")
            } else {
                let provider = self.facts.written_provider();
                (
                    format!("retval: a {provider} probe has none"),
                    "functions have it at their return: kretprobe, uretprobe, fexit",
                )
            };
            self.report(Diagnostic::error(Code::NotHere, span, message).help(help));
            return None;
        };
        self.argument_value(&arguments, result, span)
    }

    /// An argument of a builtin that hands pointers whose types the verifier knows to the kernel.
    pub fn tracked_argument(&mut self, argument: &'a ast::Argument) -> Option<Expr> {
        match argument {
            ast::Argument::Expr(expr) => self.tracked(expr),
            ast::Argument::Type(_) => self.argument(argument),
        }
    }

    /// The n-th word of the arguments as a number.
    pub fn argument_word(&self, n: u8, span: Span) -> Expr {
        load(context(span), u32::from(n) * 8, UINT64, Access::Kernel, span)
    }

    fn argument_value(&mut self, arguments: &BtfArguments, argument: &BtfArgument, span: Span) -> Option<Expr> {
        let ty = self.types.type_of_module(&arguments.module, argument.ty)?;
        let from = context(span);
        Some(match &ty {
            Type::Pointer(target, Space::Kernel) if matches!(**target, Type::Struct(_)) => {
                self.facts.follows_types = true;
                load(from, argument.offset, Type::Pointer(target.clone(), Space::Typed), Access::Direct, span)
            }
            // The verifier knows few types of pointers besides those to structs.
            Type::Pointer(..) => load(from, argument.offset, ty, Access::Kernel, span),
            Type::Bool => convert(convert(load(from, argument.offset, UINT64, Access::Direct, span), UINT8), ty),
            ty if ty.is_scalar() => convert(load(from, argument.offset, UINT64, Access::Direct, span), ty.clone()),
            _ => load(from, argument.offset, ty, Access::Kernel, span),
        })
    }

    /// A load through a typed pointer that the verifier can follow: direct, and a pointer to a struct keeps its type.
    pub(super) fn follow(&self, loaded: Expr) -> Expr {
        let ExprKind::Load { pointer, offset, bits: None, .. } = loaded.kind else { return loaded };
        let ty = match loaded.ty {
            Type::Pointer(target, Space::Kernel) if matches!(*target, Type::Struct(_)) => {
                Type::Pointer(target, Space::Typed)
            }
            other => other,
        };
        let kind = ExprKind::Load { pointer, offset, access: Access::Direct, bits: None };
        Expr { span: loaded.span, ty, kind }
    }

    /// Whether the verifier follows a load of that field through a typed pointer.
    pub(super) fn is_followed(&self, aggregate: &Type, name: &str) -> bool {
        match aggregate {
            Type::Struct(reference) => !self.types.is_in_union(reference, name),
            _ => true,
        }
    }
}

/// The number of a typed pointer, which the verifier then knows nothing of: the last load is made by a helper.
pub(super) fn untracked(expr: Expr) -> Expr {
    match (expr.ty, expr.kind) {
        (Type::Pointer(target, Space::Typed), ExprKind::Load { pointer, offset, bits, .. }) => Expr {
            span: expr.span,
            ty: Type::Pointer(target, Space::Kernel),
            kind: ExprKind::Load { pointer, offset, access: Access::Kernel, bits },
        },
        (Type::Pointer(target, Space::Typed), kind @ ExprKind::Call(_)) => {
            Expr { span: expr.span, ty: Type::Pointer(target, Space::Kernel), kind }
        }
        (ty, kind) => Expr { span: expr.span, ty, kind },
    }
}

fn load(pointer: Expr, offset: u32, ty: Type, access: Access, span: Span) -> Expr {
    let kind = ExprKind::Load { pointer: Box::new(pointer), offset: i64::from(offset), access, bits: None };
    Expr { span, ty, kind }
}
