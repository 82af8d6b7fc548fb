//! `ksym(address)` and `usym(address)`: addresses that print as the name of their function.

use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::Expr;
use lancet_compiler::ir::Address;
use lancet_compiler::ir::{Instruction, MemorySize, Value};
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::Type;
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::span::Span;

/// Kernel or user.
pub(crate) struct Symbol {
    signature: Signature,
    user: bool,
}

pub(crate) static KSYM: Symbol = Symbol {
    signature: Signature {
        name: "ksym",
        aliases: &[],
        min: 1,
        max: 1,
        usage: "ksym(address)",
        summary: "A kernel address that prints as its function's name.",
        is_unsafe: false,
    },
    user: false,
};

pub(crate) static USYM: Symbol = Symbol {
    signature: Signature {
        name: "usym",
        aliases: &[],
        min: 1,
        max: 1,
        usage: "usym(address)",
        summary: "An address of the current process that prints as its function's name.",
        is_unsafe: false,
    },
    user: true,
};

impl Builtin for Symbol {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let address = checker.argument(&arguments[0])?;
        let known = address.ty.is_integer() || matches!(address.ty, Type::Pointer(..) | Type::KernelSymbol);
        if !known {
            let message = format!("{}() takes an address, not {}", self.signature.name, address.ty);
            checker.error(Code::BadArgument, address.span, message);
            return None;
        }
        let ty = if self.user { Type::UserSymbol } else { Type::KernelSymbol };
        Some(Call::expr(self, ty, span, vec![address], Extra::None))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, _: &Type, into: Option<Address>) -> Operand {
        let address = lowerer.scalar(&call.arguments[0]);
        if !self.user {
            return Operand::Scalar(address);
        }
        Operand::Memory(user_symbol(lowerer, address, into))
    }
}

/// Address and process id as the runtime wants them.
pub(crate) fn user_symbol(lowerer: &mut Lowerer<'_>, address: Value, into: Option<Address>) -> Address {
    let to = into.unwrap_or_else(|| Address::Slot(lowerer.slot(16, 8, "symbol"), 0));
    lowerer.push(Instruction::Store { address: to, size: MemorySize::B8, value: address });
    let process = lowerer.process_id();
    let second = lowerer.offset_address(to, 8);
    lowerer.push(Instruction::Store { address: second, size: MemorySize::B8, value: process });
    to
}
