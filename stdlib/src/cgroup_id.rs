//! `cgroupid(path)`: the id of a control group.

use lancet_compiler::builtin::{Builtin, Call, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::Expr;
use lancet_compiler::ir::Address;
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::{Type, UINT64};
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;
use std::path::Path;

pub(crate) struct CgroupId;

static SIGNATURE: Signature = Signature {
    name: "cgroupid",
    aliases: &[],
    min: 1,
    max: 1,
    usage: "cgroupid(\"path\")",
    summary: "The id of the control group (version 2) whose directory that is, to compare with cgroup.",
    is_unsafe: false,
};

impl Builtin for CgroupId {
    fn signature(&'static self) -> &'static Signature {
        &SIGNATURE
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let path = checker.text_argument(&arguments[0], "the path in cgroupid()")?;
        match checker.kernel().cgroup_id(Path::new(&path)) {
            Ok(id) => Some(checker.constant(id as i64, UINT64, span)),
            Err(reason) => {
                let message = format!("cgroupid: {}", reason.message());
                let help = "control groups of version 2 are mostly mounted at /sys/fs/cgroup";
                checker.report(Diagnostic::error(Code::BadArgument, span, message).help(help));
                None
            }
        }
    }

    fn lower(&self, _: &mut Lowerer<'_>, _: &Call, _: &Type, _: Option<Address>) -> Operand {
        unreachable!("cgroupid() is a constant")
    }
}
