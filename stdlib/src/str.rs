//! `str(pointer[, length])`: a string from memory.

use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::check::is_written_integer;
use lancet_compiler::hir::Expr;
use lancet_compiler::hir::ExprKind;
use lancet_compiler::ir::Address;
use lancet_compiler::ir::{BinaryOp, Comparison, Helper, Instruction, MemorySize, Value};
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::Space;
use lancet_compiler::types::Type;
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::span::Span;

pub(crate) struct Str;

static SIGNATURE: Signature = Signature {
    name: "str",
    aliases: &[],
    min: 1,
    max: 2,
    usage: "str(pointer[, length])",
    summary: "The string at an address, up to max_strlen bytes or, with a length, up to length - 1 bytes.",
    is_unsafe: false,
};

impl Builtin for Str {
    fn signature(&'static self) -> &'static Signature {
        &SIGNATURE
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let text = parameter_text(checker, &arguments[0]).map(|text| checker.string(text.as_bytes(), span));
        let pointer = match text {
            Some(text) => text,
            None => checker.argument(&arguments[0])?,
        };
        // A number that is written out is its digits.
        let pointer = match (&arguments[0], &pointer.kind) {
            (ast::Argument::Expr(written), ExprKind::Constant(value)) if is_written_integer(written) => {
                let text = if pointer.ty.is_signed() { value.to_string() } else { (*value as u64).to_string() };
                checker.string(text.as_bytes(), span)
            }
            _ => pointer,
        };
        if checker.wants_text(&pointer.ty) {
            return None;
        }
        let pointer = match &pointer.ty {
            Type::String(size) => return cut(checker, *size, pointer, arguments.get(1), span),
            Type::Pointer(target, _) if is_character(target) => pointer,
            Type::Pointer(..) => pointer,
            // A char array in memory is read where it is.
            Type::Array(element, _) if is_character(element) => match pointer.kind {
                ExprKind::Load { .. } => pointer,
                _ => return bad_pointer(checker, &pointer),
            },
            ty if ty.is_integer() => pointer,
            _ => return bad_pointer(checker, &pointer),
        };
        let limit = i64::from(checker.settings().config.max_strlen);
        let mut call_arguments = vec![pointer];
        let mut size = limit;
        if let Some(length) = arguments.get(1) {
            let length = length_argument(checker, length)?;
            if let ExprKind::Constant(value) = length.kind {
                size = value.clamp(1, limit);
            }
            call_arguments.push(length);
        }
        let space = match &call_arguments[0].ty {
            Type::Pointer(_, space) => *space,
            _ => checker.facts().default_space,
        };
        let extra = Extra::Number(space as i64);
        Some(Call::expr(self, Type::String(size as u32), span, call_arguments, extra))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, ty: &Type, into: Option<Address>) -> Operand {
        let Type::String(size) = *ty else { return Operand::Void };
        let own_size = match call.arguments[0].ty {
            Type::String(size) => Some(size),
            _ => None,
        };
        let of_string = own_size.is_some();
        // A string may be cut into the place where it is.
        let into = into.filter(|_| !of_string);
        let pointer = if of_string {
            let memory = lowerer.memory(&call.arguments[0]);
            lowerer.address_of(memory)
        } else {
            lowerer.scalar(&call.arguments[0])
        };
        if let (Some(own_size), [string, length]) = (own_size, call.arguments.as_slice())
            && !lowerer.helpers_read_own_memory()
        {
            return first_of(lowerer, string, own_size, length, size);
        }
        let helper = reader(call);
        // Without a length, a string that fills all its bytes was cut: it is read with one byte more for the NUL.
        let whole = call.arguments.len() == 1;
        let to = match into {
            Some(address) if !whole => address,
            _ => Address::Slot(lowerer.slot(size + 1, 8, "string"), 0),
        };
        // What the helper does not write, when it fails or the string is short, must not be left as it was.
        lowerer.push(Instruction::Zero { address: to, size: if whole { size + 1 } else { size } });
        let length = match call.arguments.get(1) {
            None => lowerer.constant(i64::from(size) + 1),
            Some(length) => length_up_to(lowerer, length, size),
        };
        let address = lowerer.address_of(to);
        let result = lowerer.call(helper, &[address, length, pointer]);
        lowerer.helper_error(helper, result, call.span);
        match into {
            Some(address) if whole => {
                lowerer.push(Instruction::Copy { to: address, from: to, size });
                Operand::Memory(address)
            }
            _ => Operand::Memory(to),
        }
    }

    /// The helper ends the string with a NUL, and writes zeros when it fails: nothing has to be zero before.
    fn lower_text(
        &self,
        lowerer: &mut Lowerer<'_>,
        call: &Call,
        ty: &Type,
        into: Option<Address>,
        most: u32,
    ) -> Option<(Address, Value)> {
        let Type::String(size) = *ty else { return None };
        if matches!(call.arguments[0].ty, Type::String(_)) {
            return None;
        }
        let unknown = call.arguments.get(1).filter(|length| !matches!(length.kind, ExprKind::Constant(_)));
        // Of the stack, the verifier wants to know what a length that is not known leaves unwritten.
        if unknown.is_some() && into.is_none() {
            return None;
        }
        let whole = size + u32::from(call.arguments.len() == 1);
        let bytes = whole.min(most.saturating_add(1));
        let pointer = lowerer.scalar(&call.arguments[0]);
        let to = into.unwrap_or_else(|| Address::Slot(lowerer.slot(bytes, 8, "text"), 0));
        let length = match unknown {
            None => lowerer.constant(i64::from(bytes)),
            Some(length) => {
                // The helper writes nothing when the length is zero.
                let nul = lowerer.constant(0);
                lowerer.push(Instruction::Store { address: to, size: MemorySize::B1, value: nul });
                length_up_to(lowerer, length, bytes)
            }
        };
        let (address, helper) = (lowerer.address_of(to), reader(call));
        let result = lowerer.call(helper, &[address, length, pointer]);
        lowerer.helper_error(helper, result, call.span);
        Some((to, result))
    }

    fn reads_text(&self) -> bool {
        true
    }

    fn fills_in_place(&self) -> bool {
        true
    }
}

/// The length that is wanted, or `most` if that is less.
fn length_up_to(lowerer: &mut Lowerer<'_>, length: &Expr, most: u32) -> Value {
    let wanted = lowerer.scalar(length);
    let most = lowerer.constant(i64::from(most));
    let small = lowerer.compare(Comparison::UnsignedLessEqual, wanted, most);
    lowerer.choose(small, |_| wanted, |_| most)
}

/// What the kernel's helper would leave of a string: one byte less than `length`, and a NUL.
fn first_of(lowerer: &mut Lowerer<'_>, string: &Expr, own_size: u32, length: &Expr, size: u32) -> Operand {
    let to = Address::Slot(lowerer.slot(size, 8, "string"), 0);
    lowerer.push(Instruction::Zero { address: to, size });
    let memory = lowerer.memory(string);
    let length = lowerer.scalar(length);
    let (none, one) = (lowerer.constant(0), lowerer.constant(1));
    let bytes = lowerer.choose(length, |lowerer| lowerer.binary(BinaryOp::Sub, length, one), |_| none);
    lowerer.copy_first(to, memory, own_size.min(size.saturating_sub(1)), bytes);
    Operand::Memory(to)
}

/// `str(string, length)`: of a literal, that many bytes; of a string in memory as many as of any memory, a NUL included.
fn cut<'a>(
    checker: &mut Checker<'a>,
    size: u32,
    string: Expr,
    length: Option<&'a ast::Argument>,
    span: Span,
) -> Option<Expr> {
    let Some(length) = length else { return Some(Expr { span, ..string }) };
    let length = length_argument(checker, length)?;
    match (&string.kind, &length.kind) {
        (ExprKind::String(bytes), ExprKind::Constant(value)) => {
            let whole = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
            let bytes = usize::try_from(*value).ok().and_then(|value| whole.get(..value)).unwrap_or(whole);
            Some(checker.string(bytes, span))
        }
        (_, ExprKind::Constant(value)) if *value >= i64::from(size) => Some(Expr { span, ..string }),
        (_, kind) => {
            let size = match kind {
                ExprKind::Constant(value) => (*value).max(1) as u32,
                _ => size,
            };
            let extra = Extra::Number(Space::Kernel as i64);
            Some(Call::expr(&Str, Type::String(size), span, vec![string, length], extra))
        }
    }
}

