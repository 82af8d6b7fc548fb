//! `join(array[, delimiter])`: the strings of a NULL-terminated array of pointers, such as argv.

use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::Expr;
use lancet_compiler::ir::Address;
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::Type;
use lancet_syntax::ast;
use lancet_syntax::span::Span;

pub(crate) struct Join;

/// As many strings, and as many bytes of each, as bpftrace takes.
const STRINGS: u32 = 16;
const STRING_SIZE: u32 = 1024;

static SIGNATURE: Signature = Signature {
    name: "join",
    aliases: &[],
    min: 1,
    max: 2,
    usage: "join(array[, delimiter])",
    summary: "Prints the strings of an array of pointers that ends with a null pointer, such as argv: at most 16 of 1023 bytes.",
    is_unsafe: false,
};

impl Builtin for Join {
    fn signature(&'static self) -> &'static Signature {
        &SIGNATURE
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let array = checker.integer_argument(&arguments[0], "the array of join()");
        let delimiter = match arguments.get(1) {
            Some(delimiter) => checker.text_argument(delimiter, "the delimiter of join()")?,
            None => " ".to_owned(),
        };
        Some(Call::expr(self, Type::Void, span, vec![array?], Extra::Text(delimiter)))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, _: &Type, _: Option<Address>) -> Operand {
        let Extra::Text(delimiter) = &call.extra else { return Operand::Void };
        let array = lowerer.scalar(&call.arguments[0]);
        lowerer.emit_strings(delimiter, STRINGS, STRING_SIZE, array);
        Operand::Void
    }

    fn has_effect(&self) -> bool {
        true
    }
}
