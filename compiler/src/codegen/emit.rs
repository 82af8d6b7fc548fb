//! Emission: allocated machine instructions to eBPF.

use super::allocate::Allocator;
use super::assembly::{Assembly, Label, Line};
use super::held::{self, Held, Reload};
use super::insn::{
    ALU, ALU64, ATOMIC, Alu, CALL, Condition, END_TO_BE, EXIT, FETCH, FRAME, IMM_DW, Insn, JMP, JMP32, LD, LDX, MEM,
    MEM_SIGNED, MOV, NEG, PSEUDO_CALL, PSEUDO_FUNCTION, PSEUDO_KFUNC, PSEUDO_MAP, PSEUDO_MAP_VALUE, REG, SIGNED, ST,
    STX, size_bits,
};
use super::plan::{Place, Plan, plan};
use super::scratch::Region;
use super::vcode::{Base, Callee, Op, Source, VCode};
use super::{
    FunctionCode, Limit, Options, Relocation, TooLarge, delay_moves, drop_known, merge_tails, number_registers, select,
    straighten_arms,
};
use crate::ir::{Function, FunctionKind, MemorySize, Slot, Width};
use lancet_syntax::span::Span;
use regalloc2::{Allocation, Edit, InstOrEdit, Output};

/// The kernel's limit for a chain of calls (MAX_BPF_STACK).
const STACK: u32 = 512;
/// With callbacks, the program and the callback share it.
const PROGRAM_SHARE: u32 = 352;

/// A function's code and how much scratch memory it wants.
pub(super) struct Emitted {
    pub(super) code: FunctionCode,
    pub(super) scratch: u32,
}

/// Generates one function; `region` is its scratch memory, should it need some.
pub(super) fn function(
    function: &Function,
    has_callbacks: bool,
    region: Region,
    options: Options,
    allocator: &mut Allocator,
) -> Result<Emitted, TooLarge> {
    let limit = match (has_callbacks, &function.kind) {
        (false, _) => STACK,
        (true, FunctionKind::Program { .. }) => PROGRAM_SHARE,
        (true, _) => STACK - PROGRAM_SHARE,
    };
    // Registers are spilled to the stack too: with fewer slots there, there is room.
    let mut fitting = None;
    for budget in [limit * 3 / 4, limit / 2, limit / 4, 0] {
        let plan = plan(function, budget);
        let code = select::select(function, &plan, region, options.set);
        let spills = allocator.allocate(&code, &function.name).num_spillslots;
        let key = if plan.scratch > 0 { 8 } else { 0 };
        let used = plan.stack + key + 8 * spills as u32;
        fitting = Some((plan, code, used));
        if used <= limit {
            break;
        }
    }
    let Some((plan, code, used)) = fitting else { unreachable!("there is at least one budget") };
    if used > limit {
        let span = code.spans.first().copied().unwrap_or_default();
        return Err(TooLarge { span, limit: Limit::Stack(used) });
    }
    let mut assembly = Emitter::new(&plan, &code, allocator.output()).run();
    delay_moves::run(&mut assembly);
    drop_known::run(&mut assembly);
    number_registers::run(&mut assembly);
    merge_tails::run(&mut assembly);
    straighten_arms::run(&mut assembly);
    let resolved = assembly.resolve()?;
    let code = FunctionCode {
        name: function.name.clone(),
        kind: function.kind.clone(),
        parameters: function.blocks[function.entry()].parameters.len() as u32,
        insns: resolved.insns,
        relocations: resolved.relocations,
        spans: resolved.spans,
        vcode: options.keeps_vcode.then_some(code),
    };
    let scratch = if plan.scratch > 0 { region.header() + plan.scratch } else { 0 };
    Ok(Emitted { code, scratch })
}

struct Emitter<'a> {
    plan: &'a Plan,
    code: &'a VCode,
    output: &'a Output,
    /// A label for each block, then those within instructions.
    assembly: Assembly,
    /// By block: where code that jumps there really goes, past blocks that only jump on.
    destinations: Vec<usize>,
    span: Span,
    /// What registers have now, and had where each block ended so far.
    held: Held,
    held_at_end: Vec<Held>,
}

