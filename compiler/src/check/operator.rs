//! Operators: which operands they take and what comes out.

use super::constant::{boolean, constant_of, is_flexible};
use super::conversion::convert;
use super::inference::{meets_probe, merge};
use super::literal::is_written_integer;
use super::{Checker, constant};
use crate::hir::{ArithmeticOperator, CompareOperator, Expr, ExprKind, UnaryOperator};
use crate::types::{INT64, Space, Type, UINT8, UINT64};
use lancet_syntax::ast::{self, BinaryOperator};
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;

impl<'a> Checker<'a> {
    pub(super) fn binary(
        &mut self,
        operator: BinaryOperator,
        left: &'a ast::Expr,
        right: &'a ast::Expr,
        span: Span,
    ) -> Option<Expr> {
        if matches!(operator, BinaryOperator::And | BinaryOperator::Or) {
            let (left, right) = (self.condition(left), self.condition(right));
            return Some(logical(operator == BinaryOperator::And, left?, right?, span));
        }
        let written = is_written_integer(left) && is_written_integer(right);
        let casts = [self.holds_cast(left), self.holds_cast(right)];
        let (left, right) = (self.expression(left), self.expression(right));
        let (left, right) = (left?, right?);
        if let Some(folded) = self.fold_strings(operator, &left, &right, span) {
            return Some(folded);
        }
        if written && let Some(folded) = self.fold_integers(operator, &left, &right, span) {
            return folded;
        }
        if written && divides(operator) && matches!(right.kind, ExprKind::Constant(0)) {
            self.error(Code::DivisionByZero, right.span, "division by zero");
            return None;
        }
        let flexible = [self.takes_sign(&left, casts[0]), self.takes_sign(&right, casts[1])];
        self.binary_between(operator, left, right, flexible, span)
    }

    /// An operator on checked operands (not `&&` and `||`).
    pub(super) fn binary_of(&mut self, operator: BinaryOperator, left: Expr, right: Expr, span: Span) -> Option<Expr> {
        let flexible = [is_flexible(&left), is_flexible(&right)];
        self.binary_between(operator, left, right, flexible, span)
    }

    /// The same; `flexible` are the sides that take the signedness of the other.
    fn binary_between(
        &mut self,
        operator: BinaryOperator,
        left: Expr,
        right: Expr,
        flexible: [bool; 2],
        span: Span,
    ) -> Option<Expr> {
        match comparison(operator) {
            Some(compare) => self.compare(compare, left, right, flexible, span),
            None => self.arithmetic(operator, left, right, flexible, span),
        }
    }

    fn compare(
        &mut self,
        operator: CompareOperator,
        left: Expr,
        right: Expr,
        flexible: [bool; 2],
        span: Span,
    ) -> Option<Expr> {
        let equality = matches!(operator, CompareOperator::Equal | CompareOperator::NotEqual);
        let (a, b) = (left.ty.clone(), right.ty.clone());
        let name = match (&a, &b, &left.kind, &right.kind) {
            (Type::ProbeName, _, _, ExprKind::String(bytes)) | (_, Type::ProbeName, ExprKind::String(bytes), _) => {
                Some(bytes)
            }
            _ => None,
        };
        if let Some(name) = name
            && equality
            && let Some(equal) = self.probe_is(name)
        {
            return Some(boolean(equal == (operator == CompareOperator::Equal), span));
        }
        if meets_probe(&a, &b) && self.wants_text(&Type::ProbeName) {
            return None;
        }
        if a.is_scalar() && b.is_scalar() && comparable_scalars(&a, &b) {
            let signed = compares_signed([&left, &right], flexible);
            self.doubt_comparison(operator, [&left, &right], flexible, signed, span);
            let ty = Type::Int { size: 8, signed };
            let (left, right) = (self.comparand(left, &ty), self.comparand(right, &ty));
            if let (ExprKind::Constant(x), ExprKind::Constant(y)) = (&left.kind, &right.kind) {
                return Some(boolean(compare_constants(operator, signed, *x, *y), span));
            }
            let (left, right) = (Box::new(left), Box::new(right));
            return Some(Expr { span, ty: Type::Bool, kind: ExprKind::Compare { operator, signed, left, right } });
        }
        let same_shape = match (&a, &b) {
            (Type::Struct(_), Type::Struct(_)) => a == b,
            _ => !a.is_scalar() && !b.is_scalar() && merge(&a, &b).is_some(),
        };
        if same_shape && equality {
            if let (ExprKind::String(x), ExprKind::String(y)) = (&left.kind, &right.kind) {
                return Some(boolean((x == y) == (operator == CompareOperator::Equal), span));
            }
            let negated = operator == CompareOperator::NotEqual;
            self.doubt_length(&left, &right, negated, span);
            let (left, right) = (Box::new(left), Box::new(right));
            return Some(Expr { span, ty: Type::Bool, kind: ExprKind::MemoryEqual { negated, left, right } });
        }
        let message = if same_shape {
            format!("values of type {a} can be compared with == and != only")
        } else {
            format!("{a} cannot be compared with {b}")
        };
        self.report(
            Diagnostic::error(Code::TypeMismatch, span, message)
                .label(left.span, format!("{a}"))
                .label(right.span, format!("{b}")),
        );
        None
    }

