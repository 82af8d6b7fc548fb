//! Numbers that print as something else: users and control groups.

use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::Expr;
use lancet_compiler::ir::Address;
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::Type;
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::span::Span;

pub(crate) struct Username;
pub(crate) struct CgroupPath;

static USERNAME: Signature = Signature {
    name: "username",
    aliases: &[],
    min: 0,
    max: 0,
    usage: "username",
    summary: "The name of the current process's user.",
    is_unsafe: false,
};

static CGROUP_PATH: Signature = Signature {
    name: "cgroup_path",
    aliases: &[],
    min: 1,
    max: 2,
    usage: "cgroup_path(id[, filter])",
    summary: "A cgroup id that prints as its path, in the hierarchies whose name matches the filter.",
    is_unsafe: false,
};

impl Builtin for Username {
    fn signature(&'static self) -> &'static Signature {
        &USERNAME
    }

    fn check<'a>(&'static self, _: &mut Checker<'a>, _: &'a [ast::Argument], span: Span) -> Option<Expr> {
        Some(Call::expr(self, Type::Username, span, Vec::new(), Extra::None))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, _: &Call, _: &Type, _: Option<Address>) -> Operand {
        Operand::Scalar(crate::reader::user_id(lowerer))
    }
}

impl Builtin for CgroupPath {
    fn signature(&'static self) -> &'static Signature {
        &CGROUP_PATH
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let id = checker.integer_argument(&arguments[0], "the id of cgroup_path()")?;
        let filter = match arguments.get(1) {
            Some(filter) => checker.text_argument(filter, "the filter of cgroup_path()")?,
            None => String::new(),
        };
        if filter.len() > 4096 {
            checker.error(Code::TooLarge, span, "the filter of cgroup_path() is too long");
            return None;
        }
        Some(Call::expr(self, Type::CgroupPath(filter.into()), span, vec![id], Extra::None))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, _: &Type, _: Option<Address>) -> Operand {
        Operand::Scalar(lowerer.scalar(&call.arguments[0]))
    }
}
