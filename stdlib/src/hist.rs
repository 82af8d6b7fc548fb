//! `hist(n[, bits])`: one counter per bucket, all of a map's element, so that an update is one look-up and one addition.
//!
//! The bucket formula is that of docs/internals/histograms.md, which the runtime prints by.

use crate::format::unreachable_value;
use lancet_compiler::builtin::{Aggregation, Builtin, Call, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::Expr;
use lancet_compiler::ir::{Address, BinaryOp, Comparison, Value};
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::Type;
use lancet_manifest::{MapValue, hist_bucket_count};
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::span::Span;

pub(crate) struct Hist;

static SIGNATURE: Signature = Signature {
    name: "hist",
    aliases: &[],
    min: 1,
    max: 2,
    usage: "@name = hist(n[, bits])",
    summary: "A histogram with buckets of powers of two; with bits k, each power is divided into 2^k buckets (k from 0 to 5).",
    is_unsafe: false,
};

impl Builtin for Hist {
    fn signature(&'static self) -> &'static Signature {
        &SIGNATURE
    }

    fn check<'a>(&'static self, _: &mut Checker<'a>, _: &'a [ast::Argument], _: Span) -> Option<Expr> {
        None
    }

    fn lower(&self, _: &mut Lowerer<'_>, _: &Call, _: &Type, _: Option<Address>) -> Operand {
        unreachable_value("hist")
    }

    fn aggregation(&self) -> Option<&dyn Aggregation> {
        Some(self)
    }
}

impl Aggregation for Hist {
    fn check<'a>(
        &self,
        checker: &mut Checker<'a>,
        arguments: &'a [ast::Argument],
        span: Span,
    ) -> Option<(MapValue, Vec<Expr>)> {
        let value = checker.integer_argument(&arguments[0], "the argument of hist()");
        let bits = match arguments.get(1) {
            Some(bits) => checker.constant_argument(bits, "the number of bits of hist()")?,
            None => 0,
        };
        if !(0..=5).contains(&bits) {
            checker.error(Code::BadArgument, span, format!("hist() takes 0 to 5 bits, not {bits}"));
            return None;
        }
        Some((MapValue::Histogram { bits: bits as u8 }, vec![value?]))
    }

    fn update(&self, lowerer: &mut Lowerer<'_>, element: Value, value: &MapValue, arguments: &[Value]) {
        let MapValue::Histogram { bits } = value else { return };
        let bucket = match lowerer.repeats(SIGNATURE.name) {
            true => lowerer
                .call_shared(&format!("hist{bits}"), arguments[0], |lowerer, number| bucket(lowerer, number, *bits)),
            false => bucket(lowerer, arguments[0], *bits),
        };
        lowerer.count_bucket(element, bucket, hist_bucket_count(*bits));
    }
}

/// The index of the bucket: 0 for negative numbers, then the numbers below 2^(bits+1) each, then 2^bits for each power.
fn bucket(lowerer: &mut Lowerer<'_>, number: Value, bits: u8) -> Value {
    let zero = lowerer.constant(0);
    let negative = lowerer.compare(Comparison::SignedLess, number, zero);
    lowerer.choose(
        negative,
        |_| zero,
        |lowerer| {
            if bits == 0 {
                return lowerer.binary_digits(number);
            }
            let single = lowerer.constant(1 << (bits + 1));
            let is_single = lowerer.compare(Comparison::UnsignedLess, number, single);
            lowerer.choose(
                is_single,
                |lowerer| {
                    let one = lowerer.constant(1);
                    lowerer.binary(BinaryOp::Add, number, one)
                },
                |lowerer| power_bucket(lowerer, number, bits),
            )
        },
    )
}

/// 1 + 2^(bits+1) + (p-(bits+1))·2^bits + the `bits` bits behind the leading one, where p is the position of that one.
fn power_bucket(lowerer: &mut Lowerer<'_>, number: Value, bits: u8) -> Value {
    let digits = lowerer.binary_digits(number);
    let factor = lowerer.constant(1 << bits);
    let scaled = lowerer.binary(BinaryOp::Mul, digits, factor);
    // The number of digits that is counted here is p + 2.
    let base = 1 + (1i64 << (bits + 1)) - (i64::from(bits) + 3) * (1 << bits);
    let base = lowerer.constant(base);
    let index = lowerer.binary(BinaryOp::Add, scaled, base);
    let behind = lowerer.constant(i64::from(bits) + 2);
    let shift = lowerer.binary(BinaryOp::Sub, digits, behind);
    let top = lowerer.binary(BinaryOp::ShiftRight, number, shift);
    let mask = lowerer.constant((1 << bits) - 1);
    let below = lowerer.binary(BinaryOp::And, top, mask);
    lowerer.binary(BinaryOp::Add, index, below)
}
