//! `clear(@m)` and `zero(@m)`: done by the runtime, in the order of the events.

use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::Expr;
use lancet_compiler::ir::Address;
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::Type;
use lancet_manifest::Action;
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;

pub(crate) struct Clear;
pub(crate) struct Zero;

static CLEAR: Signature = Signature {
    name: "clear",
    aliases: &[],
    min: 1,
    max: 1,
    usage: "clear(@map)",
    summary: "Removes all elements of a map.",
    is_unsafe: false,
};

static ZERO: Signature = Signature {
    name: "zero",
    aliases: &[],
    min: 1,
    max: 1,
    usage: "zero(@map)",
    summary: "Sets all values of a map to zero and keeps its keys.",
    is_unsafe: false,
};

impl Builtin for Clear {
    fn signature(&'static self) -> &'static Signature {
        &CLEAR
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        whole_map(self, "clear", checker, arguments, span)
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, _: &Type, _: Option<Address>) -> Operand {
        if let Extra::Map(map) = call.extra {
            lowerer.emit(Action::ClearMap { map: map.0 }, &[]);
        }
        Operand::Void
    }

    fn has_effect(&self) -> bool {
        true
    }
}

impl Builtin for Zero {
    fn signature(&'static self) -> &'static Signature {
        &ZERO
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        whole_map(self, "zero", checker, arguments, span)
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, _: &Type, _: Option<Address>) -> Operand {
        if let Extra::Map(map) = call.extra {
            lowerer.emit(Action::ZeroMap { map: map.0 }, &[]);
        }
        Operand::Void
    }

    fn has_effect(&self) -> bool {
        true
    }
}

fn whole_map<'a>(
    builtin: &'static dyn Builtin,
    name: &str,
    checker: &mut Checker<'a>,
    arguments: &'a [ast::Argument],
    span: Span,
) -> Option<Expr> {
    let map = checker.map_argument(&arguments[0])?;
    if map.key.is_some() {
        let message = format!("{name}() takes a whole map, not an element");
        checker.report(
            Diagnostic::error(Code::BadArgument, map.span, message)
                .help(format!("write {name}(@{}), or delete(@{}, key) for one element", map.name, map.name)),
        );
        return None;
    }
    Some(Call::expr(builtin, Type::Void, span, Vec::new(), Extra::Map(map.index)))
}
