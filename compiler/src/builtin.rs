//! What a builtin of the language says about itself: its signature, its rules, its code. One file in `stdlib/` each.
//!
//! Contract: the checker calls [`Builtin::check`] with the arguments as written and gets a typed expression (usually made
//! by [`Call::expr`]); lowering calls [`Builtin::lower`] with that [`Call`]. Nothing else in the compiler knows any name.

use crate::check::Checker;
use crate::hir::{Expr, ExprKind, MapIndex};
use crate::ir::{Address, Value};
use crate::lower::Lowerer;
use crate::types::Type;
use lancet_manifest::{Action, Format, MapValue};
use lancet_syntax::ast;
use lancet_syntax::span::Span;
use std::fmt;

/// A builtin variable or function.
pub trait Builtin: Sync {
    /// Name and documentation.
    fn signature(&'static self) -> &'static Signature;

    /// Checks a call with the arguments as written; the number of arguments already fits the signature. Reports through the
    /// checker; `None` after an error.
    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr>;

    /// Makes code for a checked call. A result in memory may be written to `into` (then return that address).
    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, ty: &Type, into: Option<Address>) -> Operand;

    /// Makes code for a call whose value is a string of which only the first `most` bytes matter, up to the NUL: nothing has
    /// to be zero behind that. It may be written to `into`, which is no place on the stack and has room for one byte more
    /// than the type says or `most`. Gives where the string is, and how many bytes of it were written, the NUL among them,
    /// or a negative error. `None` when there is no better way than [`Builtin::lower`]; then no code was made.
    fn lower_text(
        &self,
        _lowerer: &mut Lowerer<'_>,
        _call: &Call,
        _ty: &Type,
        _into: Option<Address>,
        _most: u32,
    ) -> Option<(Address, Value)> {
        None
    }

    /// The aggregation, if the call may stand right of `@m = `.
    fn aggregation(&self) -> Option<&dyn Aggregation> {
        None
    }

    /// True when [`Builtin::lower`] writes its memory result straight to `into`, without control flow that could leave the
    /// probe, so that records are filled in place.
    fn fills_in_place(&self) -> bool {
        false
    }

    /// True when [`Builtin::lower_text`] reads a string from memory, and may need the byte behind the type's size.
    fn reads_text(&self) -> bool {
        false
    }

    /// True when a call has an effect besides its value, so that throwing the value away is no mistake.
    fn has_effect(&self) -> bool {
        false
    }
}

/// An aggregation: what the map holds and how a value is added.
pub trait Aggregation {
    /// Checks the arguments: the layout of the map's value, and the typed arguments.
    fn check<'a>(
        &self,
        checker: &mut Checker<'a>,
        arguments: &'a [ast::Argument],
        span: Span,
    ) -> Option<(MapValue, Vec<Expr>)>;

    /// Adds to the value that `element` points to (this CPU's, never null). `arguments` have been evaluated to scalars.
    fn update(&self, lowerer: &mut Lowerer<'_>, element: Value, value: &MapValue, arguments: &[Value]);

    /// The words of a value to which these arguments were added first, if that are few.
    fn first(&self, lowerer: &mut Lowerer<'_>, arguments: &[Value]) -> Option<Vec<Value>> {
        let _ = (lowerer, arguments);
        None
    }
}

/// Name, parameters and documentation of a builtin.
#[derive(Debug)]
pub struct Signature {
    /// The name in scripts.
    pub name: &'static str,
    /// Other names that mean the same.
    pub aliases: &'static [&'static str],
    /// Least number of arguments.
    pub min: usize,
    /// Most arguments; `usize::MAX` for any number.
    pub max: usize,
    /// How it is called, as documentation shows it: `str(pointer[, length])`.
    pub usage: &'static str,
    /// What it does, a sentence or a few.
    pub summary: &'static str,
    /// Needs `--unsafe`.
    pub is_unsafe: bool,
}

/// A checked call.
pub struct Call {
    /// The builtin.
    pub builtin: &'static dyn Builtin,
    /// Typed arguments that are evaluated at run time.
    pub arguments: Vec<Expr>,
    /// What was known at compile time.
    pub extra: Extra,
    /// The whole call.
    pub span: Span,
    /// It is a statement: nobody looks at the value.
    pub discarded: bool,
}

/// Compile-time parts of a call.
#[derive(Clone, PartialEq, Debug, Default)]
pub enum Extra {
    /// None.
    #[default]
    None,
    /// A number.
    Number(i64),
    /// A text.
    Text(String),
    /// A format.
    Format(Format),
    /// A map.
    Map(MapIndex),
    /// What the runtime is told to do.
    Action(Action),
}

impl Call {
    /// A call expression of that type.
    pub fn expr(builtin: &'static dyn Builtin, ty: Type, span: Span, arguments: Vec<Expr>, extra: Extra) -> Expr {
        Expr { span, ty, kind: ExprKind::Call(Box::new(Call { builtin, arguments, extra, span, discarded: false })) }
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({:?}, {:?})", self.builtin.signature().name, self.arguments, self.extra)
    }
}

/// A lowered value.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Operand {
    /// No value.
    Void,
    /// A scalar, extended to 64 bits.
    Scalar(Value),
    /// Memory of the type's size that is not written again while the operand is in use.
    Memory(Address),
}
