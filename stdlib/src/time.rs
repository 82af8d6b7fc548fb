//! `time([format])` and `strftime(format, nanoseconds)`, and `nsecs`.

use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::Expr;
use lancet_compiler::ir::Address;
use lancet_compiler::ir::Helper;
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::Type;
use lancet_compiler::types::UINT64;
use lancet_manifest::{Action, Clock};
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::span::Span;

pub(crate) struct Time;
pub(crate) struct Strftime;
pub(crate) struct Nsecs;

static TIME: Signature = Signature {
    name: "time",
    aliases: &[],
    min: 0,
    max: 1,
    usage: "time([format])",
    summary: "Prints the wall clock when the event is read, by strftime; the default format is \"%H:%M:%S\\n\".",
    is_unsafe: false,
};

static STRFTIME: Signature = Signature {
    name: "strftime",
    aliases: &[],
    min: 2,
    max: 2,
    usage: "strftime(format, nanoseconds)",
    summary: "A time, given in nanoseconds since boot (nsecs), as text; %f is microseconds.",
    is_unsafe: false,
};

static NSECS: Signature = Signature {
    name: "nsecs",
    aliases: &[],
    min: 0,
    max: 1,
    usage: "nsecs or nsecs(monotonic | boot | tai | sw_tai)",
    summary: "Nanoseconds since boot; with an argument, of that clock.",
    is_unsafe: false,
};

impl Builtin for Time {
    fn signature(&'static self) -> &'static Signature {
        &TIME
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let format = match arguments.first() {
            Some(format) => checker.text_argument(format, "the format of time()")?,
            None => "%H:%M:%S\n".to_owned(),
        };
        Some(Call::expr(self, Type::Void, span, Vec::new(), Extra::Text(format)))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, _: &Type, _: Option<Address>) -> Operand {
        if let Extra::Text(format) = &call.extra {
            lowerer.emit(Action::Time { format: format.clone() }, &[]);
        }
        Operand::Void
    }

    fn has_effect(&self) -> bool {
        true
    }
}

impl Builtin for Strftime {
    fn signature(&'static self) -> &'static Signature {
        &STRFTIME
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let format = checker.text_argument(&arguments[0], "the format of strftime()");
        let time = checker.integer_argument(&arguments[1], "the time")?;
        let clock = clock_of(&time);
        Some(Call::expr(self, Type::Timestamp(clock, format?.into()), span, vec![time], Extra::None))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, _: &Type, _: Option<Address>) -> Operand {
        Operand::Scalar(lowerer.scalar(&call.arguments[0]))
    }
}

/// The clock of a time that comes straight from nsecs(clock); boot time otherwise.
fn clock_of(time: &Expr) -> Clock {
    match &time.kind {
        lancet_compiler::hir::ExprKind::Call(call) => match &call.extra {
            Extra::Number(1) => Clock::Tai,
            Extra::Number(2) => Clock::Monotonic,
            _ => Clock::Boot,
        },
        _ => Clock::Boot,
    }
}

impl Builtin for Nsecs {
    fn signature(&'static self) -> &'static Signature {
        &NSECS
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let clock = match arguments.first() {
            None => 0,
            Some(ast::Argument::Expr(ast::Expr { kind: ast::ExprKind::Identifier(name), span })) => match name.as_str()
            {
                "boot" => 0,
                "tai" | "sw_tai" if checker.kernel().features().ktime_tai => 1,
                "tai" | "sw_tai" => {
                    checker.error(Code::NotOnThisKernel, *span, "the clock tai needs kernel 6.1");
                    return None;
                }
                "monotonic" => 2,
                other => {
                    checker.error(Code::BadArgument, *span, format!("there is no clock {other}: boot, monotonic, tai"));
                    return None;
                }
            },
            Some(_) => {
                checker.error(Code::BadArgument, span, "nsecs() takes a clock: boot, monotonic or tai");
                return None;
            }
        };
        Some(Call::expr(self, UINT64, span, Vec::new(), Extra::Number(clock)))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, _: &Type, _: Option<Address>) -> Operand {
        let helper = match call.extra {
            Extra::Number(1) => Helper::KTIME_GET_TAI_NS,
            Extra::Number(2) => Helper::KTIME_GET_NS,
            _ => Helper::KTIME_GET_BOOT_NS,
        };
        Operand::Scalar(lowerer.call(helper, &[]))
    }
}
