//! `path(p[, size])`: the full path of a `struct path`, by the kernel's own d_path().

use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::{Expr, ExprKind};
use lancet_compiler::ir::{Address, Helper, Instruction};
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::Type;
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;

pub(crate) struct Path;

static SIGNATURE: Signature = Signature {
    name: "path",
    aliases: &[],
    min: 1,
    max: 2,
    usage: "path(args.file.f_path[, size])",
    summary: "The full path that a struct path in a probe's typed arguments leads to; in fentry and fexit probes of the functions that the kernel allows it in, and in iterators.",
    is_unsafe: false,
};

impl Builtin for Path {
    fn signature(&'static self) -> &'static Signature {
        &SIGNATURE
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        checker.facts().looks_at_arguments = true;
        let provider = checker.facts().written_provider().to_owned();
        if !matches!(provider.as_str(), "fentry" | "fexit" | "iter") {
            let message = format!("path(): the kernel does not allow it in a {provider} probe");
            let help = "use it in fentry, fexit or iter, with a pointer from their arguments";
            checker.report(Diagnostic::error(Code::NotHere, span, message).help(help));
            return None;
        }
        let path = checker.tracked_argument(&arguments[0])?;
        let limit = i64::from(checker.settings().config.max_strlen);
        let size = match arguments.get(1) {
            Some(size) => checker.constant_argument(size, "the size in path()")?,
            None => limit,
        };
        if !(1..=limit).contains(&size) {
            checker.error(Code::BadArgument, span, format!("path(): the size must be 1 to {limit}, not {size}"));
            return None;
        }
        let (pointer, offset) = pointer_to(checker, path)?;
        Some(Call::expr(self, Type::String(size as u32), span, vec![pointer], Extra::Number(offset)))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, ty: &Type, _: Option<Address>) -> Operand {
        let Type::String(size) = *ty else { return Operand::Void };
        let Extra::Number(offset) = call.extra else { return Operand::Void };
        let pointer = lowerer.scalar(&call.arguments[0]);
        let written = Address::Slot(lowerer.slot(size, 8, "path"), 0);
        lowerer.push(Instruction::Zero { address: written, size });
        let (address, length) = (lowerer.address_of(written), lowerer.constant(i64::from(size)));
        // The verifier does not let a program add to a pointer that may be null.
        let resolve = |lowerer: &mut Lowerer<'_>| {
            let pointer = lowerer.add_constant(pointer, offset);
            let result = lowerer.call(Helper::D_PATH, &[pointer, address, length]);
            lowerer.helper_error(Helper::D_PATH, result, call.span);
        };
        lowerer.when(pointer, resolve);
        // The kernel writes a path from the end of the memory and moves it: what is behind it must be made zero.
        let to = Address::Slot(lowerer.slot(size, 8, "path"), 0);
        lowerer.push(Instruction::Zero { address: to, size });
        let (from, to_address) = (lowerer.address_of(written), lowerer.address_of(to));
        lowerer.call(Helper::PROBE_READ_KERNEL_STR, &[to_address, length, from]);
        Operand::Memory(to)
    }
}

/// Where a `struct path` is that was given as such or by a pointer: a pointer and an offset.
fn pointer_to(checker: &mut Checker<'_>, path: Expr) -> Option<(Expr, i64)> {
    let is_path = |ty: &Type| matches!(ty, Type::Struct(reference) if &*reference.name == "struct path");
    match (&path.ty, path.kind) {
        (Type::Pointer(target, _), kind) if is_path(target) => Some((Expr { kind, ..path }, 0)),
        (ty, ExprKind::Load { pointer, offset, .. }) if is_path(ty) => Some((*pointer, offset)),
        (ty, _) => {
            let message = format!("path() takes a struct path, not {ty}");
            checker.error(Code::BadArgument, path.span, message);
            None
        }
    }
}
