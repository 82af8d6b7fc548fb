//! Scratch variables and what a name means where.

use super::Checker;
use crate::hir::{Local, LocalIndex};
use crate::probe::Arguments;
use crate::types::Type;
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;
use rustc_hash::FxHashMap;

/// The names of a probe's action or of one macro expansion: hygienic, no frame sees another's variables.
#[derive(Default)]
pub(super) struct Frame<'a> {
    /// Blocks, innermost last.
    pub(super) scopes: Vec<FxHashMap<String, LocalIndex>>,
    /// Arguments of the macro, by parameter.
    pub(super) arguments: FxHashMap<String, MacroArgument<'a>>,
    /// Variables of the loops around, which cannot be assigned.
    pub(super) loop_variables: Vec<LocalIndex>,
    /// The macro, for recursion and messages.
    pub(super) expands: Option<&'a ast::Macro>,
    /// The frame that called the macro.
    pub(super) caller: usize,
    /// The call.
    pub(super) call: Span,
}

/// Where a variable is made: what a round finds out about it is for the same variable of the next round, which may have
/// others before it, as in the body of a loop over a map of which nothing was known.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct Site {
    /// The probe's body.
    probe: usize,
    /// The name, or what a nameless variable keeps.
    span: Span,
    /// The calls of macros around it, innermost first.
    calls: Vec<Span>,
    /// How many were made here before: the body of a compile-time loop is checked more than once.
    nth: usize,
}

impl Site {
    /// Where the script makes it.
    pub(super) fn span(&self) -> Span {
        self.span
    }
}

/// What a macro parameter stands for.
#[derive(Clone)]
pub(super) enum MacroArgument<'a> {
    /// Text of the caller, checked in the caller's frame at each use.
    Expression(&'a ast::Argument),
    /// The caller's variable.
    Variable(LocalIndex),
    /// The caller's map.
    Map(String),
}

impl<'a> Checker<'a> {
    pub(super) fn frame(&mut self) -> &mut Frame<'a> {
        &mut self.frames[self.frame]
    }

    /// True for text of the library rather than the script.
    pub(super) fn is_in_library(&self, span: Span) -> bool {
        self.environment.library_start.is_some_and(|start| span.file >= start)
    }

    /// The place in the script of a part of it, or of the call that led to a part of the library.
    pub(super) fn place(&self, mut span: Span) -> Span {
        let mut frame = self.frame;
        while self.is_in_library(span) && frame != 0 {
            span = self.frames[frame].call;
            frame = self.frames[frame].caller;
        }
        span
    }

    /// Runs `check` inside a new block scope.
    pub(super) fn scoped<T>(&mut self, check: impl FnOnce(&mut Self) -> T) -> T {
        self.frame().scopes.push(FxHashMap::default());
        let result = check(self);
        self.frame().scopes.pop();
        result
    }

    /// The variable of that name, from the innermost scope outwards.
    pub(super) fn find_local(&self, name: &str) -> Option<LocalIndex> {
        let frame = &self.frames[self.frame];
        if let Some(found) = frame.scopes.iter().rev().find_map(|scope| scope.get(name)) {
            return Some(*found);
        }
        match frame.arguments.get(format!("${name}").as_str()) {
            Some(MacroArgument::Variable(index)) => Some(*index),
            _ => None,
        }
    }

    /// A new variable in the innermost scope. Without a declared type it has what the last round inferred.
    pub(super) fn declare_local(&mut self, name: &str, span: Span, declared: Option<Type>) -> LocalIndex {
        let index = self.temporary(name, span, declared);
        match self.frame().scopes.last_mut() {
            Some(scope) => {
                scope.insert(name.to_owned(), index);
            }
            None => {
                self.frame().scopes.push(FxHashMap::from_iter([(name.to_owned(), index)]));
            }
        }
        index
    }

    /// A variable that no name finds.
    pub(super) fn temporary(&mut self, name: &str, span: Span, declared: Option<Type>) -> LocalIndex {
        let index = LocalIndex(self.locals.len() as u32);
        let mut site = Site { probe: self.probe_number, span, calls: Vec::new(), nth: 0 };
        let mut frame = self.frame;
        while frame != 0 {
            site.calls.push(self.frames[frame].call);
            frame = self.frames[frame].caller;
        }
        site.nth = self.sites.iter().filter(|other| (other.span, &other.calls) == (site.span, &site.calls)).count();
        let ty = match declared {
            Some(ty) => {
                self.inference.declare_local(&site, ty.clone());
                ty
            }
            None => self.inference.local(&site).unwrap_or(Type::Void),
        };
        self.sites.push(site);
        self.locals.push(Local { name: name.to_owned(), ty, address_taken: false });
        index
    }

    /// The type of a variable as known so far; `None` when no round has found one yet.
    pub(super) fn local_type(&mut self, index: LocalIndex) -> Option<Type> {
        match &self.locals[index.0 as usize].ty {
            Type::Void => None,
            ty => Some(ty.clone()),
        }
    }

    /// The type of a variable that is read at `span`; reports when nothing tells it.
    pub(super) fn known_local_type(&mut self, index: LocalIndex, span: Span) -> Option<Type> {
        let known = self.local_type(index);
        // Of a probe that is missing here not everything is known.
        let is_missing = self.facts.expansion.arguments == Arguments::Unknown;
        if known.is_none() && !is_missing && self.given_up.insert(index) {
            let name = self.locals[index.0 as usize].name.clone();
            self.report(
                Diagnostic::error(Code::UnknownVariable, span, format!("nothing gives ${name} a value"))
                    .primary("so its type is not known")
                    .help(format!("assign it, or say its type: let ${name}: uint64")),
            );
        }
        known
    }

    /// Reports a variable that nothing defines, with the nearest name.
    pub(super) fn unknown_variable(&mut self, name: &str, span: Span) {
        let frame = &self.frames[self.frame];
        let names: Vec<&str> = frame.scopes.iter().flat_map(|scope| scope.keys().map(String::as_str)).collect();
        let nearest = lancet_kernel::nearest(name, names);
        let mut diagnostic = Diagnostic::error(Code::UnknownVariable, span, format!("${name} is not defined"))
            .primary("not defined here");
        diagnostic = match nearest {
            Some(nearest) => diagnostic.help(format!("did you mean ${nearest}?")),
            None => diagnostic.help(format!(
                "assign it first, or declare it in an outer block with `let ${name}` when it is assigned in an inner one"
            )),
        };
        self.report(diagnostic);
    }
}
