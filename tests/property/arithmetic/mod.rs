//! Random arithmetic with what it has to come to, worked out here by the rules of the language: values have 8 to 64 bits,
//! operators work on 64, and a non-negative literal takes the signedness of what it meets.
//!
//! Each expression is written three ways: on values that only the kernel knows, on variables that the optimizer sees
//! through, and on literals that the checker folds. The literals count as such, so the last may come to another value.

mod integer;
mod written;

use crate::choices::Choices;
use integer::{Comparison, Integer, LONG, Operator, UNSIGNED_LONG, Value, common};
use std::fmt;
use written::Written;

/// Expressions with their results.
pub struct Arithmetic {
    inputs: Vec<Input>,
    expressions: Vec<Expression>,
}

/// A value that expressions use.
pub struct Input {
    ty: Integer,
    value: i64,
}

pub enum Expression {
    Input(usize),
    Literal(u64),
    Negative(u64),
    Operator(Operator, Box<Expression>, Box<Expression>),
    Negate(Box<Expression>),
    Complement(Box<Expression>),
    Cast(Integer, Box<Expression>),
    Truth(Integer, Box<Condition>),
    Choice(Box<Condition>, Box<Expression>, Box<Expression>),
}

pub enum Condition {
    Compare(Comparison, Expression, Expression),
    Not(Box<Condition>),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
}

/// How inputs are written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Writing {
    /// As variables that were read from a map.
    Read,
    /// As variables that were assigned literals.
    Assigned,
    /// As literals.
    Folded,
}

impl Arithmetic {
    /// Random expressions; those of one case share their inputs.
    pub fn random(choices: &mut Choices) -> Arithmetic {
        let inputs = (0..6).map(|_| Input::random(choices)).collect();
        let mut expressions = vec![Expression::random(choices, 0)];
        while expressions.len() < 8 && choices.below(16) > 0 {
            expressions.push(Expression::random(choices, 0));
        }
        Arithmetic { inputs, expressions }
    }

    /// What the script prints: a line for each expression.
    pub fn expected(&self) -> String {
        let line = |expression: &Expression| {
            let value = |writing| expression.value(&self.inputs, writing).value;
            format!("{} {} {}\n", value(Writing::Read), value(Writing::Assigned), value(Writing::Folded))
        };
        self.expressions.iter().map(line).collect()
    }

    /// Whether the typed tree of [`Self::folded`], as it is printed, has the values that it should have.
    pub fn is_folded(&self, tree: &str) -> Result<(), String> {
        for (index, expression) in self.expressions.iter().enumerate() {
            let value = expression.value(&self.inputs, Writing::Folded).value;
            let line = format!("@r[{index}: int64] = {value}: int64");
            if !tree.lines().any(|printed| printed.trim() == line) {
                return Err(format!("there is no line `{line}` in\n{tree}"));
            }
        }
        Ok(())
    }

    /// The expressions on literals alone.
    pub fn folded(&self) -> String {
        let line = |(index, expression): (usize, &Expression)| {
            format!("  @r[{index}] = (int64)({});\n", Written(expression, &self.inputs, Writing::Folded))
        };
        format!("begin {{\n{}}}\n", self.expressions.iter().enumerate().map(line).collect::<String>())
    }
}

/// The script that prints all of them.
impl fmt::Display for Arithmetic {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(out, "begin {{")?;
        for (index, input) in self.inputs.iter().enumerate() {
            writeln!(out, "  @input[{index}] = (int64){:#x};", input.value)?;
        }
        writeln!(out, "}}\nend {{")?;
        for (index, Input { ty, value }) in self.inputs.iter().enumerate() {
            writeln!(out, "  let $read{index}: {ty} = ({ty})@input[{index}];")?;
            writeln!(out, "  let $assigned{index}: {ty} = ({ty}){value:#x};")?;
        }
        for expression in &self.expressions {
            let written = |writing| Written(expression, &self.inputs, writing);
            let (read, assigned) = (written(Writing::Read), written(Writing::Assigned));
            let folded = written(Writing::Folded);
            writeln!(out, "  printf(\"%ld %ld %ld\\n\", (int64)({read}), (int64)({assigned}), (int64)({folded}));")?;
        }
        writeln!(out, "  clear(@input);\n}}")
    }
}

impl Input {
    fn random(choices: &mut Choices) -> Input {
        let ty = Integer::random(choices);
        let value = match choices.below(4) {
            0 => choices.below(20) as i64,
            1 => -(choices.below(20) as i64),
            2 => choices.pick(&[i64::MIN, i64::MAX, -1, 0x7f, 0x80, 0xff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]),
            _ => choices.bits() as i64,
        };
        Input { ty, value: ty.extend(value) }
    }
}

impl Expression {
    fn random(choices: &mut Choices, depth: usize) -> Expression {
        use Expression as E;
        let inner = |choices: &mut Choices| Box::new(E::random(choices, depth + 1));
        match choices.below(if depth > 4 { 30 } else { 100 }) {
            0..=20 => E::Input(choices.below(6)),
            21..=26 => E::Literal(match choices.below(4) {
                0..=1 => choices.below(70) as u64,
                2 => choices.pick(&[0xff, 0x8000_0000, 0xffff_ffff, i64::MAX as u64, u64::MAX]),
                _ => choices.bits(),
            }),
            27..=29 => E::Negative(1 + choices.below(1000) as u64),
            30..=64 => E::operator(choices, depth),
            65..=69 => E::Negate(Box::new(inner(choices).unwritten())),
            70..=74 => E::Complement(Box::new(inner(choices).unwritten())),
            75..=84 => E::Cast(Integer::random(choices), inner(choices)),
            85..=89 => E::Truth(Integer::random(choices), Box::new(Condition::random(choices, depth + 1))),
            _ => E::Choice(Box::new(Condition::random(choices, depth + 1)), inner(choices), inner(choices)),
        }
    }

