//! Where scratch variables live: in SSA values, in memory of the function, or in the frame that callbacks share.
//!
//! A variable that only one callback mentions is that callback's own; what a callback shares with the code around it is in
//! the frame, or in scratch memory that a word of the frame points to: what is large, and what a callback changes. Of a
//! number on the stack that it knows and that something depends on (a branch, the rounds of a loop) the verifier follows
//! each value that the rounds give it, to its limit; what comes from memory of a map is any number, and the second round is
//! like the first.

use super::Lowerer;
use super::loops::{Frame, is_callback};
use crate::hir::{self, LocalIndex, Statement, StatementKind};
use crate::ir::{Address, Instruction, Slot};
use crate::types::{Space, Type};
use lancet_kernel::Features;
use rustc_hash::{FxHashMap, FxHashSet};

/// Where a scratch variable is, for the code that is made now.
#[derive(Clone, Copy, Debug)]
pub(super) enum Home {
    /// In SSA values.
    Value(crate::ir::builder::Variable),
    /// In memory.
    Memory(Address),
}

/// Where a scratch variable is kept.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kept {
    /// By the function that is made now.
    Here(Home),
    /// In the frame, this many bytes behind its start.
    InFrame(u32),
    /// In the shared memory off the stack, this many bytes behind its start.
    OffStack(u32),
    /// By a callback that is not made yet.
    InCallback,
}

/// Memory of the program, off the stack, that callbacks share.
#[derive(Clone, Copy, Debug)]
pub(super) struct OffStack {
    slot: Slot,
    size: u32,
    /// The place in the frame where its address is.
    word: u32,
}

/// Variables of more bytes are not kept in the frame, which is on a stack of 512.
const LARGE: u32 = 64;

impl<'a> Lowerer<'a> {
    /// Gives the variables of a probe their places.
    pub(super) fn make_locals(&mut self, probe: &'a hir::Probe) {
        self.local_types = &probe.locals;
        self.frame = None;
        self.off_stack = None;
        let sharing = Sharing::of(probe, self.target.features);
        self.locals = vec![Kept::InCallback; probe.locals.len()];
        if sharing.has_callbacks {
            // Here and not at the first loop: other loops need it too, and may be reached without that one.
            self.frame();
        }
        for index in 0..probe.locals.len() {
            let local = LocalIndex(index as u32);
            if sharing.captured.contains(&local) {
                self.locals[index] = self.keep_shared(&probe.locals[index], sharing.changed.contains(&local));
            } else if !sharing.private.contains(&local) {
                self.locals[index] = Kept::Here(self.keep_here(local));
            }
        }
    }

    /// Gives a callback the variables that only it mentions.
    pub(super) fn make_own_locals(&mut self, mentioned: &[LocalIndex]) {
        let mut seen = FxHashSet::default();
        for local in mentioned {
            let own = matches!(self.locals[local.0 as usize], Kept::InCallback | Kept::Here(_));
            if own && seen.insert(*local) {
                self.locals[local.0 as usize] = Kept::Here(self.keep_here(*local));
            }
        }
    }

    /// Where a variable is for the code that is made now.
    pub(super) fn home(&mut self, local: LocalIndex) -> Home {
        match (self.locals[local.0 as usize], self.frame) {
            (Kept::Here(home), _) => home,
            (Kept::InFrame(offset), Some(frame)) => Home::Memory(frame.address(&self.builder, offset)),
            (Kept::OffStack(offset), Some(frame)) => {
                let memory = self.off_stack();
                if !frame.in_callback() {
                    return Home::Memory(Address::Slot(memory.slot, offset));
                }
                let word = frame.address(&self.builder, memory.word);
                Home::Memory(Address::Pointer(self.load8(word), offset as i32))
            }
            (Kept::InFrame(_) | Kept::OffStack(_), None) | (Kept::InCallback, _) => {
                unreachable!("lowering: a variable is used outside of the code that mentions it")
            }
        }
    }

    fn keep_here(&mut self, local: LocalIndex) -> Home {
        let local = &self.local_types[local.0 as usize];
        if local.ty.is_scalar() && !local.address_taken {
            let variable = self.builder.variable();
            let zero = self.constant(0);
            self.builder.define(variable, zero);
            return Home::Value(variable);
        }
        let size = self.size_of(&local.ty);
        let slot = if local.address_taken {
            self.builder.stack_slot(size.next_multiple_of(8), 8, local.name.clone())
        } else {
            self.builder.slot(size, 8, local.name.clone())
        };
        let address = Address::Slot(slot, 0);
        self.push(Instruction::Zero { address, size });
        Home::Memory(address)
    }

