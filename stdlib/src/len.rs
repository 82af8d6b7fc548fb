//! `len(@map)`, `len(stack)`.

use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::Expr;
use lancet_compiler::ir::Address;
use lancet_compiler::ir::{Instruction, MemorySize};
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::Type;
use lancet_compiler::types::{INT64, UINT32};
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;

pub(crate) struct Len;

static SIGNATURE: Signature = Signature {
    name: "len",
    aliases: &[],
    min: 1,
    max: 1,
    usage: "len(@map) or len(stack)",
    summary: "The number of elements of a map (kernel 5.13), or of frames of a stack trace.",
    is_unsafe: false,
};

impl Builtin for Len {
    fn signature(&'static self) -> &'static Signature {
        &SIGNATURE
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        if let ast::Argument::Expr(ast::Expr { kind: ast::ExprKind::Map(_), .. }) = &arguments[0] {
            let map = checker.map_argument(&arguments[0])?;
            if checker.map_key_type(&map) == Some(None) {
                let message = format!("len() needs a map with keys; @{} has none", map.name);
                checker.error(Code::BadArgument, map.span, message);
                return None;
            }
            if !checker.kernel().features().for_each_map_elem {
                let help = format!("this is {}", checker.kernel().version());
                let message = "len() of a map needs kernel 5.13";
                checker.report(Diagnostic::error(Code::NotOnThisKernel, span, message).help(help));
                return None;
            }
            return Some(Call::expr(self, INT64, span, Vec::new(), Extra::Map(map.index)));
        }
        let value = checker.argument(&arguments[0])?;
        match &value.ty {
            Type::KernelStack(_) | Type::UserStack(_) => Some(Call::expr(self, UINT32, span, vec![value], Extra::None)),
            Type::Array(_, count) => Some(checker.integer(i64::from(*count), span)),
            Type::Tuple(types) => Some(checker.integer(types.len() as i64, span)),
            ty => {
                checker.error(Code::BadArgument, value.span, format!("len() takes a map or a stack, not {ty}"));
                None
            }
        }
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, _: &Type, _: Option<Address>) -> Operand {
        if let Extra::Map(map) = call.extra {
            return Operand::Scalar(lowerer.map_length(map));
        }
        let stack = lowerer.memory(&call.arguments[0]);
        let address = lowerer.offset_address(stack, 8);
        Operand::Scalar(lowerer.value(Instruction::Load { address, size: MemorySize::B4, signed: false }))
    }
}
