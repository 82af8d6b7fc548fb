//! Calls, and the forms that look like calls: `sizeof`, `offsetof`, `typeof`, `typeinfo`.

use super::{Parsed, Parser};
use crate::ast::{Argument, Expr, ExprKind, Name};
use crate::token::TokenKind;

impl Parser<'_> {
    /// Reads `name(arguments)` or `name!(arguments)`.
    pub(super) fn call(&mut self) -> Parsed<Expr> {
        let function = self.bump_name(0);
        let bang = self.eat(TokenKind::Not);
        let open = self.expect(TokenKind::LeftParenthesis)?.span;
        let mut arguments = Vec::new();
        let mut height = 0;
        while self.kind() != TokenKind::RightParenthesis {
            if self.at_pure_type() {
                arguments.push(Argument::Type(self.type_expr()?));
            } else {
                arguments.push(Argument::Expr(self.expression()?));
                height = height.max(self.height);
            }
            if !self.eat(TokenKind::Comma) {
                break;
            }
            if self.kind() == TokenKind::RightParenthesis {
                return Err(self.expected("an argument"));
            }
        }
        self.close_parenthesis(open)?;
        let start = function.span;
        self.made(start, height, ExprKind::Call { function, arguments, bang })
    }

    /// Reads a form whose argument may be a type.
    pub(super) fn special_form(&mut self) -> Parsed<Expr> {
        let form = self.bump_name(0);
        let open = self.expect(TokenKind::LeftParenthesis)?.span;
        self.height = 0;
        let operand = Box::new(self.type_or_expr()?);
        let height = self.height;
        let kind = match form.text.as_str() {
            "sizeof" => ExprKind::Sizeof(operand),
            "typeof" => ExprKind::Typeof(operand),
            "typeinfo" => ExprKind::Typeinfo(operand),
            _ => {
                self.expect(TokenKind::Comma)?;
                ExprKind::Offsetof(operand, self.field_path()?)
            }
        };
        self.close_parenthesis(open)?;
        self.made(form.span, height, kind)
    }

    /// Reads `a.b[2].c`.
    fn field_path(&mut self) -> Parsed<Vec<Name>> {
        let mut path = vec![self.name("a field")?];
        loop {
            match self.kind() {
                TokenKind::Dot => {
                    self.bump();
                    path.push(self.name("a field")?);
                }
                TokenKind::LeftBracket => {
                    self.bump();
                    let span = self.token().span;
                    if self.kind() != TokenKind::Integer {
                        return Err(self.expected("a constant index"));
                    }
                    let index = self.integer();
                    self.expect(TokenKind::RightBracket)?;
                    path.push(Name { span, text: index.value.to_string() });
                }
                _ => return Ok(path),
            }
        }
    }
}
