//! `probe`, `probetype` and `func`: what fired.

use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::check::calling_convention::INSTRUCTION_POINTER;
use lancet_compiler::hir::ContextKind;
use lancet_compiler::hir::Expr;
use lancet_compiler::ir::Address;
use lancet_compiler::lower::Lowerer;
use lancet_compiler::probe::Arguments;
use lancet_compiler::types::Space;
use lancet_compiler::types::Type;
use lancet_kernel::Version;
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;

pub(crate) struct Probe;
pub(crate) struct ProbeType;
pub(crate) struct Func;

/// bpf_get_func_ip tells in return probes of programs, whatever they are attached with.
pub(crate) const TELLS_RETURNING: Version = Version::new(6, 7);

const fn signature(name: &'static str, summary: &'static str) -> Signature {
    Signature { name, aliases: &[], min: 0, max: 0, usage: name, summary, is_unsafe: false }
}

static PROBE: Signature = signature("probe", "The full name of the probe that fired.");
static PROBE_TYPE: Signature =
    signature("probetype", "The type of the probe that fired, such as kprobe; special for begin and end.");
static FUNC: Signature = signature("func", "The name of the traced function.");

impl Builtin for Probe {
    fn signature(&'static self) -> &'static Signature {
        &PROBE
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, _: &'a [ast::Argument], span: Span) -> Option<Expr> {
        if let Some(name) = checker.probe_text() {
            return Some(checker.string(name.as_bytes(), span));
        }
        checker.facts().looks_at_probe = true;
        Some(Call::expr(self, Type::ProbeName, span, Vec::new(), Extra::None))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, _: &Call, _: &Type, _: Option<Address>) -> Operand {
        Operand::Scalar(lowerer.probe_index())
    }
}

impl Builtin for ProbeType {
    fn signature(&'static self) -> &'static Signature {
        &PROBE_TYPE
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, _: &'a [ast::Argument], span: Span) -> Option<Expr> {
        checker.facts().looks_at_arguments = true;
        let provider = checker.facts().provider().to_owned();
        Some(checker.string(provider.as_bytes(), span))
    }

    fn lower(&self, _: &mut Lowerer<'_>, _: &Call, _: &Type, _: Option<Address>) -> Operand {
        unreachable!("probetype is a string literal")
    }
}

impl Builtin for Func {
    fn signature(&'static self) -> &'static Signature {
        &FUNC
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, _: &'a [ast::Argument], span: Span) -> Option<Expr> {
        checker.facts().looks_at_arguments = true;
        let tells_address = checker.kernel().features().func_ip;
        let facts = checker.facts();
        let is_function = match facts.context {
            ContextKind::Registers => match facts.expansion.arguments {
                Arguments::Return if facts.default_space != Space::User && !tells_address => {
                    return Some(known_function(checker, span));
                }
                Arguments::Entry | Arguments::Return => true,
                // In the kernel or in a program: the types differ.
                Arguments::Unknown => return None,
                _ => false,
            },
            ContextKind::TypedArguments if !tells_address => return Some(known_function(checker, span)),
            ContextKind::TypedArguments => true,
            _ => false,
        };
        if !is_function {
            let provider = checker.facts().provider().to_owned();
            let message = format!("func: a {provider} probe is in no function");
            checker.report(Diagnostic::error(Code::NotHere, span, message).help("use probe for the probe's name"));
            return None;
        }
        if checker.facts().default_space == Space::User {
            return user_function(self, checker, span);
        }
        Some(Call::expr(self, Type::KernelSymbol, span, Vec::new(), Extra::None))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, ty: &Type, into: Option<Address>) -> Operand {
        let address = match call.extra {
            Extra::Number(offset) => {
                let context = lowerer.context();
                lowerer.load8(Address::Pointer(context, offset as i32))
            }
            _ => lowerer.function_address(),
        };
        if *ty == Type::KernelSymbol {
            return Operand::Scalar(address);
        }
        Operand::Memory(crate::symbol::user_symbol(lowerer, address, into))
    }
}

/// The function of a probe in a program: at its start the instruction pointer is there; of one that returns the kernel tells
/// the start, if it can.
fn user_function(func: &'static Func, checker: &mut Checker<'_>, span: Span) -> Option<Expr> {
    let extra = match checker.facts().expansion.arguments {
        Arguments::Return => {
            let kernel = checker.kernel();
            if kernel.version() < TELLS_RETURNING && !kernel.features().uprobe_multi {
                let message =
                    format!("func: this kernel does not tell which function returns (Linux {TELLS_RETURNING} does)");
                checker.report(
                    Diagnostic::error(Code::NotOnThisKernel, span, message).help("use probe for the probe's name"),
                );
                return None;
            }
            Extra::None
        }
        _ => Extra::Number(INSTRUCTION_POINTER),
    };
    Some(Call::expr(func, Type::UserSymbol, span, Vec::new(), extra))
}

/// The function of a program that is attached to one only, for kernels that do not tell programs.
fn known_function(checker: &mut Checker<'_>, span: Span) -> Expr {
    let name = checker.facts().expansion.attach_points.first().map(|point| point.name.clone()).unwrap_or_default();
    let function = name.rsplit(':').next().unwrap_or_default();
    let address = checker.kernel().symbol_address(function).unwrap_or(0);
    checker.constant(address as i64, Type::KernelSymbol, span)
}
