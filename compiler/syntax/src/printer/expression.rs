//! Expressions, with the parentheses they need and those their author wrote.

use super::Printer;
use crate::ast::{Argument, BinaryOperator, Expr, ExprKind, Name, StepOperator, TypeExpr, TypeOrExpr, UnaryOperator};
use crate::parser::{is_sure_type, is_type_name, precedence};

/// How strongly parts of an expression hold together; operands that hold less than wanted get parentheses.
/// Infix operators are between [`TERNARY`] and [`UNARY`].
const TERNARY: u8 = 0;
const UNARY: u8 = 20;
const POSTFIX: u8 = 21;

impl Printer<'_> {
    /// Prints a whole expression.
    pub(super) fn expression(&mut self, expr: &Expr) {
        self.operand(expr, TERNARY);
    }

    /// Prints an expression that stands between parentheses already.
    pub(super) fn inside_parentheses(&mut self, expr: &Expr) {
        self.bare(expr);
    }

    /// Prints an expression where a statement begins: a block there would be a statement.
    pub(super) fn at_statement_start(&mut self, expr: &Expr) {
        match begins_with_block(expr) && !self.is_parenthesized(expr) {
            true => self.parenthesized(expr),
            false => self.expression(expr),
        }
    }

    /// Prints an operand that must hold together at least as strongly as `wanted`.
    fn operand(&mut self, expr: &Expr, wanted: u8) {
        if strength(expr) < wanted || self.is_parenthesized(expr) {
            self.parenthesized(expr);
        } else {
            self.bare(expr);
        }
    }

    pub(super) fn parenthesized(&mut self, expr: &Expr) {
        self.push("(");
        self.bare(expr);
        self.push(")");
    }

    fn bare(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Integer(value) => self.integer(*value, expr.span),
            ExprKind::Bool(value) => self.push(if *value { "true" } else { "false" }),
            ExprKind::String(bytes) => self.string(bytes, expr.span),
            ExprKind::Positional(number) => self.push(&format!("${number}")),
            ExprKind::PositionalCount => self.push("$#"),
            ExprKind::Identifier(name) => self.push(name),
            ExprKind::Variable(name) => self.push(&format!("${name}")),
            ExprKind::Map(name) => self.push(&format!("@{name}")),
            ExprKind::Call { function, arguments, bang } => self.call(function, arguments, *bang),
            ExprKind::Unary(operator, operand) => self.unary(*operator, operand),
            ExprKind::Step { operator, prefix, target } => self.step(*operator, *prefix, target),
            ExprKind::Binary(operator, left, right) => self.binary(*operator, left, right),
            ExprKind::Ternary { condition, then: Some(then), otherwise } if self.is_if(expr) => {
                self.if_expression(condition, then, otherwise);
            }
            ExprKind::Ternary { condition, then, otherwise } => self.ternary(condition, then.as_deref(), otherwise),
            ExprKind::Cast(ty, operand) => self.cast(ty, operand),
            ExprKind::Field { base, name, arrow } => {
                self.operand(base, POSTFIX);
                self.push(if *arrow { "->" } else { "." });
                self.push(&name.text);
            }
            ExprKind::TupleField(base, index) => {
                self.operand(base, POSTFIX);
                self.push(&format!(".{index}"));
            }
            ExprKind::Index(base, indices) => {
                self.operand(base, POSTFIX);
                self.bracketed("[", indices, "]");
            }
            ExprKind::Tuple(members) => self.bracketed("(", members, if members.len() == 1 { ",)" } else { ")" }),
            ExprKind::Record(fields) => self.record(fields),
            ExprKind::Block(block) => self.block_expression(block),
            ExprKind::Sizeof(operand) => self.form("sizeof", operand, &[]),
            ExprKind::Offsetof(operand, path) => self.form("offsetof", operand, path),
            ExprKind::Typeof(operand) => self.form("typeof", operand, &[]),
            ExprKind::Typeinfo(operand) => self.form("typeinfo", operand, &[]),
            ExprKind::Comptime(operand) => {
                self.push("comptime ");
                self.sign_safe(operand, false);
            }
        }
    }

    fn binary(&mut self, operator: BinaryOperator, left: &Expr, right: &Expr) {
        let own = precedence(operator);
        self.operand(left, own);
        self.push(&format!(" {} ", operator.symbol()));
        // `/ {` would end a predicate.
        let block = begins_with_block(right) && !self.is_parenthesized(right);
        if block { self.parenthesized(right) } else { self.operand(right, own + 1) }
    }

    fn ternary(&mut self, condition: &Expr, then: Option<&Expr>, otherwise: &Expr) {
        self.operand(condition, 1);
        match then {
            Some(then) => {
                self.push(" ? ");
                self.expression(then);
                self.push(" : ");
            }
            None => self.push(" ?: "),
        }
        self.expression(otherwise);
    }

    fn bracketed(&mut self, open: &str, list: &[Expr], close: &str) {
        self.push(open);
        self.list(list);
        self.push(close);
    }

    /// True for a ternary that is written with `if`.
    fn is_if(&self, expr: &Expr) -> bool {
        // The parentheses around an expression belong to it.
        let written = self.written(expr.span).trim_start_matches(|c: char| c == '(' || c.is_whitespace());
        let keyword = written.strip_prefix("if").is_some_and(|rest| rest.starts_with(|c: char| !c.is_alphanumeric()));
        let ExprKind::Ternary { then: Some(then), otherwise, .. } = &expr.kind else { return false };
        let blocks = matches!(then.kind, ExprKind::Block(_));
        keyword && blocks && (matches!(otherwise.kind, ExprKind::Block(_)) || self.is_if(otherwise))
    }

    fn if_expression(&mut self, condition: &Expr, then: &Expr, otherwise: &Expr) {
        self.push("if (");
        self.inside_parentheses(condition);
        self.push(") ");
        self.bare(then);
        self.push(" else ");
        self.bare(otherwise);
    }

    pub(super) fn list(&mut self, list: &[Expr]) {
        for (index, expr) in list.iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            self.expression(expr);
        }
    }

    fn record(&mut self, fields: &[(Name, Expr)]) {
        self.push("(");
        for (index, (name, value)) in fields.iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            self.push(&name.text);
            self.push(" = ");
            self.expression(value);
        }
        self.push(")");
    }

    fn call(&mut self, function: &Name, arguments: &[Argument], bang: bool) {
        self.push(&function.text);
        self.push(if bang { "!(" } else { "(" });
        for (index, argument) in arguments.iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            self.argument(argument);
        }
        self.push(")");
    }

    pub(super) fn argument(&mut self, argument: &Argument) {
        match argument {
            Argument::Expr(expr) if reads_as_array_type(expr) => self.parenthesized(expr),
            Argument::Expr(expr) => self.expression(expr),
            Argument::Type(ty) => self.type_expr(ty),
        }
    }

    /// Prints `sizeof(…)` and its like; a path of fields follows a comma.
    fn form(&mut self, keyword: &str, operand: &TypeOrExpr, path: &[Name]) {
        self.push(keyword);
        self.push("(");
        self.type_or_expr(operand);
        for (index, name) in path.iter().enumerate() {
            let number = name.text.starts_with(|c: char| c.is_ascii_digit());
            match (index, number) {
                (0, _) => self.push(&format!(", {}", name.text)),
                (_, true) => self.push(&format!("[{}]", name.text)),
                (_, false) => self.push(&format!(".{}", name.text)),
            }
        }
        self.push(")");
    }

    fn unary(&mut self, operator: UnaryOperator, operand: &Expr) {
        let symbol = match operator {
            UnaryOperator::Negate => "-",
            UnaryOperator::Plus => "+",
            UnaryOperator::Not => "!",
            UnaryOperator::BitNot => "~",
            UnaryOperator::Dereference => "*",
            UnaryOperator::AddressOf => "&",
        };
        self.push(symbol);
        // `- -x` would be `--x`, `& &x` would be `&&x`.
        let joins = match (operator, &operand.kind) {
            (UnaryOperator::Negate, ExprKind::Step { operator, prefix, .. }) => {
                *prefix && *operator == StepOperator::Decrement
            }
            (UnaryOperator::Plus, ExprKind::Step { operator, prefix, .. }) => {
                *prefix && *operator == StepOperator::Increment
            }
            (outer, ExprKind::Unary(inner, _)) => {
                outer == *inner
                    && matches!(outer, UnaryOperator::Negate | UnaryOperator::Plus | UnaryOperator::AddressOf)
            }
            _ => false,
        };
        if joins { self.parenthesized(operand) } else { self.operand(operand, UNARY) }
    }

    fn step(&mut self, operator: StepOperator, prefix: bool, target: &Expr) {
        let symbol = match operator {
            StepOperator::Increment => "++",
            StepOperator::Decrement => "--",
        };
        if prefix {
            self.push(symbol);
            self.operand(target, UNARY);
        } else {
            self.operand(target, POSTFIX);
            self.push(symbol);
        }
    }

    fn cast(&mut self, ty: &TypeExpr, operand: &Expr) {
        self.push("(");
        self.type_expr(ty);
        self.push(")");
        self.sign_safe(operand, is_sure_type(ty));
    }

    /// Prints an operand that would be taken for the right side of an infix operator, unless `sure` it is not.
    fn sign_safe(&mut self, operand: &Expr, sure: bool) {
        let sign = match &operand.kind {
            ExprKind::Unary(operator, _) => !matches!(operator, UnaryOperator::Not | UnaryOperator::BitNot),
            ExprKind::Step { prefix, .. } => *prefix,
            _ => false,
        };
        let parenthesize = (sign && !sure || begins_with_block(operand)) && !self.is_parenthesized(operand);
        if parenthesize { self.parenthesized(operand) } else { self.operand(operand, UNARY) }
    }

    /// True when the author put parentheses around an expression that has operators.
    fn is_parenthesized(&self, expr: &Expr) -> bool {
        let compound = matches!(
            expr.kind,
            ExprKind::Unary(..)
                | ExprKind::Binary(..)
                | ExprKind::Ternary { .. }
                | ExprKind::Cast(..)
                | ExprKind::Step { .. }
                | ExprKind::Comptime(_)
        );
        compound && is_in_parentheses(self.written(expr.span))
    }
}

