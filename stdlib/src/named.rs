//! `strerror(n)`, `signal_name(n)` and `syscall_name(n)`: strings from tables that travel with the program.

use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::{Expr, ExprKind};
use lancet_compiler::ir::{Address, BinaryOp, Comparison, Instruction, UnaryOp, Value};
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::Type;
use lancet_kernel::name;
use lancet_syntax::ast;
use lancet_syntax::span::Span;

/// Numbers that have names.
pub(crate) struct Named {
    signature: Signature,
    /// One past the last number with a name.
    end: u64,
    /// What is said of other numbers.
    unknown: &'static str,
    name: fn(u64) -> Option<String>,
    /// Negative numbers are meant as positive, since that is how the kernel returns errors.
    from_kernel: bool,
}

const fn signature(name: &'static str, usage: &'static str, summary: &'static str) -> Signature {
    Signature { name, aliases: &[], min: 1, max: 1, usage, summary, is_unsafe: false }
}

/// Bytes of a name with its NUL; the longest message of an error has 50.
const LENGTH: u32 = 64;

pub(crate) static ALL: &[Named] = &[
    Named {
        signature: signature("strerror", "strerror(errno)", "The message of an error number, as a string."),
        end: name::ERRORS_END,
        unknown: "Unknown error",
        name: |number| Some(name::error(number as i32)).filter(|message| !message.starts_with("Unknown error")),
        from_kernel: true,
    },
    Named {
        signature: signature("signal_name", "signal_name(signal)", "The description of a signal, as a string."),
        end: name::SIGNALS_END,
        unknown: "N/A",
        name: |number| Some(name::signal(number)),
        from_kernel: false,
    },
    Named {
        signature: signature("syscall_name", "syscall_name(number)", "The name of a system call, as a string."),
        end: name::SYSTEM_CALLS_END,
        unknown: "Unknown syscall",
        name: |number| name::system_call(number).map(str::to_owned),
        from_kernel: false,
    },
];

impl Builtin for Named {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let number = checker.integer_argument(&arguments[0], "the argument")?;
        if let ExprKind::Constant(number) = number.kind {
            let number = if self.from_kernel { number.unsigned_abs() } else { number as u64 };
            return Some(checker.string(self.name_of(number).as_bytes(), span));
        }
        Some(Call::expr(self, Type::String(LENGTH), span, vec![number], Extra::None))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, _: &Type, into: Option<Address>) -> Operand {
        let number = lowerer.scalar(&call.arguments[0]);
        let number = if self.from_kernel { absolute(lowerer, number) } else { number };
        let to = into.unwrap_or_else(|| Address::Slot(lowerer.slot(LENGTH, 8, "name"), 0));
        let end = lowerer.constant(self.end as i64);
        let has_name = lowerer.compare(Comparison::UnsignedLess, number, end);
        lowerer.if_else(
            has_name,
            |lowerer| {
                let table = lowerer.constant_bytes(&self.table());
                let size = lowerer.constant(i64::from(LENGTH));
                let offset = lowerer.binary(BinaryOp::Mul, number, size);
                let from = lowerer.binary(BinaryOp::Add, table, offset);
                lowerer.push(Instruction::Copy { to, from: Address::Pointer(from, 0), size: LENGTH });
            },
            |lowerer| lowerer.push(Instruction::StoreBytes { address: to, bytes: padded(self.unknown) }),
        );
        Operand::Memory(to)
    }
}

impl Named {
    fn name_of(&self, number: u64) -> String {
        (self.name)(number).filter(|_| number < self.end).unwrap_or_else(|| self.unknown.to_owned())
    }

    /// All names, each padded to the same length.
    fn table(&self) -> Vec<u8> {
        (0..self.end).flat_map(|number| padded(&self.name_of(number))).collect()
    }
}

fn padded(name: &str) -> Vec<u8> {
    let mut bytes = name.as_bytes().to_vec();
    bytes.truncate(LENGTH as usize - 1);
    bytes.resize(LENGTH as usize, 0);
    bytes
}

fn absolute(lowerer: &mut Lowerer<'_>, number: Value) -> Value {
    let zero = lowerer.constant(0);
    let negative = lowerer.compare(Comparison::SignedLess, number, zero);
    lowerer.choose(negative, |lowerer| lowerer.value(Instruction::Unary(UnaryOp::Negate, number)), |_| number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_names_fit_and_unknown_numbers_are_said_to_be_unknown() {
        for named in ALL {
            let longest = (0..named.end).map(|number| named.name_of(number).len()).max();
            assert!(longest < Some(LENGTH as usize), "{}", named.signature.name);
            assert_eq!(named.name_of(named.end), named.unknown);
            assert_eq!(named.table().len(), named.end as usize * LENGTH as usize);
        }
    }
}
