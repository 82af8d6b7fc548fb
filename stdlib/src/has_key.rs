//! `has_key(@m, key)`.

use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::Expr;
use lancet_compiler::ir::Address;
use lancet_compiler::ir::Comparison;
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::Type;
use lancet_syntax::ast;
use lancet_syntax::span::Span;

pub(crate) struct HasKey;

static SIGNATURE: Signature = Signature {
    name: "has_key",
    aliases: &[],
    min: 2,
    max: 2,
    usage: "has_key(@map, key)",
    summary: "True when the map has an element with that key.",
    is_unsafe: false,
};

impl Builtin for HasKey {
    fn signature(&'static self) -> &'static Signature {
        &SIGNATURE
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let map = checker.map_argument(&arguments[0])?;
        let key = checker.argument(&arguments[1])?;
        let key = checker.map_key(&map.name, key)?;
        Some(Call::expr(self, Type::Bool, span, vec![key], Extra::Map(map.index)))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, _: &Type, _: Option<Address>) -> Operand {
        let Extra::Map(map) = call.extra else { return Operand::Void };
        let element = lowerer.map_pointer(map, call.arguments.first());
        let zero = lowerer.constant(0);
        let found = lowerer.compare(Comparison::NotEqual, element, zero);
        Operand::Scalar(lowerer.choose(found, |lowerer| lowerer.constant(1), |lowerer| lowerer.constant(0)))
    }
}
