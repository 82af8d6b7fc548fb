//! `kstack`, `ustack` and `dw_ustack`: stack traces, kept once each in a map of frames by their hash.

use crate::unstable::is_allowed;
use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::Expr;
use lancet_compiler::ir::Address;
use lancet_compiler::lower::{Lowerer, StackSource};
use lancet_compiler::settings::parse_stack_mode;
use lancet_compiler::types::StackType;
use lancet_compiler::types::Type;
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;

/// Kernel or user.
pub(crate) struct Stack {
    signature: Signature,
    source: StackSource,
}

/// PERF_MAX_STACK_DEPTH (include/uapi/linux/perf_event.h).
const MOST_FRAMES: i64 = 127;

/// The largest limit that may be asked for; kernels give fewer frames unless they are told otherwise.
const MOST_WANTED: i64 = 1024;

pub(crate) static KSTACK: Stack = Stack {
    signature: Signature {
        name: "kstack",
        aliases: &[],
        min: 0,
        max: 2,
        usage: "kstack[([mode,] [limit])]",
        summary: "The kernel's stack trace: mode bpftrace, perf or raw, at most limit frames (127).",
        is_unsafe: false,
    },
    source: StackSource::Kernel,
};

pub(crate) static USTACK: Stack = Stack {
    signature: Signature {
        name: "ustack",
        aliases: &[],
        min: 0,
        max: 2,
        usage: "ustack[([mode,] [limit])]",
        summary: "The stack trace of the current process: mode bpftrace, perf, raw or build_id, at most limit frames (127).",
        is_unsafe: false,
    },
    source: StackSource::User,
};

pub(crate) static DW_USTACK: Stack = Stack {
    signature: Signature {
        name: "dw_ustack",
        aliases: &[],
        min: 0,
        max: 2,
        usage: "dw_ustack[([mode,] [limit])]",
        summary: "ustack for programs without frame pointers, by their unwind tables: of processes given by -p, -c or --dwarf-pid.",
        is_unsafe: false,
    },
    source: StackSource::Unwound,
};

impl Builtin for Stack {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        if self.source == StackSource::Unwound {
            can_unwind(checker, span)?;
        }
        let mut stack = StackType { mode: checker.settings().config.stack_mode, limit: MOST_FRAMES as u32 };
        for argument in arguments {
            if let ast::Argument::Expr(ast::Expr { kind: ast::ExprKind::Identifier(word), span }) = argument {
                let Some(mode) = parse_stack_mode(word) else {
                    let message = format!("there is no stack mode {word}");
                    checker.report(
                        Diagnostic::error(Code::BadArgument, *span, message)
                            .help("modes are bpftrace, perf, raw and build_id"),
                    );
                    return None;
                };
                stack.mode = mode;
                continue;
            }
            let limit = checker.constant_argument(argument, "the limit of a stack")?;
            if !(0..=MOST_WANTED).contains(&limit) {
                let message = format!("the limit of a stack goes up to {MOST_WANTED}; {limit} is out of range");
                checker.error(Code::BadArgument, span, message);
                return None;
            }
            stack.limit = limit.min(MOST_FRAMES) as u32;
        }
        checker.facts().takes_kernel_stack |= self.source == StackSource::Kernel;
        let ty = match self.source {
            StackSource::Kernel => Type::KernelStack(stack),
            StackSource::User | StackSource::Unwound => Type::UserStack(stack),
        };
        Some(Call::expr(self, ty, span, Vec::new(), Extra::None))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, _: &Call, ty: &Type, into: Option<Address>) -> Operand {
        let (Type::KernelStack(stack) | Type::UserStack(stack)) = ty else { return Operand::Void };
        Operand::Memory(lowerer.stack_trace(self.source, *stack, into))
    }
}

/// Whether there will be tables, and a kernel that walks through them.
fn can_unwind(checker: &mut Checker<'_>, span: Span) -> Option<()> {
    let setting = checker.settings().config.dw_ustack;
    is_allowed(checker, DW_USTACK.signature.name, setting, span)?;
    if !checker.kernel().features().bpf_loop {
        let message = "dw_ustack needs Linux 5.17, which has bpf_loop()";
        checker.report(
            Diagnostic::error(Code::NotOnThisKernel, span, message).help("ustack follows frame pointers on any kernel"),
        );
        return None;
    }
    if !checker.settings().unwinds && !checker.settings().is_only_checked {
        let message = "dw_ustack requires a target process";
        checker.report(Diagnostic::error(Code::BadArgument, span, message).help("use -p, -c or --dwarf-pid"));
        return None;
    }
    Some(())
}
