//! `ntop`, `pton` and `macaddr`: network addresses.

use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::Expr;
use lancet_compiler::hir::ExprKind;
use lancet_compiler::ir::{Address, Instruction, MemorySize, UnaryOp, Value};
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::Type;
use lancet_compiler::types::UINT8;
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::span::Span;
use std::net::IpAddr;

pub(crate) struct Ntop;
pub(crate) struct Pton;
pub(crate) struct Macaddr;

/// Address families (include/linux/socket.h).
const AF_INET: i64 = 2;
const AF_INET6: i64 = 10;

static NTOP: Signature = Signature {
    name: "ntop",
    aliases: &[],
    min: 1,
    max: 2,
    usage: "ntop([family,] address)",
    summary: "An IP address (an integer or an array of 4 or 16 bytes in network order) that prints as text.",
    is_unsafe: false,
};

static PTON: Signature = Signature {
    name: "pton",
    aliases: &[],
    min: 1,
    max: 1,
    usage: "pton(\"address\")",
    summary: "The bytes of an IP address given as a literal: an array of 4 or 16.",
    is_unsafe: false,
};

static MACADDR: Signature = Signature {
    name: "macaddr",
    aliases: &[],
    min: 1,
    max: 1,
    usage: "macaddr(bytes)",
    summary: "An array of 6 bytes, or those at an address, that prints as a MAC address.",
    is_unsafe: false,
};

impl Builtin for Ntop {
    fn signature(&'static self) -> &'static Signature {
        &NTOP
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let (family, address) = match arguments {
            [address] => (None, checker.argument(address)?),
            [family, address] => (Some(checker.integer_argument(family, "the family")?), checker.argument(address)?),
            _ => return None,
        };
        let size = match &address.ty {
            Type::Int { .. } => 4,
            Type::Array(..) | Type::String(_) => checker.size_of(&address.ty),
            _ => 0,
        };
        if size != 4 && size != 16 {
            let message = format!("ntop() takes an integer or an array of 4 or 16 bytes, not {}", address.ty);
            checker.error(Code::BadArgument, address.span, message);
            return None;
        }
        let family = family.unwrap_or_else(|| checker.integer(if size == 4 { AF_INET } else { AF_INET6 }, span));
        Some(Call::expr(self, Type::Inet, span, vec![family, address], Extra::Number(i64::from(size))))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, _: &Type, into: Option<Address>) -> Operand {
        let Extra::Number(size) = call.extra else { return Operand::Void };
        let to = into.unwrap_or_else(|| Address::Slot(lowerer.slot(24, 8, "address"), 0));
        let family = lowerer.scalar(&call.arguments[0]);
        store_padded(lowerer, to, family);
        let (first, second) = (lowerer.offset_address(to, 8), lowerer.offset_address(to, 16));
        let word = if call.arguments[1].ty.is_scalar() {
            lowerer.scalar(&call.arguments[1])
        } else {
            let from = lowerer.memory(&call.arguments[1]);
            if size == 16 {
                lowerer.push(Instruction::Copy { to: first, from, size: 16 });
                return Operand::Memory(to);
            }
            lowerer.value(Instruction::Load { address: from, size: MemorySize::B4, signed: false })
        };
        store_padded(lowerer, first, word);
        let zero = lowerer.constant(0);
        lowerer.store8(second, zero);
        Operand::Memory(to)
    }

    fn fills_in_place(&self) -> bool {
        true
    }
}

/// Stores the low four bytes of a value and four zeros.
fn store_padded(lowerer: &mut Lowerer<'_>, to: Address, value: Value) {
    let padded = lowerer.value(Instruction::Unary(UnaryOp::ZeroExtend(MemorySize::B4), value));
    lowerer.store8(to, padded);
}

impl Builtin for Pton {
    fn signature(&'static self) -> &'static Signature {
        &PTON
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let text = checker.text_argument(&arguments[0], "the argument of pton()")?;
        let bytes = match text.parse::<IpAddr>() {
            Ok(IpAddr::V4(address)) => address.octets().to_vec(),
            Ok(IpAddr::V6(address)) => address.octets().to_vec(),
            Err(_) => {
                checker.error(Code::BadArgument, span, format!("\"{text}\" is not an IP address"));
                return None;
            }
        };
        let ty = Type::Array(Box::new(UINT8), bytes.len() as u32);
        let bytes = Expr { span, ty: Type::String(bytes.len() as u32), kind: ExprKind::String(bytes) };
        Some(Expr { span, ty, kind: ExprKind::Reinterpret(Box::new(bytes)) })
    }

    fn lower(&self, _: &mut Lowerer<'_>, _: &Call, _: &Type, _: Option<Address>) -> Operand {
        unreachable!("pton() is a constant")
    }
}

impl Builtin for Macaddr {
    fn signature(&'static self) -> &'static Signature {
        &MACADDR
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let given = checker.argument(&arguments[0])?;
        let is_array = matches!(given.ty, Type::Array(..) | Type::String(_));
        let bytes = if is_array && checker.size_of(&given.ty) == 6 {
            given
        } else {
            checker.bytes_at(given, 6, "macaddr() takes an array of 6 bytes or the address of one", span)?
        };
        Some(Expr { span, ty: Type::Mac, kind: ExprKind::Reinterpret(Box::new(bytes)) })
    }

    fn lower(&self, _: &mut Lowerer<'_>, _: &Call, _: &Type, _: Option<Address>) -> Operand {
        unreachable!("macaddr() is its argument")
    }
}
