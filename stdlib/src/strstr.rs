//! `strstr(haystack, needle)` and `strcontains(haystack, needle)`.

use crate::str::string_like;
use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::{Expr, ExprKind};
use lancet_compiler::ir::Address;
use lancet_compiler::lower::{LONGEST_SEARCHED, Lowerer, can_search};
use lancet_compiler::types::{INT64, Type};
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;

/// A search, by what it tells.
pub(crate) struct Search {
    signature: Signature,
    tells_place: bool,
}

pub(crate) static STRSTR: Search = Search {
    signature: Signature {
        name: "strstr",
        aliases: &[],
        min: 2,
        max: 2,
        usage: "strstr(haystack, needle)",
        summary: "Where a string first occurs in another, in bytes from 0; -1 when it does not.",
        is_unsafe: false,
    },
    tells_place: true,
};

pub(crate) static STRCONTAINS: Search = Search {
    signature: Signature {
        name: "strcontains",
        aliases: &[],
        min: 2,
        max: 2,
        usage: "strcontains(haystack, needle)",
        summary: "Whether a string occurs in another.",
        is_unsafe: false,
    },
    tells_place: false,
};

impl Builtin for Search {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let name = self.signature.name;
        let haystack = string_like(checker, &arguments[0], name);
        let needle = string_like(checker, &arguments[1], name);
        let (haystack, needle) = (haystack?, needle?);
        let (Type::String(size), Type::String(most)) = (&haystack.ty, &needle.ty) else { return None };
        let known = matches!(needle.kind, ExprKind::String(_));
        let any_length = checker.kernel().features().bpf_loop;
        let possible = if known { any_length || *size <= LONGEST_SEARCHED } else { can_search(*size, *most) };
        if !possible {
            let message = format!("{name}() cannot look through {size} bytes for a string of up to {most}");
            let help = format!("bound both: str(x, 256); a literal may be looked for in {LONGEST_SEARCHED} bytes");
            checker.report(Diagnostic::error(Code::TooLarge, span, message).help(help));
            return None;
        }
        let ty = if self.tells_place { INT64 } else { Type::Bool };
        Some(Call::expr(self, ty, span, vec![haystack, needle], Extra::None))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, _: &Type, _: Option<Address>) -> Operand {
        let (haystack, needle) = (&call.arguments[0], &call.arguments[1]);
        Operand::Scalar(if self.tells_place {
            lowerer.find_string(haystack, needle)
        } else {
            lowerer.contains_string(haystack, needle)
        })
    }
}
