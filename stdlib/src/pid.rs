//! `pid` and `tid`, and both with the namespace said: `pid(init)`, `tid(curr_ns)`.

use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::Expr;
use lancet_compiler::ir::{Address, Value};
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::{Type, UINT32};
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::span::Span;

/// The number of the process or of the thread.
pub(crate) struct Id {
    signature: Signature,
    /// As this tool's pid namespace sees it.
    own: fn(&mut Lowerer<'_>) -> Value,
    /// As the initial pid namespace sees it.
    initial: fn(&mut Lowerer<'_>) -> Value,
}

pub(crate) static PID: Id = Id {
    signature: Signature {
        name: "pid",
        aliases: &[],
        min: 0,
        max: 1,
        usage: "pid or pid(curr_ns | init)",
        summary: "Process id of the current process, as this tool's pid namespace sees it, or as the initial one does.",
        is_unsafe: false,
    },
    own: |lowerer| lowerer.process_id(),
    initial: |lowerer| lowerer.initial_process_id(),
};

pub(crate) static TID: Id = Id {
    signature: Signature {
        name: "tid",
        aliases: &[],
        min: 0,
        max: 1,
        usage: "tid or tid(curr_ns | init)",
        summary: "Thread id of the current thread, as this tool's pid namespace sees it, or as the initial one does.",
        is_unsafe: false,
    },
    own: |lowerer| lowerer.thread_id(),
    initial: |lowerer| lowerer.initial_thread_id(),
};

impl Builtin for Id {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let initial = match arguments.first() {
            None => false,
            Some(ast::Argument::Expr(ast::Expr { kind: ast::ExprKind::Identifier(name), .. })) if name == "curr_ns" => {
                false
            }
            Some(ast::Argument::Expr(ast::Expr { kind: ast::ExprKind::Identifier(name), .. })) if name == "init" => {
                true
            }
            Some(_) => {
                let message = format!("{}() takes a pid namespace: curr_ns or init", self.signature.name);
                checker.error(Code::BadArgument, span, message);
                return None;
            }
        };
        Some(Call::expr(self, UINT32, span, Vec::new(), Extra::Number(i64::from(initial))))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, _: &Type, _: Option<Address>) -> Operand {
        let read = if call.extra == Extra::Number(1) { self.initial } else { self.own };
        Operand::Scalar(read(lowerer))
    }
}
