//! `min(n)` and `max(n)`.

use crate::format::unreachable_value;
use lancet_compiler::builtin::{Aggregation, Builtin, Call, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::Expr;
use lancet_compiler::ir::{Address, Comparison, Value};
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::Type;
use lancet_manifest::MapValue;
use lancet_syntax::ast;
use lancet_syntax::span::Span;

/// The least or the greatest.
pub(crate) struct Extreme {
    signature: Signature,
    greatest: bool,
}

pub(crate) static MIN: Extreme = Extreme {
    signature: Signature {
        name: "min",
        aliases: &[],
        min: 1,
        max: 1,
        usage: "@name = min(n)",
        summary: "Keeps the least of the numbers it is given.",
        is_unsafe: false,
    },
    greatest: false,
};

pub(crate) static MAX: Extreme = Extreme {
    signature: Signature {
        name: "max",
        aliases: &[],
        min: 1,
        max: 1,
        usage: "@name = max(n)",
        summary: "Keeps the greatest of the numbers it is given.",
        is_unsafe: false,
    },
    greatest: true,
};

impl Builtin for Extreme {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }

    fn check<'a>(&'static self, _: &mut Checker<'a>, _: &'a [ast::Argument], _: Span) -> Option<Expr> {
        None
    }

    fn lower(&self, _: &mut Lowerer<'_>, _: &Call, _: &Type, _: Option<Address>) -> Operand {
        unreachable_value(self.signature.name)
    }

    fn aggregation(&self) -> Option<&dyn Aggregation> {
        Some(self)
    }
}

impl Aggregation for Extreme {
    fn check<'a>(
        &self,
        checker: &mut Checker<'a>,
        arguments: &'a [ast::Argument],
        _: Span,
    ) -> Option<(MapValue, Vec<Expr>)> {
        let what = if self.greatest { "the argument of max()" } else { "the argument of min()" };
        let value = checker.integer_argument(&arguments[0], what)?;
        let signed = value.ty.is_signed();
        Some((if self.greatest { MapValue::Max { signed } } else { MapValue::Min { signed } }, vec![value]))
    }

    fn update(&self, lowerer: &mut Lowerer<'_>, element: Value, value: &MapValue, arguments: &[Value]) {
        let signed = matches!(value, MapValue::Min { signed: true } | MapValue::Max { signed: true });
        let better = match (self.greatest, signed) {
            (true, true) => Comparison::SignedGreater,
            (true, false) => Comparison::UnsignedGreater,
            (false, true) => Comparison::SignedLess,
            (false, false) => Comparison::UnsignedLess,
        };
        let (number, best, flag) = (arguments[0], Address::Pointer(element, 0), Address::Pointer(element, 8));
        let is_set = lowerer.load8(flag);
        lowerer.if_else(
            is_set,
            |lowerer| {
                let known = lowerer.load8(best);
                let is_better = lowerer.compare(better, number, known);
                lowerer.when(is_better, |lowerer| lowerer.store8(best, number));
            },
            |lowerer| {
                lowerer.store8(best, number);
                let one = lowerer.constant(1);
                lowerer.store8(flag, one);
            },
        );
    }

    fn first(&self, lowerer: &mut Lowerer<'_>, arguments: &[Value]) -> Option<Vec<Value>> {
        Some(vec![arguments[0], lowerer.constant(1)])
    }
}
