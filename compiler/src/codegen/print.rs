//! Virtual-register code as text (`-d vcode`), in the notation of the kernel's verifier with `v` for virtual registers.
//!
//! It only shows what is there: nothing reads it back.

use super::disassemble::{condition, operator, referred};
use super::vcode::{Base, Callee, Op, Source, VCode};
use crate::ir::{MemorySize, Width};
use regalloc2::VReg;
use std::fmt;

impl fmt::Display for VCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, block) in self.blocks.iter().enumerate() {
            writeln!(f, "b{index}({}):", registers(&block.parameters))?;
            for op in &self.ops[block.start..block.end] {
                writeln!(f, "    {op}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parameters(values) => write!(f, "{} = parameters", registers(values)),
            Self::Alu { op, width, dst, a, b } => {
                write!(
                    f,
                    "{} = {} {} {}",
                    sized(*dst, *width),
                    sized(*a, *width),
                    operator(*op as u8),
                    source(*b, *width)
                )
            }
            Self::Negate { dst, a } => write!(f, "{} = -{}", register(*dst), register(*a)),
            Self::Swap { bits, dst, a } => write!(f, "{} = be{bits} {}", register(*dst), register(*a)),
            Self::Move { width, dst, src } => write!(f, "{} = {}", sized(*dst, *width), source(*src, *width)),
            Self::Wide { dst, value } => write!(f, "{} = {value:#x} ll", register(*dst)),
            Self::Refer { dst, to } => write!(f, "{} = {}", register(*dst), referred(*to)),
            Self::SignExtend { size, dst, a } => {
                write!(f, "{} = (s{}){}", register(*dst), 8 * size.bytes(), register(*a))
            }
            Self::SignedDivide { modulo, width, dst, a, divisor } => {
                let operator = if *modulo { "s%" } else { "s/" };
                write!(f, "{} = {} {operator} {divisor}", sized(*dst, *width), sized(*a, *width))
            }
            Self::Load { size, signed: true, dst, from } => {
                write!(f, "{} = *(s{} *)({})", register(*dst), 8 * size.bytes(), base(*from))
            }
            Self::Load { size, dst, from, .. } => {
                write!(f, "{} = *({} *)({})", register(*dst), name(*size), base(*from))
            }
            Self::Store { size, to, src } => {
                write!(f, "*({} *)({}) = {}", name(*size), base(*to), source(*src, Width::W64))
            }
            Self::StackAddress { dst, slot, offset } => write!(f, "{} = &{slot} + {offset}", register(*dst)),
            Self::AtomicAdd { size, base, offset, src, old } => {
                if let Some(old) = old {
                    write!(f, "{} = ", register(*old))?;
                }
                write!(f, "lock add *({} *)({} {offset:+}) += {}", name(*size), register(*base), register(*src))
            }
            Self::Call { callee, arguments, result } => {
                write!(f, "{} = call {}({})", register(*result), called(*callee), registers(arguments))
            }
            Self::Set { condition: c, width, dst, a, b } => {
                write!(f, "{} = {} {} {}", register(*dst), sized(*a, *width), condition(*c as u8), source(*b, *width))
            }
            Self::Branch { condition: c, width, a, b, then, otherwise } => {
                let (a, b) = (sized(*a, *width), source(*b, *width));
                write!(f, "if {a} {} {b} goto b{then} else b{otherwise}", condition(*c as u8))
            }
            Self::Jump { target, arguments } => write!(f, "goto b{target}({})", registers(arguments)),
            Self::Return(value) => write!(f, "return {}", register(*value)),
        }
    }
}

fn register(register: VReg) -> String {
    sized(register, Width::W64)
}

/// `v3`, or `u3` for its lower half.
fn sized(register: VReg, width: Width) -> String {
    let letter = match width {
        Width::W32 => 'u',
        Width::W64 => 'v',
    };
    format!("{letter}{}", register.vreg())
}

fn registers(all: &[VReg]) -> String {
    all.iter().map(|one| register(*one)).collect::<Vec<_>>().join(", ")
}

fn source(source: Source, width: Width) -> String {
    match source {
        Source::Reg(reg) => sized(reg, width),
        Source::Imm(value) => value.to_string(),
    }
}

fn base(base: Base) -> String {
    match base {
        Base::Reg(reg, offset) => format!("{} {offset:+}", register(reg)),
        Base::Stack(slot, offset) => format!("&{slot} +{offset}"),
    }
}

fn called(callee: Callee) -> String {
    match callee {
        Callee::Helper(helper) => helper.name().to_owned(),
        Callee::Function(function) => function.to_string(),
        Callee::Kernel(function) => format!("kfunc#{function}"),
    }
}

fn name(size: MemorySize) -> &'static str {
    match size {
        MemorySize::B1 => "u8",
        MemorySize::B2 => "u16",
        MemorySize::B4 => "u32",
        MemorySize::B8 => "u64",
    }
}
