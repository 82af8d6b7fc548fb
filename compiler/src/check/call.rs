//! Calls of builtins: the number of arguments, permissions, then the builtin's own rules.

use super::Checker;
use crate::builtin::Builtin;
use crate::hir::Expr;
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;

impl<'a> Checker<'a> {
    /// `name(arguments)`: a macro of the script, or a builtin.
    pub(super) fn call(&mut self, function: &'a ast::Name, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let name = function.text.as_str();
        if self.macros.contains_key(name) {
            return self.expand_macro(name, arguments, span);
        }
        if let Some(builtin) = self.environment.builtins.get(name) {
            return self.builtin(builtin, arguments, span);
        }
        let known = self.known_names();
        let mut diagnostic =
            Diagnostic::error(Code::UnknownFunction, function.span, format!("there is no function {name}"));
        if let Some(nearest) = lancet_kernel::nearest(name, known) {
            diagnostic = diagnostic.help(format!("did you mean {nearest}?"));
        }
        self.report(diagnostic);
        for argument in arguments {
            if let ast::Argument::Expr(argument) = argument {
                let _ = self.expression(argument);
            }
        }
        None
    }

    pub(super) fn builtin(
        &mut self,
        builtin: &'static dyn Builtin,
        arguments: &'a [ast::Argument],
        span: Span,
    ) -> Option<Expr> {
        self.check_argument_count(builtin, arguments, span)?;
        let signature = builtin.signature();
        if signature.is_unsafe && !self.settings().allow_unsafe {
            let message = format!("{}() is unsafe: it changes the system that is traced", signature.name);
            self.report(Diagnostic::error(Code::UnsafeFunction, span, message).help("allow it with --unsafe"));
            return None;
        }
        if let Some(aggregation) = builtin.aggregation() {
            let _ = aggregation;
            let message = format!("{}() must be assigned to a map", signature.name);
            self.report(
                Diagnostic::error(Code::BadAggregation, span, message).help(format!("write {}", signature.usage)),
            );
            return None;
        }
        builtin.check(self, arguments, span)
    }

    pub(super) fn check_argument_count(
        &mut self,
        builtin: &'static dyn Builtin,
        arguments: &[ast::Argument],
        span: Span,
    ) -> Option<()> {
        let signature = builtin.signature();
        let given = arguments.len();
        if (signature.min..=signature.max).contains(&given) {
            return Some(());
        }
        let wanted = match (signature.min, signature.max) {
            (0, 0) => "no arguments".to_owned(),
            (1, 1) => "one argument".to_owned(),
            (min, max) if min == max => format!("{min} arguments"),
            (min, usize::MAX) => format!("at least {min} argument{}", if min == 1 { "" } else { "s" }),
            (min, max) => format!("{min} to {max} arguments"),
        };
        let message = format!("{}() takes {wanted}, not {given}", signature.name);
        self.report(
            Diagnostic::error(Code::BadArgumentCount, span, message).help(format!("usage: {}", signature.usage)),
        );
        None
    }

    /// Names that can be called.
    pub(super) fn known_names(&self) -> impl Iterator<Item = &str> {
        let builtins = self.environment.builtins.names().map(|name| name as &str);
        let library = self.environment.library.iter().flat_map(|file| file.macros).copied();
        builtins.chain(self.macros.keys().map(|name| *name as &str)).chain(library)
    }

    /// An argument as a value; reports types.
    pub fn argument(&mut self, argument: &'a ast::Argument) -> Option<Expr> {
        match argument {
            ast::Argument::Expr(expr) => self.value(expr),
            ast::Argument::Type(ty) => {
                self.error(Code::BadArgument, ty.span, "a value is wanted here, not a type");
                None
            }
        }
    }
}
