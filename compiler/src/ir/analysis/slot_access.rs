//! From an instruction to the bytes of slots that it reads and writes.
//!
//! A slot is reached through [`Address::Slot`] and through its address as an argument of a call. Where its address goes
//! anywhere else, the slot has escaped: anything that touches memory may touch it, and it takes no part here.

use super::ControlFlow;
use crate::ir::entity::Entity;
use crate::ir::{Address, Arena, Block, Function, Helper, Inst, Instruction, MapData, MapId, Slot, SlotHome, Value};
use smallvec::{SmallVec, smallvec};

/// What happens to the bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AccessKind {
    /// Their contents matter.
    Read,
    /// All of them get new contents.
    Write,
    /// Some of them may get new contents.
    MayWrite,
}

/// One access to a range of bytes of a slot.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Access {
    /// The slot.
    pub slot: Slot,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// What happens to them.
    pub kind: AccessKind,
}

/// The accesses by one argument.
type Found = SmallVec<[Access; 2]>;

/// The accesses of a function's instructions.
#[derive(Clone, Debug)]
pub struct SlotAccesses {
    escaped: Vec<bool>,
    /// Of all instructions, those of one next to each other.
    accesses: Vec<Access>,
    /// Where those of each instruction are.
    ranges: Vec<(u32, u32)>,
    /// Where those of each block are.
    block_ranges: Vec<(u32, u32)>,
}

impl SlotAccesses {
    /// Finds the slots that have escaped, and the accesses to the others. What is read at computed places has: in loops
    /// over it nothing else is better kept in registers.
    pub fn new(function: &Function, control_flow: &ControlFlow, maps: &Arena<MapId, MapData>) -> Self {
        let mut found = Self {
            escaped: escaped_slots(function, control_flow),
            accesses: Vec::with_capacity(64),
            ranges: vec![(0, 0); function.instructions.len()],
            block_ranges: vec![(0, 0); function.blocks.len()],
        };
        if function.slots.is_empty() {
            return found;
        }
        for block in &control_flow.order {
            let block_start = found.accesses.len();
            for inst in &function.blocks[*block].instructions {
                let start = found.accesses.len();
                found.add(function, maps, &function.instructions[*inst].instruction);
                found.ranges[inst.index()] = (start as u32, found.accesses.len() as u32);
            }
            found.block_ranges[block.index()] = (block_start as u32, found.accesses.len() as u32);
        }
        found
    }

    /// True when the slot takes no part.
    pub fn has_escaped(&self, slot: Slot) -> bool {
        self.escaped[slot.index()]
    }

    /// The accesses of an instruction, reads before writes.
    pub fn of(&self, inst: Inst) -> &[Access] {
        let (start, end) = self.ranges[inst.index()];
        &self.accesses[start as usize..end as usize]
    }

    /// The accesses of all instructions of a block, in order.
    pub fn in_block(&self, block: Block) -> &[Access] {
        let (start, end) = self.block_ranges[block.index()];
        &self.accesses[start as usize..end as usize]
    }

    fn add(&mut self, function: &Function, maps: &Arena<MapId, MapData>, instruction: &Instruction) {
        match instruction {
            Instruction::Load { address, size, .. } => self.access(*address, size.bytes(), AccessKind::Read),
            Instruction::Store { address, size, .. } => self.access(*address, size.bytes(), AccessKind::Write),
            Instruction::Copy { to, from, size } => {
                self.access(*from, *size, AccessKind::Read);
                self.access(*to, *size, AccessKind::Write);
            }
            Instruction::Zero { address, size } => self.access(*address, *size, AccessKind::Write),
            Instruction::StoreBytes { address, bytes } => self.access(*address, bytes.len() as u32, AccessKind::Write),
            Instruction::Call(helper, arguments) => {
                let start = self.accesses.len();
                for (index, argument) in arguments.iter().enumerate() {
                    if let Some(Instruction::SlotAddress(slot, offset)) = function.definition(*argument)
                        && !self.has_escaped(*slot)
                    {
                        let found = argument_accesses(function, maps, *helper, arguments, index, (*slot, *offset));
                        self.accesses.extend(found);
                    }
                }
                if self.accesses.len() > start + 1 {
                    self.accesses[start..].sort_by_key(|access| access.kind != AccessKind::Read);
                }
            }
            Instruction::Const(_)
            | Instruction::Binary(..)
            | Instruction::Unary(..)
            | Instruction::Compare(..)
            | Instruction::AtomicAdd { .. }
            | Instruction::SlotAddress(..)
            | Instruction::MapReference(_)
            | Instruction::MapValueAddress(..)
            | Instruction::GlobalAddress(_)
            | Instruction::Context
            | Instruction::CallFunction(..)
            | Instruction::CallKernel { .. }
            | Instruction::FunctionAddress(_) => {}
        }
    }

