//! The intermediate representation: SSA over a control-flow graph with block parameters.
//!
//! Contract between lowering, the passes and the code generator:
//! - A [`Value`] is one 64-bit register's worth: an integer or an address. 32-bit arithmetic is said by [`Width`].
//! - Aggregates (strings, tuples, keys, records) live in [`Slot`]s: memory with a size and a lifetime that the code
//!   generator finds itself. A slot's bytes are undefined until stored; whoever hands a slot to a helper as a key or copies
//!   it out has zeroed its padding.
//! - Every operation with an effect (map updates, helper calls, stores) is an instruction with explicit operands.
//! - Pointers that may be null (map look-ups, ring-buffer reservations) are compared with 0 before use; the branch on that
//!   comparison is what the kernel's verifier wants to see.
//! - Blocks are in no particular order except that the entry is first; every block ends with one terminator.

pub mod analysis;
pub mod builder;
pub mod entity;
pub mod function;
pub mod instruction;
pub mod module;
mod name;
mod operands;
pub mod parser;
mod printer;
pub mod verify;

pub use builder::FunctionBuilder;
pub use entity::{Arena, Block, FunctionId, GlobalId, Inst, MapId, Slot, Value};
pub use function::{BlockData, Function, FunctionKind, InstData, SlotData, SlotHome, ValueData, ValueDef};
pub use instruction::{
    Address, BinaryOp, Comparison, Helper, HelperEffect, Instruction, MemorySize, READ_ONLY_CAST, Terminator, UnaryOp,
    Width,
};
pub use module::{MapData, MapKind, Module};
