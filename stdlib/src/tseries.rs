//! `tseries(n, interval, count[, aggregation])`: one value for each of the last intervals of time.
//!
//! Each CPU keeps a ring of slots of three words: number of the interval + 1, value, count (or time of the last value);
//! `runtime/src/map/combine.rs` joins them. Intervals are counted by the wall clock as it stood when tracing
//! began, so that they begin where people expect it; setting the clock afterwards does not move them.

use crate::format::unreachable_value;
use crate::unstable::is_allowed;
use lancet_compiler::builtin::{Aggregation, Builtin, Call, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::Expr;
use lancet_compiler::ir::{Address, BinaryOp, Comparison, Helper, Value};
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::Type;
use lancet_manifest::{Combine, InitialValue, MapValue};
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::span::Span;

pub(crate) struct Tseries;

/// Bytes of a slot.
const SLOT: u32 = 24;
/// What a value of a per-CPU map may be large in the kernel (PCPU_MIN_UNIT_SIZE), less the word behind it.
const MOST_INTERVALS: i64 = (32 * 1024 - 8) / SLOT as i64;

static SIGNATURE: Signature = Signature {
    name: "tseries",
    aliases: &[],
    min: 3,
    max: 4,
    usage: "@name = tseries(n, interval, count[, \"avg\" | \"max\" | \"min\" | \"sum\"])",
    summary: "Keeps the last value of each of the last intervals of time, or what the values of an interval combine to.",
    is_unsafe: false,
};

impl Builtin for Tseries {
    fn signature(&'static self) -> &'static Signature {
        &SIGNATURE
    }

    fn check<'a>(&'static self, _: &mut Checker<'a>, _: &'a [ast::Argument], _: Span) -> Option<Expr> {
        None
    }

    fn lower(&self, _: &mut Lowerer<'_>, _: &Call, _: &Type, _: Option<Address>) -> Operand {
        unreachable_value("tseries")
    }

    fn aggregation(&self) -> Option<&dyn Aggregation> {
        Some(self)
    }
}

impl Aggregation for Tseries {
    fn check<'a>(
        &self,
        checker: &mut Checker<'a>,
        arguments: &'a [ast::Argument],
        span: Span,
    ) -> Option<(MapValue, Vec<Expr>)> {
        is_allowed(checker, "tseries", checker.settings().config.tseries, span)?;
        let value = checker.integer_argument(&arguments[0], "the first argument of tseries()");
        let interval = checker.constant_argument(&arguments[1], "the interval of tseries()")?;
        let intervals = checker.constant_argument(&arguments[2], "the number of intervals of tseries()")?;
        let combine = match arguments.get(3) {
            Some(name) => combination(checker, name, span)?,
            None => Combine::Last,
        };
        let problem = if interval < 1 {
            Some(format!("the interval of tseries() must be at least 1 nanosecond, not {interval}"))
        } else if intervals < 1 {
            Some(format!("tseries() must have at least 1 interval, not {intervals}"))
        } else if intervals > MOST_INTERVALS {
            Some(format!("tseries() has {intervals} intervals; {MOST_INTERVALS} is the most"))
        } else {
            None
        };
        if let Some(problem) = problem {
            checker.error(Code::BadArgument, span, problem);
            return None;
        }
        let value = value?;
        let signed = value.ty.is_signed();
        let (interval, intervals) = (interval as u64, intervals as u32);
        Some((MapValue::TimeSeries { interval, intervals, combine, signed }, vec![value]))
    }

    fn update(&self, lowerer: &mut Lowerer<'_>, element: Value, value: &MapValue, arguments: &[Value]) {
        let MapValue::TimeSeries { interval, intervals, combine, signed } = *value else { return };
        let since_boot = lowerer.call(Helper::KTIME_GET_BOOT_NS, &[]);
        let boot = lowerer.initial(InitialValue::WallTimeAtBoot);
        let now = lowerer.binary(BinaryOp::Add, since_boot, boot);
        let length = lowerer.constant(interval as i64);
        let interval = lowerer.binary(BinaryOp::UnsignedDiv, now, length);
        let count = lowerer.constant(i64::from(intervals));
        let index = lowerer.binary(BinaryOp::UnsignedMod, interval, count);
        let size = lowerer.constant(i64::from(SLOT));
        let offset = lowerer.binary(BinaryOp::Mul, index, size);
        // The verifier loses the bound of a remainder; it wants to see one.
        let most = lowerer.constant(i64::from(SLOT * (intervals - 1)));
        let inside = lowerer.compare(Comparison::UnsignedLessEqual, offset, most);
        let number = arguments[0];
        lowerer.when(inside, |lowerer| {
            let slot = lowerer.binary(BinaryOp::Add, element, offset);
            let mark = lowerer.add_constant(interval, 1);
            let known = lowerer.load8(Address::Pointer(slot, 0));
            let same = lowerer.compare(Comparison::Equal, known, mark);
            lowerer.if_else(
                same,
                |lowerer| add(lowerer, slot, number, now, combine, signed),
                |lowerer| {
                    lowerer.store8(Address::Pointer(slot, 0), mark);
                    lowerer.store8(Address::Pointer(slot, 8), number);
                    let third = if combine == Combine::Last { now } else { lowerer.constant(1) };
                    lowerer.store8(Address::Pointer(slot, 16), third);
                },
            );
        });
    }
}

/// A value more in an interval that has one.
fn add(lowerer: &mut Lowerer<'_>, slot: Value, number: Value, now: Value, combine: Combine, signed: bool) {
    let (value, third) = (Address::Pointer(slot, 8), Address::Pointer(slot, 16));
    let better = match (combine, signed) {
        (Combine::Last, _) => {
            lowerer.store8(value, number);
            lowerer.store8(third, now);
            return;
        }
        (Combine::Sum | Combine::Average, _) => {
            lowerer.atomic_add(value, number);
            let one = lowerer.constant(1);
            lowerer.atomic_add(third, one);
            return;
        }
        (Combine::Max, true) => Comparison::SignedGreater,
        (Combine::Max, false) => Comparison::UnsignedGreater,
        (Combine::Min, true) => Comparison::SignedLess,
        (Combine::Min, false) => Comparison::UnsignedLess,
    };
    let known = lowerer.load8(value);
    let wins = lowerer.compare(better, number, known);
    lowerer.when(wins, |lowerer| lowerer.store8(value, number));
}

fn combination<'a>(checker: &mut Checker<'a>, name: &'a ast::Argument, span: Span) -> Option<Combine> {
    let text = checker.text_argument(name, "the aggregation of tseries()")?;
    Some(match text.as_str() {
        "avg" => Combine::Average,
        "max" => Combine::Max,
        "min" => Combine::Min,
        "sum" => Combine::Sum,
        other => {
            let message = format!("tseries() cannot aggregate by \"{other}\": avg, max, min or sum");
            checker.error(Code::BadArgument, span, message);
            return None;
        }
    })
}
