//! `getopt(name[, default])`: the script's named parameters.

use lancet_compiler::builtin::{Builtin, Call, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::Expr;
use lancet_compiler::hir::ExprKind;
use lancet_compiler::ir::Address;
use lancet_compiler::lower::Lowerer;
use lancet_compiler::option::{OptionValue, ScriptOption};
use lancet_compiler::settings::{parse_bool, parse_literal};
use lancet_compiler::types::{Type, UINT64};
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
        let description = match arguments.get(2) {
            Some(description) => Some(checker.text_argument(description, "the description of an option")?),
            None => None,
        };
        let Some(value) = value(&default) else {
            checker.error(Code::NotConstant, default.span, "the default of an option must be a literal");
            return None;
        };
        checker.note_option(ScriptOption { name: name.clone(), default: value.clone(), description, span });
        let given = checker.settings().named.iter().rev().find(|(known, _)| *known == name).cloned();
        let Some((_, text)) = given else { return Some(Expr { span, ..default }) };
        match (value, text) {
            (OptionValue::Bool(_), None) => Some(checker.constant(1, Type::Bool, span)),
            (OptionValue::Bool(_), Some(text)) => match parse_bool(&text) {
                Some(value) => Some(checker.constant(i64::from(value), Type::Bool, span)),
                None => bad_value(checker, &name, Some(&text), "true or false", span),
            },
            (OptionValue::Number(_), text) => match text.as_deref().and_then(parse_literal) {
                Some(given) => Some(checker.given_number(given, span)),
                None => bad_value(checker, &name, text.as_deref(), "a number of 64 bits", span),
            },
            (OptionValue::Text(_), Some(text)) => Some(checker.string(text.as_bytes(), span)),
            (OptionValue::Text(_), None) => bad_value(checker, &name, None, "a text", span),
        }
    }

    fn lower(&self, _: &mut Lowerer<'_>, _: &Call, _: &Type, _: Option<Address>) -> Operand {
        unreachable!("getopt() is a literal")
    }
}

/// The default as the script says it; `None` if it is no literal.
fn value(default: &Expr) -> Option<OptionValue> {
    match (&default.ty, &default.kind) {
        (Type::Bool, ExprKind::Constant(value)) => Some(OptionValue::Bool(*value != 0)),
        (ty, ExprKind::Constant(value)) if *ty == UINT64 => Some(OptionValue::Number((*value as u64).to_string())),
        (ty, ExprKind::Constant(value)) if ty.is_integer() => Some(OptionValue::Number(value.to_string())),
        (Type::String(_), ExprKind::String(text)) => {
            let text = text.strip_suffix(b"\0").unwrap_or(text);
            Some(OptionValue::Text(String::from_utf8_lossy(text).into_owned()))
        }
        _ => None,
    }
}

fn bad_value(checker: &mut Checker<'_>, name: &str, text: Option<&str>, wanted: &str, span: Span) -> Option<Expr> {
    let message = match text {
        Some(text) => format!("--{name} takes {wanted}, not \"{text}\""),
        None => format!("--{name} takes {wanted}, but is given no value"),
    };
    checker.report(Diagnostic::error(Code::BadArgument, span, message).help(format!("give it as --{name}=… after --")));
    None
}
