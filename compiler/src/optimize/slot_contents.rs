//! What the bytes of slots hold at each point of a function: constants, parts of values, or something that can at least
//! be told from other contents.
//!
//! A forward analysis: states meet where paths join, and only what all paths agree on stays. A fact that names a value is
//! available only where that value is defined: every path to the fact's point has stored it after defining it. The same
//! argument covers loops: at the definition of a value no fact about it is available, since the first path that gets there
//! has none.

use crate::ir::analysis::control_flow::successors;
use crate::ir::analysis::{Access, AccessKind, ControlFlow, SlotAccesses};
use crate::ir::entity::Entity;
use crate::ir::{Address, Function, Inst, Instruction, Slot, Value};
use smallvec::{SmallVec, smallvec};
use std::iter;
use std::rc::Rc;

/// Larger slots are not followed.
const MAX_SLOT_SIZE: u32 = 1024;

/// What a byte holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Byte {
    /// Nothing is known.
    Unknown,
    /// This number.
    Constant(u8),
    /// That byte of a value, counted from the lowest.
    Part(Value, u8),
    /// What the instruction wrote at that distance from the start of the slot it wrote.
    Written(Inst, u32),
}

/// The contents of all slots at one point; slots that are not listed are unknown.
#[derive(Clone, Default)]
pub(super) struct Contents {
    /// In the order of the slots.
    slots: SmallVec<[(Slot, Rc<[Byte]>); 4]>,
}

/// The bytes of one access.
type Bytes = SmallVec<[Byte; 16]>;

impl Contents {
    /// The bytes of a range; `None` when nothing is known of the slot.
    pub fn range(&self, slot: Slot, start: u32, end: u32) -> Option<&[Byte]> {
        let position = self.position(slot).ok()?;
        self.slots[position].1.get(start as usize..end as usize)
    }

    /// The first slot, if it is before `slot`, that holds the same bytes in that place.
    pub fn with_same_bytes(&self, slot: Slot, start: u32, end: u32) -> Option<Slot> {
        let bytes = self.range(slot, start, end).filter(|bytes| !bytes.contains(&Byte::Unknown))?;
        let earlier = self.slots.iter().take_while(|(other, _)| *other != slot);
        let has_them = |other: &[Byte]| other.get(start as usize..end as usize) == Some(bytes);
        earlier.filter(|(_, other)| has_them(other)).map(|(other, _)| *other).next()
    }

    fn position(&self, slot: Slot) -> Result<usize, usize> {
        self.slots.binary_search_by_key(&slot, |(slot, _)| *slot)
    }

    /// What an instruction does to the contents.
    pub fn apply(&mut self, function: &Function, accesses: &SlotAccesses, inst: Inst) {
        let instruction = &function.instructions[inst].instruction;
        let written =
            |access: &Access| -> Bytes { (access.start..access.end).map(|byte| Byte::Written(inst, byte)).collect() };
        for access in accesses.of(inst) {
            if access.kind == AccessKind::Read || function.slots[access.slot].size > MAX_SLOT_SIZE {
                continue;
            }
            let bytes: Bytes = match instruction {
                Instruction::Store { size, value, .. } => match function.definition(*value) {
                    Some(Instruction::Const(number)) => {
                        number.to_le_bytes()[..size.bytes() as usize].iter().map(|byte| Byte::Constant(*byte)).collect()
                    }
                    _ => (0..size.bytes() as u8).map(|index| Byte::Part(*value, index)).collect(),
                },
                Instruction::Zero { size, .. } => smallvec![Byte::Constant(0); *size as usize],
                Instruction::StoreBytes { bytes, .. } => bytes.iter().map(|byte| Byte::Constant(*byte)).collect(),
                Instruction::Copy { from: Address::Slot(from, start), size, .. } if !accesses.has_escaped(*from) => {
                    // Two copies of unknown bytes can still be told apart.
                    let mut bytes = written(access);
                    let source = self.range(*from, *start, *start + *size).unwrap_or_default();
                    for (byte, known) in bytes.iter_mut().zip(source).filter(|(_, known)| **known != Byte::Unknown) {
                        *byte = *known;
                    }
                    bytes
                }
                _ => written(access),
            };
            self.write(function, *access, &bytes);
        }
    }