    /// Whether the probe that is checked has that name; `None` when the action serves several at once.
    fn probe_is(&mut self, name: &[u8]) -> Option<bool> {
        self.facts.looks_at_arguments = true;
        let [point] = self.facts.expansion.attach_points.as_slice() else { return None };
        Some(point.name.as_bytes() == &name[..name.len().max(1) - 1])
    }

    /// One side of a scalar comparison in 64 bits.
    fn comparand(&mut self, expr: Expr, ty: &Type) -> Expr {
        if expr.ty.is_integer() { convert(expr, ty.clone()) } else { Expr { ty: ty.clone(), ..expr } }
    }

    fn arithmetic(
        &mut self,
        operator: BinaryOperator,
        left: Expr,
        right: Expr,
        flexible: [bool; 2],
        span: Span,
    ) -> Option<Expr> {
        if let Some(pointer) = self.pointer_arithmetic(operator, &left, &right) {
            return self.pointer_offset(pointer, operator, left, right, span);
        }
        if !left.ty.is_integer() || !right.ty.is_integer() {
            return self.bad_operands(operator, &left, &right, span);
        }
        let ty = arithmetic_type(operator, [&left, &right], flexible);
        let shift = matches!(operator, BinaryOperator::ShiftLeft | BinaryOperator::ShiftRight);
        if shift
            && let ExprKind::Constant(bits) = right.kind
            && !(0..64).contains(&bits)
        {
            let message = format!("a shift by {bits} bits: 0 to 63 are possible");
            self.error(Code::BadArgument, right.span, message);
            return None;
        }
        let left = convert(left, ty.clone());
        let right = if shift { self.widen(right) } else { convert(right, ty.clone()) };
        let arithmetic = arithmetic_operator(operator);
        if let (ExprKind::Constant(x), ExprKind::Constant(y)) = (&left.kind, &right.kind)
            && let Some(value) = fold(arithmetic, ty.is_signed(), *x, *y)
        {
            return Some(Expr { span, ty, kind: ExprKind::Constant(value) });
        }
        if divides(operator) && matches!(right.kind, ExprKind::Constant(0)) {
            self.report(
                Diagnostic::warning(Code::DivisionByZero, right.span, "a division by zero: the result is 1")
                    .help("divide by another number"),
            );
        }
        let kind = ExprKind::Arithmetic(arithmetic, Box::new(left), Box::new(right));
        Some(Expr { span, ty, kind })
    }

    /// True as `Some(left is the pointer)` when the operator is arithmetic on a pointer.
    fn pointer_arithmetic(&self, operator: BinaryOperator, left: &Expr, right: &Expr) -> Option<bool> {
        let pointer = |expr: &Expr| matches!(expr.ty, Type::Pointer(..));
        match operator {
            BinaryOperator::Add if pointer(left) && right.ty.is_integer() => Some(true),
            BinaryOperator::Add if pointer(right) && left.ty.is_integer() => Some(false),
            BinaryOperator::Subtract if pointer(left) && right.ty.is_integer() => Some(true),
            _ => None,
        }
    }