    fn keep_shared(&mut self, local: &hir::Local, is_changed: bool) -> Kept {
        let size = self.size_of(&local.ty).next_multiple_of(8);
        if size <= LARGE && (!is_changed || local.address_taken || holds_known_pointer(&local.ty)) {
            let (offset, address) = self.frame_memory(size);
            self.push(Instruction::Zero { address, size });
            return Kept::InFrame(offset);
        }
        let memory = self.off_stack();
        self.builder.grow_slot(memory.slot, memory.size + size);
        self.off_stack = Some(OffStack { size: memory.size + size, ..memory });
        self.push(Instruction::Zero { address: Address::Slot(memory.slot, memory.size), size });
        Kept::OffStack(memory.size)
    }

    /// The shared memory off the stack, made when first needed.
    fn off_stack(&mut self) -> OffStack {
        if let Some(memory) = self.off_stack {
            return memory;
        }
        let slot = self.builder.scratch_slot(0, 8, "shared");
        let (word, place) = self.frame_memory(8);
        let pointer = self.address_of(Address::Slot(slot, 0));
        self.store8(place, pointer);
        let memory = OffStack { slot, size: 0, word };
        self.off_stack = Some(memory);
        memory
    }

    /// Memory in the frame.
    fn frame_memory(&mut self, size: u32) -> (u32, Address) {
        let frame = self.frame();
        self.frame = Some(Frame { size: frame.size + size, ..frame });
        self.builder.grow_slot(frame.slot, frame.size + size);
        (frame.size, Address::Slot(frame.slot, frame.size))
    }
}

/// Whether the verifier has to know a value of this type, or a part of it, as a pointer.
fn holds_known_pointer(ty: &Type) -> bool {
    match ty {
        Type::Pointer(_, space) => matches!(space, Space::Bpf | Space::Trusted | Space::Typed),
        Type::Tuple(fields) => fields.iter().any(holds_known_pointer),
        Type::Record(fields) => fields.iter().any(|(_, ty)| holds_known_pointer(ty)),
        Type::Array(element, _) => holds_known_pointer(element),
        _ => false,
    }
}

/// Which variables of a probe belong to callbacks.
#[derive(Default)]
struct Sharing {
    /// Mentioned in a callback and outside of it.
    captured: FxHashSet<LocalIndex>,
    /// Mentioned in one callback only.
    private: FxHashSet<LocalIndex>,
    /// Changed by a callback.
    changed: FxHashSet<LocalIndex>,
    /// There are any.
    has_callbacks: bool,
}

impl Sharing {
    fn of(probe: &hir::Probe, features: &Features) -> Self {
        let mut sharing = Self::default();
        let mentions = counted(&hir::locals_in_probe(probe));
        for statement in hir::loops_in_probe(probe) {
            match &statement.kind {
                StatementKind::ForRange { local, start, end, body } if is_callback(start, end, features) => {
                    sharing.add(*local, body, &mentions);
                }
                StatementKind::ForMap { local, body, .. } => sharing.add(*local, body, &mentions),
                _ => {}
            }
        }
        sharing
    }

    fn add(&mut self, local: LocalIndex, body: &[Statement], mentions: &FxHashMap<LocalIndex, usize>) {
        self.has_callbacks = true;
        self.changed.extend(hir::locals_changed_in(body));
        for (local, here) in counted(&mentioned(local, body)) {
            if mentions.get(&local) == Some(&here) {
                self.private.insert(local);
            } else {
                self.captured.insert(local);
            }
        }
    }
}

/// The variables of a loop.
pub(super) fn mentioned(local: LocalIndex, body: &[Statement]) -> Vec<LocalIndex> {
    let mut all = hir::locals_in(body);
    all.push(local);
    all
}

fn counted(locals: &[LocalIndex]) -> FxHashMap<LocalIndex, usize> {
    let mut counts = FxHashMap::default();
    for local in locals {
        *counts.entry(*local).or_default() += 1;
    }
    counts
}
