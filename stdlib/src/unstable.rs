//! What is called unstable, as bpftrace calls it, so that scripts say that they want it: `config = { unstable_NAME = enable }`.

use lancet_compiler::check::Checker;
use lancet_compiler::settings::Unstable;
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;

/// Warns of a function or refuses it, as the script's setting has it.
pub(crate) fn is_allowed(checker: &mut Checker<'_>, name: &str, setting: Unstable, span: Span) -> Option<()> {
    let help = format!("say that it is meant: config = {{ unstable_{name} = enable }}");
    match setting {
        Unstable::Enable => Some(()),
        Unstable::Warn => {
            let message = format!("{name}() is unstable: what it prints may change");
            checker.report(Diagnostic::warning(Code::Suspicious, span, message).help(help));
            Some(())
        }
        Unstable::Error => {
            let message = format!("{name}() is switched off by unstable_{name}");
            checker.report(Diagnostic::error(Code::BadConfig, span, message).help(help));
            None
        }
    }
}
