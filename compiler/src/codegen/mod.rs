//! Intermediate representation to eBPF instructions: slots planned, instructions selected, registers allocated, emitted.
//!
//! The base is cpu v3 (32-bit arithmetic and jumps, atomics); of v4 what saves instructions, where the target has it.

mod allocate;
mod assembly;
mod delay_moves;
mod disassemble;
mod drop_known;
mod effects;
mod emit;
mod held;
mod insn;
mod memory;
mod merge_tails;
mod number_registers;
mod plan;
mod print;
mod scratch;
mod select;
mod straighten_arms;
#[cfg(test)]
mod tests;
mod vcode;

use crate::ir::{FunctionId, FunctionKind, MapData, MapId, MapKind, Module};
use allocate::Allocator;
use lancet_syntax::span::Span;
use scratch::{Region, is_guarded};
use std::fmt::Write;

pub use insn::{Insn, InstructionSet};
pub use scratch::DROPPED;

/// The code of a module.
#[derive(Clone, Debug, Default)]
pub struct Code {
    /// The functions in the module's order.
    pub functions: Vec<FunctionCode>,
    /// Our own map for memory that does not fit the stack, when there is any.
    pub scratch: Option<MapData>,
    /// The elements of it in which dropped events are counted.
    pub dropped: Vec<u32>,
}

/// The code of one function.
#[derive(Clone, Debug)]
pub struct FunctionCode {
    /// Its symbol.
    pub name: String,
    /// What it is.
    pub kind: FunctionKind,
    /// How many parameters it takes.
    pub parameters: u32,
    /// Its instructions; a 64-bit immediate takes two.
    pub insns: Vec<Insn>,
    /// What the linker fills in, by instruction.
    pub relocations: Vec<(usize, Relocation)>,
    /// Where parts of the script begin, by instruction, ascending.
    pub spans: Vec<(usize, Span)>,
    /// Machine instructions before register allocation, if they are to be printed.
    pub(super) vcode: Option<vcode::VCode>,
}

/// What code is wanted.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The instructions that the target knows.
    pub set: InstructionSet,
    /// [`Code::print_vcode`] will be asked for.
    pub keeps_vcode: bool,
}

/// Something that an instruction refers to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Relocation {
    /// The map itself.
    Map(MapId),
    /// A byte of a one-element array map.
    MapValue(MapId, u32),
    /// Our own scratch map.
    Scratch,
    /// A function that is called.
    Call(FunctionId),
    /// A function whose address is taken.
    Address(FunctionId),
    /// Constant bytes.
    Global(crate::ir::GlobalId),
}

/// A function that a kernel's limits do not allow.
#[derive(Clone, Copy, Debug)]
pub struct TooLarge {
    /// The part of the script.
    pub span: Span,
    /// What there is too much of.
    pub limit: Limit,
}

/// What a kernel limits.
#[derive(Clone, Copy, Debug)]
pub enum Limit {
    /// A branch skips this many instructions, more than 32767.
    Branch(i64),
    /// Values that are in use at once take this many bytes of stack, with those that a loop's callback has more than 512.
    Stack(u32),
}

/// Generates the code of all functions, for a kernel that can have `possible_cpus`.
pub fn compile(module: &Module, possible_cpus: u32, options: Options) -> Result<Code, TooLarge> {
    let (functions, regions) = functions(module, None, options)?;
    let Some(size) = regions.iter().map(|(_, size)| *size).max() else {
        return Ok(Code { functions, scratch: None, dropped: Vec::new() });
    };
    let cpus = (size > scratch::MOST_PER_CPU).then_some(possible_cpus);
    let functions = if cpus.is_some() { self::functions(module, cpus, options)?.0 } else { functions };
    let each = cpus.unwrap_or(1);
    let elements = regions.last().map_or(0, |(region, _)| region.first + region.copies) * each;
    let shared = regions.iter().filter(|(region, _)| region.copies > 1);
    let last = shared.map(|(region, _)| (region.first + region.copies - 1) * each);
    let dropped = last.flat_map(|element| element..element + each).collect();
    let scratch = MapData {
        symbol: "lancet_scratch".into(),
        kind: if cpus.is_some() { MapKind::Array } else { MapKind::PerCpuArray },
        key_size: 4,
        value_size: size,
        max_entries: elements,
        flags: 0,
    };
    Ok(Code { functions, scratch: Some(scratch), dropped })
}

/// Regions of scratch memory with their sizes.
type Regions = Vec<(Region, u32)>;

/// The functions, and the regions of scratch memory that they use with their sizes.
fn functions(module: &Module, cpus: Option<u32>, options: Options) -> Result<(Vec<FunctionCode>, Regions), TooLarge> {
    let has_callbacks = module.functions.values().any(|function| function.kind == FunctionKind::Callback);
    let all_guarded = module.functions.values().all(|function| match &function.kind {
        FunctionKind::Program { section } => is_guarded(section),
        FunctionKind::Subprogram | FunctionKind::Callback => true,
    });
    let (mut functions, mut regions) = (Vec::new(), Regions::new());
    let mut allocator = Allocator::new();
    for function in module.functions.values() {
        let copies = Region::copies_for(&function.kind, all_guarded);
        let first = regions.last().map_or(0, |(region, _)| region.first + region.copies);
        let region = Region { first, copies, cpus };
        let emitted = emit::function(function, has_callbacks, region, options, &mut allocator)?;
        if emitted.scratch > 0 {
            regions.push((region, emitted.scratch));
        }
        functions.push(emitted.code);
    }
    Ok((functions, regions))
}

impl Code {
    /// Machine instructions with virtual registers, which [`Options::keeps_vcode`] has to ask for.
    pub fn print_vcode(&self) -> String {
        let mut text = String::new();
        for (function, vcode) in self.functions.iter().filter_map(|function| Some((function, function.vcode.as_ref()?)))
        {
            let _ = writeln!(text, "{}:\n{vcode}", function.name);
        }
        text
    }

    /// eBPF instructions in the notation of the kernel's verifier.
    pub fn print_instructions(&self) -> String {
        let mut text = String::new();
        for function in &self.functions {
            let _ = writeln!(text, "{}:", function.name);
            disassemble::print(&function.insns, &function.relocations, &mut text);
            text.push('\n');
        }
        text
    }
}
