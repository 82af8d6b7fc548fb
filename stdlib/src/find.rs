//! `find(@m, key, $v)`: one look-up that tells and gives.

use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::Expr;
use lancet_compiler::hir::{ExprKind, MapContent, Place};
use lancet_compiler::ir::Address;
use lancet_compiler::ir::Comparison;
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::Type;
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::span::Span;

pub(crate) struct Find;

static SIGNATURE: Signature = Signature {
    name: "find",
    aliases: &[],
    min: 3,
    max: 3,
    usage: "find(@map, key, $variable)",
    summary: "True when the map has the key; then the variable gets its value.",
    is_unsafe: false,
};

impl Builtin for Find {
    fn signature(&'static self) -> &'static Signature {
        &SIGNATURE
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let map = checker.map_argument(&arguments[0])?;
        let key = checker.argument(&arguments[1])?;
        let key = checker.map_key(&map.name, key)?;
        let Some(MapContent::Plain(ty)) = checker.map_content(&map) else {
            return None;
        };
        let Some((local, ty)) = checker.variable_argument(&arguments[2], &ty) else {
            checker.error(Code::BadArgument, span, "find() puts the value into a variable: find(@map, key, $variable)");
            return None;
        };
        let variable = Expr { span, ty, kind: ExprKind::Local(local) };
        Some(Call::expr(self, Type::Bool, span, vec![key, variable], Extra::Map(map.index)))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, _: &Type, _: Option<Address>) -> Operand {
        let (Extra::Map(map), ExprKind::Local(local)) = (&call.extra, &call.arguments[1].kind) else {
            return Operand::Void;
        };
        let element = lowerer.map_pointer(*map, Some(&call.arguments[0]));
        let zero = lowerer.constant(0);
        let found = lowerer.compare(Comparison::NotEqual, element, zero);
        let place = Place::Local(*local);
        Operand::Scalar(lowerer.choose(
            found,
            |lowerer| {
                lowerer.assign_from_element(&place, *map, element);
                lowerer.constant(1)
            },
            |lowerer| lowerer.constant(0),
        ))
    }

    fn has_effect(&self) -> bool {
        true
    }
}
