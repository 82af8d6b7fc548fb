//! Expressions.

use super::constant::{boolean, constant_of, integer, string};
use super::inference::{meets_probe, merge_flexible};
use super::typed::untracked;
use super::{Checker, constant};
use crate::hir::{Expr, ExprKind, LocalIndex, Place, StatementKind};
use crate::option::ScriptOption;
use crate::types::{INT64, Type, UINT64};
use lancet_syntax::ast::{self, StepOperator, TypeOrExpr};
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;
use std::rc::Rc;

impl<'a> Checker<'a> {
    /// Checks an expression for its value.
    pub fn expression(&mut self, expr: &'a ast::Expr) -> Option<Expr> {
        self.tracked(expr).map(untracked)
    }

    /// The same; a pointer whose type the verifier knows is given as such, for loads through it.
    pub(super) fn tracked(&mut self, expr: &'a ast::Expr) -> Option<Expr> {
        let span = self.place(expr.span);
        match &expr.kind {
            ast::ExprKind::Integer(literal) => Some(self.integer_literal(literal, span)),
            ast::ExprKind::Bool(value) => Some(boolean(*value, span)),
            ast::ExprKind::String(bytes) => self.string_literal(bytes, span),
            ast::ExprKind::Positional(number) => self.positional(*number, span),
            ast::ExprKind::PositionalCount => Some(integer(self.settings().parameters.len() as i64, span)),
            ast::ExprKind::Identifier(name) => self.identifier(name, span),
            ast::ExprKind::Variable(name) => self.variable(name, span),
            ast::ExprKind::Map(_) => self.map_read(expr),
            ast::ExprKind::Index(base, indices) => {
                if self.is_map(expr) {
                    self.map_read(expr)
                } else {
                    self.index(base, indices, span)
                }
            }
            ast::ExprKind::Call { function, arguments, .. } => self.call(function, arguments, span),
            ast::ExprKind::Unary(operator, operand) => self.unary(*operator, operand, span),
            ast::ExprKind::Step { operator, prefix, target } => self.step(*operator, *prefix, target, span),
            ast::ExprKind::Binary(operator, left, right) => self.binary(*operator, left, right, span),
            ast::ExprKind::Ternary { condition, then, otherwise } => {
                self.ternary(condition, then.as_deref(), otherwise, span)
            }
            ast::ExprKind::Cast(ty, operand) => self.tracked_cast(ty, operand, span),
            ast::ExprKind::Field { base, name, arrow } => self.field(base, name, *arrow, span),
            ast::ExprKind::TupleField(base, index) => self.tuple_field(base, *index, span),
            ast::ExprKind::Tuple(elements) => self.tuple(elements, span),
            ast::ExprKind::Record(fields) => self.record(fields, span),
            ast::ExprKind::Block(block) => self.block_expression(block, span),
            ast::ExprKind::Sizeof(of) => {
                let ty = self.type_of(of)?;
                Some(constant_of(i64::from(self.size_of(&ty)), UINT64, span))
            }
            ast::ExprKind::Offsetof(of, path) => self.offset_of(of, path, span),
            ast::ExprKind::Typeinfo(of) => self.type_information(of, span),
            ast::ExprKind::Typeof(_) => {
                self.report(
                    Diagnostic::error(Code::BadOperand, span, "a type is no value")
                        .help("types go to sizeof, offsetof, casts, declarations and macros"),
                );
                None
            }
            ast::ExprKind::Comptime(inner) => {
                let inner = self.expression(inner)?;
                if !constant::is_literal(&inner) {
                    self.error(Code::NotConstant, span, "this is not known at compile time");
                    return None;
                }
                Some(inner)
            }
        }
    }

    /// Checks an expression as a condition.
    pub(super) fn condition(&mut self, expr: &'a ast::Expr) -> Option<Expr> {
        let expr = self.expression(expr)?;
        self.truth(expr)
    }

