//! `lhist(n, min, max, step)`: a histogram with buckets of one width.

use crate::format::unreachable_value;
use lancet_compiler::builtin::{Aggregation, Builtin, Call, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::Expr;
use lancet_compiler::ir::{Address, BinaryOp, Comparison, Value};
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::Type;
use lancet_manifest::{MapValue, lhist_bucket_count};
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::span::Span;

pub(crate) struct Lhist;

static SIGNATURE: Signature = Signature {
    name: "lhist",
    aliases: &[],
    min: 4,
    max: 4,
    usage: "@name = lhist(n, min, max, step)",
    summary: "A histogram with buckets of width step between min and max, one below and one above; the bounds are literals.",
    is_unsafe: false,
};

impl Builtin for Lhist {
    fn signature(&'static self) -> &'static Signature {
        &SIGNATURE
    }

    fn check<'a>(&'static self, _: &mut Checker<'a>, _: &'a [ast::Argument], _: Span) -> Option<Expr> {
        None
    }

    fn lower(&self, _: &mut Lowerer<'_>, _: &Call, _: &Type, _: Option<Address>) -> Operand {
        unreachable_value("lhist")
    }

    fn aggregation(&self) -> Option<&dyn Aggregation> {
        Some(self)
    }
}

impl Aggregation for Lhist {
    fn check<'a>(
        &self,
        checker: &mut Checker<'a>,
        arguments: &'a [ast::Argument],
        span: Span,
    ) -> Option<(MapValue, Vec<Expr>)> {
        let value = checker.integer_argument(&arguments[0], "the first argument of lhist()");
        let min = checker.constant_argument(&arguments[1], "the lower bound of lhist()")?;
        let max = checker.constant_argument(&arguments[2], "the upper bound of lhist()")?;
        let step = checker.constant_argument(&arguments[3], "the step of lhist()")?;
        let problem = if min < 0 || max < 0 {
            Some(format!("the bounds of lhist() must not be negative: {min}, {max}"))
        } else if step < 1 {
            Some(format!("the step of lhist() must be at least 1, not {step}"))
        } else if min >= max {
            Some(format!("the lower bound of lhist() must be below the upper: {min}, {max}"))
        } else if step > max - min {
            Some(format!("the step of lhist() must not be larger than its range: {step}, {}", max - min))
        } else if (max - min) / step > 1000 {
            Some(format!("lhist() has {} buckets; 1000 is the most", (max - min) / step))
        } else {
            None
        };
        if let Some(problem) = problem {
            checker.error(Code::BadArgument, span, problem);
            return None;
        }
        let value = value?;
        Some((MapValue::LinearHistogram { min: min as u64, max: max as u64, step: step as u64 }, vec![value]))
    }

    fn update(&self, lowerer: &mut Lowerer<'_>, element: Value, value: &MapValue, arguments: &[Value]) {
        let MapValue::LinearHistogram { min, max, step } = *value else { return };
        let buckets = lhist_bucket_count(min, max, step);
        let number = arguments[0];
        let low = lowerer.constant(min as i64);
        let below = lowerer.compare(Comparison::SignedLess, number, low);
        let bucket = lowerer.choose(
            below,
            |lowerer| lowerer.constant(0),
            |lowerer| {
                let high = lowerer.constant(max as i64);
                let above = lowerer.compare(Comparison::SignedGreaterEqual, number, high);
                lowerer.choose(
                    above,
                    |lowerer| lowerer.constant(i64::from(buckets) - 1),
                    |lowerer| {
                        let distance = lowerer.binary(BinaryOp::Sub, number, low);
                        let step = lowerer.constant(step as i64);
                        let steps = lowerer.binary(BinaryOp::UnsignedDiv, distance, step);
                        let one = lowerer.constant(1);
                        lowerer.binary(BinaryOp::Add, steps, one)
                    },
                )
            },
        );
        lowerer.count_bucket(element, bucket, buckets);
    }
}