    fn pointer_offset(
        &mut self,
        left_is_pointer: bool,
        operator: BinaryOperator,
        left: Expr,
        right: Expr,
        span: Span,
    ) -> Option<Expr> {
        let (pointer, count) = if left_is_pointer { (left, right) } else { (right, left) };
        let Type::Pointer(target, _) = &pointer.ty else { return None };
        let size = i64::from(self.size_of(target).max(1));
        let count = convert(count, INT64);
        let span_count = count.span;
        let mut bytes = match count.kind {
            ExprKind::Constant(value) => constant::integer(value.wrapping_mul(size), span_count),
            _ if size == 1 => count,
            _ => Expr {
                span: span_count,
                ty: INT64,
                kind: ExprKind::Arithmetic(
                    ArithmeticOperator::Multiply,
                    Box::new(count),
                    Box::new(constant::integer(size, span_count)),
                ),
            },
        };
        if operator == BinaryOperator::Subtract {
            bytes = match bytes.kind {
                ExprKind::Constant(value) => constant::integer(value.wrapping_neg(), span_count),
                _ => {
                    Expr { span: span_count, ty: INT64, kind: ExprKind::Unary(UnaryOperator::Negate, Box::new(bytes)) }
                }
            };
        }
        let ty = pointer.ty.clone();
        Some(Expr { span, ty, kind: ExprKind::PointerOffset(Box::new(pointer), Box::new(bytes)) })
    }

    fn bad_operands(&mut self, operator: BinaryOperator, left: &Expr, right: &Expr, span: Span) -> Option<Expr> {
        let both_pointers = matches!((&left.ty, &right.ty), (Type::Pointer(..), Type::Pointer(..)));
        if operator == BinaryOperator::Subtract && both_pointers {
            let cast = |expr: &Expr| format!("(uint64){}", if expr.span == span { "…" } else { "pointer" });
            let help = format!("cast them: {} - {}", cast(left), cast(right));
            self.report(Diagnostic::error(Code::BadOperand, span, "two pointers cannot be subtracted").help(help));
            return None;
        }
        let symbol = operator.symbol();
        let message = format!("operator {symbol} does not take {} and {}", left.ty, right.ty);
        let mut diagnostic = Diagnostic::error(Code::BadOperand, span, message)
            .label(left.span, format!("{}", left.ty))
            .label(right.span, format!("{}", right.ty));
        if matches!((&left.ty, &right.ty), (Type::String(_), Type::String(_))) && operator == BinaryOperator::Add {
            diagnostic = diagnostic.help("to join strings write str_concat(a, b)");
        }
        self.report(diagnostic);
        None
    }

    pub(super) fn unary(&mut self, operator: ast::UnaryOperator, written: &'a ast::Expr, span: Span) -> Option<Expr> {
        use ast::UnaryOperator as Unary;
        match operator {
            Unary::Dereference => return self.dereference(written, span),
            Unary::AddressOf => return self.address_of(written, span),
            Unary::Not => {
                let operand = self.condition(written)?;
                return Some(match operand.kind {
                    ExprKind::Constant(value) => boolean(value == 0, span),
                    _ => Expr { span, ty: Type::Bool, kind: ExprKind::Not(Box::new(operand)) },
                });
            }
            Unary::Negate | Unary::Plus | Unary::BitNot => {}
        }
        let operand = self.expression(written)?;
        if !operand.ty.is_integer() {
            let symbol = match operator {
                Unary::Negate => "-",
                Unary::Plus => "+",
                _ => "~",
            };
            let message = format!("operator {symbol} does not take {}", operand.ty);
            self.error(Code::BadOperand, span, message);
            return None;
        }
        Some(match operator {
            Unary::Plus => Expr { span, ..operand },
            Unary::BitNot => {
                // That of a literal is unsigned, that of another value is of its type.
                let ty = match &operand.ty {
                    ty @ Type::Int { .. } if !is_flexible(&operand) || self.holds_cast(written) => ty.clone(),
                    _ => UINT64,
                };
                let operand = self.widen(operand);
                let wide = operand.ty.clone();
                convert(unary_of(UnaryOperator::BitNot, operand, wide, span), ty)
            }
            _ => unary_of(UnaryOperator::Negate, convert(operand, INT64), INT64, span),
        })
    }

    /// `*p`.
    fn dereference(&mut self, operand: &'a ast::Expr, span: Span) -> Option<Expr> {
        let pointer = self.expression(operand)?;
        match &pointer.ty {
            Type::Pointer(target, _) => {
                let target = (**target).clone();
                if target == Type::Void {
                    self.report(
                        Diagnostic::error(Code::BadDereference, span, "a void * cannot be dereferenced")
                            .help("cast it to a pointer to what is there: *(uint64 *)p"),
                    );
                    return None;
                }
                self.load(pointer, 0, target, None, span)
            }
            // An address that nothing says the type of: kaddr(), reg(), arg0. Other numbers are no addresses.
            Type::Int { size: 8, signed: false } => {
                let space = self.facts().default_space;
                let pointer = convert(pointer, UINT64.pointer(space));
                self.load(pointer, 0, UINT64, None, span)
            }
            ty => {
                let message = format!("{ty} is not a pointer: it cannot be dereferenced");
                self.report(
                    Diagnostic::error(Code::BadDereference, span, message)
                        .help("cast it to a pointer to what is there: *(uint64 *)p"),
                );
                None
            }
        }
    }

