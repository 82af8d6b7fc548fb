//! `ctx`: the context of the program, as the kernel gives it: an iterator's struct, or the registers of a function.

use lancet_compiler::builtin::{Builtin, Call, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::{ContextKind, Expr, ExprKind};
use lancet_compiler::ir::Address;
use lancet_compiler::lower::Lowerer;
use lancet_compiler::probe::Arguments;
use lancet_compiler::types::{Space, Type};
use lancet_syntax::ast::{self, TagKind};
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;

pub(crate) struct Context;

static SIGNATURE: Signature = Signature {
    name: "ctx",
    aliases: &[],
    min: 0,
    max: 0,
    usage: "ctx",
    summary: "The context of the probe: in iterators a struct with the object, such as ctx.task; in kprobes and uprobes struct pt_regs, in profile, interval and perf events struct bpf_perf_event_data.",
    is_unsafe: false,
};

impl Builtin for Context {
    fn signature(&'static self) -> &'static Signature {
        &SIGNATURE
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, _: &'a [ast::Argument], span: Span) -> Option<Expr> {
        checker.facts().looks_at_arguments = true;
        let (arguments, context) = (checker.facts().expansion.arguments.clone(), checker.facts().context);
        let ty = match (arguments, context) {
            (Arguments::Iterator(id), _) => checker.types().kernel_type(id),
            (_, ContextKind::PerfEvent) => checker.types().tagged(TagKind::Struct, "bpf_perf_event_data"),
            (_, ContextKind::Registers) => checker.types().tagged(TagKind::Struct, "pt_regs"),
            _ => None,
        };
        let Some(ty) = ty else {
            if checker.facts().expansion.arguments == Arguments::Unknown {
                return None;
            }
            let provider = checker.facts().written_provider().to_owned();
            let message = format!("ctx: {provider} probes have no context of a known type");
            let help = "iterators, kprobes, uprobes and perf events have ctx; others have args or argN";
            checker.report(Diagnostic::error(Code::NotHere, span, message).help(help));
            return None;
        };
        Some(Expr { span, ty: ty.pointer(Space::Trusted), kind: ExprKind::Context })
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, _: &Call, _: &Type, _: Option<Address>) -> Operand {
        Operand::Scalar(lowerer.context())
    }
}
