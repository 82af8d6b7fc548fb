//! `sum(n)`.

use crate::format::unreachable_value;
use lancet_compiler::builtin::{Aggregation, Builtin, Call, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::Expr;
use lancet_compiler::ir::{Address, Value};
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::Type;
use lancet_manifest::MapValue;
use lancet_syntax::ast;
use lancet_syntax::span::Span;

pub(crate) struct Sum;

static SIGNATURE: Signature = Signature {
    name: "sum",
    aliases: &[],
    min: 1,
    max: 1,
    usage: "@name = sum(n)",
    summary: "Adds up the numbers it is given.",
    is_unsafe: false,
};

impl Builtin for Sum {
    fn signature(&'static self) -> &'static Signature {
        &SIGNATURE
    }

    fn check<'a>(&'static self, _: &mut Checker<'a>, _: &'a [ast::Argument], _: Span) -> Option<Expr> {
        None
    }

    fn lower(&self, _: &mut Lowerer<'_>, _: &Call, _: &Type, _: Option<Address>) -> Operand {
        unreachable_value("sum")
    }

    fn aggregation(&self) -> Option<&dyn Aggregation> {
        Some(self)
    }
}

impl Aggregation for Sum {
    fn check<'a>(
        &self,
        checker: &mut Checker<'a>,
        arguments: &'a [ast::Argument],
        _: Span,
    ) -> Option<(MapValue, Vec<Expr>)> {
        let value = checker.integer_argument(&arguments[0], "the argument of sum()")?;
        Some((MapValue::Sum { signed: value.ty.is_signed() }, vec![value]))
    }

    fn update(&self, lowerer: &mut Lowerer<'_>, element: Value, _: &MapValue, arguments: &[Value]) {
        lowerer.atomic_add(Address::Pointer(element, 0), arguments[0]);
    }

    fn first(&self, _: &mut Lowerer<'_>, arguments: &[Value]) -> Option<Vec<Value>> {
        Some(arguments.to_vec())
    }
}
