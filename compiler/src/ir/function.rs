//! A function: its blocks, instructions, values and slots.

use super::{Arena, Block, Inst, Instruction, Slot, Terminator, Value};
use lancet_syntax::span::Span;

/// What a function is to the kernel.
#[derive(Clone, PartialEq, Debug)]
pub enum FunctionKind {
    /// An eBPF program in the ELF section of that name (`tracepoint`, `kprobe.multi`, `raw_tp` …), its only parameter the
    /// context.
    Program {
        /// ELF section, as libbpf knows it.
        section: String,
    },
    /// Called from other functions (static).
    Subprogram,
    /// Handed to a helper such as bpf_loop or bpf_for_each_map_elem.
    Callback,
}

/// A function under construction or complete.
#[derive(Clone, PartialEq, Debug)]
pub struct Function {
    /// Its symbol.
    pub name: String,
    /// What it is.
    pub kind: FunctionKind,
    /// The blocks; the entry is the first, its parameters are the function's (r1-r5).
    pub blocks: Arena<Block, BlockData>,
    /// All instructions ever made.
    pub instructions: Arena<Inst, InstData>,
    /// All values.
    pub values: Arena<Value, ValueData>,
    /// Memory.
    pub slots: Arena<Slot, SlotData>,
}

/// A basic block.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct BlockData {
    /// Values that jumps hand over.
    pub parameters: Vec<Value>,
    /// The instructions in order.
    pub instructions: Vec<Inst>,
    /// How it ends; `None` only while it is built.
    pub terminator: Option<Terminator>,
}

/// An instruction with its result and its place in the script.
#[derive(Clone, PartialEq, Debug)]
pub struct InstData {
    /// What it does.
    pub instruction: Instruction,
    /// Its result, when it has one.
    pub result: Option<Value>,
    /// Which part of the script it serves.
    pub span: Span,
}

/// Where a value comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ValueDef {
    /// The result of an instruction.
    Result(Inst),
    /// The n-th parameter of a block.
    Parameter(Block, u32),
}

/// A value.
#[derive(Clone, PartialEq, Debug)]
pub struct ValueData {
    /// Where it comes from.
    pub definition: ValueDef,
}

/// A memory slot.
#[derive(Clone, PartialEq, Debug)]
pub struct SlotData {
    /// Bytes.
    pub size: u32,
    /// Alignment: 1, 2, 4 or 8.
    pub align: u32,
    /// What it holds, for the printed form.
    pub name: String,
    /// Which memory it may be in.
    pub home: SlotHome,
}

/// Which memory a slot may be in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum SlotHome {
    /// The code generator decides.
    #[default]
    Anywhere,
    /// On the stack: its address is handed to a callback as context, or a helper demands it.
    Stack,
    /// In scratch memory: it is read at places that are computed, which the kernel does not allow of the stack before 5.12,
    /// nor ever unaligned.
    Scratch,
}

impl Function {
    /// An empty function.
    pub fn new(name: impl Into<String>, kind: FunctionKind) -> Self {
        Self {
            name: name.into(),
            kind,
            blocks: Arena::default(),
            instructions: Arena::default(),
            values: Arena::default(),
            slots: Arena::default(),
        }
    }

    /// The entry block.
    pub fn entry(&self) -> Block {
        Block(0)
    }

    /// The instruction that defines a value, unless it is a parameter.
    pub fn definition(&self, value: Value) -> Option<&Instruction> {
        match self.values[value].definition {
            ValueDef::Result(inst) => Some(&self.instructions[inst].instruction),
            ValueDef::Parameter(..) => None,
        }
    }
}
