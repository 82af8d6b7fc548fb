//! `comm`: the name of the current thread.

use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::Expr;
use lancet_compiler::ir::Address;
use lancet_compiler::ir::{Helper, Instruction};
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::Type;
use lancet_syntax::ast;
use lancet_syntax::span::Span;

pub(crate) struct Comm;

/// TASK_COMM_LEN of the kernel (include/linux/sched.h).
const LENGTH: u32 = 16;

static SIGNATURE: Signature = Signature {
    name: "comm",
    aliases: &[],
    min: 0,
    max: 0,
    usage: "comm",
    summary: "The name of the current thread, at most 15 bytes.",
    is_unsafe: false,
};

impl Builtin for Comm {
    fn signature(&'static self) -> &'static Signature {
        &SIGNATURE
    }

    fn check<'a>(&'static self, _: &mut Checker<'a>, _: &'a [ast::Argument], span: Span) -> Option<Expr> {
        Some(Call::expr(self, Type::String(LENGTH), span, Vec::new(), Extra::None))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, _: &Call, _: &Type, into: Option<Address>) -> Operand {
        let to = into.unwrap_or_else(|| Address::Slot(lowerer.slot(LENGTH, 8, "comm"), 0));
        lowerer.push(Instruction::Zero { address: to, size: LENGTH });
        let address = lowerer.address_of(to);
        let length = lowerer.constant(i64::from(LENGTH));
        lowerer.call(Helper::GET_CURRENT_COMM, &[address, length]);
        Operand::Memory(to)
    }

    fn fills_in_place(&self) -> bool {
        true
    }
}
