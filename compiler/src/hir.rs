//! The typed tree: what the script means. Sizes, signedness and address spaces are decided here, never later.
//!
//! Contract between the checker and lowering:
//! - Every [`Expr`] has its final type; operands of an operator already have the types the operator needs (the checker
//!   inserted casts), except that strings and aggregates of different capacity may meet: the destination's type counts and
//!   lowering pads with zeros or cuts.
//! - A *scalar* type ([`Type::is_scalar`]) is one value of at most 64 bits, kept extended to 64 bits by its signedness; all
//!   others are memory of [`Type::size`] bytes laid out as `lancet_manifest::ValueType` says.
//! - Evaluation order is the script's: left to right, each once.

mod print;
mod walk;

pub use print::print;
pub use walk::{aggregations, calls, changes_something, locals_changed_in, locals_in, locals_in_probe, loops_in_probe};

use crate::builtin::Call;
use crate::option::ScriptOption;
use crate::types::Type;
use lancet_kernel::system_call::Moment;
use lancet_manifest::{InitialValue, MapValue, Target};
use lancet_syntax::span::Span;

/// A checked script.
#[derive(Debug, Default)]
pub struct Program {
    /// The probes in script order, attach points expanded.
    pub probes: Vec<Probe>,
    /// All maps, sorted by name bytes.
    pub maps: Vec<Map>,
    /// The options that it reads, in the order in which they are first read.
    pub options: Vec<ScriptOption>,
}

/// The index of a map in [`Program::maps`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct MapIndex(pub u32);

/// The index of a variable in [`Probe::locals`].
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct LocalIndex(pub u32);

/// A map of the script.
#[derive(Clone, Debug)]
pub struct Map {
    /// Name without `@`.
    pub name: String,
    /// Its key; `None` for a scalar map.
    pub key: Option<Type>,
    /// What it holds.
    pub value: MapContent,
    /// The kind asked for in a declaration.
    pub kind: MapKind,
    /// Capacity.
    pub max_entries: u32,
    /// Where it is first used.
    pub span: Span,
}

/// What a map holds.
#[derive(Clone, PartialEq, Debug)]
pub enum MapContent {
    /// Values of a type.
    Plain(Type),
    /// An aggregation, kept per CPU.
    Aggregation(MapValue),
}

/// The kind of a declared map; aggregations choose the per-CPU form themselves.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum MapKind {
    /// A hash shared by all CPUs (or, without key, an array of one element).
    #[default]
    Hash,
    /// Old elements make room for new ones.
    LruHash,
    /// Each CPU has its own values.
    PerCpuHash,
    /// Both.
    LruPerCpuHash,
}

/// One probe of the script: one or more programs with the same action.
#[derive(Debug)]
pub struct Probe {
    /// The whole probe.
    pub span: Span,
    /// How its programs are compiled and what they attach to.
    pub programs: Vec<ProbeProgram>,
    /// Scratch variables of the action (and predicate), each with its final type.
    pub locals: Vec<Local>,
    /// Runs only when this is true.
    pub predicate: Option<Expr>,
    /// The action.
    pub body: Vec<Statement>,
}

/// One eBPF program to make of a probe's action.
#[derive(Clone, PartialEq, Debug)]
pub struct ProbeProgram {
    /// ELF section for libbpf: `tracepoint`, `kprobe.multi`, `raw_tp`, `perf_event` …
    pub section: String,
    /// What kind of context the program gets.
    pub context: ContextKind,
    /// The attach points it serves.
    pub attach_points: Vec<AttachPoint>,
    /// One multi link for all of them.
    pub multi: bool,
}

/// What a program's context argument points to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ContextKind {
    /// `struct pt_regs`: kprobe, uprobe, USDT.
    Registers,
    /// The tracepoint's record.
    TracepointRecord,
    /// An array of u64 arguments: raw tracepoints.
    Arguments,
    /// The same, and the verifier knows their types: fentry, fexit, typed raw tracepoints.
    TypedArguments,
    /// The arguments of the raw tracepoints that all system calls pass: `struct pt_regs *` and a number. The action runs
    /// for the calls of its attach points, and loads from the context are loads from the record of such a call's event.
    SystemCall {
        /// Which of the two.
        moment: Moment,
        /// Where a task says in what kind of system call it is.
        status: u32,
    },
    /// `struct bpf_perf_event_data`.
    PerfEvent,
    /// A context struct of an iterator.
    Iterator {
        /// Where it has the pointer to the object; it is null after the last one, where the action is not to run.
        object: Option<u32>,
    },
    /// Nothing of use: begin, end, signals, which run as raw tracepoint programs by test-run.
    None,
}