/// The length of str(), which a constant shows to be not negative.
fn length_argument<'a>(checker: &mut Checker<'a>, argument: &'a ast::Argument) -> Option<Expr> {
    let length = checker.integer_argument(argument, "the length of str()")?;
    match length.kind {
        ExprKind::Constant(value) if value < 0 => {
            checker.error(Code::BadArgument, length.span, format!("a length of {value} is negative"));
            None
        }
        _ => Some(length),
    }
}

/// The helper that reads strings from the memory that the call's pointer is to.
fn reader(call: &Call) -> Helper {
    match call.extra {
        Extra::Number(space) if space == Space::User as i64 => Helper::PROBE_READ_USER_STR,
        Extra::Number(space) if space == Space::Any as i64 => Helper::PROBE_READ_STR,
        _ => Helper::PROBE_READ_KERNEL_STR,
    }
}

/// An argument that is a string, or a pointer to one, which is read as `str(pointer)` would.
pub(crate) fn string_like<'a>(checker: &mut Checker<'a>, argument: &'a ast::Argument, function: &str) -> Option<Expr> {
    let value = checker.argument(argument)?;
    match &value.ty {
        ty if checker.wants_text(ty) => None,
        Type::String(_) => Some(value),
        Type::Pointer(target, space) if is_character(target) => {
            let (space, span) = (*space, value.span);
            let size = Type::String(checker.settings().config.max_strlen);
            Some(Call::expr(&Str, size, span, vec![value], Extra::Number(space as i64)))
        }
        ty => {
            checker.error(Code::BadArgument, value.span, format!("{function}() takes strings, not {ty}"));
            None
        }
    }
}

/// `str($1)`: the parameter's text; with an offset, `str($1 + 4)`, the rest of it.
fn parameter_text(checker: &Checker<'_>, argument: &ast::Argument) -> Option<String> {
    let ast::Argument::Expr(expr) = argument else { return None };
    let text = |number: u32| checker.settings().parameter(number).unwrap_or("").to_owned();
    match &expr.kind {
        ast::ExprKind::Positional(number) => Some(text(*number)),
        ast::ExprKind::Binary(ast::BinaryOperator::Add, left, right) => {
            let (ast::ExprKind::Positional(number), ast::ExprKind::Integer(offset)) = (&left.kind, &right.kind) else {
                return None;
            };
            let text = text(*number);
            let skipped = (offset.value as usize).min(text.len());
            Some(String::from_utf8_lossy(&text.as_bytes()[skipped..]).into_owned())
        }
        _ => None,
    }
}

fn is_character(ty: &Type) -> bool {
    matches!(ty, Type::Int { size: 1, .. } | Type::Void)
}

fn bad_pointer(checker: &mut Checker<'_>, value: &Expr) -> Option<Expr> {
    let message = format!("str() takes a pointer or an address, not {}", value.ty);
    checker.error(Code::BadArgument, value.span, message);
    None
}
