//! `getopt(name[, default])`: the script's named parameters.

use lancet_compiler::builtin::{Builtin, Call, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::Expr;
use lancet_compiler::hir::ExprKind;
use lancet_compiler::ir::Address;
use lancet_compiler::lower::Lowerer;
use lancet_compiler::settings::{parse_bool, parse_number};
use lancet_compiler::types::Type;
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;

pub(crate) struct Getopt;

static SIGNATURE: Signature = Signature {
    name: "getopt",
    aliases: &[],
    min: 1,
    max: 3,
    usage: "getopt(\"name\"[, default[, \"description\"]])",
    summary: "A parameter given as --name=value after --; its type is that of the default, bool without.",
    is_unsafe: false,
};

impl Builtin for Getopt {
    fn signature(&'static self) -> &'static Signature {
        &SIGNATURE
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let name = checker.text_argument(&arguments[0], "the name of an option")?;
        let default = match arguments.get(1) {
            Some(default) => checker.argument(default)?,
            None => checker.constant(0, Type::Bool, span),
        };
        if let Some(description) = arguments.get(2) {
            checker.text_argument(description, "the description of an option")?;
        }
        checker.note_option(&name);
        let given = checker.settings().named.iter().rev().find(|(known, _)| *known == name).cloned();
        match (&default.ty, &default.kind) {
            (Type::Bool, ExprKind::Constant(_)) => match given {
                None => Some(Expr { span, ..default }),
                Some((_, None)) => Some(checker.constant(1, Type::Bool, span)),
                Some((_, Some(text))) => match parse_bool(&text) {
                    Some(value) => Some(checker.constant(i64::from(value), Type::Bool, span)),
                    None => bad_value(checker, &name, &text, "true or false", span),
                },
            },
            (ty, ExprKind::Constant(_)) if ty.is_integer() => match given {
                None => Some(Expr { span, ..default }),
                Some((_, text)) => {
                    let text = text.unwrap_or_default();
                    match parse_number(&text) {
                        Some(value) => Some(checker.integer(value, span)),
                        None => bad_value(checker, &name, &text, "a number", span),
                    }
                }
            },
            (Type::String(_), ExprKind::String(_)) => match given {
                None => Some(Expr { span, ..default }),
                Some((_, text)) => Some(checker.string(text.unwrap_or_default().as_bytes(), span)),
            },
            _ => {
                checker.error(Code::NotConstant, default.span, "the default of an option must be a literal");
                None
            }
        }
    }

    fn lower(&self, _: &mut Lowerer<'_>, _: &Call, _: &Type, _: Option<Address>) -> Operand {
        unreachable!("getopt() is a literal")
    }
}

fn bad_value(checker: &mut Checker<'_>, name: &str, text: &str, wanted: &str, span: Span) -> Option<Expr> {
    let message = format!("--{name} takes {wanted}, not \"{text}\"");
    checker.report(Diagnostic::error(Code::BadArgument, span, message).help(format!("give it as --{name}=… after --")));
    None
}
