//! A small eBPF machine: runs a function's instructions on registers, a stack and the scratch map.
//!
//! It executes what the code generator emits and panics on anything else, so that a wrong encoding is noticed.

use super::super::insn::{
    ALU, ALU64, ATOMIC, CALL, END_TO_BE, EXIT, FRAME, IMM_DW, Insn, JMP, JMP32, LD, LDX, MEM, MEM_SIGNED, MOV, NEG,
    REG, SIGNED, ST, STX,
};
use crate::ir::Helper;

const STACK: usize = 512;
/// Where the stack is in the machine's memory.
const STACK_BASE: u64 = 1 << 32;

/// The elements of the only map, behind the stack in the machine's memory.
const ELEMENTS: usize = 8;
const ELEMENT: usize = 4096;

/// Runs to the end and gives r0. Elements in `taken` have an owner all the time.
pub(super) fn run(insns: &[Insn], parameters: &[u64], taken: &[usize]) -> u64 {
    let mut memory = vec![0xa5; STACK];
    memory.resize(STACK + ELEMENTS * ELEMENT, 0);
    let owner = |element: usize| STACK + element * ELEMENT;
    taken.iter().for_each(|element| memory[owner(*element)] = 1);
    let mut machine = Machine { registers: [0xdead_beef_dead_beef; 11], memory, at: 0 };
    machine.registers[1..=parameters.len()].copy_from_slice(parameters);
    machine.registers[FRAME as usize] = STACK_BASE + STACK as u64;
    for _ in 0..1_000_000 {
        let insn = insns[machine.at];
        machine.at += 1;
        if insn.code == JMP | EXIT {
            let owners: Vec<usize> = (0..ELEMENTS).filter(|element| machine.memory[owner(*element)] == 1).collect();
            assert_eq!(owners, taken, "who came first keeps the element, and the function leaves none behind");
            return machine.registers[0];
        }
        machine.step(insn, insns);
    }
    panic!("endless loop");
}

struct Machine {
    registers: [u64; 11],
    memory: Vec<u8>,
    at: usize,
}

impl Machine {
    fn step(&mut self, insn: Insn, insns: &[Insn]) {
        let Insn { code, dst, src, off, imm } = insn;
        let right = if code & REG != 0 { self.registers[src as usize] } else { i64::from(imm) as u64 };
        let left = self.registers[dst as usize];
        match code & 7 {
            LD if code == LD | IMM_DW => {
                self.registers[dst as usize] = u64::from(imm as u32) | (insns[self.at].imm as u32 as u64) << 32;
                self.at += 1;
            }
            ALU if code == ALU | END_TO_BE => {
                self.registers[dst as usize] = left.swap_bytes() >> (64 - imm);
            }
            ALU64 if code == ALU64 | MOV | REG && off != 0 => {
                let unused = 64 - u32::from(off.unsigned_abs());
                self.registers[dst as usize] = (((right as i64) << unused) >> unused) as u64;
            }
            class @ (ALU64 | ALU) if matches!(code & 0xf0, 0x30 | 0x90) && off == SIGNED => {
                let (left, right) = match class {
                    ALU64 => (left as i64, right as i64),
                    _ => (i64::from(left as i32), i64::from(right as i32)),
                };
                let result = if code & 0xf0 == 0x30 { left / right } else { left % right } as u64;
                self.registers[dst as usize] = if class == ALU64 { result } else { u64::from(result as u32) };
            }
            ALU64 => self.registers[dst as usize] = wide(code & 0xf0, left, right),
            ALU => self.registers[dst as usize] = u64::from(narrow(code & 0xf0, left as u32, right as u32)),
            JMP if code == JMP | CALL => self.call(Helper(imm as u32)),
            JMP if code == JMP => self.jump(off),
            JMP => {
                if taken(code & 0xf0, left, right, left as i64, right as i64) {
                    self.jump(off);
                }
            }
            JMP32 => {
                let (left, right) = (left as u32, right as u32);
                if taken(code & 0xf0, u64::from(left), u64::from(right), left as i32 as i64, right as i32 as i64) {
                    self.jump(off);
                }
            }
            LDX if matches!(code & 0xe0, MEM | MEM_SIGNED) => {
                let at = self.address(self.registers[src as usize], off, size(code));
                let mut word = [0; 8];
                word[..size(code)].copy_from_slice(&self.memory[at..at + size(code)]);
                let unused = if code & 0xe0 == MEM { 0 } else { 64 - 8 * size(code) };
                self.registers[dst as usize] = match unused {
                    0 => u64::from_le_bytes(word),
                    _ => ((i64::from_le_bytes(word) << unused) >> unused) as u64,
                };
            }
            class @ (ST | STX) if code & 0xe0 == MEM => {
                let value = if class == STX { self.registers[src as usize] } else { i64::from(imm) as u64 };
                let at = self.address(left, off, size(code));
                self.memory[at..at + size(code)].copy_from_slice(&value.to_le_bytes()[..size(code)]);
            }
            STX if code == STX | ATOMIC | 0x18 && imm == 0 => {
                let at = self.address(left, off, 8);
                let mut word = [0; 8];
                word.copy_from_slice(&self.memory[at..at + 8]);
                let sum = u64::from_le_bytes(word).wrapping_add(self.registers[src as usize]);
                self.memory[at..at + 8].copy_from_slice(&sum.to_le_bytes());
            }
            _ => panic!("no such instruction: {insn:?}"),
        }
    }

