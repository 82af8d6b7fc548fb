//! `avg(n)` and `stats(n)`: a total and a count.

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

pub(crate) struct Average;
pub(crate) struct Stats;

static AVERAGE: Signature = Signature {
    name: "avg",
    aliases: &[],
    min: 1,
    max: 1,
    usage: "@name = avg(n)",
    summary: "Keeps the average of the numbers it is given; it prints as an integer, truncated toward zero.",
    is_unsafe: false,
};

static STATS: Signature = Signature {
    name: "stats",
    aliases: &[],
    min: 1,
    max: 1,
    usage: "@name = stats(n)",
    summary: "Keeps count, average and total of the numbers it is given.",
    is_unsafe: false,
};

impl Builtin for Average {
    fn signature(&'static self) -> &'static Signature {
        &AVERAGE
    }

    fn check<'a>(&'static self, _: &mut Checker<'a>, _: &'a [ast::Argument], _: Span) -> Option<Expr> {
        None
    }

    fn lower(&self, _: &mut Lowerer<'_>, _: &Call, _: &Type, _: Option<Address>) -> Operand {
        unreachable_value("avg")
    }

    fn aggregation(&self) -> Option<&dyn Aggregation> {
        Some(self)
    }
}

impl Aggregation for Average {
    fn check<'a>(
        &self,
        checker: &mut Checker<'a>,
        arguments: &'a [ast::Argument],
        _: Span,
    ) -> Option<(MapValue, Vec<Expr>)> {
        let value = checker.integer_argument(&arguments[0], "the argument of avg()")?;
        Some((MapValue::Average { signed: value.ty.is_signed() }, vec![value]))
    }

    fn update(&self, lowerer: &mut Lowerer<'_>, element: Value, _: &MapValue, arguments: &[Value]) {
        add_total_and_count(lowerer, element, arguments[0]);
    }

    fn first(&self, lowerer: &mut Lowerer<'_>, arguments: &[Value]) -> Option<Vec<Value>> {
        Some(vec![arguments[0], lowerer.constant(1)])
    }
}

impl Builtin for Stats {
    fn signature(&'static self) -> &'static Signature {
        &STATS
    }

    fn check<'a>(&'static self, _: &mut Checker<'a>, _: &'a [ast::Argument], _: Span) -> Option<Expr> {
        None
    }

    fn lower(&self, _: &mut Lowerer<'_>, _: &Call, _: &Type, _: Option<Address>) -> Operand {
        unreachable_value("stats")
    }

    fn aggregation(&self) -> Option<&dyn Aggregation> {
        Some(self)
    }
}

impl Aggregation for Stats {
    fn check<'a>(
        &self,
        checker: &mut Checker<'a>,
        arguments: &'a [ast::Argument],
        _: Span,
    ) -> Option<(MapValue, Vec<Expr>)> {
        let value = checker.integer_argument(&arguments[0], "the argument of stats()")?;
        Some((MapValue::Stats { signed: value.ty.is_signed() }, vec![value]))
    }

    fn update(&self, lowerer: &mut Lowerer<'_>, element: Value, _: &MapValue, arguments: &[Value]) {
        add_total_and_count(lowerer, element, arguments[0]);
    }

    fn first(&self, lowerer: &mut Lowerer<'_>, arguments: &[Value]) -> Option<Vec<Value>> {
        Some(vec![arguments[0], lowerer.constant(1)])
    }
}

fn add_total_and_count(lowerer: &mut Lowerer<'_>, element: Value, number: Value) {
    lowerer.atomic_add(Address::Pointer(element, 0), number);
    let one = lowerer.constant(1);
    lowerer.atomic_add(Address::Pointer(element, 8), one);
}
