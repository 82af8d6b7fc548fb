//! The syntax tree: a script as its author wrote it.
//!
//! Invariant: every node has the span of its own text; nothing is resolved, typed or rewritten. Old spellings are kept
//! as written (`args->x`, `BEGIN`), so that the printer can show them and the checker can note them.

mod c;
mod operator;

use crate::span::Span;

pub use c::{CAggregate, CDeclaration, CDefinition, CDefinitionKind, CEnum, CType, TagKind};
pub use operator::{BinaryOperator, StepOperator, UnaryOperator};

/// A whole script file.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Program {
    /// The `#!` line without its end, if there is one.
    pub shebang: Option<String>,
    /// Definitions and probes in source order.
    pub items: Vec<Item>,
    /// All comments in source order; the printer puts them back.
    pub comments: Vec<Comment>,
}

/// A comment with its delimiters.
#[derive(Clone, Debug, PartialEq)]
pub struct Comment {
    /// Where it stands.
    pub span: Span,
    /// The text with `//` or `/* */`.
    pub text: String,
}

/// A name with its place. Sigils (`$`, `@`) are not part of the text.
#[derive(Clone, Debug, PartialEq)]
pub struct Name {
    /// Where it stands (with its sigil).
    pub span: Span,
    /// The name without its sigil.
    pub text: String,
}

/// What stands at the top level of a script.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// A preprocessor line: `#include`, `#define`, `#if` …; continued lines are one directive.
    Directive(Directive),
    /// `struct`, `union`, `enum` or `typedef`.
    CDefinition(CDefinition),
    /// `config = { … }`.
    Config(ConfigBlock),
    /// `import "path";`.
    Import(Import),
    /// `let @name = kind(max_entries);` or `let @name: type`.
    MapDeclaration(MapDeclaration),
    /// `macro name(…) { … }`.
    Macro(Macro),
    /// `fn name($a: type): type { … }`.
    Function(FunctionDefinition),
    /// Attach points, a predicate, an action block.
    Probe(Probe),
}

/// A preprocessor line, unexpanded.
#[derive(Clone, Debug, PartialEq)]
pub struct Directive {
    /// From the `#` to the end of the (continued) line.
    pub span: Span,
    /// The text without the line end, continuations joined by a space.
    pub text: String,
}

/// `config = { name = value; … }`.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigBlock {
    /// The whole block.
    pub span: Span,
    /// The settings in order.
    pub settings: Vec<ConfigSetting>,
}

/// One setting of a config block.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigSetting {
    /// Name to value.
    pub span: Span,
    /// The name as written.
    pub name: Name,
    /// The value.
    pub value: ConfigValue,
    /// Where the value stands.
    pub value_span: Span,
}

/// The value of a setting.
#[derive(Clone, Debug, PartialEq)]
pub enum ConfigValue {
    /// A number.
    Integer(u64),
    /// `true` or `false`.
    Bool(bool),
    /// A quoted string.
    String(Vec<u8>),
    /// A bare word such as `perf`.
    Word(String),
}

/// `import "path";`.
#[derive(Clone, Debug, PartialEq)]
pub struct Import {
    /// The whole statement.
    pub span: Span,
    /// The path as written.
    pub path: String,
}

/// A map declared at the top level.
#[derive(Clone, Debug, PartialEq)]
pub struct MapDeclaration {
    /// The whole declaration.
    pub span: Span,
    /// The map.
    pub map: Name,
    /// The kind, such as `hash`, with its argument; absent in `let @m: type`.
    pub kind: Option<(Name, Vec<Expr>)>,
    /// The declared type.
    pub ty: Option<TypeExpr>,
}

/// A macro definition.
#[derive(Clone, Debug, PartialEq)]
pub struct Macro {
    /// The whole definition.
    pub span: Span,
    /// Its name.
    pub name: Name,
    /// Parameters in order.
    pub parameters: Vec<MacroParameter>,
    /// The body; its value is that of the block.
    pub body: Block,
}

/// How a macro takes an argument.
#[derive(Clone, Debug, PartialEq)]
pub enum MacroParameter {
    /// `name`: any expression or type, inserted at each use.
    Expression(Name),
    /// `$name`: the caller's variable itself.
    Variable(Name),
    /// `@name`: the caller's map itself.
    Map(Name),
}