impl<'a> Emitter<'a> {
    fn new(plan: &'a Plan, code: &'a VCode, output: &'a Output) -> Self {
        Self {
            plan,
            code,
            output,
            assembly: Assembly { lines: Vec::with_capacity(2 * code.ops.len()), labels: vec![0; code.blocks.len()] },
            destinations: Vec::new(),
            span: Span::default(),
            held: Held::default(),
            held_at_end: Vec::with_capacity(code.blocks.len()),
        }
    }

    fn run(mut self) -> Assembly {
        self.destinations = self.destinations();
        for index in 0..self.code.blocks.len() {
            self.assembly.labels[index] = self.assembly.lines.len();
            self.held = Held::at_start(self.code, index, &self.held_at_end);
            if self.destinations[index] != index {
                self.held_at_end.push(self.held.clone());
                continue;
            }
            let (output, code) = (self.output, self.code);
            for item in output.block_insts_and_edits(code, regalloc2::Block::new(index)) {
                match item {
                    InstOrEdit::Inst(inst) => {
                        self.op(inst.index(), index);
                        self.held.execute(code, output, inst);
                    }
                    InstOrEdit::Edit(Edit::Move { from, to }) => self.edit(*from, *to),
                }
            }
            self.held_at_end.push(self.held.clone());
        }
        self.assembly
    }

    fn destinations(&self) -> Vec<usize> {
        let forwarded: Vec<Option<usize>> = (0..self.code.blocks.len()).map(|index| self.forwards_to(index)).collect();
        let follow = |start: usize| {
            let mut at = start;
            // Blocks that jump on in a circle stay as they are: an endless loop is the kernel's to refuse.
            for _ in 0..forwarded.len() {
                match forwarded[at] {
                    Some(next) => at = next,
                    None => return at,
                }
            }
            start
        };
        (0..forwarded.len()).map(follow).collect()
    }

    /// The target of a block that only jumps there, moving nothing.
    fn forwards_to(&self, index: usize) -> Option<usize> {
        let Op::Jump { target, .. } = self.code.ops[self.code.blocks[index].start] else { return None };
        let mut moves = self.output.block_insts_and_edits(self.code, regalloc2::Block::new(index));
        (target != index && moves.nth(1).is_none()).then_some(target)
    }

    fn line(&mut self, insn: Insn) -> &mut Line {
        let line = Line { insn, high: 0, refers: None, target: None, arguments: 0, span: self.span };
        self.assembly.lines.push(line);
        let last = self.assembly.lines.len() - 1;
        &mut self.assembly.lines[last]
    }

    fn push(&mut self, code: u8, dst: u8, src: u8, off: i16, imm: i32) {
        self.line(Insn { code, dst, src, off, imm });
    }

    fn edit(&mut self, from: Allocation, to: Allocation) {
        match (from.as_reg(), to.as_reg()) {
            (Some(from), Some(to)) => {
                self.held.copy(from.hw_enc(), to.hw_enc());
                self.push(ALU64 | MOV | REG, to.hw_enc() as u8, from.hw_enc() as u8, 0, 0);
            }
            (Some(from), None) => {
                held::slot_of(to).into_iter().for_each(|slot| self.held.spill(from.hw_enc(), slot));
                let offset = self.spill_offset(to);
                self.push(STX | MEM | size_bits(MemorySize::B8), FRAME, from.hw_enc() as u8, offset, 0);
            }
            (None, Some(to)) => {
                let offset = self.spill_offset(from);
                let register = to.hw_enc();
                match held::slot_of(from).map_or(Reload::Load, |slot| self.held.reload(slot, register)) {
                    Reload::Needless => {}
                    Reload::From(holder) => self.push(ALU64 | MOV | REG, register as u8, holder as u8, 0, 0),
                    Reload::Load => {
                        self.push(LDX | MEM | size_bits(MemorySize::B8), register as u8, FRAME, offset, 0);
                    }
                }
            }
            (None, None) => panic!("emission: a move from memory to memory"),
        }
    }

