//! Assignments: to variables, maps and memory, plain and compound.

use super::Checker;
use super::constant::is_flexible;
use crate::builtin::Call;
use crate::hir::{Expr, ExprKind, MapContent, Place, Statement, StatementKind};
use crate::types::{Space, Type};
use lancet_syntax::ast::{self, BinaryOperator};
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;

impl<'a> Checker<'a> {
    /// `target = value`, `target op= value`.
    pub(super) fn assignment(
        &mut self,
        target: &'a ast::Expr,
        operator: Option<BinaryOperator>,
        value: &'a ast::Expr,
        span: Span,
    ) -> Option<StatementKind> {
        match &target.kind {
            ast::ExprKind::Variable(name) => self.assign_variable(name, target.span, operator, value, span),
            _ if self.is_map(target) => self.assign_map(target, operator, value, span),
            ast::ExprKind::Unary(ast::UnaryOperator::Dereference, pointer) => {
                self.assign_memory(pointer, operator, value, span)
            }
            _ => {
                let _ = self.expression(value);
                self.report(
                    Diagnostic::error(Code::BadAssignment, target.span, "this cannot be assigned")
                        .help("variables ($x), maps (@m, @m[k]) and memory of the script (*p) can"),
                );
                None
            }
        }
    }

    fn assign_variable(
        &mut self,
        name: &str,
        name_span: Span,
        operator: Option<BinaryOperator>,
        written: &'a ast::Expr,
        span: Span,
    ) -> Option<StatementKind> {
        let known = self.find_local(name);
        if let Some(index) = known
            && self.frame().loop_variables.contains(&index)
        {
            let message = format!("${name} is a loop variable: it cannot be assigned");
            self.report(
                Diagnostic::error(Code::BadAssignment, name_span, message).help("assign its value to another variable"),
            );
            return None;
        }
        if let Some(index) = known {
            self.gets_another_value(index);
        }
        let mut made_as = None;
        let value = match operator {
            None => match (self.assigned_value(written), known) {
                (Some((value, alias)), _) => {
                    made_as = alias;
                    value
                }
                // What is wrong with the value is said; that the variable is then not defined is not the script's fault.
                (None, None) => {
                    let index = self.declare_local(name, name_span, None);
                    self.given_up.insert(index);
                    return None;
                }
                (None, Some(_)) => return None,
            },
            Some(operator) => {
                let Some(index) = known else {
                    self.unknown_variable(name, name_span);
                    return None;
                };
                let right = self.value(written);
                let ty = self.known_local_type(index, name_span)?;
                let current = Expr { span: name_span, ty, kind: ExprKind::Local(index) };
                self.binary_of(operator, current, right?, span)?
            }
        };
        let index = known.unwrap_or_else(|| self.declare_local(name, name_span, None));
        if let (None, Some(alias)) = (known, made_as) {
            self.is_made_as(index, alias);
        }
        let is_literal = is_flexible(&value) && !self.holds_cast(written);
        self.store_local(index, name, value, is_literal)
    }

    /// Writes a variable, which takes the value's type or keeps its own.
    pub(super) fn store_local(
        &mut self,
        index: crate::hir::LocalIndex,
        name: &str,
        value: Expr,
        is_literal: bool,
    ) -> Option<StatementKind> {
        match self.learn_local(index, &value.ty, is_literal) {
            Some(ty) => {
                self.literal_fits(index, &value)?;
                let value = self.sized(value, &ty);
                Some(StatementKind::Assign(Place::Local(index), value))
            }
            None => {
                let known = self.local_type(index).map(|ty| ty.to_string()).unwrap_or_default();
                let message = format!("${name} is of type {known}; this value is of type {}", value.ty);
                self.report(
                    Diagnostic::error(Code::TypeMismatch, value.span, message)
                        .primary(value.ty.to_string())
                        .help("use another variable for another type of value"),
                );
                None
            }
        }
    }

