//! `usermode`: whether the probe interrupted a program or the kernel.

use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::{ContextKind, Expr};
use lancet_compiler::ir::{Address, BinaryOp, Comparison};
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::Type;
use lancet_compiler::types::UINT8;
use lancet_manifest::Target;
use lancet_syntax::ast;
use lancet_syntax::span::Span;

pub(crate) struct Usermode;

static SIGNATURE: Signature = Signature {
    name: "usermode",
    aliases: &[],
    min: 0,
    max: 0,
    usage: "usermode",
    summary: "1 when the probe interrupted a program, 0 when it interrupted the kernel.",
    is_unsafe: false,
};

/// The code segment in struct pt_regs, and its bits for the privilege level: 3 is that of programs.
const CODE_SEGMENT: i32 = 136;
const PRIVILEGE_LEVEL: i64 = 3;

impl Builtin for Usermode {
    fn signature(&'static self) -> &'static Signature {
        &SIGNATURE
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, _: &'a [ast::Argument], span: Span) -> Option<Expr> {
        // begin and end run in this tool, which is a program.
        let mut targets = checker.facts().expansion.attach_points.iter().map(|point| &point.target);
        if targets.any(|target| matches!(target, Target::Begin | Target::End)) {
            return Some(checker.constant(1, UINT8, span));
        }
        // Other probes are code of the kernel that calls the program.
        if !matches!(checker.facts().context, ContextKind::Registers | ContextKind::PerfEvent) {
            return Some(checker.constant(0, UINT8, span));
        }
        Some(Call::expr(self, UINT8, span, Vec::new(), Extra::None))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, _: &Call, _: &Type, _: Option<Address>) -> Operand {
        let context = lowerer.context();
        let segment = lowerer.load8(Address::Pointer(context, CODE_SEGMENT));
        let mask = lowerer.constant(PRIVILEGE_LEVEL);
        let level = lowerer.binary(BinaryOp::And, segment, mask);
        Operand::Scalar(lowerer.compare(Comparison::Equal, level, mask))
    }
}
