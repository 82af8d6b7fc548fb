//! Blocks and statements.

use super::expression::is_place;
use super::{Failed, Parsed, Parser, operator};
use crate::ast::{Block, Expr, ExprKind, ForSource, Statement, StatementKind};
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::token::TokenKind;

impl Parser<'_> {
    /// Reads a block from brace to brace.
    pub(super) fn block(&mut self) -> Parsed<Block> {
        self.nested(Self::block_here)
    }

    fn block_here(&mut self) -> Parsed<Block> {
        let open = self.expect(TokenKind::LeftBrace)?.span;
        let mut block = Block { span: open, statements: Vec::new(), value: None };
        let mut height = 0;
        while self.kind() != TokenKind::RightBrace {
            if self.at_item_end() {
                return Err(self.unclosed_block(open));
            }
            if self.eat(TokenKind::Semicolon) {
                continue;
            }
            self.height = 0;
            let before = self.at;
            if self.statement_in(&mut block).is_err() {
                // A statement that begins with a stray bracket must not be read again and again.
                if self.at == before && !matches!(self.kind(), TokenKind::LeftBrace | TokenKind::RightBrace) {
                    self.bump();
                }
                self.skip_statement();
            }
            height = height.max(self.height);
        }
        self.bump();
        self.height = height;
        block.span = self.since(open);
        // Statements are large, and most blocks have fewer than there is room for.
        block.statements.shrink_to_fit();
        Ok(block)
    }

    /// Reads a block whose value is wanted: an `if` at its end gives its value when all branches have one.
    pub(super) fn value_block(&mut self) -> Parsed<Block> {
        Ok(with_value(self.block()?))
    }

    /// Reads `if condition { a } else { b }` as an expression: it is `condition ? { a } : { b }`.
    pub(super) fn if_expression(&mut self) -> Parsed<Expr> {
        let start = self.bump().span;
        let kind = self.nested(Self::if_statement)?;
        let statement = Statement { span: self.since(start), kind };
        if has_value(&statement.kind)
            && let Some(value) = conditional_value(statement)
        {
            return Ok(value);
        }
        let message = "every branch of an `if` in an expression needs a value";
        let help = "end each branch, also that of `else`, with an expression without semicolon";
        self.report(Diagnostic::error(Code::UnexpectedToken, start, message).help(help));
        Err(Failed)
    }

    /// Reads one statement with its semicolon, or the block's value.
    fn statement_in(&mut self, block: &mut Block) -> Parsed<()> {
        let start = self.token().span;
        let kind = self.statement_kind()?;
        let at_end = self.kind() == TokenKind::RightBrace;
        match kind {
            StatementKind::Expression(value) if at_end => {
                block.value = Some(Box::new(value));
                return Ok(());
            }
            StatementKind::Block(inner) if at_end && inner.value.is_some() => {
                let span = inner.span;
                block.value = Some(Box::new(Expr { span, kind: ExprKind::Block(inner) }));
                return Ok(());
            }
            kind => {
                let needs_semicolon = !ends_with_block(&kind);
                block.statements.push(Statement { span: self.since(start), kind });
                if !needs_semicolon || at_end || self.eat(TokenKind::Semicolon) || self.at_item_end() {
                    return Ok(());
                }
            }
        }
        self.missing_semicolon()
    }

    fn statement_kind(&mut self) -> Parsed<StatementKind> {
        if self.kind() == TokenKind::LeftBrace {
            return Ok(StatementKind::Block(self.block()?));
        }
        if self.kind() != TokenKind::Identifier {
            return self.expression_statement();
        }
        match self.text() {
            "if" => {
                self.bump();
                self.if_statement()
            }
            "while" | "unroll" => self.while_statement(),
            "for" => self.for_statement(),
            "let" => self.let_statement(),
            "return" => self.return_statement(),
            "break" => {
                self.bump();
                Ok(StatementKind::Break)
            }
            "continue" => {
                self.bump();
                Ok(StatementKind::Continue)
            }
            "_" if self.kind_at(1) == TokenKind::Assign => self.discard_statement(),
            _ => self.expression_statement(),
        }
    }

    fn while_statement(&mut self) -> Parsed<StatementKind> {
        let keyword = self.bump_name(0).text;
        let head = self.head()?;
        let body = self.block()?;
        match keyword.as_str() {
            "while" => Ok(StatementKind::While { condition: head, body }),
            _ => Ok(StatementKind::Unroll { count: head, body }),
        }
    }

    fn return_statement(&mut self) -> Parsed<StatementKind> {
        let span = self.bump().span;
        if self.in_macro {
            let message = "a macro cannot return: it would end the probe that calls it";
            self.report(
                Diagnostic::error(Code::UnexpectedToken, span, message)
                    .help("the value of a macro is the expression at its end"),
            );
        }
        let ends = matches!(self.kind(), TokenKind::Semicolon | TokenKind::RightBrace | TokenKind::End);
        Ok(StatementKind::Return(if ends { None } else { Some(self.expression()?) }))
    }

    fn discard_statement(&mut self) -> Parsed<StatementKind> {
        self.bump();
        self.bump();
        Ok(StatementKind::Discard(self.expression()?))
    }

    /// Reads the condition or count before a block; parentheses around it are part of the expression.
    fn head(&mut self) -> Parsed<Expr> {
        let head = self.expression()?;
        if self.kind() == TokenKind::LeftBrace { Ok(head) } else { Err(self.expected("`{`")) }
    }

    /// Reads what follows `if`.
    fn if_statement(&mut self) -> Parsed<StatementKind> {
        let condition = self.head()?;
        let then = self.block()?;
        let mut otherwise = None;
        if self.eat_word("else") {
            otherwise = Some(if self.at_word("if") { self.else_if()? } else { self.block()? });
        }
        Ok(StatementKind::If { condition, then, otherwise })
    }

    /// Reads `if …` behind `else` as a block of one statement.
    fn else_if(&mut self) -> Parsed<Block> {
        let start = self.bump().span;
        let kind = self.nested(Self::if_statement)?;
        let span = self.since(start);
        Ok(Block { span, statements: vec![Statement { span, kind }], value: None })
    }

    fn for_statement(&mut self) -> Parsed<StatementKind> {
        self.bump();
        let open = self.token().span;
        let parenthesis = self.eat(TokenKind::LeftParenthesis);
        if self.kind() != TokenKind::Variable {
            return Err(self.expected_with_help(
                "the loop's variable",
                Some("loops are written `for ($i : 0..10) { … }` or `for ($kv : @map) { … }`"),
            ));
        }
        let variable = self.bump_name(1);
        self.expect(TokenKind::Colon)?;
        let first = self.expression()?;
        let over = match self.eat(TokenKind::Range) {
            true => ForSource::Range(first, self.expression()?),
            false => ForSource::Map(first),
        };
        if parenthesis {
            self.close_parenthesis(open)?;
        }
        Ok(StatementKind::For { variable, over, body: self.block()? })
    }

    fn let_statement(&mut self) -> Parsed<StatementKind> {
        self.bump();
        if self.kind() != TokenKind::Variable {
            let map = self.kind() == TokenKind::Map;
            let help = map.then_some("maps are declared at the top level: `let @name = hash(100);`");
            return Err(self.expected_with_help("a variable", help));
        }
        let variable = self.bump_name(1);
        let ty = if self.eat(TokenKind::Colon) { Some(self.type_expr()?) } else { None };
        let value = if self.eat(TokenKind::Assign) { Some(self.expression()?) } else { None };
        Ok(StatementKind::Let { variable, ty, value })
    }

    fn expression_statement(&mut self) -> Parsed<StatementKind> {
        let target = self.expression()?;
        let operator = operator::compound(self.kind());
        if operator.is_none() && self.kind() != TokenKind::Assign {
            return Ok(StatementKind::Expression(target));
        }
        self.check_target(&target)?;
        self.bump();
        Ok(StatementKind::Assign { target, operator, value: self.expression()? })
    }

    /// Only what keeps a value can be assigned.
    fn check_target(&mut self, target: &Expr) -> Parsed<()> {
        if is_place(target) {
            return Ok(());
        }
        let error = |message: &str| Diagnostic::error(Code::BadAssignment, target.span, message);
        let diagnostic = match &target.kind {
            ExprKind::TupleField(..) => {
                error("the elements of a tuple cannot be changed").help("make a new tuple and assign it as a whole")
            }
            _ => error("this cannot be assigned").help("variables ($x), maps (@x) and map elements can be assigned"),
        };
        self.report(diagnostic);
        Err(Failed)
    }
}