    fn access(&mut self, address: Address, size: u32, kind: AccessKind) {
        match address {
            Address::Slot(slot, start) if !self.has_escaped(slot) => {
                self.accesses.push(Access { slot, start, end: start + size, kind });
            }
            Address::Slot(..) | Address::Pointer(..) => {}
        }
    }
}

fn escaped_slots(function: &Function, control_flow: &ControlFlow) -> Vec<bool> {
    let mut escaped: Vec<bool> = function.slots.values().map(|slot| slot.home == SlotHome::Scratch).collect();
    if escaped.is_empty() {
        return escaped;
    }
    // Marks the slot whose address this is.
    let mut escape = |operand: Value| {
        if let Some(Instruction::SlotAddress(slot, _)) = function.definition(operand) {
            escaped[slot.index()] = true;
        }
    };
    for block in &control_flow.order {
        let data = &function.blocks[*block];
        for inst in &data.instructions {
            let instruction = &function.instructions[*inst].instruction;
            // A called helper may use the address until it returns; the others may give it back.
            if !matches!(instruction, Instruction::Call(..)) {
                instruction.visit_operands(&mut escape);
            }
        }
        if let Some(terminator) = &data.terminator {
            terminator.visit_operands(&mut escape);
        }
    }
    escaped
}

/// What a helper does with a slot whose address is its argument number `index`.
fn argument_accesses(
    function: &Function,
    maps: &Arena<MapId, MapData>,
    helper: Helper,
    arguments: &[Value],
    index: usize,
    (slot, start): (Slot, u32),
) -> Found {
    let slot_size = function.slots[slot].size;
    let up_to = |size: Option<u32>| size.and_then(|size| start.checked_add(size)).unwrap_or(slot_size).min(slot_size);
    let map = map(function, maps, arguments);
    let size_argument = constant_argument(function, arguments, 1);
    let one = |end, kind| smallvec![Access { slot, start, end, kind }];
    match (helper, index) {
        (
            Helper::MAP_LOOKUP_ELEM
            | Helper::MAP_LOOKUP_PERCPU_ELEM
            | Helper::MAP_DELETE_ELEM
            | Helper::MAP_UPDATE_ELEM,
            1,
        ) => one(up_to(map.map(|map| map.key_size)), AccessKind::Read),
        (Helper::MAP_UPDATE_ELEM, 2) => one(up_to(map.map(|map| map.value_size)), AccessKind::Read),
        (Helper::STRNCMP, _) => one(slot_size, AccessKind::Read),
        (Helper::RINGBUF_OUTPUT, 1) => one(up_to(constant_argument(function, arguments, 2)), AccessKind::Read),
        // On failure the kernel zeroes the destination.
        (Helper::PROBE_READ | Helper::PROBE_READ_KERNEL | Helper::PROBE_READ_USER, 0) => {
            let kind = if size_argument.is_some() { AccessKind::Write } else { AccessKind::MayWrite };
            one(up_to(size_argument), kind)
        }
        // Some kernels leave what follows the name as it was.
        (
            Helper::GET_CURRENT_COMM
            | Helper::PROBE_READ_STR
            | Helper::PROBE_READ_KERNEL_STR
            | Helper::PROBE_READ_USER_STR,
            0,
        ) => one(up_to(size_argument), AccessKind::MayWrite),
        _ => [AccessKind::Read, AccessKind::MayWrite]
            .map(|kind| Access { slot, start: 0, end: slot_size, kind })
            .into_iter()
            .collect(),
    }
}

fn map<'a>(function: &Function, maps: &'a Arena<MapId, MapData>, arguments: &[Value]) -> Option<&'a MapData> {
    match function.definition(*arguments.first()?) {
        Some(Instruction::MapReference(map)) => Some(&maps[*map]),
        _ => None,
    }
}

fn constant_argument(function: &Function, arguments: &[Value], index: usize) -> Option<u32> {
    match function.definition(*arguments.get(index)?) {
        Some(Instruction::Const(number)) => u32::try_from(*number).ok(),
        _ => None,
    }
}
