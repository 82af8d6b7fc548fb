//! `kstack` and `ustack`: stack traces, kept once each in a map of frames by their hash.

use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::Expr;
use lancet_compiler::ir::Address;
use lancet_compiler::lower::Lowerer;
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
    user: bool,
}

/// PERF_MAX_STACK_DEPTH (include/uapi/linux/perf_event.h).
const MOST_FRAMES: i64 = 127;

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
    user: false,
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
    user: true,
};

impl Builtin for Stack {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
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
            if !(0..=MOST_FRAMES).contains(&limit) {
                let message = format!("a stack has at most {MOST_FRAMES} frames; {limit} is out of range");
                checker.error(Code::BadArgument, span, message);
                return None;
            }
            stack.limit = limit as u32;
        }
        checker.facts().takes_kernel_stack |= !self.user;
        let ty = if self.user { Type::UserStack(stack) } else { Type::KernelStack(stack) };
        Some(Call::expr(self, ty, span, Vec::new(), Extra::None))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, _: &Call, ty: &Type, into: Option<Address>) -> Operand {
        let (Type::KernelStack(stack) | Type::UserStack(stack)) = ty else { return Operand::Void };
        Operand::Memory(lowerer.stack_trace(self.user, *stack, into))
    }
}
