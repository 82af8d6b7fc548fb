//! The eBPF instruction set (kernel Documentation/bpf/standardization/instruction-set.rst).

use crate::ir::MemorySize;

/// What a kernel's verifier and compiler know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum InstructionSet {
    /// 32-bit arithmetic and jumps, atomics.
    V3,
    /// Signed division, sign-extending moves and loads too (Linux 6.6).
    V4,
}

/// One 8-byte instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Insn {
    /// Operation.
    pub code: u8,
    /// Destination register.
    pub dst: u8,
    /// Source register.
    pub src: u8,
    /// Jump distance or memory offset.
    pub off: i16,
    /// Immediate.
    pub imm: i32,
}

/// The frame pointer.
pub(super) const FRAME: u8 = 10;

pub(super) const LD: u8 = 0x00;
pub(super) const LDX: u8 = 0x01;
pub(super) const ST: u8 = 0x02;
pub(super) const STX: u8 = 0x03;
pub(super) const ALU: u8 = 0x04;
pub(super) const JMP: u8 = 0x05;
pub(super) const JMP32: u8 = 0x06;
pub(super) const ALU64: u8 = 0x07;
pub(super) const MEM: u8 = 0x60;
/// The loaded value is sign-extended.
pub(super) const MEM_SIGNED: u8 = 0x80;
pub(super) const ATOMIC: u8 = 0xc0;
pub(super) const IMM_DW: u8 = 0x18;
/// The operand is a register rather than an immediate.
pub(super) const REG: u8 = 0x08;
pub(super) const MOV: u8 = 0xb0;
pub(super) const NEG: u8 = 0x80;
pub(super) const END_TO_BE: u8 = 0xd0 | REG;
pub(super) const CALL: u8 = 0x80;
pub(super) const EXIT: u8 = 0x90;
pub(super) const FETCH: i32 = 1;
/// `off` of a division of signed numbers.
pub(super) const SIGNED: i16 = 1;

/// `src` of a 64-bit immediate that names a map, a map's value or a function.
pub(super) const PSEUDO_MAP: u8 = 1;
pub(super) const PSEUDO_MAP_VALUE: u8 = 2;
pub(super) const PSEUDO_FUNCTION: u8 = 4;
/// `src` of a call of our own function, and of one of the kernel's.
pub(super) const PSEUDO_CALL: u8 = 1;
pub(super) const PSEUDO_KFUNC: u8 = 2;

/// Two-operand arithmetic.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Alu {
    Add = 0x00,
    Sub = 0x10,
    Mul = 0x20,
    Div = 0x30,
    Or = 0x40,
    And = 0x50,
    Lsh = 0x60,
    Rsh = 0x70,
    Mod = 0x90,
    Xor = 0xa0,
    Arsh = 0xc0,
}

/// Conditions of jumps.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Condition {
    Eq = 0x10,
    Gt = 0x20,
    Ge = 0x30,
    Ne = 0x50,
    Sgt = 0x60,
    Sge = 0x70,
    Lt = 0xa0,
    Le = 0xb0,
    Slt = 0xc0,
    Sle = 0xd0,
}

impl Condition {
    const ALL: [Self; 10] =
        [Self::Eq, Self::Gt, Self::Ge, Self::Ne, Self::Sgt, Self::Sge, Self::Lt, Self::Le, Self::Slt, Self::Sle];

    /// The condition in a jump's operation.
    pub(super) fn of(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|condition| *condition as u8 == code & 0xf0)
    }

    /// What holds when this does not.
    pub(super) fn inverse(self) -> Self {
        match self {
            Self::Eq => Self::Ne,
            Self::Ne => Self::Eq,
            Self::Gt => Self::Le,
            Self::Le => Self::Gt,
            Self::Ge => Self::Lt,
            Self::Lt => Self::Ge,
            Self::Sgt => Self::Sle,
            Self::Sle => Self::Sgt,
            Self::Sge => Self::Slt,
            Self::Slt => Self::Sge,
        }
    }
}

/// The size bits of memory operations.
pub(super) fn size_bits(size: MemorySize) -> u8 {
    match size {
        MemorySize::B4 => 0x00,
        MemorySize::B2 => 0x08,
        MemorySize::B1 => 0x10,
        MemorySize::B8 => 0x18,
    }
}

impl Insn {
    /// The instruction as the kernel reads it (little endian).
    pub fn encode(self) -> [u8; 8] {
        let off = self.off.to_le_bytes();
        let imm = self.imm.to_le_bytes();
        [self.code, self.dst | self.src << 4, off[0], off[1], imm[0], imm[1], imm[2], imm[3]]
    }
}