    fn operator(choices: &mut Choices, depth: usize) -> Expression {
        use Operator as Op;
        let all = [
            Op::Add,
            Op::Subtract,
            Op::Multiply,
            Op::And,
            Op::Or,
            Op::Xor,
            Op::Divide,
            Op::Modulo,
            Op::Left,
            Op::Right,
            Op::Divide,
            Op::Modulo,
            Op::Left,
            Op::Right,
        ];
        let operator = choices.pick(&all);
        let (left, right) = (Expression::random(choices, depth + 1), Expression::random(choices, depth + 1));
        let with = |operator, right: Expression, literal| {
            Expression::Operator(operator, Box::new(right.unwritten()), Box::new(Expression::Literal(literal)))
        };
        let (left, right) = match operator {
            Op::Divide | Op::Modulo => (left, with(Op::Or, right, 1)),
            Op::Left | Op::Right if choices.percent(40) => {
                (left.unwritten(), Expression::Literal(choices.below(64) as u64))
            }
            Op::Left | Op::Right => (left, with(Op::And, right, 63)),
            _ if left.is_written() => (left, right.unwritten()),
            _ => (left, right),
        };
        Expression::Operator(operator, Box::new(left), Box::new(right))
    }

    /// Operators on two numbers that are written out have rules of their own: one of them is cast.
    fn unwritten(self) -> Expression {
        if self.is_written() { Expression::Cast(LONG, Box::new(self)) } else { self }
    }

    fn is_written(&self) -> bool {
        matches!(self, Expression::Literal(_) | Expression::Negative(_))
    }

    fn value(&self, inputs: &[Input], writing: Writing) -> Value {
        let of = |expression: &Expression| expression.value(inputs, writing);
        match self {
            Expression::Input(index) => {
                let Input { ty, value } = inputs[*index];
                Value { value, ty, constant: writing == Writing::Folded, literal: false }
            }
            Expression::Literal(literal) => {
                let ty = if i64::try_from(*literal).is_ok() { LONG } else { UNSIGNED_LONG };
                Value { value: *literal as i64, ty, constant: true, literal: true }
            }
            Expression::Negative(literal) => {
                Value { value: -(*literal as i64), ty: LONG, constant: true, literal: true }
            }
            Expression::Operator(operator, left, right) => operator.apply(of(left), of(right)),
            Expression::Negate(operand) => {
                let operand = of(operand);
                Value { value: operand.value.wrapping_neg(), ty: LONG, ..operand }
            }
            Expression::Complement(operand) => {
                let operand = of(operand);
                let ty = if operand.is_flexible() { UNSIGNED_LONG } else { operand.ty };
                Value { value: ty.extend(!operand.value), ty, ..operand }
            }
            Expression::Cast(ty, operand) => of(operand).cast(*ty),
            Expression::Truth(ty, condition) => {
                let (truth, constant) = condition.truth(inputs, writing);
                Value { value: ty.extend(i64::from(truth)), ty: *ty, constant, literal: false }
            }
            Expression::Choice(condition, then, otherwise) => {
                let (truth, constant) = condition.truth(inputs, writing);
                let (then, otherwise) = (of(then), of(otherwise));
                let literal = then.literal && otherwise.literal;
                let chosen = Value { literal, ..if truth { then } else { otherwise } };
                // What is decided when compiling leaves the other side out of account.
                if constant { chosen } else { Value { constant: false, ..chosen.cast(common(then, otherwise)) } }
            }
        }
    }
}

impl Condition {
    fn random(choices: &mut Choices, depth: usize) -> Condition {
        let inner = |choices: &mut Choices| Box::new(Condition::random(choices, depth + 1));
        match choices.below(if depth > 3 { 60 } else { 100 }) {
            0..=59 => {
                use Comparison as C;
                let comparison =
                    choices.pick(&[C::Equal, C::NotEqual, C::Less, C::LessEqual, C::Greater, C::GreaterEqual]);
                let left = Expression::random(choices, depth + 1);
                let right = Expression::random(choices, depth + 1);
                Condition::Compare(comparison, left, right.unwritten())
            }
            60..=74 => Condition::Not(inner(choices)),
            75..=87 => Condition::And(inner(choices), inner(choices)),
            _ => Condition::Or(inner(choices), inner(choices)),
        }
    }

    /// Whether it holds, and whether the checker knows that.
    fn truth(&self, inputs: &[Input], writing: Writing) -> (bool, bool) {
        let of = |condition: &Condition| condition.truth(inputs, writing);
        match self {
            Condition::Compare(comparison, left, right) => {
                let (left, right) = (left.value(inputs, writing), right.value(inputs, writing));
                (comparison.holds(left, right), left.constant && right.constant)
            }
            Condition::Not(condition) => {
                let (truth, constant) = of(condition);
                (!truth, constant)
            }
            Condition::And(left, right) => match (of(left), of(right)) {
                ((false, true), _) => (false, true),
                ((true, true), right) => right,
                ((left, false), (right, _)) => (left && right, false),
            },
            Condition::Or(left, right) => match (of(left), of(right)) {
                ((true, true), _) => (true, true),
                ((false, true), right) => right,
                ((left, false), (right, _)) => (left || right, false),
            },
        }
    }
}