/// One expanded attach point.
#[derive(Clone, PartialEq, Debug)]
pub struct AttachPoint {
    /// Full name as `probe` prints it.
    pub name: String,
    /// Provider name as `probetype` prints it.
    pub provider: String,
    /// For the runtime.
    pub target: Target,
    /// In the script.
    pub span: Span,
}

/// A scratch variable.
#[derive(Clone, PartialEq, Debug)]
pub struct Local {
    /// Name without `$`; not unique.
    pub name: String,
    /// Its type.
    pub ty: Type,
    /// `&$x` occurs: it must live in memory on the stack.
    pub address_taken: bool,
}

/// A statement.
#[derive(Debug)]
pub struct Statement {
    /// Its text.
    pub span: Span,
    /// What it does.
    pub kind: StatementKind,
}

/// What a statement does.
#[derive(Debug)]
pub enum StatementKind {
    /// Evaluates for the effect.
    Expression(Expr),
    /// Writes a place; `value` has been cast to its type (capacity of strings and aggregates aside).
    Assign(Place, Expr),
    /// A declared variable becomes zero.
    ZeroLocal(LocalIndex),
    /// Branches.
    If(Expr, Vec<Statement>, Vec<Statement>),
    /// Repeats a body a constant number of times, unrolled.
    Unroll(u32, Vec<Statement>),
    /// Repeats while the condition holds.
    While(Expr, Vec<Statement>),
    /// Counts `local` from start to end (exclusive); both are int64 and evaluated once.
    ForRange {
        /// The loop variable, int64; assignments to it do not change the count.
        local: LocalIndex,
        /// First value.
        start: Expr,
        /// One past the last.
        end: Expr,
        /// The body.
        body: Vec<Statement>,
    },
    /// Runs over a map's elements; `local` is the tuple (key, value).
    ForMap {
        /// The loop variable.
        local: LocalIndex,
        /// The map.
        map: MapIndex,
        /// The body.
        body: Vec<Statement>,
    },
    /// Leaves the innermost loop.
    Break,
    /// Next round of the innermost loop.
    Continue,
    /// Ends the action; what it returns matters to tests only.
    Return(Option<Expr>),
    /// Its own scope.
    Block(Vec<Statement>),
}

/// Something that can be written.
#[derive(Debug)]
pub enum Place {
    /// A variable.
    Local(LocalIndex),
    /// A map (no key) or an element.
    Map(MapIndex, Option<Box<Expr>>),
    /// `*p = …` where the pointer is to memory of this program.
    Memory {
        /// The pointer.
        pointer: Box<Expr>,
        /// Type of what is written.
        ty: Type,
    },
}

/// A typed expression.
#[derive(Debug)]
pub struct Expr {
    /// Its text.
    pub span: Span,
    /// Its type.
    pub ty: Type,
    /// What it is.
    pub kind: ExprKind,
}

