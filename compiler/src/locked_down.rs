//! From a module to one that a kernel takes which is locked down for confidentiality (kernel_lockdown(7)): no program may
//! call the helpers that read kernel memory there, and they are the ones that also move our own memory.
//!
//! Our own memory is moved by loads and stores instead, memory that may be the kernel's or a process's is taken to be a
//! process's (with a warning where the probe is the kernel's), and what is left is the script's wish to read the kernel,
//! which nothing can grant.

use crate::ir::{Address, Block, Function, FunctionKind, Helper, Inst, InstData, Instruction, Module, Value};
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;

/// What the code generator moves and zeroes without a helper.
const AT_ONCE: u32 = 128;

/// Rewrites all functions; an error for each part of the script that reads kernel memory, a warning for each that may.
pub(crate) fn avoid_kernel_reads(module: &mut Module) -> Vec<Diagnostic> {
    let mut refused: Vec<Refused> = Vec::new();
    for id in module.functions.keys() {
        let function = &mut module.functions[id];
        for block in function.blocks.keys().collect::<Vec<_>>() {
            refused.extend(rewrite_block(function, block));
        }
    }
    refused.sort_by_key(|refused| (refused.span.file, refused.span.start, refused.span.end, refused.is_certain));
    refused.dedup();
    refused.into_iter().map(Refused::diagnostic).collect()
}

/// A part of the script that does not do what it says.
#[derive(Clone, Copy, PartialEq)]
struct Refused {
    span: Span,
    /// It reads the kernel in any case, not only when the pointer is one of the kernel's.
    is_certain: bool,
}

impl Refused {
    fn diagnostic(self) -> Diagnostic {
        let help =
            "such a kernel lets programs read processes only, even root's; boot with lockdown=integrity, or without";
        if self.is_certain {
            let message = "this reads the kernel's memory, and the kernel is locked down (confidentiality)";
            Diagnostic::error(Code::NotOnThisKernel, self.span, message).help(help)
        } else {
            let message = "this is taken to be the process's memory: the kernel is locked down (confidentiality)";
            Diagnostic::warning(Code::NotOnThisKernel, self.span, message).help(help)
        }
    }
}

/// Whether the pointers of a program are a process's as a rule: those of probes in programs.
fn is_of_processes(function: &Function) -> bool {
    match &function.kind {
        FunctionKind::Program { section } => {
            ["uprobe", "uretprobe", "usdt"].iter().any(|kind| section.starts_with(kind))
        }
        FunctionKind::Subprogram | FunctionKind::Callback => true,
    }
}

fn rewrite_block(function: &mut Function, block: Block) -> Vec<Refused> {
    let mut refused = Vec::new();
    let mut output = Vec::new();
    for inst in std::mem::take(&mut function.blocks[block].instructions) {
        let InstData { instruction, span, .. } = function.instructions[inst].clone();
        match instruction {
            Instruction::Call(helper, arguments) => match permitted(function, helper, &arguments) {
                Permitted::AsItIs => output.push(inst),
                Permitted::By(helper) => {
                    if !is_of_processes(function) {
                        refused.push(Refused { span, is_certain: false });
                    }
                    function.instructions[inst].instruction = Instruction::Call(helper, arguments);
                    output.push(inst);
                }
                Permitted::AsCopy { to, from, size } => {
                    copy_in_parts(function, &mut output, to, from, size, span);
                    // It never fails.
                    function.instructions[inst].instruction = Instruction::Const(0);
                    output.push(inst);
                }
                Permitted::No => refused.push(Refused { span, is_certain: true }),
            },
            Instruction::Copy { to, from, size } if size > AT_ONCE => {
                copy_in_parts(function, &mut output, to, from, size, span);
            }
            Instruction::Zero { address, size } if size > AT_ONCE => {
                for (offset, size) in parts(size) {
                    let zero = Instruction::Zero { address: beyond(address, offset), size };
                    output.push(function.instructions.push(InstData { instruction: zero, result: None, span }));
                }
            }
            _ => output.push(inst),
        }
    }
    function.blocks[block].instructions = output;
    refused
}

/// How a call can be made.
enum Permitted {
    AsItIs,
    By(Helper),
    AsCopy { to: Address, from: Address, size: u32 },
    No,
}

fn permitted(function: &Function, helper: Helper, arguments: &[Value]) -> Permitted {
    match (helper, arguments) {
        (Helper::PROBE_READ, _) => Permitted::By(Helper::PROBE_READ_USER),
        (Helper::PROBE_READ_STR, _) => Permitted::By(Helper::PROBE_READ_USER_STR),
        (Helper::PROBE_READ_KERNEL, [to, size, from]) => {
            let places = own_memory(function, *to).zip(own_memory(function, *from));
            match (places, function.definition(*size)) {
                (Some((to, from)), Some(Instruction::Const(size))) => match u32::try_from(*size) {
                    Ok(size) => Permitted::AsCopy { to, from, size },
                    Err(_) => Permitted::No,
                },
                _ => Permitted::No,
            }
        }
        (Helper::PROBE_READ_KERNEL | Helper::PROBE_READ_KERNEL_STR, _) => Permitted::No,
        _ => Permitted::AsItIs,
    }
}

/// A place in memory that the verifier knows to be the program's.
fn own_memory(function: &Function, pointer: Value) -> Option<Address> {
    match function.definition(pointer)? {
        Instruction::SlotAddress(slot, offset) => Some(Address::Slot(*slot, *offset)),
        Instruction::MapValueAddress(..) | Instruction::GlobalAddress(_) => Some(Address::Pointer(pointer, 0)),
        _ => None,
    }
}

fn copy_in_parts(function: &mut Function, output: &mut Vec<Inst>, to: Address, from: Address, size: u32, span: Span) {
    for (offset, size) in parts(size) {
        let instruction = Instruction::Copy { to: beyond(to, offset), from: beyond(from, offset), size };
        output.push(function.instructions.push(InstData { instruction, result: None, span }));
    }
}

/// Offsets and sizes of the parts of so many bytes.
fn parts(size: u32) -> impl Iterator<Item = (u32, u32)> {
    (0..size).step_by(AT_ONCE as usize).map(move |offset| (offset, AT_ONCE.min(size - offset)))
}

fn beyond(address: Address, bytes: u32) -> Address {
    match address {
        Address::Slot(slot, offset) => Address::Slot(slot, offset + bytes),
        Address::Pointer(pointer, offset) => Address::Pointer(pointer, offset + bytes as i32),
    }
}
