//! What is allowed and probably not meant: conditions that are always the same, numbers of different sign that are compared,
//! variables without a value, loops that never run. Only warnings: nothing here changes what a script does.

use super::Checker;
use crate::hir::{CompareOperator, Expr, ExprKind, Local};
use crate::probe::Arguments;
use crate::types::Type;
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;
use std::cmp::Ordering;

impl Checker<'_> {
    /// A comparison of numbers. `left` and `right` have the operands' own types, and are compared as 64 bits, signed or not;
    /// flexible ones take the sign of the other.
    pub(super) fn doubt_comparison(
        &mut self,
        operator: CompareOperator,
        [left, right]: [&Expr; 2],
        flexible: [bool; 2],
        signed: bool,
        span: Span,
    ) {
        match (&left.kind, &right.kind) {
            (ExprKind::Constant(_), ExprKind::Constant(_)) => {}
            (_, ExprKind::Constant(number)) => self.doubt_range(operator, &left.ty, *number, signed, span),
            (ExprKind::Constant(number), _) => self.doubt_range(mirrored(operator), &right.ty, *number, signed, span),
            _ if flexible[0] || flexible[1] => {}
            _ => self.doubt_signs(operator, left, right, span),
        }
    }

    /// What the type of one side cannot hold decides the comparison with a literal.
    fn doubt_range(&mut self, operator: CompareOperator, ty: &Type, number: i64, signed: bool, span: Span) {
        let Some((least, greatest)) = range(ty, signed) else { return };
        let number = if signed { i128::from(number) } else { i128::from(number as u64) };
        let Some(always) = certain(operator, least.cmp(&number), greatest.cmp(&number)) else { return };
        let always = if always { "always" } else { "never" };
        let (message, help) = if least == 0 && number <= 0 {
            (
                format!("this is {always} true: {ty} has no sign"),
                "cast it to a signed type when it can be negative: (int64)x",
            )
        } else {
            let message = format!("this is {always} true: {ty} holds {least} to {greatest}");
            (message, "compare with a number that it can hold, or cast it: (int64)x")
        };
        self.warn(Code::AlwaysSame, span, message, help);
    }

    /// A negative number and one above the largest signed number look the same when numbers of both kinds meet.
    fn doubt_signs(&mut self, operator: CompareOperator, left: &Expr, right: &Expr, span: Span) {
        let is_order = !matches!(operator, CompareOperator::Equal | CompareOperator::NotEqual);
        let unsigned = |ty: &Type| matches!(ty, Type::Int { size: 8, signed: false });
        let signed = |ty: &Type| matches!(ty, Type::Int { signed: true, .. });
        let (a, b) = (&left.ty, &right.ty);
        if !is_order || !(unsigned(a) && signed(b) || signed(a) && unsigned(b)) {
            return;
        }
        let message = format!("{a} and {b} are compared as signed numbers");
        self.warn(Code::Suspicious, span, message, "cast one of them to say what is meant: (int64)x or (uint64)x");
    }

    /// A string that is shorter than a literal in any case is never equal to it.
    pub(super) fn doubt_length(&mut self, left: &Expr, right: &Expr, negated: bool, span: Span) {
        let (ty, literal) = match (&left.kind, &right.kind) {
            (_, ExprKind::String(literal)) => (&left.ty, literal),
            (ExprKind::String(literal), _) => (&right.ty, literal),
            _ => return,
        };
        let Type::String(size) = *ty else { return };
        let end = literal.iter().position(|byte| *byte == 0).unwrap_or(literal.len());
        if size == 0 || end < size as usize {
            return;
        }
        let always = if negated { "always" } else { "never" };
        let message = format!("this is {always} true: {ty} holds {} bytes, the text has {end}", size - 1);
        self.warn(Code::AlwaysSame, span, message, "compare with what fits, or use strncmp() or strcontains()");
    }

    /// A loop from a literal to one that is not above it.
    pub(super) fn doubt_bounds(&mut self, start: Option<&Expr>, end: Option<&Expr>) {
        let (Some(start), Some(end)) = (start, end) else { return };
        if let (ExprKind::Constant(from), ExprKind::Constant(to)) = (&start.kind, &end.kind)
            && from >= to
        {
            let (from, to) = (*from, *to);
            let message = format!("the loop never runs: {from}..{to} is empty, the end of a range is not part of it");
            self.warn(Code::Suspicious, end.span, message, "write the smaller number first");
        }
    }

    /// Variables that are declared and never given a value. Those that are read are errors already.
    pub(super) fn doubt_variables(&mut self, locals: &[Local]) {
        if self.facts.expansion.arguments == Arguments::Unknown {
            return;
        }
        for (number, local) in locals.iter().enumerate() {
            let is_named = !local.name.is_empty() && local.ty == Type::Void;
            let index = crate::hir::LocalIndex(number as u32);
            if is_named && !self.given_up.contains(&index) {
                let message = format!("${} is declared, but never given a value", local.name);
                let span = self.sites[number].span();
                self.warn(Code::Unused, span, message, "remove it, or assign it");
            }
        }
    }

    /// A parameter that the command line does not give.
    pub(super) fn doubt_parameter(&mut self, number: u32, span: Span) {
        if !self.settings().is_only_checked {
            let message = format!("${number} is not given: it is 0, or an empty text");
            self.warn(Code::Suspicious, span, message, "give it behind the script, or read an option with getopt()");
        }
    }

    fn warn(&mut self, code: Code, span: Span, message: String, help: &str) {
        if !self.is_in_library(span) {
            self.report(Diagnostic::warning(code, span, message).help(help));
        }
    }
}

/// The least and the greatest number that a comparison sees of the type; nothing if it sees other numbers than the type has.
fn range(ty: &Type, signed: bool) -> Option<(i128, i128)> {
    let Type::Int { size, signed: has_sign } = ty else { return None };
    let bits = u32::from(*size) * 8;
    match (has_sign, signed) {
        (true, false) => None,
        (false, true) if bits == 64 => None,
        (true, true) => Some((-(1i128 << (bits - 1)), (1i128 << (bits - 1)) - 1)),
        (false, _) => Some((0, (1i128 << bits) - 1)),
    }
}

/// What the comparison of all numbers of a range with one number gives, if that is one and the same. `least` and `greatest`
/// are how the ends of the range compare with it.
fn certain(operator: CompareOperator, least: Ordering, greatest: Ordering) -> Option<bool> {
    let all_above = least == Ordering::Greater;
    let all_below = greatest == Ordering::Less;
    let none_below = least != Ordering::Less;
    let none_above = greatest != Ordering::Greater;
    let (always, never) = match operator {
        CompareOperator::Equal => (false, all_above || all_below),
        CompareOperator::NotEqual => (all_above || all_below, false),
        CompareOperator::Less => (all_below, none_below),
        CompareOperator::LessEqual => (none_above, all_above),
        CompareOperator::Greater => (all_above, none_above),
        CompareOperator::GreaterEqual => (none_below, all_below),
    };
    (always || never).then_some(always)
}

/// The operator for the sides in the other order.
fn mirrored(operator: CompareOperator) -> CompareOperator {
    match operator {
        CompareOperator::Less => CompareOperator::Greater,
        CompareOperator::LessEqual => CompareOperator::GreaterEqual,
        CompareOperator::Greater => CompareOperator::Less,
        CompareOperator::GreaterEqual => CompareOperator::LessEqual,
        CompareOperator::Equal | CompareOperator::NotEqual => operator,
    }
}
