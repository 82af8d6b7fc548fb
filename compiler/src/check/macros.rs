//! Macros: a call is replaced by the body, checked in a frame of its own, so that no name of the caller is seen by
//! accident; arguments are checked in the caller's frame wherever they are used.

use super::Checker;
use super::scope::{Frame, MacroArgument};
use crate::hir::Expr;
use lancet_syntax::ast::{self, Item, MacroParameter};
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;

impl<'a> Checker<'a> {
    pub(super) fn collect_macros(&mut self, program: &'a ast::Program) {
        for item in &program.items {
            let Item::Macro(definition) = item else { continue };
            self.parameters_differ(definition);
            let known = self.macros.entry(definition.name.text.as_str()).or_default();
            let arity = definition.parameters.len();
            match known.iter().find(|other| other.parameters.len() == arity) {
                Some(other) => {
                    let message = format!("macro {} with {arity} parameters is defined twice", definition.name.text);
                    let place = other.name.span;
                    self.lasting.push(
                        Diagnostic::error(Code::Duplicate, definition.name.span, message).label(place, "first here"),
                    );
                }
                None => known.push(definition),
            }
        }
    }

    fn parameters_differ(&mut self, definition: &ast::Macro) {
        let same = |a: &MacroParameter, b: &MacroParameter| {
            std::mem::discriminant(a) == std::mem::discriminant(b) && a.name().text == b.name().text
        };
        for (index, parameter) in definition.parameters.iter().enumerate() {
            if let Some(other) = definition.parameters[..index].iter().find(|other| same(other, parameter)) {
                let message = format!("macro {} has two parameters {}", definition.name.text, parameter.name().text);
                let place = other.name().span;
                self.lasting.push(
                    Diagnostic::error(Code::Duplicate, parameter.name().span, message).label(place, "first here"),
                );
            }
        }
    }

    pub(super) fn expand_macro(&mut self, name: &str, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let candidates = self.macros.get(name)?.clone();
        let Some(definition) = candidates.iter().find(|found| found.parameters.len() == arguments.len()).copied()
        else {
            let wanted: Vec<String> = candidates.iter().map(|found| found.parameters.len().to_string()).collect();
            let noun = if wanted == ["1"] { "argument" } else { "arguments" };
            let message = format!("macro {name} takes {} {noun}, not {}", wanted.join(" or "), arguments.len());
            let place = candidates[0].name.span;
            self.report(Diagnostic::error(Code::BadMacroCall, span, message).label(place, "defined here"));
            return None;
        };
        if self.is_expanding(definition) {
            let message = format!("macro {name} calls itself");
            self.report(
                Diagnostic::error(Code::Recursion, span, message)
                    .help("a macro is replaced by its body: it cannot recur"),
            );
            return None;
        }
        let mut frame = Frame { caller: self.frame, call: span, expands: Some(definition), ..Frame::default() };
        for (parameter, argument) in definition.parameters.iter().zip(arguments) {
            let (key, bound) = self.bind_parameter(name, parameter, argument)?;
            frame.arguments.insert(key, bound);
        }
        let (outer, loops) = (self.frame, std::mem::replace(&mut self.loops, 0));
        self.frames.push(frame);
        self.frame = self.frames.len() - 1;
        let expanded = self.block_expression(&definition.body, span);
        self.frames.pop();
        self.frame = outer;
        self.loops = loops;
        expanded
    }

    fn bind_parameter(
        &mut self,
        macro_name: &str,
        parameter: &'a MacroParameter,
        argument: &'a ast::Argument,
    ) -> Option<(String, MacroArgument<'a>)> {
        match parameter {
            MacroParameter::Expression(name) => Some((name.text.clone(), MacroArgument::Expression(argument))),
            MacroParameter::Variable(name) => match argument {
                ast::Argument::Expr(ast::Expr { kind: ast::ExprKind::Variable(variable), span }) => {
                    let Some(index) = self.find_local(variable) else {
                        self.unknown_variable(variable, *span);
                        return None;
                    };
                    Some((format!("${}", name.text), MacroArgument::Variable(index)))
                }
                other => self.bad_macro_argument(macro_name, &format!("${}", name.text), "a variable", other),
            },
            MacroParameter::Map(name) => match argument {
                ast::Argument::Expr(ast::Expr { kind: ast::ExprKind::Map(map), .. }) => {
                    Some((format!("@{}", name.text), MacroArgument::Map(self.map_name(map))))
                }
                other => self.bad_macro_argument(macro_name, &format!("@{}", name.text), "a map", other),
            },
        }
    }

    fn bad_macro_argument<T>(
        &mut self,
        name: &str,
        parameter: &str,
        wanted: &str,
        argument: &ast::Argument,
    ) -> Option<T> {
        let message = format!("macro {name} wants {wanted} for {parameter}");
        self.error(Code::BadMacroCall, super::map::argument_span(argument), message);
        None
    }

    /// A macro's expression parameter: its argument, checked where the caller wrote it. `None` when the name is none.
    pub(super) fn macro_argument(&mut self, name: &str, _span: Span) -> Option<Option<Expr>> {
        let Some(MacroArgument::Expression(argument)) = self.frames.get(self.frame)?.arguments.get(name).cloned()
        else {
            return None;
        };
        Some(self.in_caller(|checker| match argument {
            ast::Argument::Expr(expr) => checker.tracked(expr),
            ast::Argument::Type(_) => checker.argument(argument),
        }))
    }

    /// Checks in the frame that called this macro.
    pub(super) fn in_caller<T>(&mut self, check: impl FnOnce(&mut Self) -> T) -> T {
        let inner = self.frame;
        self.frame = self.frames[inner].caller;
        let result = check(self);
        self.frame = inner;
        result
    }

    /// Macros of one name and different numbers of parameters may call each other.
    fn is_expanding(&self, definition: &ast::Macro) -> bool {
        let mut frame = self.frame;
        loop {
            if self.frames[frame].expands.is_some_and(|other| std::ptr::eq(other, definition)) {
                return true;
            }
            if frame == 0 {
                return false;
            }
            frame = self.frames[frame].caller;
        }
    }
}
