//! Expressions from the ternary down to postfix operators.

use super::types::Certainty;
use super::{Failed, Parsed, Parser, operator};
use crate::ast::{Expr, ExprKind, StepOperator, UnaryOperator};
use crate::code::Code;
use crate::diagnostic::Diagnostic;
use crate::span::Span;
use crate::token::TokenKind;

/// How high an expression's tree may be; chains such as `a + b + …` are high without being nested.
const HEIGHT_LIMIT: u32 = 1000;

impl Parser<'_> {
    /// Reads an expression.
    pub(super) fn expression(&mut self) -> Parsed<Expr> {
        self.nested(Self::conditional)
    }

    fn conditional(&mut self) -> Parsed<Expr> {
        let condition = self.binary(0)?;
        if self.eat(TokenKind::Question) { self.branches(condition) } else { Ok(condition) }
    }

    fn branches(&mut self, condition: Expr) -> Parsed<Expr> {
        let mut height = self.height;
        let then = match self.kind() {
            TokenKind::Colon => None,
            _ => Some(Box::new(self.expression()?)),
        };
        height = height.max(self.height);
        self.expect(TokenKind::Colon)?;
        let otherwise = Box::new(self.nested(Self::conditional)?);
        height = height.max(self.height);
        let start = condition.span;
        self.made(start, height, ExprKind::Ternary { condition: Box::new(condition), then, otherwise })
    }

    /// Reads infix operators that bind at least as strongly as `least`.
    fn binary(&mut self, least: u8) -> Parsed<Expr> {
        let mut left = self.unary()?;
        while let Some((operator, precedence)) = operator::binary(self.kind()) {
            if precedence < least {
                break;
            }
            let height = self.height;
            self.bump();
            let right = self.nested(|parser| parser.binary(precedence + 1))?;
            let start = left.span;
            let kind = ExprKind::Binary(operator, Box::new(left), Box::new(right));
            left = self.made(start, height.max(self.height), kind)?;
        }
        Ok(left)
    }

    /// Reads prefix operators; each kind is read in a function of its own, which keeps the stack low.
    fn unary(&mut self) -> Parsed<Expr> {
        if let Some(operator) = operator::unary(self.kind()) {
            return self.prefix(operator);
        }
        if let Some(operator) = step(self.kind()) {
            return self.prefix_step(operator);
        }
        if self.at_cast() {
            return self.cast(true);
        }
        if self.at_tuple_cast() {
            return self.cast(false);
        }
        if self.at_word("comptime") && self.operand_follows(1, false) {
            return self.comptime();
        }
        let base = self.primary()?;
        self.postfix(base)
    }

    fn prefix(&mut self, operator: UnaryOperator) -> Parsed<Expr> {
        let start = self.bump().span;
        let operand = self.nested(Self::unary)?;
        if operator == UnaryOperator::AddressOf {
            self.check_address(&operand);
        }
        self.made(start, self.height, ExprKind::Unary(operator, Box::new(operand)))
    }

    fn prefix_step(&mut self, operator: StepOperator) -> Parsed<Expr> {
        let start = self.bump().span;
        let target = self.nested(Self::unary)?;
        self.check_step(&target)?;
        self.made(start, self.height, ExprKind::Step { operator, prefix: true, target: Box::new(target) })
    }

    /// Reads a cast; the parentheses around its type are either its own or those of a tuple.
    fn cast(&mut self, own_parentheses: bool) -> Parsed<Expr> {
        let start = self.token().span;
        if own_parentheses {
            self.bump();
        }
        let ty = self.type_expr()?;
        if own_parentheses {
            self.expect(TokenKind::RightParenthesis)?;
        }
        let operand = self.nested(Self::unary)?;
        self.made(start, self.height, ExprKind::Cast(ty, Box::new(operand)))
    }

    fn comptime(&mut self) -> Parsed<Expr> {
        let start = self.bump().span;
        let operand = self.nested(Self::unary)?;
        self.made(start, self.height, ExprKind::Comptime(Box::new(operand)))
    }

    fn postfix(&mut self, mut base: Expr) -> Parsed<Expr> {
        loop {
            let start = base.span;
            let height = self.height;
            let kind = match self.kind() {
                TokenKind::Dot | TokenKind::Arrow => self.field(base)?,
                TokenKind::LeftBracket => {
                    self.bump();
                    let indices = self.expressions(TokenKind::RightBracket)?;
                    if indices.is_empty() {
                        return Err(self.expected("an index"));
                    }
                    self.expect(TokenKind::RightBracket)?;
                    ExprKind::Index(Box::new(base), indices)
                }
                kind => match step(kind) {
                    Some(operator) => {
                        self.check_step(&base)?;
                        self.bump();
                        ExprKind::Step { operator, prefix: false, target: Box::new(base) }
                    }
                    None => return Ok(base),
                },
            };
            base = self.made(start, height.max(self.height), kind)?;
        }
    }

    fn field(&mut self, base: Expr) -> Parsed<ExprKind> {
        let arrow = self.bump().kind == TokenKind::Arrow;
        let token = self.token();
        if token.kind == TokenKind::Identifier {
            let name = self.bump_name(0);
            return Ok(ExprKind::Field { base: Box::new(base), name, arrow });
        }
        if token.kind != TokenKind::Integer {
            return Err(self.expected("a field"));
        }
        if matches!(base.kind, ExprKind::Integer(_)) {
            let message = "there are no floating-point numbers";
            let diagnostic = Diagnostic::error(Code::BadNumber, base.span.to(token.span), message);
            self.report(diagnostic.help("use a smaller unit: 1500ms instead of 1.5s"));
            return Err(Failed);
        }
        let Ok(index) = self.text().parse() else { return Err(self.expected("the number of a tuple's element")) };
        self.bump();
        Ok(ExprKind::TupleField(Box::new(base), index))
    }

    /// Reads expressions separated by commas, up to `close`.
    pub(super) fn expressions(&mut self, close: TokenKind) -> Parsed<Vec<Expr>> {
        let mut list = Vec::new();
        let mut height = 0;
        while self.kind() != close {
            list.push(self.expression()?);
            height = height.max(self.height);
            if !self.eat(TokenKind::Comma) {
                break;
            }
        }
        self.height = height;
        Ok(list)
    }

    /// True when a cast begins here, not a parenthesis.
    fn at_cast(&self) -> bool {
        if self.kind() != TokenKind::LeftParenthesis {
            return false;
        }
        let Some(ahead) = self.type_ahead(self.at + 1) else { return false };
        if self.tokens[ahead.end].kind != TokenKind::RightParenthesis {
            return false;
        }
        let pointer = self.tokens[ahead.end - 1].kind == TokenKind::Star;
        let sure = pointer || ahead.certainty > Certainty::Word;
        self.operand_follows(ahead.end + 1 - self.at, sure)
    }

    /// True when a cast to a tuple begins here, whose parentheses are those of the type.
    fn at_tuple_cast(&self) -> bool {
        let ahead = match self.kind() {
            TokenKind::LeftParenthesis => self.type_ahead(self.at),
            _ => None,
        };
        ahead.is_some_and(|ahead| {
            let tuple = !ahead.derived && ahead.certainty > Certainty::Word;
            tuple && self.operand_follows(ahead.end - self.at, false)
        })
    }

    /// True when the token at `offset` begins an operand; when `sure`, also if it could be an infix operator.
    fn operand_follows(&self, offset: usize, sure: bool) -> bool {
        match self.kind_at(offset) {
            TokenKind::Identifier
            | TokenKind::Variable
            | TokenKind::Map
            | TokenKind::Positional
            | TokenKind::PositionalCount
            | TokenKind::Integer
            | TokenKind::Character
            | TokenKind::String
            | TokenKind::LeftParenthesis
            | TokenKind::Not
            | TokenKind::Tilde => true,
            TokenKind::Minus
            | TokenKind::Plus
            | TokenKind::Star
            | TokenKind::And
            | TokenKind::Increment
            | TokenKind::Decrement => sure,
            _ => false,
        }
    }

    /// `++` and `--` need something that keeps a value.
    fn check_step(&mut self, target: &Expr) -> Parsed<()> {
        if is_place(target) {
            return Ok(());
        }
        let message = "`++` and `--` need a variable or a map";
        self.report(Diagnostic::error(Code::BadAssignment, target.span, message).primary("this keeps no value"));
        Err(Failed)
    }

    fn check_address(&mut self, operand: &Expr) {
        let addressable = is_place(operand) || matches!(operand.kind, ExprKind::Identifier(_));
        if !addressable {
            let message = "`&` needs a variable or a map";
            self.report(Diagnostic::error(Code::BadOperand, operand.span, message).primary("this has no address"));
        }
    }

    /// An expression from `start` to the last token read, whose highest part has that height.
    pub(super) fn made(&mut self, start: Span, height: u32, kind: ExprKind) -> Parsed<Expr> {
        self.height = height + 1;
        if self.height > HEIGHT_LIMIT {
            return Err(self.too_deep(start));
        }
        Ok(Expr { span: self.since(start), kind })
    }
}

/// True for what can be assigned or stepped: a variable, a map, an element, a field, a dereference.
pub(super) fn is_place(expr: &Expr) -> bool {
    matches!(
        &expr.kind,
        ExprKind::Variable(_)
            | ExprKind::Map(_)
            | ExprKind::Identifier(_)
            | ExprKind::Unary(UnaryOperator::Dereference, _)
            | ExprKind::Field { .. }
            | ExprKind::Index(..)
    )
}

fn step(kind: TokenKind) -> Option<StepOperator> {
    match kind {
        TokenKind::Increment => Some(StepOperator::Increment),
        TokenKind::Decrement => Some(StepOperator::Decrement),
        _ => None,
    }
}
