//! From an instruction to the bytes of slots that it reads and writes.
//!
//! A slot is reached through [`Address::Slot`] and through its address as an argument of a call. Where its address goes
//! anywhere else, the slot has escaped: anything that touches memory may touch it, and it takes no part here.

use super::ControlFlow;
use crate::ir::entity::Entity;
use crate::ir::{Address, Arena, Function, Helper, Instruction, MapData, MapId, Slot, SlotHome, Value};
use smallvec::{SmallVec, smallvec};
use std::rc::Rc;

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

/// The accesses of one instruction.
pub type Found = SmallVec<[Access; 4]>;

/// Finds the accesses of a function's instructions.
#[derive(Clone, Debug)]
pub struct SlotAccesses<'a> {
    maps: &'a Arena<MapId, MapData>,
    escaped: Rc<[bool]>,
}

impl<'a> SlotAccesses<'a> {
    /// Finds the slots that have escaped. What is read at computed places has: in loops over it nothing else is better kept
    /// in registers.
    pub fn new(function: &Function, control_flow: &ControlFlow, maps: &'a Arena<MapId, MapData>) -> Self {
        Self::with_escaped(maps, Self::escaped_slots(function, control_flow))
    }

    /// The same, when it is known which slots have escaped.
    pub fn with_escaped(maps: &'a Arena<MapId, MapData>, escaped: Rc<[bool]>) -> Self {
        Self { maps, escaped }
    }

    /// Whether each slot has escaped.
    pub fn escaped_slots(function: &Function, control_flow: &ControlFlow) -> Rc<[bool]> {
        let mut escaped: Vec<bool> = function.slots.values().map(|slot| slot.home == SlotHome::Scratch).collect();
        for block in &control_flow.order {
            let data = &function.blocks[*block];
            for inst in &data.instructions {
                let instruction = &function.instructions[*inst].instruction;
                // A called helper may use the address until it returns; the others may give it back.
                if !matches!(instruction, Instruction::Call(..)) {
                    escape(&mut escaped, function, &instruction.operands());
                }
            }
            if let Some(terminator) = &data.terminator {
                escape(&mut escaped, function, &terminator.operands());
            }
        }
        escaped.into()
    }

    /// True when the slot takes no part.
    pub fn has_escaped(&self, slot: Slot) -> bool {
        self.escaped[slot.index()]
    }

    /// The accesses of an instruction, reads before writes.
    pub fn of(&self, function: &Function, instruction: &Instruction) -> Found {
        let mut found = Found::new();
        match instruction {
            Instruction::Load { address, size, .. } => found.extend(access(*address, size.bytes(), AccessKind::Read)),
            Instruction::Store { address, size, .. } => found.extend(access(*address, size.bytes(), AccessKind::Write)),
            Instruction::Copy { to, from, size } => {
                found.extend(access(*from, *size, AccessKind::Read));
                found.extend(access(*to, *size, AccessKind::Write));
            }
            Instruction::Zero { address, size } => found.extend(access(*address, *size, AccessKind::Write)),
            Instruction::StoreBytes { address, bytes } => {
                found.extend(access(*address, bytes.len() as u32, AccessKind::Write));
            }
            Instruction::Call(helper, arguments) => {
                for (index, argument) in arguments.iter().enumerate() {
                    if let Some(Instruction::SlotAddress(slot, offset)) = function.definition(*argument) {
                        found.extend(self.argument(function, *helper, arguments, index, (*slot, *offset)));
                    }
                }
                found.sort_by_key(|access| access.kind != AccessKind::Read);
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
        found.retain(|access| !self.has_escaped(access.slot));
        found
    }

    /// What a helper does with a slot whose address is its argument number `index`.
    fn argument(
        &self,
        function: &Function,
        helper: Helper,
        arguments: &[Value],
        index: usize,
        (slot, start): (Slot, u32),
    ) -> Found {
        let slot_size = function.slots[slot].size;
        let up_to =
            |size: Option<u32>| size.and_then(|size| start.checked_add(size)).unwrap_or(slot_size).min(slot_size);
        let map = self.map(function, arguments);
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

    fn map(&self, function: &Function, arguments: &[Value]) -> Option<&'a MapData> {
        match function.definition(*arguments.first()?) {
            Some(Instruction::MapReference(map)) => Some(&self.maps[*map]),
            _ => None,
        }
    }
}

fn access(address: Address, size: u32, kind: AccessKind) -> Option<Access> {
    match address {
        Address::Slot(slot, start) => Some(Access { slot, start, end: start + size, kind }),
        Address::Pointer(..) => None,
    }
}

fn constant_argument(function: &Function, arguments: &[Value], index: usize) -> Option<u32> {
    match function.definition(*arguments.get(index)?) {
        Some(Instruction::Const(number)) => u32::try_from(*number).ok(),
        _ => None,
    }
}

/// Marks slots whose address an instruction uses.
fn escape(escaped: &mut [bool], function: &Function, operands: &[Value]) {
    for operand in operands {
        if let Some(Instruction::SlotAddress(slot, _)) = function.definition(*operand) {
            escaped[slot.index()] = true;
        }
    }
}
