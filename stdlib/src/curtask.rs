//! `curtask`: the current thread's task_struct.

use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::Expr;
use lancet_compiler::ir::Address;
use lancet_compiler::ir::Helper;
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::Type;
use lancet_compiler::types::{Space, StructOrigin, UINT64};
use lancet_syntax::ast;
use lancet_syntax::ast::TagKind;
use lancet_syntax::span::Span;

pub(crate) struct Curtask;

static SIGNATURE: Signature = Signature {
    name: "curtask",
    aliases: &[],
    min: 0,
    max: 0,
    usage: "curtask",
    summary: "The current thread's struct task_struct, as a kernel pointer.",
    is_unsafe: false,
};

impl Builtin for Curtask {
    fn signature(&'static self) -> &'static Signature {
        &SIGNATURE
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, _: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let ty = match checker.types().tagged(TagKind::Struct, "task_struct") {
            Some(task) if is_followed(checker, &task) => task.pointer(Space::Typed),
            Some(task) => task.pointer(Space::Kernel),
            None => UINT64,
        };
        Some(Call::expr(self, ty, span, Vec::new(), Extra::None))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, _: &Call, ty: &Type, _: Option<Address>) -> Operand {
        let helper = match ty {
            Type::Pointer(_, Space::Typed) => Helper::GET_CURRENT_TASK_BTF,
            _ => Helper::GET_CURRENT_TASK,
        };
        Operand::Scalar(lowerer.call(helper, &[]))
    }
}

/// Whether the verifier knows what the task's fields are: by the kernel's own description of it, not by one of the script.
fn is_followed(checker: &Checker<'_>, task: &Type) -> bool {
    let Type::Struct(reference) = task else { return false };
    checker.kernel().features().current_task_btf && matches!(reference.origin, StructOrigin::Btf(_))
}