    fn string_literal(&mut self, bytes: &[u8], span: Span) -> Option<Expr> {
        let limit = self.settings().config.max_strlen as usize;
        if bytes.len() > limit && !self.outside {
            let message = format!("the string has {} bytes; max_strlen is {limit}", bytes.len());
            self.report(
                Diagnostic::error(Code::TooLarge, span, message)
                    .help(format!("raise it: config = {{ max_strlen = {} }}", bytes.len() + 1)),
            );
            return None;
        }
        Some(string(bytes, span))
    }

    /// `$1`: a number when it reads as one, else a string.
    fn positional(&mut self, number: u32, span: Span) -> Option<Expr> {
        let Some(text) = self.settings().parameter(number).filter(|text| !text.is_empty()) else {
            self.doubt_parameter(number, span);
            return Some(integer(0, span));
        };
        match crate::settings::parse_literal(text) {
            Some(given) => Some(self.given_number(given, span)),
            None => self.string_literal(text.as_bytes(), span),
        }
    }

    fn identifier(&mut self, name: &'a str, span: Span) -> Option<Expr> {
        if let Some(expr) = self.macro_argument(name, span) {
            return expr;
        }
        if self.macros.contains_key(name) {
            return self.expand_macro(name, &[], span);
        }
        if let Some(builtin) = self.environment.builtins.get(name) {
            return self.builtin(builtin, &[], span);
        }
        if name == "args" {
            return self.all_arguments(span);
        }
        if let Some((value, ty)) = self.types.enumerator(name) {
            return Some(constant_of(value, ty, span));
        }
        let names = self.known_names();
        let mut diagnostic = Diagnostic::error(Code::UnknownIdentifier, span, format!("{name} is not known"))
            .primary("no builtin, macro or enumerator of that name");
        if let Some(nearest) = lancet_kernel::nearest(name, names) {
            diagnostic = diagnostic.help(format!("did you mean {nearest}?"));
        } else {
            diagnostic = diagnostic.help(format!("a variable is written ${name}, a map @{name}, a string \"{name}\""));
        }
        self.report(diagnostic);
        None
    }

    fn variable(&mut self, name: &str, span: Span) -> Option<Expr> {
        let Some(index) = self.find_local(name) else {
            self.unknown_variable(name, span);
            return None;
        };
        let ty = self.known_local_type(index, span)?;
        Some(Expr { span, ty, kind: ExprKind::Local(index) })
    }

    fn ternary(
        &mut self,
        condition: &'a ast::Expr,
        then: Option<&'a ast::Expr>,
        otherwise: &'a ast::Expr,
        span: Span,
    ) -> Option<Expr> {
        let Some(then) = then else {
            let casts = [self.holds_cast(condition), self.holds_cast(otherwise)];
            let (value, otherwise) = (self.expression(condition), self.expression(otherwise));
            let (value, otherwise) = self.same_type(value?, otherwise?, casts, span)?;
            let ty = value.ty.clone();
            return Some(Expr { span, ty, kind: ExprKind::Elvis(Box::new(value), Box::new(otherwise)) });
        };
        let condition = self.condition(condition);
        let casts = [self.holds_cast(then), self.holds_cast(otherwise)];
        let (then, otherwise) = (self.expression(then), self.expression(otherwise));
        let (condition, then, otherwise) = (condition?, then?, otherwise?);
        if then.ty == Type::Void && otherwise.ty == Type::Void {
            let kind = ExprKind::Ternary(Box::new(condition), Box::new(then), Box::new(otherwise));
            return Some(Expr { span, ty: Type::Void, kind });
        }
        if let ExprKind::Constant(value) = condition.kind {
            self.common_type(&then, &otherwise, casts, span)?;
            return Some(if value != 0 { then } else { otherwise });
        }
        let (then, otherwise) = self.same_type(then, otherwise, casts, span)?;
        let ty = then.ty.clone();
        Some(Expr { span, ty, kind: ExprKind::Ternary(Box::new(condition), Box::new(then), Box::new(otherwise)) })
    }

    /// Brings two values to one type; reports when there is none.
    fn same_type(&mut self, a: Expr, b: Expr, casts: [bool; 2], span: Span) -> Option<(Expr, Expr)> {
        let ty = self.common_type(&a, &b, casts, span)?;
        Some((self.sized(a, &ty), self.sized(b, &ty)))
    }

