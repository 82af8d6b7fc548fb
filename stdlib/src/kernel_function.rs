//! `kfunc_exist(name)` and `kfunc_allowed(name)`: what functions the kernel has for programs.

use lancet_compiler::builtin::{Builtin, Call, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::Expr;
use lancet_compiler::ir::Address;
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::Type;
use lancet_kernel::btf::NameKind;
use lancet_syntax::ast;
use lancet_syntax::span::Span;

/// A question about a function of the kernel.
pub(crate) struct Question {
    signature: Signature,
    answer: fn(&mut Checker<'_>, &str) -> bool,
}

const fn signature(name: &'static str, usage: &'static str, summary: &'static str) -> Signature {
    Signature { name, aliases: &[], min: 1, max: 1, usage, summary, is_unsafe: false }
}

pub(crate) static ALL: &[Question] = &[
    Question {
        signature: signature(
            "kfunc_exist",
            "kfunc_exist(\"name\")",
            "True when the kernel has a function of that name.",
        ),
        answer: |checker, name| exists(checker, name),
    },
    Question {
        signature: signature(
            "kfunc_allowed",
            "kfunc_allowed(\"name\")",
            "True when the kernel lets this kind of probe call its function of that name.",
        ),
        answer: |checker, name| may_call(checker, name),
    },
];

impl Builtin for Question {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let name = checker.text_argument(&arguments[0], &format!("the name in {}()", self.signature.name))?;
        let answer = (self.answer)(checker, &name);
        Some(checker.constant(i64::from(answer), Type::Bool, span))
    }

    fn lower(&self, _: &mut Lowerer<'_>, _: &Call, _: &Type, _: Option<Address>) -> Operand {
        unreachable!("{}() is a constant", self.signature.name)
    }
}

fn exists(checker: &Checker<'_>, name: &str) -> bool {
    function_id(checker, name).is_some()
}

/// The number of a function in the kernel's BTF.
pub(crate) fn function_id(checker: &Checker<'_>, name: &str) -> Option<u32> {
    Some(checker.kernel().btf()?.find(name, NameKind::Function)?.0)
}

/// Whether the probe that is checked may call a function of the kernel.
pub(crate) fn may_call(checker: &mut Checker<'_>, name: &str) -> bool {
    checker.facts().looks_at_arguments = true;
    let section = checker.facts().expansion.section();
    checker.kernel().features().kfuncs && exists(checker, name) && checker.kernel().may_call(name, section)
}