/// What an expression is.
#[derive(Debug)]
pub enum ExprKind {
    /// A constant of a scalar type.
    Constant(i64),
    /// Constant bytes of a string; the type's size includes the NUL.
    String(Vec<u8>),
    /// A variable.
    Local(LocalIndex),
    /// A plain map's value or zero when absent.
    MapRead(MapIndex, Option<Box<Expr>>),
    /// An aggregation read inside the script as an integer (sum over the CPUs).
    AggregationRead(MapIndex, Option<Box<Expr>>),
    /// `-x`, `~x` on integers.
    Unary(UnaryOperator, Box<Expr>),
    /// `!x`: any scalar to bool.
    Not(Box<Expr>),
    /// Integer arithmetic in the expression's type (both operands have it; a shift's right side any integer).
    Arithmetic(ArithmeticOperator, Box<Expr>, Box<Expr>),
    /// Pointer ± integer bytes; the integer is already scaled.
    PointerOffset(Box<Expr>, Box<Expr>),
    /// Comparison of scalars of one type; `signed` says how.
    Compare {
        /// The operator.
        operator: CompareOperator,
        /// Signed comparison.
        signed: bool,
        /// Left.
        left: Box<Expr>,
        /// Right.
        right: Box<Expr>,
    },
    /// Equality of memory: strings up to the first NUL, aggregates field by field; bool.
    MemoryEqual {
        /// True for `!=`.
        negated: bool,
        /// Left.
        left: Box<Expr>,
        /// Right.
        right: Box<Expr>,
    },
    /// `&&` (true) or `||` (false) with short circuit; operands are scalars, the result is bool.
    Logical(bool, Box<Expr>, Box<Expr>),
    /// Only one branch is evaluated.
    Ternary(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `a ?: b`: the condition is evaluated once.
    Elvis(Box<Expr>, Box<Expr>),
    /// Scalar to scalar: truncate or extend to the expression's type; to bool: not zero.
    Convert(Box<Expr>),
    /// Same bytes, other type: integers to arrays of bytes and back, tuples to records.
    Reinterpret(Box<Expr>),
    /// Memory behind a pointer at an offset: scalar or aggregate. Absent memory reads as zero.
    Load {
        /// The pointer.
        pointer: Box<Expr>,
        /// Bytes added to it.
        offset: i64,
        /// How the memory is reached.
        access: Access,
        /// A bit field: first bit from the least significant of the loaded integer, width.
        bits: Option<(u8, u8)>,
    },
    /// The context argument itself, as a kernel pointer.
    Context,
    /// Part of an aggregate value at a constant offset.
    Extract {
        /// The aggregate.
        base: Box<Expr>,
        /// Byte offset.
        offset: u32,
        /// A bit field as in Load.
        bits: Option<(u8, u8)>,
    },
    /// Element of an array or byte of a string value at a run-time index; out of range reads zero.
    Element {
        /// The array or string.
        base: Box<Expr>,
        /// Unsigned index.
        index: Box<Expr>,
    },
    /// Builds a tuple or record; fields in the order of the type's layout.
    Aggregate(Vec<Expr>),
    /// `&$x`.
    AddressOfLocal(LocalIndex),
    /// `&@m[k]`: 0 when absent.
    AddressOfElement(MapIndex, Option<Box<Expr>>),
    /// `++`/`--` on a place, by 1 or by the size of the pointer's target.
    Step {
        /// What is stepped.
        place: Place,
        /// Added: may be negative.
        delta: i64,
        /// The value before (postfix) rather than after.
        old: bool,
    },
    /// `place += value` and -=, on integer map elements of 8 bytes: atomic. No result.
    AtomicAdd(MapIndex, Option<Box<Expr>>, Box<Expr>),
    /// Statements, then a value.
    Block(Vec<Statement>, Box<Expr>),
    /// A builtin or function of the standard library.
    Call(Box<Call>),
    /// An aggregation's update, `@m[k] = count()`. No result.
    AggregationUpdate(MapIndex, Option<Box<Expr>>, Box<Call>),
    /// A value the runtime writes before attaching (u64).
    Initial(InitialValue),
    /// Nothing (type void).
    Void,
}

/// How memory behind a pointer is reached.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Access {
    /// The program's own memory or context, or a BTF-typed pointer: direct loads.
    Direct,
    /// bpf_probe_read, which tells kernel and user by the address.
    Any,
    /// bpf_probe_read_kernel.
    Kernel,
    /// bpf_probe_read_user.
    User,
}

/// Integer prefix operators.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum UnaryOperator {
    /// `-`.
    Negate,
    /// `~`.
    BitNot,
}

/// Integer arithmetic; division and modulo by zero give 1 and a warning at run time.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs)]
pub enum ArithmeticOperator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    BitAnd,
    BitOr,
    BitXor,
    ShiftLeft,
    ShiftRight,
}

/// Comparison operators.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[allow(missing_docs)]
pub enum CompareOperator {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
}