    /// The type of one of two values; reports when there is none.
    fn common_type(&mut self, a: &Expr, b: &Expr, casts: [bool; 2], span: Span) -> Option<Type> {
        let merged = merge_flexible(&a.ty, self.takes_sign(a, casts[0]), &b.ty, self.takes_sign(b, casts[1]));
        if merged.is_none() {
            if meets_probe(&a.ty, &b.ty) && self.wants_text(&Type::ProbeName) {
                return None;
            }
            self.report(
                Diagnostic::error(
                    Code::TypeMismatch,
                    span,
                    format!("one value is of type {}, the other {}", a.ty, b.ty),
                )
                .label(a.span, format!("{}", a.ty))
                .label(b.span, format!("{}", b.ty)),
            );
        }
        merged
    }

    /// Coerces, and gives memory values the destination's capacity.
    pub(super) fn sized(&mut self, expr: Expr, ty: &Type) -> Expr {
        if expr.ty == *ty || ty.is_scalar() {
            return self.coerce(expr, ty);
        }
        Expr { span: expr.span, ty: ty.clone(), kind: ExprKind::Reinterpret(Box::new(expr)) }
    }

    fn tuple(&mut self, elements: &'a [ast::Expr], span: Span) -> Option<Expr> {
        let elements: Vec<_> = elements.iter().map(|element| self.value(element)).collect();
        let elements: Vec<Expr> = elements.into_iter().collect::<Option<_>>()?;
        let types: Rc<[Type]> = elements.iter().map(|element| element.ty.clone()).collect();
        Some(Expr { span, ty: Type::Tuple(types), kind: ExprKind::Aggregate(elements) })
    }

    fn record(&mut self, fields: &'a [(ast::Name, ast::Expr)], span: Span) -> Option<Expr> {
        let mut names: Vec<&ast::Name> = Vec::new();
        for (name, _) in fields {
            if let Some(first) = names.iter().find(|known| known.text == name.text) {
                let message = format!("the record has two fields {}", name.text);
                let first = first.span;
                self.report(Diagnostic::error(Code::Duplicate, name.span, message).label(first, "first here"));
                return None;
            }
            names.push(name);
        }
        let values: Vec<_> = fields.iter().map(|(_, value)| self.value(value)).collect();
        let values: Vec<Expr> = values.into_iter().collect::<Option<_>>()?;
        let types =
            fields.iter().zip(&values).map(|((name, _), value)| (name.text.clone(), value.ty.clone())).collect();
        Some(Expr { span, ty: Type::Record(types), kind: ExprKind::Aggregate(values) })
    }

    /// An expression that must have a value.
    pub fn value(&mut self, expr: &'a ast::Expr) -> Option<Expr> {
        let expr = self.expression(expr)?;
        self.is_value(expr)
    }

    /// The expression, unless it has no value.
    pub(super) fn is_value(&mut self, expr: Expr) -> Option<Expr> {
        if expr.ty == Type::Void {
            self.error(Code::BadOperand, expr.span, "this has no value");
            return None;
        }
        Some(expr)
    }

    pub(super) fn block_expression(&mut self, block: &'a ast::Block, span: Span) -> Option<Expr> {
        self.scoped(|checker| {
            let statements = checker.statements(&block.statements);
            match &block.value {
                Some(value) => {
                    let value = checker.expression(value)?;
                    if statements.is_empty() && constant::is_literal(&value) {
                        return Some(Expr { span, ..value });
                    }
                    let ty = value.ty.clone();
                    Some(Expr { span, ty, kind: ExprKind::Block(statements, Box::new(value)) })
                }
                None => {
                    let void = Expr { span, ty: Type::Void, kind: ExprKind::Void };
                    Some(Expr { span, ty: Type::Void, kind: ExprKind::Block(statements, Box::new(void)) })
                }
            }
        })
    }

