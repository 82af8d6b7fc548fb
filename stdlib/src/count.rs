//! `count()`.

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

pub(crate) struct Count;

static SIGNATURE: Signature = Signature {
    name: "count",
    aliases: &[],
    min: 0,
    max: 0,
    usage: "@name = count()",
    summary: "Counts how often it is called. Each CPU counts for itself; the sum is exact.",
    is_unsafe: false,
};

impl Builtin for Count {
    fn signature(&'static self) -> &'static Signature {
        &SIGNATURE
    }

    fn check<'a>(&'static self, _: &mut Checker<'a>, _: &'a [ast::Argument], _: Span) -> Option<Expr> {
        None
    }

    fn lower(&self, _: &mut Lowerer<'_>, _: &Call, _: &Type, _: Option<Address>) -> Operand {
        unreachable_value("count")
    }

    fn aggregation(&self) -> Option<&dyn Aggregation> {
        Some(self)
    }
}

impl Aggregation for Count {
    fn check<'a>(&self, _: &mut Checker<'a>, _: &'a [ast::Argument], _: Span) -> Option<(MapValue, Vec<Expr>)> {
        Some((MapValue::Count, Vec::new()))
    }

    fn update(&self, lowerer: &mut Lowerer<'_>, element: Value, _: &MapValue, _: &[Value]) {
        let one = lowerer.constant(1);
        lowerer.atomic_add(Address::Pointer(element, 0), one);
    }

    fn first(&self, lowerer: &mut Lowerer<'_>, _: &[Value]) -> Option<Vec<Value>> {
        Some(vec![lowerer.constant(1)])
    }
}
