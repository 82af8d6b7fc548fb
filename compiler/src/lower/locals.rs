//! Where scratch variables live: in SSA values, in memory of the function, or in the frame that callbacks share.
//!
//! A variable that only one callback mentions is that callback's own; what a callback shares with the code around it is in
//! the frame, or, when it is large, in scratch memory that a word of the frame points to.

use super::Lowerer;
use super::loops::{Frame, is_callback};
use crate::hir::{self, Expr, ExprKind, LocalIndex, Statement, StatementKind};
use crate::ir::{Address, Instruction};
use crate::types::Type;
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
    /// In scratch memory of the program; at this place of the frame is its address, and the program has it here.
    BehindFrame(u32, Address),
    /// By a callback that is not made yet.
    InCallback,
}

/// Variables of more bytes are not kept in the frame, which is on a stack of 512.
const LARGE: u32 = 64;

impl<'a> Lowerer<'a> {
    /// Gives the variables of a probe their places.
    pub(super) fn make_locals(&mut self, probe: &'a hir::Probe) {
        self.local_types = &probe.locals;
        self.frame = None;
        let sharing = Sharing::of(probe, self.target.features);
        self.locals = vec![Kept::InCallback; probe.locals.len()];
        for index in 0..probe.locals.len() {
            let local = LocalIndex(index as u32);
            if sharing.captured.contains(&local) {
                self.locals[index] = self.keep_shared(&probe.locals[index].ty);
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
            (Kept::BehindFrame(offset, _), Some(frame)) if frame.in_callback() => {
                let word = frame.address(&self.builder, offset);
                Home::Memory(Address::Pointer(self.load8(word), 0))
            }
            (Kept::BehindFrame(_, address), _) => Home::Memory(address),
            (Kept::InFrame(_), None) | (Kept::InCallback, _) => {
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

    fn keep_shared(&mut self, ty: &Type) -> Kept {
        let size = self.size_of(ty).next_multiple_of(8);
        if size <= LARGE {
            let (offset, address) = self.frame_memory(size);
            self.push(Instruction::Zero { address, size });
            return Kept::InFrame(offset);
        }
        let address = Address::Slot(self.builder.scratch_slot(size, 8, "shared"), 0);
        self.push(Instruction::Zero { address, size });
        let (offset, word) = self.frame_memory(8);
        let pointer = self.address_of(address);
        self.store8(word, pointer);
        Kept::BehindFrame(offset, address)
    }

    /// Memory in the frame.
    fn frame_memory(&mut self, size: u32) -> (u32, Address) {
        let frame = self.frame();
        self.frame = Some(Frame { size: frame.size + size, ..frame });
        self.builder.grow_slot(frame.slot, frame.size + size);
        (frame.size, Address::Slot(frame.slot, frame.size))
    }
}

/// Which variables of a probe belong to callbacks.
#[derive(Default)]
struct Sharing {
    /// Mentioned in a callback and outside of it.
    captured: FxHashSet<LocalIndex>,
    /// Mentioned in one callback only.
    private: FxHashSet<LocalIndex>,
}

impl Sharing {
    fn of(probe: &hir::Probe, features: &Features) -> Self {
        let mut sharing = Self::default();
        sharing.collect(&probe.body, features, &counted(&hir::locals_in(&probe.body)));
        sharing
    }

    fn collect(&mut self, statements: &[Statement], features: &Features, mentions: &FxHashMap<LocalIndex, usize>) {
        for statement in statements {
            match &statement.kind {
                StatementKind::ForRange { local, start, end, body } => {
                    if is_callback(start, end, features) {
                        self.add(*local, body, mentions);
                    }
                    self.collect(body, features, mentions);
                }
                StatementKind::ForMap { local, body, .. } => {
                    self.add(*local, body, mentions);
                    self.collect(body, features, mentions);
                }
                StatementKind::If(_, then, otherwise) => {
                    self.collect(then, features, mentions);
                    self.collect(otherwise, features, mentions);
                }
                StatementKind::Unroll(_, body) | StatementKind::While(_, body) | StatementKind::Block(body) => {
                    self.collect(body, features, mentions);
                }
                StatementKind::Expression(Expr { kind: ExprKind::Block(body, _), .. })
                | StatementKind::Assign(_, Expr { kind: ExprKind::Block(body, _), .. }) => {
                    self.collect(body, features, mentions);
                }
                StatementKind::Expression(_)
                | StatementKind::Assign(..)
                | StatementKind::ZeroLocal(_)
                | StatementKind::Break
                | StatementKind::Continue
                | StatementKind::Return(_) => {}
            }
        }
    }

    fn add(&mut self, local: LocalIndex, body: &[Statement], mentions: &FxHashMap<LocalIndex, usize>) {
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
