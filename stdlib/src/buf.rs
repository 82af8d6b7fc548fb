//! `buf(data[, length])`: bytes from memory.

use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::Expr;
use lancet_compiler::hir::ExprKind;
use lancet_compiler::ir::Address;
use lancet_compiler::ir::{Comparison, Helper, Instruction, MemorySize};
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::Space;
use lancet_compiler::types::Type;
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;

pub(crate) struct Buf;

static SIGNATURE: Signature = Signature {
    name: "buf",
    aliases: &[],
    min: 1,
    max: 2,
    usage: "buf(data[, length])",
    summary: "Bytes at an address, up to max_strlen; of an array or string, its own length is the default.",
    is_unsafe: false,
};

impl Builtin for Buf {
    fn signature(&'static self) -> &'static Signature {
        &SIGNATURE
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let data = checker.argument(&arguments[0])?;
        let own_length = match &data.ty {
            Type::Array(..) | Type::String(_) => Some(i64::from(checker.size_of(&data.ty))),
            Type::Pointer(..) => None,
            ty if ty.is_integer() => None,
            ty if checker.wants_text(ty) => return None,
            ty => {
                let message = format!("buf() takes an address, an array or a string, not {ty}");
                checker.error(Code::BadArgument, data.span, message);
                return None;
            }
        };
        let limit = i64::from(checker.settings().config.max_strlen);
        let length = match (arguments.get(1), own_length) {
            (Some(length), _) => checker.integer_argument(length, "the length of buf()")?,
            (None, Some(length)) => checker.integer(length, span),
            (None, None) => {
                checker.report(
                    Diagnostic::error(Code::BadArgumentCount, span, "buf() of an address needs a length")
                        .help("write buf(address, length)"),
                );
                return None;
            }
        };
        let capacity = match length.kind {
            ExprKind::Constant(value) if value < 0 => {
                checker.error(Code::BadArgument, length.span, format!("a length of {value} is negative"));
                return None;
            }
            ExprKind::Constant(value) => value.min(limit),
            _ => own_length.unwrap_or(limit).min(limit),
        };
        let space = match &data.ty {
            Type::Pointer(_, space) => *space,
            _ => checker.facts().default_space,
        };
        let extra = Extra::Number(space as i64);
        Some(Call::expr(self, Type::Buffer(capacity as u32), span, vec![data, length], extra))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, ty: &Type, into: Option<Address>) -> Operand {
        let Type::Buffer(capacity) = *ty else { return Operand::Void };
        let to = into.unwrap_or_else(|| Address::Slot(lowerer.slot(4 + capacity, 8, "buffer"), 0));
        lowerer.push(Instruction::Zero { address: to, size: 4 + capacity });
        let wanted = lowerer.scalar(&call.arguments[1]);
        let most = lowerer.constant(i64::from(capacity));
        let small = lowerer.compare(Comparison::UnsignedLessEqual, wanted, most);
        let length = lowerer.choose(small, |_| wanted, |_| most);
        lowerer.push(Instruction::Store { address: to, size: MemorySize::B4, value: length });
        let bytes = lowerer.offset_address(to, 4);
        let data = &call.arguments[0];
        let mut readable = length;
        let (helper, from) = match data.ty {
            Type::Array(..) | Type::String(_) => {
                // What lies behind the value is not part of it: the rest of the buffer stays zero.
                let own = i64::from(lowerer.size_of(&data.ty));
                if own < i64::from(capacity) {
                    let all = lowerer.constant(own);
                    let within = lowerer.compare(Comparison::UnsignedLessEqual, length, all);
                    readable = lowerer.choose(within, |_| length, |_| all);
                }
                let memory = lowerer.memory(data);
                if !lowerer.helpers_read_own_memory() {
                    let most = capacity.min(own as u32);
                    lowerer.copy_first(bytes, memory, most, readable);
                    return Operand::Memory(to);
                }
                (Helper::PROBE_READ_KERNEL, lowerer.address_of(memory))
            }
            _ => {
                let helper = match call.extra {
                    Extra::Number(space) if space == Space::User as i64 => Helper::PROBE_READ_USER,
                    Extra::Number(space) if space == Space::Any as i64 => Helper::PROBE_READ,
                    _ => Helper::PROBE_READ_KERNEL,
                };
                (helper, lowerer.scalar(data))
            }
        };
        let address = lowerer.address_of(bytes);
        let result = lowerer.call(helper, &[address, readable, from]);
        lowerer.helper_error(helper, result, call.span);
        Operand::Memory(to)
    }

    fn fills_in_place(&self) -> bool {
        true
    }
}
