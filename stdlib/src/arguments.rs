//! `arg0` … `arg9`, `sarg0` … and `retval`: a function's arguments and result, from the registers the calling convention
//! puts them in (System V AMD64 ABI, 3.2.3), from a raw tracepoint's array or from where the notes of a USDT probe say.

use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::check::calling_convention::{self, register};
use lancet_compiler::hir::{Access, ContextKind, Expr, ExprKind};
use lancet_compiler::ir::{Address, Instruction, MemorySize};
use lancet_compiler::lower::Lowerer;
use lancet_compiler::probe::Arguments;
use lancet_compiler::types::{Space, Type, UINT64};
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;

/// One argument, or the result.
pub(crate) struct Argument {
    signature: Signature,
    which: Which,
}

#[derive(Clone, Copy, PartialEq)]
enum Which {
    Register(u8),
    Stack(u8),
    Result,
}

const fn argument(name: &'static str, which: Which) -> Argument {
    let summary = match which {
        Which::Register(_) => "An argument of the traced function, counted from 0, as a 64-bit number.",
        Which::Stack(_) => "A word of the caller's stack, counted from 0: arguments beyond the registers.",
        Which::Result => "What the traced function returns, as a 64-bit number.",
    };
    Argument {
        signature: Signature { name, aliases: &[], min: 0, max: 0, usage: name, summary, is_unsafe: false },
        which,
    }
}

pub(crate) static ALL: &[Argument] = &[
    argument("arg0", Which::Register(0)),
    argument("arg1", Which::Register(1)),
    argument("arg2", Which::Register(2)),
    argument("arg3", Which::Register(3)),
    argument("arg4", Which::Register(4)),
    argument("arg5", Which::Register(5)),
    argument("arg6", Which::Register(6)),
    argument("arg7", Which::Register(7)),
    argument("arg8", Which::Register(8)),
    argument("arg9", Which::Register(9)),
    argument("sarg0", Which::Stack(0)),
    argument("sarg1", Which::Stack(1)),
    argument("sarg2", Which::Stack(2)),
    argument("sarg3", Which::Stack(3)),
    argument("sarg4", Which::Stack(4)),
    argument("sarg5", Which::Stack(5)),
    argument("sarg6", Which::Stack(6)),
    argument("sarg7", Which::Stack(7)),
    argument("sarg8", Which::Stack(8)),
    argument("sarg9", Which::Stack(9)),
    argument("retval", Which::Result),
];

impl Builtin for Argument {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, _: &'a [ast::Argument], span: Span) -> Option<Expr> {
        checker.facts().looks_at_arguments = true;
        let arguments = checker.facts().expansion.arguments.clone();
        match (&arguments, self.which) {
            (Arguments::Entry, Which::Register(n @ 0..=5)) => {
                Some(register(calling_convention::ARGUMENTS[n as usize], span))
            }
            (Arguments::Entry, Which::Register(n)) => Some(stack_word(checker, n - 6, span)),
            (Arguments::Entry, Which::Stack(n)) => {
                let note = Diagnostic::note(Code::OldSpelling, span, format!("sarg{n} is an old spelling"));
                let offset = 8 * (u32::from(n) + 1);
                checker.report(note.help(format!("write *(uint64 *)(reg(\"sp\") + {offset})")));
                Some(stack_word(checker, n, span))
            }
            (Arguments::Return, Which::Result) => Some(register(calling_convention::RESULT, span)),
            (Arguments::Typed(_), Which::Register(n)) if checker.facts().context == ContextKind::Arguments => {
                Some(checker.argument_word(n, span))
            }
            (Arguments::Usdt(arguments), Which::Register(n)) => checker.usdt_argument(arguments, n, span),
            (Arguments::Typed(_), Which::Result) => checker.typed_result(span),
            (Arguments::Raw, Which::Register(_)) => Some(Call::expr(self, UINT64, span, Vec::new(), Extra::None)),
            // What is missing here has the arguments of its kind elsewhere.
            (Arguments::Unknown, which) => match (which, checker.facts().written_provider()) {
                (Which::Result, "kretprobe" | "uretprobe") => Some(register(calling_convention::RESULT, span)),
                (Which::Register(_) | Which::Stack(_), "kprobe" | "uprobe" | "usdt" | "rawtracepoint") => {
                    Some(register(calling_convention::ARGUMENTS[0], span))
                }
                _ => None,
            },
            _ => {
                let provider = checker.facts().written_provider().to_owned();
                let name = self.signature.name;
                let help = match (self.which, &arguments) {
                    (Which::Result, _) => "functions have it at their return: kretprobe, uretprobe, fexit",
                    (_, Arguments::Tracepoint { .. }) => "tracepoints have named fields: args.name",
                    (_, Arguments::Usdt(_)) => "its arguments are arg0, arg1, …",
                    (_, Arguments::Typed(_)) => "its arguments have names: args.name",
                    (_, Arguments::Return) => "keep them at the function's entry: @arg[tid] = arg0",
                    _ => "functions have them at their entry: kprobe, uprobe",
                };
                let message = format!("{name}: a {provider} probe has none");
                checker.report(Diagnostic::error(Code::NotHere, span, message).help(help));
                None
            }
        }
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, _: &Call, _: &Type, _: Option<Address>) -> Operand {
        debug_assert_eq!(lowerer.context_kind(), ContextKind::Arguments);
        let Which::Register(n) = self.which else { return Operand::Void };
        let context = lowerer.context();
        let address = Address::Pointer(context, i32::from(n) * 8);
        Operand::Scalar(lowerer.value(Instruction::Load { address, size: MemorySize::B8, signed: false }))
    }
}

/// The n-th word above the return address.
fn stack_word(checker: &mut Checker<'_>, n: u8, span: Span) -> Expr {
    let access = if checker.facts().default_space == Space::User { Access::User } else { Access::Kernel };
    let pointer = register(calling_convention::STACK_POINTER, span);
    let offset = (i64::from(n) + 1) * 8;
    Expr { span, ty: UINT64, kind: ExprKind::Load { pointer: Box::new(pointer), offset, access, bits: None } }
}