    fn jump(&mut self, off: i16) {
        self.at = (self.at as i64 + i64::from(off)) as usize;
    }

    /// A helper leaves r1-r5 undefined; a probe read copies, or fills with zeroes where nothing can be read.
    fn call(&mut self, helper: Helper) {
        let [_, to, bytes, from, ..] = self.registers;
        let to_key = bytes;
        if helper == Helper::PROBE_READ_KERNEL {
            let to = self.address(to, 0, bytes as usize);
            if from == 0 {
                self.memory[to..to + bytes as usize].fill(0);
            } else {
                let from = self.address(from, 0, bytes as usize);
                self.memory.copy_within(from..from + bytes as usize, to);
            }
        }
        self.registers[0] = 0;
        if helper == Helper::SEND_SIGNAL {
            // Depends on what it was called with.
            self.registers[0] = to.wrapping_mul(3).wrapping_add(bytes);
        }
        if helper == Helper::MAP_LOOKUP_ELEM {
            let key = self.address(to_key, 0, 4);
            self.registers[0] = STACK_BASE + (STACK + usize::from(self.memory[key]) * ELEMENT) as u64;
        }
        self.registers[1..=5].fill(0x0bad_0bad_0bad_0bad);
    }

    /// The index of an access in the stack; the kernel wants it aligned.
    fn address(&self, base: u64, off: i16, size: usize) -> usize {
        let at = base.wrapping_add_signed(i64::from(off)).wrapping_sub(STACK_BASE) as usize;
        assert!(at + size <= self.memory.len(), "access outside of memory at {at}");
        assert!(size > 8 || at % size == 0, "access of {size} bytes at {at} is not aligned");
        at
    }
}

fn size(code: u8) -> usize {
    match code & 0x18 {
        0x00 => 4,
        0x08 => 2,
        0x10 => 1,
        _ => 8,
    }
}

fn wide(op: u8, left: u64, right: u64) -> u64 {
    match op {
        0x00 => left.wrapping_add(right),
        0x10 => left.wrapping_sub(right),
        0x20 => left.wrapping_mul(right),
        0x30 => left.checked_div(right).unwrap_or(0),
        0x40 => left | right,
        0x50 => left & right,
        0x60 => left.wrapping_shl(right as u32),
        0x70 => left.wrapping_shr(right as u32),
        NEG => left.wrapping_neg(),
        0x90 => left.checked_rem(right).unwrap_or(left),
        0xa0 => left ^ right,
        MOV => right,
        0xc0 => (left as i64).wrapping_shr(right as u32) as u64,
        _ => panic!("no such operation: {op:#x}"),
    }
}

fn narrow(op: u8, left: u32, right: u32) -> u32 {
    match op {
        0x30 => left.checked_div(right).unwrap_or(0),
        0x60 => left.wrapping_shl(right),
        0x70 => left.wrapping_shr(right),
        0x90 => left.checked_rem(right).unwrap_or(left),
        0xc0 => (left as i32).wrapping_shr(right) as u32,
        _ => wide(op, u64::from(left), u64::from(right)) as u32,
    }
}

fn taken(op: u8, left: u64, right: u64, signed_left: i64, signed_right: i64) -> bool {
    match op {
        0x10 => left == right,
        0x20 => left > right,
        0x30 => left >= right,
        0x50 => left != right,
        0x60 => signed_left > signed_right,
        0x70 => signed_left >= signed_right,
        0xa0 => left < right,
        0xb0 => left <= right,
        0xc0 => signed_left < signed_right,
        0xd0 => signed_left <= signed_right,
        _ => panic!("no such condition: {op:#x}"),
    }
}