    fn assign_map(
        &mut self,
        target: &'a ast::Expr,
        operator: Option<BinaryOperator>,
        value: &'a ast::Expr,
        span: Span,
    ) -> Option<StatementKind> {
        if operator.is_none()
            && let Some(aggregation) = self.aggregation_call(value)
        {
            return self.assign_aggregation(target, aggregation, value.span, span);
        }
        let access = self.map_access(target);
        let written = value;
        let value = self.value(value);
        let (name, key) = access?;
        self.map_facts(&name, target.span).is_given_something = true;
        let value = value?;
        match operator {
            None => {
                self.assignable_to_map(&name, &value)?;
                self.no_copied_aggregation(&name, written, &value)?;
                let is_literal = is_flexible(&value) && !self.holds_cast(written);
                let content = self.learn_content(&name, MapContent::Plain(value.ty.clone()), is_literal, value.span)?;
                let MapContent::Plain(ty) = content else { return None };
                let value = self.sized(value, &ty);
                Some(StatementKind::Assign(Place::Map(self.map_index(&name), key.map(Box::new)), value))
            }
            Some(operator) => self.compound_map(&name, key, operator, value, target.span, span),
        }
    }

    /// Some values only make sense while the event lasts.
    fn assignable_to_map(&mut self, name: &str, value: &Expr) -> Option<()> {
        if let Type::Pointer(_, Space::Bpf) = value.ty
            && matches!(value.kind, ExprKind::AddressOfLocal(_))
        {
            let message =
                format!("the address of a variable means nothing once the probe has ended: @{name} cannot keep it");
            self.error(Code::BadAssignment, value.span, message);
            return None;
        }
        Some(())
    }

    /// `@a = @b` looks as if @a became such an aggregation too.
    fn no_copied_aggregation(&mut self, name: &str, written: &ast::Expr, value: &Expr) -> Option<()> {
        if self.is_map(written) && matches!(value.kind, ExprKind::AggregationRead(..)) {
            let message = format!("an aggregation cannot be copied to @{name}");
            self.report(
                Diagnostic::error(Code::BadAggregation, value.span, message)
                    .help("cast it when its value now is meant: (int64)@map"),
            );
            return None;
        }
        Some(())
    }

    fn compound_map(
        &mut self,
        name: &str,
        key: Option<Expr>,
        operator: BinaryOperator,
        value: Expr,
        target: Span,
        span: Span,
    ) -> Option<StatementKind> {
        let known = self.map_facts(name, target).content.clone();
        let current_type = match known {
            Some(MapContent::Plain(ty)) => ty,
            Some(MapContent::Aggregation(_)) => {
                let symbol = operator.symbol();
                let message = format!("@{name} is an aggregation: {symbol}= does not apply");
                self.error(Code::BadAggregation, span, message);
                return None;
            }
            None => value.ty.clone(),
        };
        let index = self.map_index(name);
        let atomic = matches!(operator, BinaryOperator::Add | BinaryOperator::Subtract);
        if atomic && matches!(current_type, Type::Int { .. } | Type::Bool) && value.ty.is_integer() {
            let signed = current_type.is_signed() || (value.ty.is_signed() && !is_flexible(&value));
            let ty = Type::Int { size: 8, signed };
            self.learn_content(name, MapContent::Plain(ty.clone()), is_flexible(&value), span)?;
            let value = self.map_integer(value);
            let value = super::conversion::convert(value, ty);
            let value = match operator {
                BinaryOperator::Subtract => {
                    self.binary_of(BinaryOperator::Subtract, super::constant::integer(0, span), value, span)?
                }
                _ => value,
            };
            let kind = ExprKind::AtomicAdd(index, key.map(Box::new), Box::new(value));
            return Some(StatementKind::Expression(Expr { span, ty: Type::Void, kind }));
        }
        // The key is evaluated once for the read and the write.
        let mut statements = Vec::new();
        let key = key.map(|key| {
            let (assign, read) = self.bind(key);
            statements.push(Statement { span: target, kind: assign });
            read
        });
        let again = key.as_ref().map(|key| Box::new(copy_of(key)));
        let current = Expr { span: target, ty: current_type, kind: ExprKind::MapRead(index, again) };
        let value = self.binary_of(operator, current, value, span)?;
        let content = self.learn_content(name, MapContent::Plain(value.ty.clone()), false, span)?;
        let MapContent::Plain(ty) = content else { return None };
        let value = self.sized(value, &ty);
        let kind = StatementKind::Assign(Place::Map(index, key.map(Box::new)), value);
        statements.push(Statement { span, kind });
        Some(StatementKind::Block(statements))
    }

