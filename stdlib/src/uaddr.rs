//! `uaddr("symbol")`: where a function or variable of the traced program is in the process that the probe fires in.
//!
//! The kernel puts a program anywhere, but moves it as a whole: the distance from the probe's own instruction stays.

use crate::probe::TELLS_RETURNING;
use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::calling_convention::{INSTRUCTION_POINTER, register};
use lancet_compiler::check::{Checker, ProgramAddress};
use lancet_compiler::hir::{Expr, ExprKind};
use lancet_compiler::ir::{Address, Helper};
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::{INT64, Space, Type};
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;

pub(crate) struct Uaddr;

static UADDR: Signature = Signature {
    name: "uaddr",
    aliases: &[],
    min: 1,
    max: 1,
    usage: "uaddr(\"symbol\")",
    summary: "The address of a function or variable of the traced program: a pointer to an integer of the variable's size if \
              that is 1, 2, 4 or 8, else to int64.",
    is_unsafe: false,
};

impl Builtin for Uaddr {
    fn signature(&'static self) -> &'static Signature {
        &UADDR
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let name = checker.text_argument(&arguments[0], "the argument of uaddr()")?;
        let symbol = checker.program_symbol(&name, span)?;
        let size = if matches!(symbol.size, 1 | 2 | 4) { symbol.size as u8 } else { 8 };
        let ty = Type::Int { size, signed: true }.pointer(Space::User);
        match symbol.address {
            ProgramAddress::Fixed(address) => {
                let constant = checker.constant(address as i64, INT64, span);
                Some(Expr { span, ty, kind: constant.kind })
            }
            ProgramAddress::FromInstruction(distance) => {
                let instruction = register(INSTRUCTION_POINTER, span);
                let instruction = Box::new(Expr { span, ty: ty.clone(), kind: instruction.kind });
                let distance = Box::new(checker.constant(distance, INT64, span));
                Some(Expr { span, ty, kind: ExprKind::PointerOffset(instruction, distance) })
            }
            ProgramAddress::FromFunction(_)
                if checker.kernel().version() < TELLS_RETURNING && !checker.kernel().features().uprobe_multi =>
            {
                let message = format!(
                    "uaddr(): this kernel does not tell where a function that returns started ({TELLS_RETURNING} does)"
                );
                let help = "keep it at the function's entry: @address[tid] = uaddr(…)";
                checker.report(Diagnostic::error(Code::NotOnThisKernel, span, message).help(help));
                None
            }
            ProgramAddress::FromFunction(distance) => {
                Some(Call::expr(self, ty, span, Vec::new(), Extra::Number(distance)))
            }
        }
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, _: &Type, _: Option<Address>) -> Operand {
        let Extra::Number(distance) = call.extra else { return Operand::Void };
        let context = lowerer.context();
        let function = lowerer.call(Helper::GET_FUNC_IP, &[context]);
        Operand::Scalar(lowerer.add_constant(function, distance))
    }
}
