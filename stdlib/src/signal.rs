//! `signal(s)` and `signal_thread(s)`: a signal for the process or the thread that is traced.

use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::{Expr, ExprKind};
use lancet_compiler::ir::{Address, Comparison, Helper};
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::Type;
use lancet_manifest::Action;
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;

/// To the process or to the thread.
pub(crate) struct Signal {
    signature: Signature,
    helper: Helper,
}

pub(crate) static SIGNAL: Signal = Signal {
    signature: Signature {
        name: "signal",
        aliases: &[],
        min: 1,
        max: 1,
        usage: "signal(\"NAME\" or number)",
        summary: "Sends a signal to the current process (any of its threads).",
        is_unsafe: true,
    },
    helper: Helper::SEND_SIGNAL,
};

pub(crate) static SIGNAL_THREAD: Signal = Signal {
    signature: Signature {
        name: "signal_thread",
        aliases: &[],
        min: 1,
        max: 1,
        usage: "signal_thread(\"NAME\" or number)",
        summary: "Sends a signal to the current thread.",
        is_unsafe: true,
    },
    helper: Helper::SEND_SIGNAL_THREAD,
};

/// Signal numbers of x86-64 and most other architectures (include/uapi/asm-generic/signal.h), from 1 on.
const NAMES: [&str; 31] = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM",
    "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO",
    "PWR", "SYS",
];
/// Second names.
const MORE_NAMES: [(&str, i64); 5] = [("IOT", 6), ("CLD", 17), ("POLL", 29), ("RTMIN", 34), ("RTMAX", 64)];
const LAST: i64 = 64;

impl Builtin for Signal {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        checker.facts().looks_at_arguments = true;
        let name = self.signature.name;
        let provider = checker.facts().provider().to_owned();
        // Nothing that runs for the tool itself or on its behalf: the signal would hit whoever happens to be current.
        if matches!(provider.as_str(), "special" | "self" | "interval" | "iter") {
            let provider = checker.facts().written_provider().to_owned();
            let message = format!("{name}(): a {provider} probe belongs to no process");
            let help = "use it where a process runs: uprobe, tracepoint, kprobe, fentry, profile";
            checker.report(Diagnostic::error(Code::NotHere, span, message).help(help));
            return None;
        }
        let signal = checker.argument(&arguments[0])?;
        let number = match (&signal.ty, &signal.kind) {
            (Type::String(_), ExprKind::String(bytes)) => {
                let text = String::from_utf8_lossy(&bytes[..bytes.len() - 1]).into_owned();
                let Some(number) = number_of(&text) else {
                    let message = format!("{name}(): there is no signal {text}");
                    let diagnostic = Diagnostic::error(Code::BadArgument, signal.span, message);
                    checker.report(match lancet_kernel::nearest(&text, NAMES.map(|name| name)) {
                        Some(nearest) => diagnostic.help(format!("did you mean SIG{nearest}?")),
                        None => diagnostic.help("`kill -l` lists them"),
                    });
                    return None;
                };
                checker.integer(number, signal.span)
            }
            (ty, ExprKind::Constant(number)) if ty.is_integer() && !(1..=LAST).contains(number) => {
                let message = format!("{name}(): signals have the numbers 1 to {LAST}, not {number}");
                checker.error(Code::BadArgument, signal.span, message);
                return None;
            }
            (ty, _) if ty.is_integer() => signal,
            (ty, _) => {
                let message = format!("{name}() takes a signal's name in quotes or its number, not {ty}");
                checker.error(Code::BadArgument, signal.span, message);
                return None;
            }
        };
        Some(Call::expr(self, Type::Void, span, vec![number], Extra::None))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, _: &Type, _: Option<Address>) -> Operand {
        let number = lowerer.scalar(&call.arguments[0]);
        let helper = self.helper;
        let send = |lowerer: &mut Lowerer<'_>| {
            let result = lowerer.call(helper, &[number]);
            lowerer.report_failure(helper, result, call.span);
        };
        if matches!(call.arguments[0].kind, ExprKind::Constant(_)) {
            send(lowerer);
            return Operand::Void;
        }
        let location = lowerer.location(call.span);
        let message = format!("{}(): no signal has this number; they go from 1 to {LAST}", self.signature.name);
        let before = lowerer.add_constant(number, -1);
        let count = lowerer.constant(LAST);
        let exists = lowerer.compare(Comparison::UnsignedLess, before, count);
        lowerer.if_else(exists, send, |lowerer| lowerer.emit(Action::RuntimeError { message, location }, &[]));
        Operand::Void
    }

    fn has_effect(&self) -> bool {
        true
    }
}

/// The number of a signal by its name, with or without `SIG`.
fn number_of(name: &str) -> Option<i64> {
    let name = name.strip_prefix("SIG").unwrap_or(name);
    let usual = NAMES.iter().position(|known| *known == name).map(|index| index as i64 + 1);
    usual.or_else(|| MORE_NAMES.iter().find(|(known, _)| *known == name).map(|(_, number)| *number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_the_numbers_of_the_system() {
        let known = [("SIGHUP", 1), ("KILL", 9), ("SIGUSR1", 10), ("SIGTERM", 15), ("SIGSYS", 31), ("SIGRTMIN", 34)];
        for (name, number) in known {
            assert_eq!(number_of(name), Some(number), "{name}");
        }
        assert_eq!(number_of("SIGNOPE"), None);
    }
}