    /// The call on the right of `@m = count()`, if it is one of an aggregation.
    fn aggregation_call(&self, value: &'a ast::Expr) -> Option<AggregationCall<'a>> {
        let (name, arguments): (&str, &'a [ast::Argument]) = match &value.kind {
            ast::ExprKind::Call { function, arguments, .. } => (&function.text, arguments),
            ast::ExprKind::Identifier(name) => (name, &[]),
            _ => return None,
        };
        if self.macros.contains_key(name) {
            return None;
        }
        let builtin = self.environment.builtins.get(name)?;
        builtin.aggregation()?;
        Some(AggregationCall { builtin, arguments })
    }

    fn assign_aggregation(
        &mut self,
        target: &'a ast::Expr,
        call: AggregationCall<'a>,
        call_span: Span,
        span: Span,
    ) -> Option<StatementKind> {
        let access = self.map_access(target);
        self.check_argument_count(call.builtin, call.arguments, call_span)?;
        let aggregation = call.builtin.aggregation()?;
        let (value, arguments) = aggregation.check(self, call.arguments, call_span)?;
        let (name, key) = access?;
        self.learn_content(&name, MapContent::Aggregation(value), false, call_span)?;
        let call = Call {
            builtin: call.builtin,
            arguments,
            extra: crate::builtin::Extra::None,
            span: call_span,
            discarded: false,
        };
        let kind = ExprKind::AggregationUpdate(self.map_index(&name), key.map(Box::new), Box::new(call));
        Some(StatementKind::Expression(Expr { span, ty: Type::Void, kind }))
    }

    fn assign_memory(
        &mut self,
        pointer: &'a ast::Expr,
        operator: Option<BinaryOperator>,
        value: &'a ast::Expr,
        span: Span,
    ) -> Option<StatementKind> {
        let pointer = self.expression(pointer);
        let value = self.value(value);
        let (pointer, value) = (pointer?, value?);
        let Type::Pointer(target, space) = pointer.ty.clone() else {
            self.error(Code::BadDereference, pointer.span, format!("{} is not a pointer", pointer.ty));
            return None;
        };
        if space != Space::Bpf {
            self.report(
                Diagnostic::error(Code::BadAssignment, span, "only memory of the script itself can be written")
                    .help("pointers made by & can be written through"),
            );
            return None;
        }
        let mut statements = Vec::new();
        let (pointer, value) = match operator {
            None => (pointer, value),
            Some(operator) => {
                let (assign, read) = self.bind(pointer);
                statements.push(Statement { span, kind: assign });
                let current = self.load(copy_of(&read), 0, (*target).clone(), None, span)?;
                (read, self.binary_of(operator, current, value, span)?)
            }
        };
        if !super::inference::is_assignable(&target, &value.ty) {
            let message = format!("the pointer is to {target}; this value is of type {}", value.ty);
            self.error(Code::TypeMismatch, value.span, message);
            return None;
        }
        let value = self.sized(value, &target);
        let place = Place::Memory { pointer: Box::new(pointer), ty: *target };
        statements.push(Statement { span, kind: StatementKind::Assign(place, value) });
        Some(StatementKind::Block(statements))
    }
}

struct AggregationCall<'a> {
    builtin: &'static dyn crate::builtin::Builtin,
    arguments: &'a [ast::Argument],
}

/// Another read of a bound variable.
fn copy_of(read: &Expr) -> Expr {
    let ExprKind::Local(index) = read.kind else { unreachable!("only bound variables are read twice") };
    Expr { span: read.span, ty: read.ty.clone(), kind: ExprKind::Local(index) }
}