    /// A load has shown what the bytes are.
    pub fn learn(&mut self, function: &Function, slot: Slot, start: u32, end: u32, value: Value) {
        let known = self
            .range(slot, start, end)
            .is_some_and(|bytes| bytes.iter().all(|byte| matches!(byte, Byte::Constant(_) | Byte::Part(..))));
        if !known && function.slots[slot].size <= MAX_SLOT_SIZE {
            let bytes: Bytes = (0..(end - start) as u8).map(|index| Byte::Part(value, index)).collect();
            self.write(function, Access { slot, start, end, kind: AccessKind::Write }, &bytes);
        }
    }

    fn write(&mut self, function: &Function, access: Access, bytes: &[Byte]) {
        let position = self.position(access.slot).unwrap_or_else(|position| {
            let unknown = iter::repeat_n(Byte::Unknown, function.slots[access.slot].size as usize).collect();
            self.slots.insert(position, (access.slot, unknown));
            position
        });
        Rc::make_mut(&mut self.slots[position].1)[access.start as usize..access.end as usize].copy_from_slice(bytes);
    }

    /// Keeps what both agree on; true when that is less than before.
    fn meet(&mut self, other: &Self) -> bool {
        let before = self.slots.len();
        let mut changed = false;
        self.slots.retain_mut(|(slot, bytes)| {
            let Ok(position) = other.position(*slot) else { return false };
            let theirs = &other.slots[position].1;
            let is_lost = |(ours, theirs): (&Byte, &Byte)| ours != theirs && *ours != Byte::Unknown;
            if !Rc::ptr_eq(bytes, theirs) && bytes.iter().zip(theirs.iter()).any(is_lost) {
                for (ours, theirs) in Rc::make_mut(bytes).iter_mut().zip(theirs.iter()) {
                    if ours != theirs {
                        *ours = Byte::Unknown;
                    }
                }
                changed = true;
            }
            true
        });
        changed | (self.slots.len() != before)
    }
}

/// The contents at the start of each reachable block.
pub(super) fn contents_on_entry(
    function: &Function,
    control_flow: &ControlFlow,
    accesses: &SlotAccesses,
) -> OnEntry<Contents> {
    let transfer = |contents: &mut Contents, inst| contents.apply(function, accesses, inst);
    solve(function, control_flow, Contents::default(), transfer, Contents::meet)
}

/// A state for each block, by its index; blocks that are not reachable have none.
pub(super) type OnEntry<State> = Vec<Option<State>>;

/// Solves a forward analysis: `meet` keeps what two states agree on and says whether that is less than the first had,
/// `transfer` follows an instruction. Blocks that no state has reached yet agree with everything.
pub(super) fn solve<State: Clone>(
    function: &Function,
    control_flow: &ControlFlow,
    entry: State,
    mut transfer: impl FnMut(&mut State, Inst),
    meet: impl Fn(&mut State, &State) -> bool,
) -> OnEntry<State> {
    let mut on_entry = vec![None; function.blocks.len()];
    on_entry[function.entry().index()] = Some(entry);
    // Blocks whose state has changed since they were last followed. In this order only loops are followed twice.
    let mut pending = vec![false; control_flow.order.len()];
    let mut first = (!pending.is_empty()).then_some(0);
    while let Some(start) = first {
        pending[start] = true;
        first = None;
        for (position, block) in control_flow.order.iter().enumerate().skip(start) {
            if !std::mem::take(&mut pending[position]) {
                continue;
            }
            let Some(mut state) = on_entry[block.index()].clone() else { continue };
            for inst in &function.blocks[*block].instructions {
                transfer(&mut state, *inst);
            }
            let mut successors = successors(function, *block);
            let mut state = Some(state);
            while let Some(successor) = successors.next() {
                // The last one gets the state itself.
                let is_last = successors.is_empty();
                let changed = match (&mut on_entry[successor.index()], &state) {
                    (unknown @ None, _) => {
                        *unknown = if is_last { state.take() } else { state.clone() };
                        true
                    }
                    (Some(known), Some(state)) => meet(known, state),
                    (Some(_), None) => false,
                };
                if let Some(next) = control_flow.position(successor).filter(|_| changed) {
                    pending[next] = true;
                    if next <= position {
                        first = Some(first.map_or(next, |first: usize| first.min(next)));
                    }
                }
            }
        }
    }
    on_entry
}
