//! `exit([code])`.

use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::Expr;
use lancet_compiler::ir::Address;
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::Type;
use lancet_syntax::ast;
use lancet_syntax::span::Span;

pub(crate) struct Exit;

static SIGNATURE: Signature = Signature {
    name: "exit",
    aliases: &[],
    min: 0,
    max: 1,
    usage: "exit([code])",
    summary: "Ends tracing: leaves the probe, runs end, prints the maps; the code (modulo 256) becomes the exit status.",
    is_unsafe: false,
};

impl Builtin for Exit {
    fn signature(&'static self) -> &'static Signature {
        &SIGNATURE
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let code = match arguments.first() {
            Some(code) => checker.integer_argument(code, "the exit code")?,
            None => checker.integer(0, span),
        };
        Some(Call::expr(self, Type::Void, span, vec![code], Extra::None))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, _: &Type, _: Option<Address>) -> Operand {
        let code = lowerer.scalar(&call.arguments[0]);
        lowerer.emit_exit(code);
        lowerer.return_from_probe();
        Operand::Void
    }

    fn has_effect(&self) -> bool {
        true
    }
}
