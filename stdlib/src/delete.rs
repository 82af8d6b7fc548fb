//! `delete(@m, key)`, and the old `delete(@m[key])`.

use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::Expr;
use lancet_compiler::ir::Address;
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::Type;
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;

pub(crate) struct Delete;

static SIGNATURE: Signature = Signature {
    name: "delete",
    aliases: &[],
    min: 1,
    max: 2,
    usage: "delete(@map, key)",
    summary: "Removes an element at once; true when it was there.",
    is_unsafe: false,
};

impl Builtin for Delete {
    fn signature(&'static self) -> &'static Signature {
        &SIGNATURE
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let map = checker.map_argument(&arguments[0])?;
        let key = match (arguments.get(1), map.key) {
            (Some(_), Some(_)) => {
                checker.error(Code::BadArgument, span, "delete() takes the key once: delete(@map, key)");
                return None;
            }
            (Some(key), None) => {
                let key = checker.argument(key)?;
                Some(checker.map_key(&map.name, key)?)
            }
            (None, Some(key)) => {
                let note = Diagnostic::note(Code::OldSpelling, span, "delete(@map[key]) is an old spelling");
                checker.report(note.help(format!("write delete(@{}, key)", map.name)));
                Some(key)
            }
            (None, None) => None,
        };
        if key.is_none() {
            let keyed = checker.map_by_index(map.index).and_then(|(_, facts)| facts.key.clone()).flatten().is_some();
            if keyed {
                let message = format!("@{} has keys: which element is to be deleted?", map.name);
                let help = format!("write delete(@{}, key); clear(@{}) removes all elements", map.name, map.name);
                checker.report(Diagnostic::error(Code::BadKey, span, message).help(help));
                return None;
            }
        }
        Some(Call::expr(self, Type::Bool, span, key.into_iter().collect(), Extra::Map(map.index)))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, _: &Type, _: Option<Address>) -> Operand {
        let Extra::Map(map) = call.extra else { return Operand::Void };
        let deleted = lowerer.delete(map, call.arguments.first());
        if call.discarded {
            lowerer.unless(deleted, |lowerer| lowerer.absent_deleted(map, call.span));
        }
        Operand::Scalar(deleted)
    }

    fn has_effect(&self) -> bool {
        true
    }
}
