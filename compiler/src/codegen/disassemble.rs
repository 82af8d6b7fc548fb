//! Instructions as text, in the notation of the kernel's verifier.

use super::Relocation;
use super::insn::{
    ALU, ALU64, ATOMIC, CALL, END_TO_BE, EXIT, IMM_DW, Insn, JMP, JMP32, LD, LDX, MEM_SIGNED, MOV, NEG, PSEUDO_KFUNC,
    REG, SIGNED, ST, STX,
};
use crate::ir::Helper;
use std::fmt::Write;

/// Prints a function's instructions, one a line with its number.
pub(super) fn print(insns: &[Insn], relocations: &[(usize, Relocation)], out: &mut String) {
    let mut at = 0;
    while at < insns.len() {
        let insn = insns[at];
        let refers = relocations.iter().find(|(index, _)| *index == at).map(|(_, to)| *to);
        let wide = insn.code == LD | IMM_DW;
        let text = match (wide, refers) {
            (_, Some(to)) => refer(insn, to),
            (true, None) => {
                let high = insns.get(at + 1).map_or(0, |next| next.imm);
                let value = i64::from(high) << 32 | i64::from(insn.imm as u32);
                format!("r{} = {value:#x} ll", insn.dst)
            }
            (false, None) => one(insn, at),
        };
        let _ = writeln!(out, "{at:5}: {text}");
        at += if wide { 2 } else { 1 };
    }
}

fn refer(insn: Insn, to: Relocation) -> String {
    match to {
        Relocation::Call(function) => format!("call {function}"),
        to => format!("r{} = {}", insn.dst, referred(to)),
    }
}

/// What an instruction takes the address of.
pub(super) fn referred(to: Relocation) -> String {
    match to {
        Relocation::Map(map) => format!("map {map}"),
        Relocation::MapValue(map, offset) => format!("value of {map} + {offset}"),
        Relocation::Scratch => "map lancet_scratch".to_owned(),
        Relocation::Call(function) | Relocation::Address(function) => function.to_string(),
        Relocation::Global(global) => global.to_string(),
    }
}

fn one(insn: Insn, at: usize) -> String {
    let Insn { code, dst, src, off, imm } = insn;
    let target = || at as i64 + 1 + i64::from(off);
    match code & 7 {
        LDX if code & 0xe0 == MEM_SIGNED => {
            format!("r{dst} = *({} *)(r{src} {off:+})", size(code).replace('u', "s"))
        }
        LDX => format!("r{dst} = *({} *)(r{src} {off:+})", size(code)),
        ST => format!("*({} *)(r{dst} {off:+}) = {imm}", size(code)),
        STX if code & 0xe0 == ATOMIC => {
            let fetch = if imm & 1 != 0 { format!("r{src} = atomic_fetch_add") } else { "lock add".into() };
            format!("{fetch} *({} *)(r{dst} {off:+}) += r{src}", size(code))
        }
        STX => format!("*({} *)(r{dst} {off:+}) = r{src}", size(code)),
        class @ (ALU | ALU64) => {
            let name = if class == ALU64 { "r" } else { "w" };
            let right = if code & REG != 0 { format!("{name}{src}") } else { imm.to_string() };
            match code & 0xf0 {
                MOV if off != 0 => format!("{name}{dst} = (s{off}){right}"),
                MOV => format!("{name}{dst} = {right}"),
                NEG => format!("{name}{dst} = -{name}{dst}"),
                _ if code & 0xf8 == END_TO_BE => format!("r{dst} = be{imm} r{dst}"),
                op if off == SIGNED => format!("{name}{dst} s{}= {right}", operator(op)),
                op => format!("{name}{dst} {}= {right}", operator(op)),
            }
        }
        JMP if code == JMP | CALL && insn.src == PSEUDO_KFUNC => format!("call kfunc#{imm}"),
        JMP if code == JMP | CALL => match Helper(imm as u32).name() {
            "unknown" => format!("call {imm}"),
            name => format!("call {name}#{imm}"),
        },
        JMP if code == JMP | EXIT => "exit".into(),
        JMP if code == JMP => format!("goto {}", target()),
        class @ (JMP | JMP32) => {
            let name = if class == JMP { "r" } else { "w" };
            let right = if code & REG != 0 { format!("{name}{src}") } else { imm.to_string() };
            format!("if {name}{dst} {} {right} goto {}", condition(code & 0xf0), target())
        }
        _ => format!("{code:#04x} r{dst} r{src} {off} {imm}"),
    }
}

fn size(code: u8) -> &'static str {
    match code & 0x18 {
        0x00 => "u32",
        0x08 => "u16",
        0x10 => "u8",
        _ => "u64",
    }
}

/// The operator of an arithmetic instruction.
pub(super) fn operator(op: u8) -> &'static str {
    match op {
        0x00 => "+",
        0x10 => "-",
        0x20 => "*",
        0x30 => "/",
        0x40 => "|",
        0x50 => "&",
        0x60 => "<<",
        0x70 => ">>",
        0x90 => "%",
        0xa0 => "^",
        _ => "s>>",
    }
}

/// The comparison of a jump.
pub(super) fn condition(op: u8) -> &'static str {
    match op {
        0x10 => "==",
        0x20 => ">",
        0x30 => ">=",
        0x50 => "!=",
        0x60 => "s>",
        0x70 => "s>=",
        0xa0 => "<",
        0xb0 => "<=",
        0xc0 => "s<",
        _ => "s<=",
    }
}