/// True for an `if` whose branches all have values.
fn has_value(kind: &StatementKind) -> bool {
    let StatementKind::If { then, otherwise: Some(otherwise), .. } = kind else { return false };
    gives_value(then) && gives_value(otherwise)
}

/// True for a block that ends with a value, or with an `if` that has one.
fn gives_value(block: &Block) -> bool {
    match &block.value {
        Some(value) => !matches!(value.kind, ExprKind::Step { .. }),
        None => block.statements.last().is_some_and(|last| has_value(&last.kind)),
    }
}

/// The block with the `if` at its end as its value, if that has one.
fn with_value(mut block: Block) -> Block {
    if block.value.is_none()
        && block.statements.last().is_some_and(|last| has_value(&last.kind))
        && let Some(last) = block.statements.pop()
    {
        block.value = conditional_value(last).map(Box::new);
    }
    block
}

/// The value of an `if` for which [`has_value`] is true.
fn conditional_value(statement: Statement) -> Option<Expr> {
    let StatementKind::If { condition, then, otherwise: Some(otherwise) } = statement.kind else { return None };
    let value = |block: Block| {
        let mut block = with_value(block);
        match block.value.take() {
            // `else if` is the next condition, not a block that holds it.
            Some(value) if block.statements.is_empty() && matches!(value.kind, ExprKind::Ternary { .. }) => value.kind,
            value => ExprKind::Block(Block { value, ..block }),
        }
    };
    let expression = |block: Block| Box::new(Expr { span: block.span, kind: value(block) });
    let (then, otherwise) = (Some(expression(then)), expression(otherwise));
    let kind = ExprKind::Ternary { condition: Box::new(condition), then, otherwise };
    Some(Expr { span: statement.span, kind })
}

/// True for statements that need no semicolon.
fn ends_with_block(kind: &StatementKind) -> bool {
    match kind {
        StatementKind::If { .. }
        | StatementKind::While { .. }
        | StatementKind::Unroll { .. }
        | StatementKind::For { .. }
        | StatementKind::Block(_) => true,
        StatementKind::Expression(_)
        | StatementKind::Assign { .. }
        | StatementKind::Discard(_)
        | StatementKind::Let { .. }
        | StatementKind::Break
        | StatementKind::Continue
        | StatementKind::Return(_) => false,
    }
}