impl MacroParameter {
    /// The name without its sign.
    pub fn name(&self) -> &Name {
        match self {
            Self::Expression(name) | Self::Variable(name) | Self::Map(name) => name,
        }
    }
}

/// A user-defined function (`fn`).
#[derive(Clone, Debug, PartialEq)]
pub struct FunctionDefinition {
    /// The whole definition.
    pub span: Span,
    /// Its name.
    pub name: Name,
    /// Parameters with types.
    pub parameters: Vec<(Name, TypeExpr)>,
    /// What it returns.
    pub returns: Option<TypeExpr>,
    /// The body.
    pub body: Block,
}

/// Attach points, predicate and action.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// First attach point to closing brace.
    pub span: Span,
    /// The attach points in order.
    pub attach_points: Vec<AttachPoint>,
    /// The expression between slashes.
    pub predicate: Option<Expr>,
    /// The action.
    pub body: Block,
}

/// One attach point, split at its colons; wildcards and parameters (`$1`) unexpanded.
#[derive(Clone, Debug, PartialEq)]
pub struct AttachPoint {
    /// The whole attach point.
    pub span: Span,
    /// The name of `name=provider:…`, which the language reserves.
    pub name: Option<Name>,
    /// The parts; the first is the provider as written (`k`, `kprobe`, `BEGIN`). Quotes are removed from a quoted part.
    pub parts: Vec<Name>,
}

/// Statements between braces.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// Brace to brace.
    pub span: Span,
    /// The statements.
    pub statements: Vec<Statement>,
    /// A last expression without semicolon: the block's value where a value is wanted, else a statement.
    pub value: Option<Box<Expr>>,
}

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// Without its semicolon.
    pub span: Span,
    /// What it does.
    pub kind: StatementKind,
}

/// What a statement does.
#[derive(Clone, Debug, PartialEq)]
pub enum StatementKind {
    /// An expression for its effect.
    Expression(Expr),
    /// `target = value` or `target op= value`; the target is a variable, map, map element, field or dereference.
    Assign {
        /// What is written.
        target: Expr,
        /// The operator of a compound assignment.
        operator: Option<BinaryOperator>,
        /// The value.
        value: Expr,
    },
    /// `_ = value`: evaluated and thrown away on purpose.
    Discard(Expr),
    /// `let $x: type = value`; type and value may be absent.
    Let {
        /// The variable.
        variable: Name,
        /// Its declared type.
        ty: Option<TypeExpr>,
        /// Its first value.
        value: Option<Expr>,
    },
    /// `if (condition) { … } else …`; an `else if` is a block of one `If`.
    If {
        /// The condition.
        condition: Expr,
        /// When it is true.
        then: Block,
        /// When it is false.
        otherwise: Option<Block>,
    },
    /// `while (condition) { … }`.
    While {
        /// The condition.
        condition: Expr,
        /// The body.
        body: Block,
    },
    /// `unroll(count) { … }`.
    Unroll {
        /// How often.
        count: Expr,
        /// The body.
        body: Block,
    },
    /// `for ($x : range or map) { … }`.
    For {
        /// The loop variable.
        variable: Name,
        /// What it runs over.
        over: ForSource,
        /// The body.
        body: Block,
    },
    /// `break`.
    Break,
    /// `continue`.
    Continue,
    /// `return` with or without a value.
    Return(Option<Expr>),
    /// A block for its own scope.
    Block(Block),
}

/// What a `for` loop runs over.
#[derive(Clone, Debug, PartialEq)]
pub enum ForSource {
    /// `start..end`, the end exclusive.
    Range(Expr, Expr),
    /// A map.
    Map(Expr),
}

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// Its text.
    pub span: Span,
    /// What it is.
    pub kind: ExprKind,
}