/// True when an argument without parentheses would be a type: an index of something that has the name of one.
pub(super) fn reads_as_array_type(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Index(base, _) => match &base.kind {
            ExprKind::Identifier(name) => is_type_name(name),
            _ => reads_as_array_type(base),
        },
        _ => false,
    }
}

/// True when the first character of a text is a parenthesis that the last closes.
fn is_in_parentheses(text: &str) -> bool {
    if !text.starts_with('(') || !text.ends_with(')') {
        return false;
    }
    let mut depth = 0u32;
    let mut bytes = text.bytes().enumerate();
    while let Some((index, byte)) = bytes.next() {
        match byte {
            b'(' => depth += 1,
            b')' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return index + 1 == text.len();
                }
            }
            b'"' | b'\'' => {
                while let Some((_, inner)) = bytes.next().filter(|(_, inner)| *inner != byte) {
                    if inner == b'\\' {
                        bytes.next();
                    }
                }
            }
            _ => {}
        }
    }
    false
}

/// How strongly an expression holds together.
fn strength(expr: &Expr) -> u8 {
    match &expr.kind {
        ExprKind::Ternary { .. } => TERNARY,
        ExprKind::Binary(operator, ..) => precedence(*operator),
        ExprKind::Unary(..) | ExprKind::Cast(..) | ExprKind::Comptime(_) | ExprKind::Step { prefix: true, .. } => UNARY,
        _ => POSTFIX,
    }
}

/// True when the first token of an expression is a brace.
pub(super) fn begins_with_block(expr: &Expr) -> bool {
    let mut expr = expr;
    loop {
        expr = match &expr.kind {
            ExprKind::Block(_) => return true,
            ExprKind::Binary(_, first, _) | ExprKind::Ternary { condition: first, .. } => first,
            ExprKind::Field { base: first, .. } | ExprKind::TupleField(first, _) | ExprKind::Index(first, _) => first,
            ExprKind::Step { prefix: false, target: first, .. } => first,
            _ => return false,
        };
    }
}