    /// The bytes that a pointer leads to, or an address that nothing says the type of; reports anything else with `wanted`.
    pub fn bytes_at(&mut self, address: Expr, count: u32, wanted: &str, span: Span) -> Option<Expr> {
        let pointer = match &address.ty {
            Type::Pointer(..) => address,
            Type::Int { size: 8, signed: false } => {
                let space = self.facts().default_space;
                convert(address, UINT8.pointer(space))
            }
            ty => {
                let message = format!("{wanted}, not {ty}");
                self.error(Code::BadArgument, address.span, message);
                return None;
            }
        };
        self.load(pointer, 0, Type::Array(Box::new(UINT8), count), None, span)
    }

    /// `&$x`, `&@m[k]`.
    fn address_of(&mut self, operand: &'a ast::Expr, span: Span) -> Option<Expr> {
        match &operand.kind {
            ast::ExprKind::Variable(name) => {
                let Some(index) = self.find_local(name) else {
                    self.unknown_variable(name, operand.span);
                    return None;
                };
                self.gets_another_value(index);
                self.locals[index.0 as usize].address_taken = true;
                let ty = self.known_local_type(index, operand.span)?.pointer(Space::Bpf);
                Some(Expr { span, ty, kind: ExprKind::AddressOfLocal(index) })
            }
            ast::ExprKind::Map(_) | ast::ExprKind::Index(..) if self.is_map(operand) => {
                self.address_of_element(operand, span)
            }
            _ => {
                self.report(
                    Diagnostic::error(Code::BadOperand, span, "& takes a variable or a map element")
                        .help("assign the value to a variable first"),
                );
                None
            }
        }
    }
}

fn unary_of(operator: UnaryOperator, operand: Expr, ty: Type, span: Span) -> Expr {
    match (operator, &operand.kind) {
        (UnaryOperator::Negate, ExprKind::Constant(value)) => constant_of(value.wrapping_neg(), ty, span),
        (UnaryOperator::BitNot, ExprKind::Constant(value)) => constant_of(!value, ty, span),
        _ => Expr { span, ty, kind: ExprKind::Unary(operator, Box::new(operand)) },
    }
}

fn logical(and: bool, left: Expr, right: Expr, span: Span) -> Expr {
    match &left.kind {
        ExprKind::Constant(value) if (*value != 0) != and => boolean(!and, span),
        ExprKind::Constant(_) => right,
        _ => Expr { span, ty: Type::Bool, kind: ExprKind::Logical(and, Box::new(left), Box::new(right)) },
    }
}

/// The result of integer arithmetic: 64 bits; unsigned when both sides are, or one is and the other a literal.
fn arithmetic_type(operator: BinaryOperator, [left, right]: [&Expr; 2], flexible: [bool; 2]) -> Type {
    let unsigned = |expr: &Expr| !expr.ty.is_signed() && expr.ty != Type::Bool;
    let signed = match operator {
        BinaryOperator::Subtract => true,
        BinaryOperator::ShiftLeft | BinaryOperator::ShiftRight => !unsigned(left),
        _ => match (unsigned(left), unsigned(right)) {
            (true, true) => false,
            (true, false) => !flexible[1],
            (false, true) => !flexible[0],
            (false, false) => true,
        },
    };
    Type::Int { size: 8, signed }
}

/// Comparison is signed when a side can be negative; an unsigned 64-bit side meets a literal as unsigned.
fn compares_signed([left, right]: [&Expr; 2], flexible: [bool; 2]) -> bool {
    let wide = |expr: &Expr| !expr.ty.is_signed() && matches!(expr.ty, Type::Int { size: 8, .. } | Type::Pointer(..));
    match (left.ty.is_signed() && !flexible[0], right.ty.is_signed() && !flexible[1]) {
        (true, true) => true,
        (false, false) => flexible[0] && flexible[1],
        // As bpftrace: signed meets uint64 as signed.
        (true, false) => !matches!(right.ty, Type::Pointer(..)) || !wide(right),
        (false, true) => !matches!(left.ty, Type::Pointer(..)) || !wide(left),
    }
}