/// What an expression is.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// A number, a character in quotes or a duration; always non-negative (a sign is [`UnaryOperator::Negate`]).
    Integer(IntegerLiteral),
    /// `true` or `false`.
    Bool(bool),
    /// A string, escapes replaced, adjacent literals joined.
    String(Vec<u8>),
    /// `$1`, `$2` …
    Positional(u32),
    /// `$#`.
    PositionalCount,
    /// A bare word: builtin, macro without arguments, enumerator, macro parameter, `#define`d name.
    Identifier(String),
    /// `$name`.
    Variable(String),
    /// `@name` alone (`@` is the empty name); with keys it is the base of an [`ExprKind::Index`].
    Map(String),
    /// `name(arguments)`; `name!(…)` sets `bang`.
    Call {
        /// The function or macro.
        function: Name,
        /// The arguments.
        arguments: Vec<Argument>,
        /// Written with `!`.
        bang: bool,
    },
    /// A prefix operator.
    Unary(UnaryOperator, Box<Expr>),
    /// `++x`, `x--` …
    Step {
        /// +1 or -1.
        operator: StepOperator,
        /// Before (`++x`) or after (`x++`) the operand.
        prefix: bool,
        /// What is stepped.
        target: Box<Expr>,
    },
    /// An infix operator.
    Binary(BinaryOperator, Box<Expr>, Box<Expr>),
    /// `condition ? then : otherwise`; `then` absent in `a ?: b`; `otherwise` absent only where used as a statement.
    Ternary {
        /// The condition.
        condition: Box<Expr>,
        /// When true; absent means the condition itself.
        then: Option<Box<Expr>>,
        /// When false.
        otherwise: Box<Expr>,
    },
    /// `(type)operand`.
    Cast(TypeExpr, Box<Expr>),
    /// `base.name` or `base->name`.
    Field {
        /// What the field is of.
        base: Box<Expr>,
        /// The field.
        name: Name,
        /// Written with `->`.
        arrow: bool,
    },
    /// `base.N`.
    TupleField(Box<Expr>, u32),
    /// `base[index]`; several indices only for maps.
    Index(Box<Expr>, Vec<Expr>),
    /// `(a, b)`, `(a,)`, `()`.
    Tuple(Vec<Expr>),
    /// `(name = value, …)`.
    Record(Vec<(Name, Expr)>),
    /// `{ …; value }`.
    Block(Block),
    /// `sizeof(type or expression)`.
    Sizeof(Box<TypeOrExpr>),
    /// `offsetof(type or expression, path)`; an index in the path is a name that is a number.
    Offsetof(Box<TypeOrExpr>, Vec<Name>),
    /// `typeof(…)` as an argument: a type as a value for macros.
    Typeof(Box<TypeOrExpr>),
    /// `typeinfo(type or expression)`.
    Typeinfo(Box<TypeOrExpr>),
    /// `comptime expression`: must be known at compile time.
    Comptime(Box<Expr>),
}

/// An argument of a call.
#[derive(Clone, Debug, PartialEq)]
pub enum Argument {
    /// An expression.
    Expr(Expr),
    /// A type that cannot be an expression (`struct x`, `uint8[4]`); calls such as `container_of` take it.
    Type(TypeExpr),
}

/// A type or an expression, where the grammar allows both; a bare word parses as an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeOrExpr {
    /// Certainly a type.
    Type(TypeExpr),
    /// An expression, or a type name that looks like one.
    Expr(Expr),
}

/// A number with what its spelling says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IntegerLiteral {
    /// The value.
    pub value: u64,
    /// `U`, `L`, `UL`, `LL`, `ULL`, as the C type it names.
    pub suffix: Option<IntegerSuffix>,
}

/// The C suffix of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntegerSuffix {
    /// `u` is there.
    pub unsigned: bool,
    /// One or two `l`.
    pub long: bool,
}

/// A type as written in the language (C names and postfix forms).
#[derive(Clone, Debug, PartialEq)]
pub struct TypeExpr {
    /// Its text.
    pub span: Span,
    /// What it is.
    pub kind: TypeExprKind,
}

/// What a written type is.
#[derive(Clone, Debug, PartialEq)]
pub enum TypeExprKind {
    /// `uint8`, `string`, `u32`, `unsigned long`, a typedef …
    Named(String),
    /// `struct x`, `union x`, `enum x`.
    Tagged(TagKind, String),
    /// `T*`, `T *`.
    Pointer(Box<TypeExpr>),
    /// `T[n]`; for `string[n]`, `buffer[n]`, `inet[n]` the capacity in bytes. No length in `T[]`.
    Array(Box<TypeExpr>, Option<Box<Expr>>),
    /// `(T, U)`.
    Tuple(Vec<TypeExpr>),
    /// `typeof(expression or type)`.
    Typeof(Box<TypeOrExpr>),
}