    fn spill_offset(&self, allocation: Allocation) -> i16 {
        let Some(slot) = allocation.as_stack() else { panic!("emission: {allocation} is no place") };
        let key = if self.plan.scratch > 0 { 8 } else { 0 };
        -((self.plan.stack + key + 8 * (slot.index() as u32 + 1)) as i16)
    }

    fn stack_offset(&self, slot: Slot, offset: u32) -> i16 {
        match self.plan.place(slot) {
            Some(Place::Stack(start)) => -(start as i16) + offset as i16,
            // The key of the scratch map has a place of its own.
            _ => -((self.plan.stack + 8) as i16),
        }
    }

    fn op(&mut self, index: usize, block: usize) {
        self.span = self.code.spans[index];
        let allocations = self.output.inst_allocs(regalloc2::Inst::new(index));
        let reg = |at: usize| match allocations[at].as_reg() {
            Some(reg) => reg.hw_enc() as u8,
            None => panic!("emission: operand {at} of {:?} is in no register", self.code.ops[index]),
        };
        let code = self.code;
        match code.ops[index] {
            Op::Parameters(_) => {}
            Op::Alu { op, width, b, .. } => self.alu(op as u8, width, reg(1), b, || reg(2)),
            Op::Negate { .. } => self.push(ALU64 | NEG, reg(1), 0, 0, 0),
            Op::Swap { bits, .. } => self.push(ALU | END_TO_BE, reg(1), 0, 0, bits),
            Op::Move { width, src, .. } => {
                let dst = reg(0);
                let same = matches!(src, Source::Reg(_)) && width == Width::W64 && reg(1) == dst;
                if !same {
                    self.alu(MOV, width, dst, src, || reg(1));
                }
            }
            // 32-bit arithmetic clears the upper half.
            Op::Wide { value, .. } if u32::try_from(value).is_ok() => {
                self.alu(MOV, Width::W32, reg(0), Source::Imm(value as i32), || 0);
            }
            Op::Wide { value, .. } => {
                self.wide(reg(0), 0, value as i32, (value >> 32) as i32);
            }
            Op::Refer { to, .. } => self.refer(reg(0), to),
            Op::SignExtend { size, .. } => {
                self.push(ALU64 | MOV | REG, reg(0), reg(1), 8 * size.bytes() as i16, 0);
            }
            Op::SignedDivide { modulo, width, divisor, .. } => {
                let class = if width == Width::W64 { ALU64 } else { ALU };
                let op = if modulo { Alu::Mod } else { Alu::Div };
                self.push(class | op as u8, reg(1), 0, SIGNED, divisor);
            }
            Op::Load { size, signed, from, .. } => {
                let (base, offset) = match from {
                    Base::Reg(_, offset) => (reg(1), offset),
                    Base::Stack(slot, offset) => (FRAME, self.stack_offset(slot, offset)),
                };
                let mode = if signed { MEM_SIGNED } else { MEM };
                self.push(LDX | mode | size_bits(size), reg(0), base, offset, 0);
            }
            Op::Store { size, to, src } => {
                let (value, base_at) = match src {
                    Source::Reg(_) => (Some(reg(0)), 1),
                    Source::Imm(_) => (None, 0),
                };
                let (base, offset) = match to {
                    Base::Reg(_, offset) => (reg(base_at), offset),
                    Base::Stack(slot, offset) => (FRAME, self.stack_offset(slot, offset)),
                };
                match (value, src) {
                    (Some(value), _) => self.push(STX | MEM | size_bits(size), base, value, offset, 0),
                    (None, Source::Imm(imm)) => self.push(ST | MEM | size_bits(size), base, 0, offset, imm),
                    (None, Source::Reg(_)) => {}
                }
            }
            Op::StackAddress { slot, offset, .. } => {
                let dst = reg(0);
                let distance = self.stack_offset(slot, offset);
                self.push(ALU64 | MOV | REG, dst, FRAME, 0, 0);
                self.push(ALU64 | Alu::Add as u8, dst, 0, 0, i32::from(distance));
            }
            Op::AtomicAdd { size, offset, old, .. } => {
                let imm = if old.is_some() { FETCH } else { 0 };
                self.push(STX | ATOMIC | size_bits(size), reg(1), reg(0), offset, imm);
            }
            Op::Call { callee, ref arguments, .. } => self.call(callee, arguments.len() as u8),
            Op::Set { condition, width, b, .. } => {
                let dst = reg(0);
                self.alu(MOV, Width::W64, dst, Source::Imm(1), || 0);
                let behind = Label(self.assembly.labels.len());
                self.compare(condition, width, reg(1), b, || reg(2), behind);
                self.alu(MOV, Width::W64, dst, Source::Imm(0), || 0);
                self.assembly.labels.push(self.assembly.lines.len());
            }
            Op::Branch { condition, width, b, then, otherwise, .. } => {
                // What comes next is fallen into.
                let (condition, then, otherwise) = match self.is_next(then, block) {
                    true => (condition.inverse(), otherwise, then),
                    false => (condition, then, otherwise),
                };
                let target = Label(self.destinations[then]);
                self.compare(condition, width, reg(0), b, || reg(1), target);
                self.jump(otherwise, block);
            }
            Op::Jump { target, .. } => self.jump(target, block),
            Op::Return(_) => self.push(JMP | EXIT, 0, 0, 0, 0),
        }
    }

