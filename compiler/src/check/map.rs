//! Maps and their elements.

use super::constant::is_flexible;
use super::scope::MacroArgument;
use super::{Checker, conversion::convert};
use crate::hir::{Expr, ExprKind, LocalIndex, MapContent, MapIndex, Place};
use crate::types::{INT64, Space, Type};
use lancet_manifest::MapValue;
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;
use std::rc::Rc;

impl<'a> Checker<'a> {
    /// True for `@m` and `@m[k]`.
    pub(super) fn is_map(&self, expr: &ast::Expr) -> bool {
        match &expr.kind {
            ast::ExprKind::Map(_) => true,
            ast::ExprKind::Index(base, _) => matches!(base.kind, ast::ExprKind::Map(_)),
            _ => false,
        }
    }

    /// The map's name as the whole script knows it: a macro's parameter stands for the caller's map.
    pub(super) fn map_name(&self, name: &str) -> String {
        match self.frames.get(self.frame).and_then(|frame| frame.arguments.get(format!("@{name}").as_str())) {
            Some(MacroArgument::Map(map)) => map.clone(),
            _ => name.to_owned(),
        }
    }

    /// A macro's body sees only the maps that it is given.
    fn hygienic(&mut self, name: &str, span: Span) -> Option<()> {
        let frame = &self.frames[self.frame];
        let Some(definition) = frame.expands.filter(|_| !frame.arguments.contains_key(&format!("@{name}"))) else {
            return Some(());
        };
        let macro_name = &definition.name.text;
        let message = format!("macro {macro_name} has no parameter @{name}");
        self.report(
            Diagnostic::error(Code::BadMacroCall, span, message)
                .help(format!("maps are handed to a macro: macro {macro_name}(@{name}, …)")),
        );
        None
    }

    /// The map and key of `@m` or `@m[k]`, the shape noted; the key has the map's key type.
    pub(super) fn map_access(&mut self, expr: &'a ast::Expr) -> Option<(String, Option<Expr>)> {
        match &expr.kind {
            ast::ExprKind::Map(name) => {
                self.hygienic(name, expr.span)?;
                let name = self.map_name(name);
                self.learn_key(&name, None, false, expr.span)?;
                Some((name, None))
            }
            ast::ExprKind::Index(base, indices) => {
                let ast::ExprKind::Map(name) = &base.kind else { return None };
                self.hygienic(name, base.span)?;
                let name = self.map_name(name);
                let key = self.keys(indices, expr.span);
                self.map_facts(&name, expr.span);
                let key = self.map_key(&name, key?)?;
                Some((name, Some(key)))
            }
            _ => None,
        }
    }

    /// One key, or several as a tuple.
    fn keys(&mut self, indices: &'a [ast::Expr], span: Span) -> Option<Expr> {
        if let [index] = indices {
            return self.value(index);
        }
        let keys: Vec<_> = indices.iter().map(|index| self.value(index)).collect();
        let keys: Vec<Expr> = keys.into_iter().collect::<Option<_>>()?;
        let types: Rc<[Type]> = keys.iter().map(|key| key.ty.clone()).collect();
        Some(Expr { span, ty: Type::Tuple(types), kind: ExprKind::Aggregate(keys) })
    }

    /// Notes the use of a key and brings it to the map's key type.
    pub fn map_key(&mut self, name: &str, key: Expr) -> Option<Expr> {
        self.learn_key(name, Some(&key.ty), is_flexible(&key), key.span)?;
        let ty = self.map_facts(name, key.span).key.clone().flatten()?;
        Some(self.sized(key, &ty))
    }

    /// `@m` or `@m[k]` as a value.
    pub(super) fn map_read(&mut self, expr: &'a ast::Expr) -> Option<Expr> {
        let span = expr.span;
        let (name, key) = self.map_access(expr)?;
        let content = self.map_facts(&name, span).content.clone();
        let index = self.map_index(&name);
        let key = key.map(Box::new);
        match content {
            // Nothing has been assigned so far; if nothing ever is, that is reported at the end.
            None => None,
            Some(MapContent::Plain(ty)) => Some(Expr { span, ty, kind: ExprKind::MapRead(index, key) }),
            Some(MapContent::Aggregation(value)) => {
                let Some(signed) = integer_of(&value) else {
                    let message = format!("@{name} is no number: its value cannot be used in an expression");
                    self.report(
                        Diagnostic::error(Code::BadAggregation, span, message).help(format!("print(@{name}) shows it")),
                    );
                    return None;
                };
                if self.kernel().version() < lancet_kernel::Version::new(5, 19) {
                    let message =
                        format!("the value of @{name} is kept per CPU; reading it in a script needs kernel 5.19");
                    self.report(
                        Diagnostic::error(Code::NotOnThisKernel, span, message)
                            .help(format!("this is {}; count with @{name}++ instead", self.kernel().version())),
                    );
                    return None;
                }
                let ty = Type::Int { size: 8, signed };
                Some(Expr { span, ty, kind: ExprKind::AggregationRead(index, key) })
            }
        }
    }