/// Pointers and integers, or twice the same kind of number.
fn comparable_scalars(a: &Type, b: &Type) -> bool {
    let number = |ty: &Type| ty.is_integer() || matches!(ty, Type::Pointer(..));
    let shown =
        |ty: &Type| matches!(ty, Type::KernelSymbol | Type::Username | Type::Timestamp(..) | Type::CgroupPath(_));
    (number(a) && number(b)) || (a == b) || (shown(a) && number(b)) || (number(a) && shown(b))
}

fn divides(operator: BinaryOperator) -> bool {
    matches!(operator, BinaryOperator::Divide | BinaryOperator::Modulo)
}

pub(super) fn is_comparison(operator: BinaryOperator) -> bool {
    comparison(operator).is_some()
}

fn comparison(operator: BinaryOperator) -> Option<CompareOperator> {
    Some(match operator {
        BinaryOperator::Equal => CompareOperator::Equal,
        BinaryOperator::NotEqual => CompareOperator::NotEqual,
        BinaryOperator::Less => CompareOperator::Less,
        BinaryOperator::LessEqual => CompareOperator::LessEqual,
        BinaryOperator::Greater => CompareOperator::Greater,
        BinaryOperator::GreaterEqual => CompareOperator::GreaterEqual,
        _ => return None,
    })
}

fn arithmetic_operator(operator: BinaryOperator) -> ArithmeticOperator {
    match operator {
        BinaryOperator::Add => ArithmeticOperator::Add,
        BinaryOperator::Subtract => ArithmeticOperator::Subtract,
        BinaryOperator::Multiply => ArithmeticOperator::Multiply,
        BinaryOperator::Divide => ArithmeticOperator::Divide,
        BinaryOperator::Modulo => ArithmeticOperator::Modulo,
        BinaryOperator::BitAnd => ArithmeticOperator::BitAnd,
        BinaryOperator::BitOr => ArithmeticOperator::BitOr,
        BinaryOperator::BitXor => ArithmeticOperator::BitXor,
        BinaryOperator::ShiftLeft => ArithmeticOperator::ShiftLeft,
        BinaryOperator::ShiftRight => ArithmeticOperator::ShiftRight,
        BinaryOperator::Equal
        | BinaryOperator::NotEqual
        | BinaryOperator::Less
        | BinaryOperator::LessEqual
        | BinaryOperator::Greater
        | BinaryOperator::GreaterEqual
        | BinaryOperator::And
        | BinaryOperator::Or => unreachable!("comparisons and logic are no arithmetic"),
    }
}

fn compare_constants(operator: CompareOperator, signed: bool, x: i64, y: i64) -> bool {
    let order = if signed { x.cmp(&y) } else { (x as u64).cmp(&(y as u64)) };
    match operator {
        CompareOperator::Equal => order.is_eq(),
        CompareOperator::NotEqual => order.is_ne(),
        CompareOperator::Less => order.is_lt(),
        CompareOperator::LessEqual => order.is_le(),
        CompareOperator::Greater => order.is_gt(),
        CompareOperator::GreaterEqual => order.is_ge(),
    }
}

/// 64-bit arithmetic as the machine does it; `None` for a division by zero.
fn fold(operator: ArithmeticOperator, signed: bool, x: i64, y: i64) -> Option<i64> {
    use ArithmeticOperator as Op;
    let (ux, uy) = (x as u64, y as u64);
    Some(match operator {
        Op::Add => x.wrapping_add(y),
        Op::Subtract => x.wrapping_sub(y),
        Op::Multiply => x.wrapping_mul(y),
        Op::Divide | Op::Modulo if y == 0 => return None,
        Op::Divide if signed => x.wrapping_div(y),
        Op::Divide => (ux / uy) as i64,
        Op::Modulo if signed => x.wrapping_rem(y),
        Op::Modulo => (ux % uy) as i64,
        Op::BitAnd => x & y,
        Op::BitOr => x | y,
        Op::BitXor => x ^ y,
        Op::ShiftLeft => x.wrapping_shl(y as u32),
        Op::ShiftRight if signed => x.wrapping_shr(y as u32),
        Op::ShiftRight => ux.wrapping_shr(y as u32) as i64,
    })
}