    fn alu(&mut self, op: u8, width: Width, dst: u8, b: Source, source: impl FnOnce() -> u8) {
        let class = if width == Width::W64 { ALU64 } else { ALU };
        match b {
            Source::Reg(_) => self.push(class | op | REG, dst, source(), 0, 0),
            Source::Imm(imm) => self.push(class | op, dst, 0, 0, imm),
        }
    }

    fn compare(
        &mut self,
        condition: Condition,
        width: Width,
        a: u8,
        b: Source,
        source: impl FnOnce() -> u8,
        target: Label,
    ) {
        let class = if width == Width::W64 { JMP } else { JMP32 };
        let code = class | condition as u8;
        let insn = match b {
            Source::Reg(_) => Insn { code: code | REG, dst: a, src: source(), off: 0, imm: 0 },
            Source::Imm(imm) => Insn { code, dst: a, src: 0, off: 0, imm },
        };
        self.line(insn).target = Some(target);
    }

    /// A jump, unless the target comes next.
    fn jump(&mut self, target: usize, block: usize) {
        if !self.is_next(target, block) {
            let target = Label(self.destinations[target]);
            self.line(Insn { code: JMP, ..Insn::default() }).target = Some(target);
        }
    }

    /// True when the code behind this block's is that of `target`.
    fn is_next(&self, target: usize, block: usize) -> bool {
        let next = (block + 1..self.code.blocks.len()).find(|next| self.destinations[*next] == *next);
        next == Some(self.destinations[target])
    }

    fn wide(&mut self, dst: u8, src: u8, low: i32, high: i32) -> &mut Line {
        let line = self.line(Insn { code: LD | IMM_DW, dst, src, off: 0, imm: low });
        line.high = high;
        line
    }

    fn refer(&mut self, dst: u8, to: Relocation) {
        let (src, low) = match to {
            Relocation::Map(_) | Relocation::Scratch => (PSEUDO_MAP, 0),
            Relocation::MapValue(_, offset) => (PSEUDO_MAP_VALUE, offset as i32),
            Relocation::Global(_) => (PSEUDO_MAP_VALUE, 0),
            Relocation::Address(_) | Relocation::Call(_) => (PSEUDO_FUNCTION, 0),
        };
        self.wide(dst, src, low, 0).refers = Some(to);
    }

    fn call(&mut self, callee: Callee, arguments: u8) {
        let (src, imm, refers) = match callee {
            Callee::Helper(helper) => (0, helper.0 as i32, None),
            Callee::Kernel(id) => (PSEUDO_KFUNC, id as i32, None),
            Callee::Function(function) => (PSEUDO_CALL, -1, Some(Relocation::Call(function))),
        };
        let line = self.line(Insn { code: JMP | CALL, dst: 0, src, off: 0, imm });
        (line.refers, line.arguments) = (refers, arguments);
    }
}
