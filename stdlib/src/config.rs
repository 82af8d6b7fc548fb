//! `config`: the settings in effect, as a record.

use lancet_compiler::builtin::{Builtin, Call, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::{Expr, ExprKind};
use lancet_compiler::ir::Address;
use lancet_compiler::lower::Lowerer;
use lancet_compiler::settings::Shown;
use lancet_compiler::types::Type;
use lancet_syntax::ast;
use lancet_syntax::span::Span;

pub(crate) struct Config;

static SIGNATURE: Signature = Signature {
    name: "config",
    aliases: &[],
    min: 0,
    max: 0,
    usage: "config.NAME",
    summary: "The settings in effect, as a record with a field for each.",
    is_unsafe: false,
};

impl Builtin for Config {
    fn signature(&'static self) -> &'static Signature {
        &SIGNATURE
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, _: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let (mut fields, mut values) = (Vec::new(), Vec::new());
        for (name, value) in checker.settings().config.record() {
            let value = match value {
                Shown::Number(number) => checker.integer(number, span),
                Shown::Bool(value) => checker.constant(i64::from(value), Type::Bool, span),
                Shown::Text(text) => checker.string(text.as_bytes(), span),
            };
            fields.push((name.to_owned(), value.ty.clone()));
            values.push(value);
        }
        Some(Expr { span, ty: Type::Record(fields.into()), kind: ExprKind::Aggregate(values) })
    }

    fn lower(&self, _: &mut Lowerer<'_>, _: &Call, _: &Type, _: Option<Address>) -> Operand {
        unreachable!("config is a record of literals")
    }
}
