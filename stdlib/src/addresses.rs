//! `kaddr`, `kptr`, `uptr` and `reg`: addresses and registers.

use lancet_compiler::builtin::{Builtin, Call, Operand, Signature};
use lancet_compiler::check::{Checker, calling_convention};
use lancet_compiler::hir::ContextKind;
use lancet_compiler::hir::Expr;
use lancet_compiler::ir::Address;
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::Type;
use lancet_compiler::types::{Space, UINT64};
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;

/// All builtins of this file.
pub(crate) static ALL: &[&dyn Builtin] = &[&Kaddr, &KPTR, &UPTR, &Reg, &crate::time::Nsecs];

struct Kaddr;
struct Reg;

/// A pointer with its address space said.
struct InSpace {
    signature: Signature,
    space: Space,
}

static KADDR: Signature = Signature {
    name: "kaddr",
    aliases: &[],
    min: 1,
    max: 1,
    usage: "kaddr(\"symbol\")",
    summary: "The address of a kernel symbol.",
    is_unsafe: false,
};

static REG: Signature = Signature {
    name: "reg",
    aliases: &[],
    min: 1,
    max: 1,
    usage: "reg(\"name\")",
    summary: "A register of the traced function, as a 64-bit number: ax, bx, cx, dx, si, di, bp, sp, ip, r8 … r15, flags.",
    is_unsafe: false,
};

static KPTR: InSpace = InSpace {
    signature: Signature {
        name: "kptr",
        aliases: &[],
        min: 1,
        max: 1,
        usage: "kptr(pointer)",
        summary: "The pointer, to kernel memory.",
        is_unsafe: false,
    },
    space: Space::Kernel,
};

static UPTR: InSpace = InSpace {
    signature: Signature {
        name: "uptr",
        aliases: &[],
        min: 1,
        max: 1,
        usage: "uptr(pointer)",
        summary: "The pointer, to the memory of the traced process.",
        is_unsafe: false,
    },
    space: Space::User,
};

impl Builtin for Kaddr {
    fn signature(&'static self) -> &'static Signature {
        &KADDR
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let name = checker.text_argument(&arguments[0], "the argument of kaddr()")?;
        let Some(address) = checker.kernel().symbol_address(&name) else {
            let message = format!("kaddr: the kernel has no symbol {name}, or hides its address");
            checker.report(Diagnostic::error(Code::NotOnThisKernel, span, message).help("see /proc/kallsyms, as root"));
            return Some(checker.constant(0, UINT64, span));
        };
        Some(checker.constant(address as i64, UINT64, span))
    }

    fn lower(&self, _: &mut Lowerer<'_>, _: &Call, _: &Type, _: Option<Address>) -> Operand {
        unreachable!("kaddr() is a constant")
    }
}

impl Builtin for Reg {
    fn signature(&'static self) -> &'static Signature {
        &REG
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        checker.facts().looks_at_arguments = true;
        let name = checker.text_argument(&arguments[0], "the argument of reg()")?;
        if !matches!(checker.facts().context, ContextKind::Registers | ContextKind::PerfEvent) {
            let provider = checker.facts().written_provider().to_owned();
            checker.error(Code::NotHere, span, format!("reg(): a {provider} probe has no registers"));
            return None;
        }
        let Some((_, offset)) = calling_convention::REGISTERS.iter().find(|(known, _)| *known == name) else {
            let names: Vec<&str> = calling_convention::REGISTERS.iter().map(|(name, _)| *name).collect();
            let message = format!("there is no register {name}");
            checker.report(
                Diagnostic::error(Code::BadArgument, span, message).help(format!("registers are {}", names.join(", "))),
            );
            return None;
        };
        Some(calling_convention::register(*offset, span))
    }

    fn lower(&self, _: &mut Lowerer<'_>, _: &Call, _: &Type, _: Option<Address>) -> Operand {
        unreachable!("reg() is a load")
    }
}

impl Builtin for InSpace {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let value = checker.argument(&arguments[0])?;
        let ty = match &value.ty {
            Type::Pointer(target, _) => (**target).clone().pointer(self.space),
            ty if ty.is_integer() => Type::Void.pointer(self.space),
            ty => {
                let message = format!("{}() takes a pointer, not {ty}", self.signature.name);
                checker.error(Code::BadArgument, value.span, message);
                return None;
            }
        };
        Some(Expr { span, ty, kind: value.kind })
    }

    fn lower(&self, _: &mut Lowerer<'_>, _: &Call, _: &Type, _: Option<Address>) -> Operand {
        unreachable!("{}() is its argument", self.signature.name)
    }
}