    /// The place of `++@m[k]`, a 64-bit integer from now on.
    pub(super) fn stepped_map(&mut self, target: &'a ast::Expr) -> Option<(Place, Type)> {
        let (name, key) = self.map_access(target)?;
        let known = self.map_facts(&name, target.span).content.clone();
        let stepped = match known {
            Some(MapContent::Plain(ty @ (Type::Pointer(..) | Type::Enum(_)))) => ty,
            Some(MapContent::Plain(Type::Int { signed, .. })) => Type::Int { size: 8, signed },
            _ => INT64,
        };
        let content = self.learn_content(&name, MapContent::Plain(stepped), false, target.span)?;
        let MapContent::Plain(ty) = content else { return None };
        Some((Place::Map(self.map_index(&name), key.map(Box::new)), ty))
    }

    /// `&@m[k]`.
    pub(super) fn address_of_element(&mut self, operand: &'a ast::Expr, span: Span) -> Option<Expr> {
        let (name, key) = self.map_access(operand)?;
        let content = self.map_facts(&name, operand.span).content.clone()?;
        let MapContent::Plain(ty) = content else {
            self.error(Code::BadAggregation, span, format!("@{name} is an aggregation: it has no address"));
            return None;
        };
        let kind = ExprKind::AddressOfElement(self.map_index(&name), key.map(Box::new));
        Some(Expr { span, ty: ty.pointer(Space::Bpf), kind })
    }

    /// An argument that names a map, with or without key; reports anything else.
    pub fn map_argument(&mut self, argument: &'a ast::Argument) -> Option<MapArgument> {
        let found = match argument {
            ast::Argument::Expr(expr) => match &expr.kind {
                ast::ExprKind::Map(name) => Some((self.map_name(name), expr.span, None)),
                ast::ExprKind::Index(base, indices) => match &base.kind {
                    ast::ExprKind::Map(name) => {
                        let name = self.map_name(name);
                        let key = self.keys(indices, expr.span)?;
                        self.map_facts(&name, expr.span);
                        Some((name.clone(), expr.span, Some(self.map_key(&name, key)?)))
                    }
                    _ => None,
                },
                _ => None,
            },
            ast::Argument::Type(_) => None,
        };
        let Some((name, span, key)) = found else {
            let span = argument_span(argument);
            self.report(
                Diagnostic::error(Code::BadArgument, span, "this must be a map").help("maps are written @name"),
            );
            return None;
        };
        self.map_facts(&name, span);
        Some(MapArgument { index: self.map_index(&name), name, key, span })
    }

    /// A variable that is given a value of that type; its index and type.
    pub fn variable_argument(&mut self, argument: &'a ast::Argument, ty: &Type) -> Option<(LocalIndex, Type)> {
        let ast::Argument::Expr(ast::Expr { kind: ast::ExprKind::Variable(name), span, .. }) = argument else {
            return None;
        };
        let index = self.find_local(name).unwrap_or_else(|| self.declare_local(name, *span, None));
        self.gets_another_value(index);
        let ty = self.learn_local(index, ty, false)?;
        Some((index, ty))
    }

    /// What the map holds, as known so far.
    pub fn map_content(&mut self, map: &MapArgument) -> Option<MapContent> {
        self.map_facts(&map.name, map.span).content.clone()
    }

    /// The map's key: `Some(None)` for a scalar map, `None` when not yet known.
    pub fn map_key_type(&mut self, map: &MapArgument) -> Option<Option<Type>> {
        self.map_facts(&map.name, map.span).key.clone()
    }

    /// Takes note that a map is used without key (or a given value type), where a builtin decides it.
    pub fn note_scalar_map(&mut self, map: &MapArgument) -> Option<()> {
        self.learn_key(&map.name, None, false, map.span)
    }

    /// An integer value as the 64 bits that a map keeps.
    pub(super) fn map_integer(&mut self, value: Expr) -> Expr {
        match value.ty {
            Type::Int { signed, .. } => convert(value, Type::Int { size: 8, signed }),
            _ => value,
        }
    }
}

/// A map as an argument of a builtin.
pub struct MapArgument {
    /// The map.
    pub index: MapIndex,
    /// Its name without `@`.
    pub name: String,
    /// The key, when one was written.
    pub key: Option<Expr>,
    /// Where.
    pub span: Span,
}

/// The place of an argument.
pub(super) fn argument_span(argument: &ast::Argument) -> Span {
    match argument {
        ast::Argument::Expr(expr) => expr.span,
        ast::Argument::Type(ty) => ty.span,
    }
}

/// Signedness of an aggregation that is one number.
fn integer_of(value: &MapValue) -> Option<bool> {
    match value {
        MapValue::Count => Some(true),
        MapValue::Sum { signed }
        | MapValue::Min { signed }
        | MapValue::Max { signed }
        | MapValue::Average { signed } => Some(*signed),
        MapValue::Plain(_)
        | MapValue::Stats { .. }
        | MapValue::Histogram { .. }
        | MapValue::LinearHistogram { .. }
        | MapValue::TimeSeries { .. } => None,
    }
}
