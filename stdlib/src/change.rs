//! `override(value)` and `write_user(to, from, length)`: what changes the program that is traced.

use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::Expr;
use lancet_compiler::ir::{Address, Comparison, Helper};
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::{Space, Type};
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;

pub(crate) struct Override;
pub(crate) struct WriteUser;

static OVERRIDE: Signature = Signature {
    name: "override",
    aliases: &[],
    min: 1,
    max: 1,
    usage: "override(value)",
    summary: "The traced kernel function does not run and returns the value; in kprobes of functions that allow error injection, where the kernel has CONFIG_BPF_KPROBE_OVERRIDE.",
    is_unsafe: true,
};

static WRITE_USER: Signature = Signature {
    name: "write_user",
    aliases: &[],
    min: 3,
    max: 3,
    usage: "write_user(to, from, length)",
    summary: "Writes the first bytes of a value (or of a variable by its address) to memory of the current process; true when that went well.",
    is_unsafe: true,
};

impl Builtin for Override {
    fn signature(&'static self) -> &'static Signature {
        &OVERRIDE
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        checker.facts().looks_at_arguments = true;
        if checker.facts().provider() != "kprobe" {
            let provider = checker.facts().written_provider().to_owned();
            let message = format!("override(): a {provider} probe is not at the start of a kernel function");
            checker.report(Diagnostic::error(Code::NotHere, span, message).help("only a kprobe is"));
            return None;
        }
        let value = checker.integer_argument(&arguments[0], "the argument of override()")?;
        Some(Call::expr(self, Type::Void, span, vec![value], Extra::None))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, _: &Type, _: Option<Address>) -> Operand {
        let value = lowerer.scalar(&call.arguments[0]);
        let context = lowerer.context();
        lowerer.call(Helper::OVERRIDE_RETURN, &[context, value]);
        Operand::Void
    }

    fn has_effect(&self) -> bool {
        true
    }
}

impl Builtin for WriteUser {
    fn signature(&'static self) -> &'static Signature {
        &WRITE_USER
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let to = checker.integer_argument(&arguments[0], "the address in write_user()");
        let from = checker.argument(&arguments[1])?;
        let length = checker.constant_argument(&arguments[2], "the length in write_user()")?;
        let available = match &from.ty {
            Type::Pointer(target, Space::Bpf) => checker.size_of(target),
            ty if !ty.is_scalar() => checker.size_of(ty),
            ty => {
                let message = format!("write_user() writes a value in memory, not {ty}");
                let help = "give it a string, a tuple or the address of a variable: &$x";
                checker.report(Diagnostic::error(Code::BadArgument, from.span, message).help(help));
                return None;
            }
        };
        if !(1..=i64::from(available)).contains(&length) {
            let message = format!("write_user(): the length is {length}, the value has {available} bytes");
            checker.error(Code::BadArgument, span, message);
            return None;
        }
        Some(Call::expr(self, Type::Bool, span, vec![to?, from], Extra::Number(length)))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, _: &Type, _: Option<Address>) -> Operand {
        let Extra::Number(length) = call.extra else { return Operand::Void };
        let to = lowerer.scalar(&call.arguments[0]);
        let from = &call.arguments[1];
        let from = if from.ty.is_scalar() {
            lowerer.scalar(from)
        } else {
            let memory = lowerer.memory(from);
            lowerer.address_of(memory)
        };
        let length = lowerer.constant(length);
        let result = lowerer.call(Helper::PROBE_WRITE_USER, &[to, from, length]);
        lowerer.helper_error(Helper::PROBE_WRITE_USER, result, call.span);
        let zero = lowerer.constant(0);
        Operand::Scalar(lowerer.compare(Comparison::Equal, result, zero))
    }

    fn has_effect(&self) -> bool {
        true
    }
}
