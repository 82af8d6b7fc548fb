//! `arg0` … of USDT probes: constants, registers and memory, as the notes of the probe say.
//!
//! All are int64, extended by the sign and size of the note; an argument that the probe does not have is 0. Where the places
//! of a probe differ, the attach cookie chooses.

use super::calling_convention::{INSTRUCTION_POINTER, register};
use super::{Checker, constant, conversion};
use crate::builtin::{Builtin, Call, Extra, Operand as Lowered, Signature};
use crate::hir::{Access, ArithmeticOperator, CompareOperator, Expr, ExprKind};
use crate::ir;
use crate::lower::Lowerer;
use crate::probe::usdt::{Address, Operand, Register, UsdtArgument, UsdtArguments};
use crate::types::{INT64, Space, Type, UINT64};
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;
use std::rc::Rc;

impl Checker<'_> {
    /// The n-th argument of the USDT probe that is checked.
    pub fn usdt_argument(&mut self, arguments: &Rc<UsdtArguments>, n: u8, span: Span) -> Option<Expr> {
        let variants: Vec<Option<&UsdtArgument>> =
            arguments.variants.iter().map(|variant| variant.get(usize::from(n))).collect();
        let unreadable = variants.iter().flatten().find_map(|argument| match &argument.operand {
            Operand::Unknown(text) => Some(text.clone()),
            _ => None,
        });
        let name = || self.facts.expansion.attach_points.first().map(|point| point.name.clone()).unwrap_or_default();
        if let Some(text) = unreadable {
            let message = format!("arg{n} of {} cannot be read: it is at {text}", name());
            let help = "probes read integer registers, constants, and memory at registers and symbols";
            self.report(Diagnostic::error(Code::NotHere, span, message).help(help));
            return None;
        }
        if arguments.is_named && variants.iter().all(Option::is_none) {
            let count = arguments.variants.iter().map(Vec::len).max().unwrap_or_default();
            let plural = if count == 1 { "argument" } else { "arguments" };
            let message = format!("{} has {count} {plural}: arg{n} is always 0", name());
            self.report(Diagnostic::warning(Code::Suspicious, span, message).help("lancet -lv shows its arguments"));
        }
        Some(choose(&variants, 0, span))
    }
}

/// What the variants say, of which the first has that number.
fn choose(variants: &[Option<&UsdtArgument>], first: usize, span: Span) -> Expr {
    let is_same = variants.windows(2).all(|pair| pair[0] == pair[1]);
    if is_same {
        return variants.first().copied().flatten().map_or_else(|| constant::integer(0, span), |one| value(one, span));
    }
    let (before, after) = variants.split_at(variants.len() / 2);
    let middle = first + before.len();
    let variant = Call::expr(&Variant, UINT64, span, Vec::new(), Extra::None);
    let is_before = ExprKind::Compare {
        operator: CompareOperator::Less,
        signed: false,
        left: Box::new(variant),
        right: Box::new(constant::constant_of(middle as i64, UINT64, span)),
    };
    let is_before = Box::new(Expr { span, ty: Type::Bool, kind: is_before });
    let (before, after) = (Box::new(choose(before, first, span)), Box::new(choose(after, middle, span)));
    Expr { span, ty: INT64, kind: ExprKind::Ternary(is_before, before, after) }
}

/// The value of one argument.
fn value(argument: &UsdtArgument, span: Span) -> Expr {
    let ty = Type::Int { size: argument.size, signed: argument.is_signed };
    let raw = match &argument.operand {
        Operand::Constant(value) => constant::integer(*value, span),
        Operand::Register(register) => self::register_value(*register, span),
        Operand::Memory(address) => {
            let pointer = Box::new(pointer(address, &ty, span));
            let kind = ExprKind::Load { pointer, offset: address.displacement, access: Access::User, bits: None };
            Expr { span, ty: ty.clone(), kind }
        }
        Operand::Address(address) => {
            let start = as_integer(pointer(address, &ty, span));
            arithmetic(ArithmeticOperator::Add, start, unsigned(address.displacement, span), span)
        }
        Operand::Unknown(_) => constant::integer(0, span),
    };
    conversion::convert(conversion::convert(raw, ty), INT64)
}

fn register_value(found: Register, span: Span) -> Expr {
    let whole = register(found.offset, span);
    if !found.is_high_byte {
        return whole;
    }
    arithmetic(ArithmeticOperator::ShiftRight, whole, unsigned(8, span), span)
}

/// The sum of the registers of an address, without its displacement.
fn pointer(address: &Address, target: &Type, span: Span) -> Expr {
    let instruction = address.from_instruction.then(|| register(INSTRUCTION_POINTER, span));
    let base = address.base.map(|base| register_value(base, span));
    let index = address.index.map(|(index, scale)| {
        let index = register_value(index, span);
        arithmetic(ArithmeticOperator::Multiply, index, unsigned(i64::from(scale), span), span)
    });
    let terms = [instruction, base, index].into_iter().flatten();
    let sum = terms.reduce(|sum, term| arithmetic(ArithmeticOperator::Add, sum, term, span));
    let sum = sum.unwrap_or_else(|| unsigned(0, span));
    Expr { ty: target.clone().pointer(Space::User), ..sum }
}

fn as_integer(pointer: Expr) -> Expr {
    Expr { ty: UINT64, ..pointer }
}

fn arithmetic(operator: ArithmeticOperator, left: Expr, right: Expr, span: Span) -> Expr {
    Expr { span, ty: UINT64, kind: ExprKind::Arithmetic(operator, Box::new(left), Box::new(right)) }
}

fn unsigned(value: i64, span: Span) -> Expr {
    constant::constant_of(value, UINT64, span)
}

/// Which description of the arguments holds; no script can name it.
struct Variant;

static VARIANT: Signature = Signature {
    name: "usdt_variant",
    aliases: &[],
    min: 0,
    max: 0,
    usage: "usdt_variant",
    summary: "Which description of its arguments holds at the place of a USDT probe that fired.",
    is_unsafe: false,
};

impl Builtin for Variant {
    fn signature(&'static self) -> &'static Signature {
        &VARIANT
    }

    fn check<'a>(&'static self, _: &mut Checker<'a>, _: &'a [ast::Argument], span: Span) -> Option<Expr> {
        Some(Call::expr(self, UINT64, span, Vec::new(), Extra::None))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, _: &Call, _: &Type, _: Option<ir::Address>) -> Lowered {
        Lowered::Scalar(lowerer.usdt_variant())
    }
}