    /// `++x`, `x--` on a variable, map element or memory.
    fn step(&mut self, operator: StepOperator, prefix: bool, target: &'a ast::Expr, span: Span) -> Option<Expr> {
        let sign = if operator == StepOperator::Increment { 1 } else { -1 };
        let (place, ty) = match &target.kind {
            ast::ExprKind::Variable(name) => {
                let Some(index) = self.find_local(name) else {
                    self.unknown_variable(name, target.span);
                    return None;
                };
                (Place::Local(index), self.stepped_local(index, target.span)?)
            }
            _ if self.is_map(target) => self.stepped_map(target)?,
            _ => {
                self.error(Code::BadAssignment, target.span, "++ and -- take a variable or a map element");
                return None;
            }
        };
        let delta = match &ty {
            Type::Pointer(target, _) => sign * i64::from(self.size_of(target).max(1)),
            ty if ty.is_integer() => sign,
            ty => {
                self.error(Code::BadOperand, target.span, format!("++ and -- do not take {ty}"));
                return None;
            }
        };
        Some(Expr { span, ty, kind: ExprKind::Step { place, delta, old: !prefix } })
    }

    /// A variable that is stepped becomes 64 bits wide unless its type was declared.
    fn stepped_local(&mut self, index: LocalIndex, span: Span) -> Option<Type> {
        self.gets_another_value(index);
        let ty = self.known_local_type(index, span)?;
        if !matches!(ty, Type::Int { .. } | Type::Bool) {
            return Some(ty);
        }
        self.learn_local(index, &Type::Int { size: 8, signed: ty.is_signed() }, false)
    }

    fn offset_of(&mut self, of: &'a TypeOrExpr, path: &'a [ast::Name], span: Span) -> Option<Expr> {
        let mut ty = self.type_of(of)?;
        if let Type::Pointer(target, _) = ty {
            ty = *target;
        }
        let mut offset = 0;
        for name in path {
            let field = self.find_field(&ty, name)?;
            offset += i64::from(field.offset);
            ty = field.ty;
        }
        Some(constant_of(offset, UINT64, span))
    }

    /// Binds a value to a variable of its own, so that it is evaluated once.
    pub(super) fn bind(&mut self, value: Expr) -> (StatementKind, Expr) {
        let (span, ty) = (value.span, value.ty.clone());
        let index = self.temporary("", span, Some(ty.clone()));
        let read = Expr { span, ty, kind: ExprKind::Local(index) };
        (StatementKind::Assign(Place::Local(index), value), read)
    }

    /// An integer argument as int64 or uint64.
    pub fn integer_argument(&mut self, argument: &'a ast::Argument, what: &str) -> Option<Expr> {
        let expr = self.argument(argument)?;
        if !expr.ty.is_integer() && !matches!(expr.ty, Type::Pointer(..)) {
            self.error(Code::BadArgument, expr.span, format!("{what} must be an integer, not {}", expr.ty));
            return None;
        }
        Some(if expr.ty.is_integer() { self.widen(expr) } else { Expr { ty: UINT64, ..expr } })
    }

    /// An argument as a condition.
    pub fn condition_argument(&mut self, argument: &'a ast::Argument) -> Option<Expr> {
        let expr = self.argument(argument)?;
        self.truth(expr)
    }

    /// The script reads an option. Where it does so in several places they agree on what it is without being given.
    pub fn note_option(&mut self, option: ScriptOption) {
        let Some(known) = self.options.iter_mut().find(|known| known.name == option.name) else {
            return self.options.push(option);
        };
        if known.default == option.default {
            known.description = known.description.take().or(option.description);
            return;
        }
        let message =
            format!("--{} has the default {} here, but {} elsewhere", option.name, option.default, known.default);
        let diagnostic = Diagnostic::error(Code::BadArgument, option.span, message)
            .label(known.span, "elsewhere")
            .help("give both the same default");
        self.report(diagnostic);
    }

    /// An int64 constant expression at `span`.
    pub fn integer(&self, value: i64, span: Span) -> Expr {
        Expr { span, ty: INT64, kind: ExprKind::Constant(value) }
    }
}
