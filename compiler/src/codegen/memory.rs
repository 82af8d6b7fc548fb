//! Copying and filling memory: words where they are few, the kernel's helper where they are many.

use super::insn::Alu;
use super::select::Selector;
use super::vcode::{Base, Callee, Op, Source};
use crate::ir::{Address, Helper, MemorySize, Width};
use regalloc2::VReg;

/// Copies above this go through bpf_probe_read_kernel, which moves any readable memory.
const MOST_COPIED: u32 = 128;
/// Zeroing above this goes through a probe read of address 0, which fails and zero-fills.
const MOST_ZEROED: u32 = 512;

impl Selector<'_> {
    pub(super) fn copy(&mut self, to: Address, from: Address, size: u32) {
        if size > MOST_COPIED {
            let (to, from) = (self.address(to), self.address(from));
            let bytes = self.immediate(i64::from(size));
            self.helper(Helper::PROBE_READ_KERNEL, [to, bytes, from]);
            return;
        }
        let (to_base, to_align) = self.base(to);
        let (from_base, from_align) = self.base(from);
        let mut offset = 0;
        while offset < size {
            let width = chunk(size - offset, (to_align.offset + offset) | (from_align.offset + offset));
            let value = self.code.vreg();
            let load = Op::Load { size: width, signed: false, dst: value, from: shifted(from_base, offset) };
            self.push(load);
            self.push(Op::Store { size: width, to: shifted(to_base, offset), src: Source::Reg(value) });
            offset += width.bytes();
        }
    }

    pub(super) fn zero(&mut self, address: Address, size: u32) {
        if size > MOST_ZEROED {
            let to = self.address(address);
            let (bytes, nothing) = (self.immediate(i64::from(size)), self.immediate(0));
            self.helper(Helper::PROBE_READ_KERNEL, [to, bytes, nothing]);
            return;
        }
        self.store_bytes(address, &vec![0; size as usize]);
    }

    pub(super) fn store_bytes(&mut self, address: Address, bytes: &[u8]) {
        let (base, align) = self.base(address);
        let size = bytes.len() as u32;
        let mut offset = 0;
        while offset < size {
            let mut width = chunk(size - offset, align.offset + offset);
            let word = |width: MemorySize| {
                let mut word = [0; 8];
                let start = offset as usize;
                word[..width.bytes() as usize].copy_from_slice(&bytes[start..start + width.bytes() as usize]);
                i64::from_le_bytes(word)
            };
            // A store of 8 bytes has an immediate of 32 bits, sign-extended.
            if width == MemorySize::B8 && i32::try_from(word(width)).is_err() {
                width = MemorySize::B4;
            }
            let src = Source::Imm(word(width) as i32);
            self.push(Op::Store { size: width, to: shifted(base, offset), src });
            offset += width.bytes();
        }
    }

    /// Loads a word, in parts where it lies on the stack across the boundary of its size, which no verifier allows.
    pub(super) fn load_unsigned(&mut self, size: MemorySize, dst: VReg, from: Base, align: Alignment) {
        let part = align.part(size);
        if part == size {
            return self.push(Op::Load { size, signed: false, dst, from });
        }
        let mut word = self.code.vreg();
        self.push(Op::Load { size: part, signed: false, dst: word, from });
        for offset in (part.bytes()..size.bytes()).step_by(part.bytes() as usize) {
            let (next, high) = (self.code.vreg(), self.code.vreg());
            self.push(Op::Load { size: part, signed: false, dst: next, from: shifted(from, offset) });
            let bits = Source::Imm(8 * offset as i32);
            self.push(Op::Alu { op: Alu::Lsh, width: Width::W64, dst: high, a: next, b: bits });
            let last = offset + part.bytes() == size.bytes();
            let both = if last { dst } else { self.code.vreg() };
            self.push(Op::Alu { op: Alu::Or, width: Width::W64, dst: both, a: word, b: Source::Reg(high) });
            word = both;
        }
    }

    /// Stores a word, in parts as [`Self::load_unsigned`] loads it.
    pub(super) fn store(&mut self, size: MemorySize, to: Base, align: Alignment, src: Source) {
        let part = align.part(size);
        if part == size {
            return self.push(Op::Store { size, to, src });
        }
        for offset in (0..size.bytes()).step_by(part.bytes() as usize) {
            let bits = 8 * offset as i32;
            let src = match src {
                Source::Imm(word) => Source::Imm((i64::from(word) >> bits) as i32),
                Source::Reg(_) if offset == 0 => src,
                Source::Reg(a) => {
                    let dst = self.code.vreg();
                    self.push(Op::Alu { op: Alu::Rsh, width: Width::W64, dst, a, b: Source::Imm(bits) });
                    Source::Reg(dst)
                }
            };
            self.push(Op::Store { size: part, to: shifted(to, offset), src });
        }
    }

    /// A helper call whose result does not matter.
    fn helper(&mut self, helper: Helper, arguments: [VReg; 3]) {
        let result = self.code.vreg();
        self.push(Op::Call { callee: Callee::Helper(helper), arguments: arguments[..].into(), result });
    }
}

/// How an address lies in the memory it belongs to, which starts at a multiple of eight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Alignment {
    pub(super) offset: u32,
    /// The stack, of this function or its caller's, is read and written at aligned places only.
    pub(super) is_stack: bool,
}

impl Alignment {
    /// What can be moved at once of a word.
    pub(super) fn part(self, size: MemorySize) -> MemorySize {
        if self.is_stack { chunk(size.bytes(), self.offset) } else { size }
    }
}

/// The widest access that the rest and the alignment allow.
fn chunk(rest: u32, alignment: u32) -> MemorySize {
    [MemorySize::B8, MemorySize::B4, MemorySize::B2]
        .into_iter()
        .find(|size| size.bytes() <= rest && alignment % size.bytes() == 0)
        .unwrap_or(MemorySize::B1)
}

fn shifted(base: Base, bytes: u32) -> Base {
    match base {
        Base::Reg(reg, offset) => Base::Reg(reg, offset + bytes as i16),
        Base::Stack(slot, offset) => Base::Stack(slot, offset + bytes),
    }
}
