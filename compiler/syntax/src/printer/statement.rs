//! Blocks and statements.

use super::Printer;
use super::expression::begins_with_block;
use crate::ast::{Argument, Block, Expr, ExprKind, ForSource, Name, Statement, StatementKind};
use crate::span::Span;

/// Lines longer than this are broken between the arguments of their call.
const WIDTH: usize = 100;

impl Printer<'_> {
    /// Prints a block from brace to brace.
    pub(super) fn block(&mut self, block: &Block) {
        if block.statements.is_empty() && block.value.is_none() && !self.has_comments_in(block.span) {
            self.push("{}");
            return self.finish(block.span);
        }
        self.open(block.span);
        for statement in &block.statements {
            self.statement(statement);
        }
        // Without a semicolon it would be the value of the block around it.
        let last = block.statements.last().map(|last| &last.kind);
        if block.value.is_none() && matches!(last, Some(StatementKind::Block(inner)) if inner.value.is_some()) {
            self.push(";");
        }
        if let Some(value) = &block.value {
            self.start(value.span);
            self.block_value(value);
            self.finish(value.span);
        }
        self.close(block.span);
    }

    /// Prints the brace that opens `span`.
    pub(super) fn open(&mut self, span: Span) {
        self.push("{");
        self.last_line = self.sources_line(span);
        self.opened = true;
        self.indent += 1;
    }

    /// Prints the brace that closes `span`, with the comments before it.
    pub(super) fn close(&mut self, span: Span) {
        self.comments_before(Span { start: span.end.saturating_sub(1), ..span });
        self.indent -= 1;
        self.push("\n");
        self.push_indent();
        self.push("}");
        self.opened = false;
        self.finish(span);
    }

    /// A block with just a value fits on a line.
    pub(super) fn block_expression(&mut self, block: &Block) {
        match &block.value {
            Some(value) if block.statements.is_empty() && !self.has_comments_in(block.span) => {
                self.push("{ ");
                self.block_value(value);
                self.push(" }");
            }
            _ => self.block(block),
        }
    }

    fn block_value(&mut self, value: &Expr) {
        match &value.kind {
            // Such a block is a value, where others are statements.
            ExprKind::Block(block) if block.value.is_some() => self.block_expression(block),
            _ => self.broken_call(value),
        }
    }

    fn statement(&mut self, statement: &Statement) {
        self.start(statement.span);
        let semicolon = self.statement_kind(&statement.kind);
        if semicolon {
            self.push(";");
        }
        self.finish(statement.span);
    }

    /// Prints a statement; true when it needs a semicolon.
    fn statement_kind(&mut self, kind: &StatementKind) -> bool {
        match kind {
            StatementKind::Expression(expr) => self.broken_call(expr),
            StatementKind::Assign { target, operator, value } => {
                self.at_statement_start(target);
                let operator = operator.map_or("", |operator| operator.symbol());
                self.push(&format!(" {operator}= "));
                self.expression(value);
            }
            StatementKind::Discard(value) => {
                self.push("_ = ");
                self.expression(value);
            }
            StatementKind::Let { variable, ty, value } => {
                self.push(&format!("let ${}", variable.text));
                if let Some(ty) = ty {
                    self.push(": ");
                    self.type_expr(ty);
                }
                if let Some(value) = value {
                    self.push(" = ");
                    self.expression(value);
                }
            }
            StatementKind::Return(None) => self.push("return"),
            StatementKind::Return(Some(value)) => {
                self.push("return ");
                self.expression(value);
            }
            StatementKind::Break => self.push("break"),
            StatementKind::Continue => self.push("continue"),
            StatementKind::If { condition, then, otherwise } => {
                self.if_statement(condition, then, otherwise.as_ref());
                return false;
            }
            StatementKind::While { condition, body } => {
                self.head("while", condition, body);
                return false;
            }
            StatementKind::Unroll { count, body } => {
                self.head("unroll", count, body);
                return false;
            }
            StatementKind::For { variable, over, body } => {
                self.for_statement(variable, over, body);
                return false;
            }
            StatementKind::Block(block) => {
                self.block(block);
                return false;
            }
        }
        true
    }

    fn head(&mut self, keyword: &str, condition: &Expr, body: &Block) {
        self.push(keyword);
        self.push(" (");
        self.inside_parentheses(condition);
        // Without operators, `(a) {` needs its own parentheses only to show what it was.
        self.push(") ");
        self.block(body);
    }

    fn if_statement(&mut self, condition: &Expr, then: &Block, otherwise: Option<&Block>) {
        self.head("if", condition, then);
        let Some(otherwise) = otherwise else { return };
        self.push(" else ");
        match (otherwise.statements.as_slice(), &otherwise.value) {
            ([Statement { kind: StatementKind::If { condition, then, otherwise }, .. }], None) => {
                self.if_statement(condition, then, otherwise.as_ref());
            }
            _ => self.block(otherwise),
        }
    }

    fn for_statement(&mut self, variable: &Name, over: &ForSource, body: &Block) {
        self.push(&format!("for (${} : ", variable.text));
        match over {
            ForSource::Range(first, end) => {
                self.expression(first);
                self.push("..");
                self.expression(end);
            }
            ForSource::Map(map) => self.expression(map),
        }
        self.push(") ");
        self.block(body);
    }

    /// Prints an expression statement; a call that is too long for its line is broken between arguments.
    fn broken_call(&mut self, expr: &Expr) {
        let line_start = self.out.rfind('\n').map_or(0, |end| end + 1);
        let before = self.out.len();
        let comments = self.comments;
        self.at_statement_start(expr);
        let added = &self.out[before..];
        let ExprKind::Call { function, arguments, bang } = &expr.kind else { return };
        let fits = self.out[line_start..].chars().count() < WIDTH || added.contains('\n');
        if fits || arguments.len() < 2 || begins_with_block(expr) {
            return;
        }
        self.out.truncate(before);
        self.comments = comments;
        self.push(&format!("{}{}(", function.text, if *bang { "!" } else { "" }));
        self.filled(arguments);
        self.push(")");
    }

    /// Prints arguments over several lines, as many on each as fit.
    fn filled(&mut self, arguments: &[Argument]) {
        self.indent += 2;
        for (index, argument) in arguments.iter().enumerate() {
            let before = self.out.len();
            self.argument(argument);
            let text = self.out.split_off(before);
            let line_start = self.out.rfind('\n').map_or(0, |end| end + 1);
            let used = self.out[line_start..].chars().count();
            if index > 0 && used + text.chars().count() + 2 > WIDTH {
                self.push(",\n");
                self.push_indent();
            } else if index > 0 {
                self.push(", ");
            }
            self.push(&text);
        }
        self.indent -= 2;
    }
}
