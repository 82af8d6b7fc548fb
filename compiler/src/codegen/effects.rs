//! Which registers an instruction reads and writes.

use super::assembly::Line;
use super::insn::{ALU, ALU64, ATOMIC, END_TO_BE, FETCH, JMP, JMP32, LD, LDX, MOV, NEG, REG, ST, STX};

/// Registers by number.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub(super) struct RegisterSet(u16);

impl RegisterSet {
    /// r0 to r5: what a call writes or leaves undefined.
    pub(super) const CALL: Self = Self(0x3f);

    pub(super) fn one(register: u8) -> Self {
        Self(1 << register)
    }

    /// r1 to the one that takes the last of so many arguments.
    pub(super) fn arguments(count: u8) -> Self {
        Self(((1 << count) - 1) << 1)
    }

    pub(super) fn contains(self, register: u8) -> bool {
        self.0 & (1 << register) != 0
    }

    pub(super) fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    pub(super) fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(super) fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Those of the set that can be written: not the frame pointer.
    pub(super) fn iter(self) -> impl Iterator<Item = u8> {
        let mut left = self.0 & 0x3ff;
        std::iter::from_fn(move || {
            let register = left.trailing_zeros() as u8;
            // Takes the lowest out.
            left &= left.wrapping_sub(1);
            (register < 10).then_some(register)
        })
    }
}

/// What an instruction does with the register that a field of it names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// The field names none.
    None,
    Read,
    Write,
    /// Read and written.
    Update,
}

impl Role {
    fn reads(self) -> bool {
        matches!(self, Self::Read | Self::Update)
    }

    fn writes(self) -> bool {
        matches!(self, Self::Write | Self::Update)
    }
}

/// What an instruction does with registers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Effects {
    pub(super) dst: Role,
    pub(super) src: Role,
    /// All that are read, those among them that no field names.
    pub(super) reads: RegisterSet,
    pub(super) writes: RegisterSet,
    /// Nothing happens but the write of the register.
    pub(super) is_pure: bool,
}

/// The registers of a line.
pub(super) fn effects(line: &Line) -> Effects {
    let insn = &line.insn;
    let right = if insn.code & REG != 0 { Role::Read } else { Role::None };
    let (dst, src, is_pure) = match insn.code & 7 {
        LD => (Role::Write, Role::None, true),
        LDX => (Role::Write, Role::Read, true),
        ST => (Role::Read, Role::None, false),
        STX if insn.code & 0xe0 == ATOMIC && insn.imm & FETCH != 0 => (Role::Read, Role::Update, false),
        STX => (Role::Read, Role::Read, false),
        ALU | ALU64 => match insn.code & 0xf0 {
            MOV => (Role::Write, right, true),
            _ if insn.code & !7 == END_TO_BE || insn.code & 0xf0 == NEG => (Role::Update, Role::None, true),
            _ => (Role::Update, right, true),
        },
        JMP | JMP32 if line.is_branch() => (Role::Read, right, false),
        _ => (Role::None, Role::None, false),
    };
    let one = |is_in: bool, register: u8| RegisterSet(u16::from(is_in) << register);
    let (reads, writes) = match line.is_call() {
        true => (RegisterSet::arguments(line.arguments), RegisterSet::CALL),
        false if line.is_exit() => (RegisterSet::one(0), RegisterSet::default()),
        false => (
            one(dst.reads(), insn.dst).with(one(src.reads(), insn.src)),
            one(dst.writes(), insn.dst).with(one(src.writes(), insn.src)),
        ),
    };
    Effects { dst, src, reads, writes, is_pure }
}

/// The line with other registers: what `read` and `write` give for those that it has.
pub(super) fn rename(line: &Line, read: impl Fn(u8) -> u8, write: impl Fn(u8) -> u8) -> Line {
    rename_known(line, &effects(line), read, write)
}

/// The same of a line whose effects are known.
pub(super) fn rename_known(line: &Line, effects: &Effects, read: impl Fn(u8) -> u8, write: impl Fn(u8) -> u8) -> Line {
    let Effects { dst, src, .. } = *effects;
    let renamed = |role: Role, register: u8| match role {
        Role::None => register,
        Role::Read => read(register),
        Role::Write | Role::Update => write(register),
    };
    let mut result = *line;
    result.insn.dst = renamed(dst, line.insn.dst);
    result.insn.src = renamed(src, line.insn.src);
    result
}
