//! Selection: intermediate representation to machine instructions with virtual registers.

use super::Relocation;
use super::insn::{Alu, Condition, InstructionSet};
use super::memory::Alignment;
use super::plan::{Place, Plan, entry_parameter};
use super::scratch::Region;
use super::vcode::{Base, Callee, Edges, Op, Registers, Source, VBlock, VCode};
use crate::ir::entity::Entity;
use crate::ir::{
    Address, BinaryOp, Block, Comparison, Function, FunctionKind, HelperEffect, Inst, Instruction, MemorySize,
    Terminator, UnaryOp, Value, ValueDef, Width,
};
use lancet_syntax::span::Span;
use regalloc2::VReg;
use smallvec::{SmallVec, smallvec};

/// Selects the instructions of a function, which uses that scratch memory if it needs any.
pub(super) fn select(function: &Function, plan: &Plan, region: Region, set: InstructionSet) -> VCode {
    let mut selector = Selector {
        function,
        plan,
        // An instruction with constant operands takes a few more; edges have theirs.
        code: VCode::with_capacity(2 * function.instructions.len() + 4 * function.blocks.len()),
        vregs: vec![None; function.values.len()],
        blocks: vec![0; function.blocks.len()],
        needed: needed(function, plan),
        scratch: None,
        region,
        set,
        span: Span::default(),
    };
    selector.run();
    selector.code
}

/// An edge of the control flow: the block, and the arguments for its parameters.
type Edge<'a> = (Block, &'a [Value]);

pub(super) struct Selector<'a> {
    function: &'a Function,
    pub(super) plan: &'a Plan,
    pub(super) code: VCode,
    vregs: Vec<Option<VReg>>,
    blocks: Vec<usize>,
    needed: Vec<bool>,
    pub(super) scratch: Option<VReg>,
    pub(super) region: Region,
    set: InstructionSet,
    span: Span,
}

/// Instructions with an effect, and those that they need.
fn needed(function: &Function, plan: &Plan) -> Vec<bool> {
    let mut needed = vec![false; function.instructions.len()];
    let mut work: Vec<Value> = Vec::with_capacity(function.values.len());
    let mut visit = |inst: Inst, work: &mut Vec<Value>| {
        if !std::mem::replace(&mut needed[inst.index()], true) {
            function.instructions[inst].instruction.visit_operands(|value| work.push(value));
        }
    };
    for block in &plan.order {
        let data = &function.blocks[*block];
        for inst in &data.instructions {
            if has_effect(&function.instructions[*inst].instruction) {
                visit(*inst, &mut work);
            }
        }
        match &data.terminator {
            Some(Terminator::Branch { condition, .. }) => match function.definition(*condition) {
                // The branch makes the comparison itself.
                Some(Instruction::Compare(_, _, a, b)) => work.extend([*a, *b]),
                _ => work.push(*condition),
            },
            Some(Terminator::Return(value)) => work.push(*value),
            _ => {}
        }
        if let Some(terminator) = &data.terminator {
            work.extend(terminator.targets().iter().flat_map(|(_, arguments)| arguments.iter().copied()));
        }
    }
    while let Some(value) = work.pop() {
        if let ValueDef::Result(inst) = function.values[value].definition {
            visit(inst, &mut work);
        }
    }
    needed
}

fn has_effect(instruction: &Instruction) -> bool {
    match instruction {
        Instruction::Call(helper, _) => helper.effect() == HelperEffect::Writes,
        Instruction::Store { .. }
        | Instruction::AtomicAdd { .. }
        | Instruction::Copy { .. }
        | Instruction::Zero { .. }
        | Instruction::StoreBytes { .. }
        | Instruction::CallFunction(..)
        | Instruction::CallKernel { .. } => true,
        _ => false,
    }
}

impl<'a> Selector<'a> {
    fn run(&mut self) {
        // The prologue takes the parameters and finds the scratch memory; the function's blocks follow in layout order,
        // each with the blocks of its edges behind it (the allocator's checker wants predecessors first).
        let mut next = if self.plan.scratch > 0 { self.region.prologue_blocks() } else { 1 };
        let predecessors = self.predecessors();
        for block in &self.plan.order {
            self.blocks[block.index()] = next;
            next += 1 + self.split_edges(*block, &predecessors).iter().filter(|split| **split).count();
        }
        self.code.blocks.reserve(next);
        self.prologue();
        for block in &self.plan.order {
            let start = self.code.ops.len();
            let parameters = if *block == self.function.entry() {
                Registers::new()
            } else {
                self.function.blocks[*block].parameters.iter().map(|value| self.vreg(*value)).collect()
            };
            for inst in &self.function.blocks[*block].instructions {
                if self.needed[inst.index()] {
                    self.span = self.function.instructions[*inst].span;
                    self.instruction(*inst);
                }
            }
            let split = self.split_edges(*block, &predecessors);
            let (successors, edges) = self.terminator(*block, &split);
            self.finish_block(start, parameters, &successors);
            for (target, arguments) in edges {
                let start = self.code.ops.len();
                let target = self.blocks[target.index()];
                let arguments = arguments.iter().map(|value| self.use_value(*value)).collect();
                self.push(Op::Jump { target, arguments });
                self.finish_block(start, Registers::new(), &[target]);
            }
        }
        self.connect();
    }

    fn predecessors(&self) -> Vec<u32> {
        let mut count = vec![0; self.function.blocks.len()];
        for block in &self.plan.order {
            if let Some(terminator) = &self.function.blocks[*block].terminator {
                for (target, _) in terminator.targets() {
                    count[target.index()] += 1;
                }
            }
        }
        count
    }

    /// Which edges of a branch need a block of their own: those with arguments to move, and critical ones.
    fn split_edges(&self, block: Block, predecessors: &[u32]) -> [bool; 2] {
        match &self.function.blocks[block].terminator {
            Some(Terminator::Branch { then, otherwise, .. }) => {
                [then, otherwise].map(|(target, arguments)| !arguments.is_empty() || predecessors[target.index()] > 1)
            }
            _ => [false, false],
        }
    }

    pub(super) fn finish_block(&mut self, start: usize, parameters: Registers, successors: &[usize]) {
        let successors = successors.iter().copied().map(regalloc2::Block::new).collect();
        let end = self.code.ops.len();
        self.code.blocks.push(VBlock { start, end, parameters, successors, predecessors: Edges::new() });
    }

    fn connect(&mut self) {
        for index in 0..self.code.blocks.len() {
            for successor in 0..self.code.blocks[index].successors.len() {
                let successor = self.code.blocks[index].successors[successor];
                self.code.blocks[successor.index()].predecessors.push(regalloc2::Block::new(index));
            }
        }
    }

    fn prologue(&mut self) {
        let parameters = &self.function.blocks[self.function.entry()].parameters;
        let parameters = parameters.iter().map(|value| self.vreg(*value)).collect();
        self.push(Op::Parameters(parameters));
        let body = self.blocks[self.function.entry().index()];
        if self.plan.scratch == 0 {
            self.push(Op::Jump { target: body, arguments: Registers::new() });
            self.finish_block(0, Registers::new(), &[body]);
            return;
        }
        self.acquire_scratch(body);
    }

    /// Appends the end of a block; gives its successors, and the edges that become blocks behind it.
    fn terminator(&mut self, block: Block, split: &[bool; 2]) -> (SmallVec<[usize; 2]>, SmallVec<[Edge<'a>; 2]>) {
        let function = self.function;
        match &function.blocks[block].terminator {
            Some(Terminator::Jump(target, arguments)) => {
                let target = self.blocks[target.index()];
                let arguments = arguments.iter().map(|value| self.use_value(*value)).collect();
                self.push(Op::Jump { target, arguments });
                (smallvec![target], SmallVec::new())
            }
            Some(Terminator::Branch { condition, then, otherwise }) => {
                let mut edges = SmallVec::new();
                let mut next = self.blocks[block.index()] + 1;
                let mut targets = [0; 2];
                for (index, (target, arguments)) in [then, otherwise].into_iter().enumerate() {
                    targets[index] = if split[index] {
                        edges.push((*target, &arguments[..]));
                        next += 1;
                        next - 1
                    } else {
                        self.blocks[target.index()]
                    };
                }
                let [then, otherwise] = targets;
                let (condition, width, a, b) = self.condition(*condition);
                self.push(Op::Branch { condition, width, a, b, then, otherwise });
                (smallvec![then, otherwise], edges)
            }
            Some(Terminator::Return(value)) => {
                let value = self.use_value(*value);
                self.release_scratch();
                self.push(Op::Return(value));
                (SmallVec::new(), SmallVec::new())
            }
            None => panic!("selection: block {block} of {} has no end", self.function.name),
        }
    }

    /// A branch on a comparison tests it directly.
    fn condition(&mut self, value: Value) -> (Condition, Width, VReg, Source) {
        if let Some(Instruction::Compare(comparison, width, a, b)) = self.function.definition(value) {
            let (comparison, width, a, b) = (*comparison, *width, *a, *b);
            let a = self.use_value(a);
            let b = self.source(b);
            return (condition_of(comparison), width, a, b);
        }
        let value = self.use_value(value);
        (Condition::Ne, Width::W64, value, Source::Imm(0))
    }

    pub(super) fn push(&mut self, op: Op) {
        self.code.push(op, self.span);
    }

    fn vreg(&mut self, value: Value) -> VReg {
        *self.vregs[value.index()].get_or_insert_with(|| self.code.vreg())
    }

    fn constant(&self, value: Value) -> Option<i64> {
        match self.function.definition(value) {
            Some(Instruction::Const(constant)) => Some(*constant),
            _ => None,
        }
    }

    /// The value's register; constants, the context and references are made where they are used.
    pub(super) fn use_value(&mut self, value: Value) -> VReg {
        if let Some(constant) = self.constant(value) {
            return self.immediate(constant);
        }
        if matches!(self.function.definition(value), Some(Instruction::Context)) {
            let context = self.function.blocks[self.function.entry()].parameters[0];
            return self.vreg(context);
        }
        debug_assert!(entry_parameter(self.function, value).is_none_or(|index| index < 5));
        self.vreg(value)
    }

    pub(super) fn immediate(&mut self, value: i64) -> VReg {
        let dst = self.code.vreg();
        match i32::try_from(value) {
            Ok(value) => self.push(Op::Move { width: Width::W64, dst, src: Source::Imm(value) }),
            Err(_) => self.push(Op::Wide { dst, value }),
        }
        dst
    }

    fn source(&mut self, value: Value) -> Source {
        match self.constant(value).map(i32::try_from) {
            Some(Ok(constant)) => Source::Imm(constant),
            _ => Source::Reg(self.use_value(value)),
        }
    }

    /// Where an address is, and the low bits of its offset as far as alignment is known.
    pub(super) fn base(&mut self, address: Address) -> (Base, Alignment) {
        let (base, offset) = self.base_and_offset(address);
        let is_stack = match address {
            Address::Slot(..) => matches!(base, Base::Stack(..)),
            Address::Pointer(pointer, _) => self.is_parameter_of_callback(pointer),
        };
        (base, Alignment { offset, is_stack })
    }

    /// Such a parameter may point to variables of the function that the callback belongs to.
    fn is_parameter_of_callback(&self, pointer: Value) -> bool {
        matches!(self.function.kind, FunctionKind::Callback) && entry_parameter(self.function, pointer).is_some()
    }

    fn base_and_offset(&mut self, address: Address) -> (Base, u32) {
        match address {
            Address::Slot(slot, offset) => match self.plan.place(slot) {
                Some(Place::Scratch(start)) => {
                    let total = self.region.header() + start + offset;
                    let scratch = self.scratch_register();
                    match i16::try_from(total + 1024) {
                        Ok(_) => (Base::Reg(scratch, total as i16), offset),
                        Err(_) => {
                            let dst = self.code.vreg();
                            let b = Source::Imm(total as i32);
                            self.push(Op::Alu { op: Alu::Add, width: Width::W64, dst, a: scratch, b });
                            (Base::Reg(dst, 0), offset)
                        }
                    }
                }
                _ => (Base::Stack(slot, offset), offset),
            },
            Address::Pointer(pointer, offset) => {
                let reg = self.use_value(pointer);
                match i16::try_from(offset.saturating_add(2048)) {
                    Ok(_) => (Base::Reg(reg, offset as i16), offset as u32),
                    Err(_) => {
                        let dst = self.code.vreg();
                        let b = Source::Imm(offset);
                        self.push(Op::Alu { op: Alu::Add, width: Width::W64, dst, a: reg, b });
                        (Base::Reg(dst, 0), offset as u32)
                    }
                }
            }
        }
    }

    fn scratch_register(&self) -> VReg {
        match self.scratch {
            Some(scratch) => scratch,
            None => panic!("selection: {} uses scratch memory without a region", self.function.name),
        }
    }

    /// An address in a register.
    pub(super) fn address(&mut self, address: Address) -> VReg {
        let (base, _) = self.base(address);
        match base {
            Base::Reg(reg, 0) => reg,
            Base::Reg(reg, offset) => {
                let dst = self.code.vreg();
                let b = Source::Imm(i32::from(offset));
                self.push(Op::Alu { op: Alu::Add, width: Width::W64, dst, a: reg, b });
                dst
            }
            Base::Stack(slot, offset) => {
                let dst = self.code.vreg();
                self.push(Op::StackAddress { dst, slot, offset });
                dst
            }
        }
    }

    fn instruction(&mut self, inst: Inst) {
        let function = self.function;
        let data = &function.instructions[inst];
        let result = data.result;
        match data.instruction {
            // Made where they are used.
            Instruction::Const(_) | Instruction::Context => {}
            Instruction::Binary(op, width, a, b) => self.arithmetic(op, width, result, a, b),
            Instruction::Unary(op, a) => self.unary(op, result, a),
            Instruction::Compare(comparison, width, a, b) => {
                let a = self.use_value(a);
                let b = self.source(b);
                let dst = self.result(result);
                self.push(Op::Set { condition: condition_of(comparison), width, dst, a, b });
            }
            Instruction::Load { address, size, signed } => self.load(result, address, size, signed),
            Instruction::Store { address, size, value } => {
                let (to, align) = self.base(address);
                let src = self.source(value);
                self.store(size, to, align, src);
            }
            Instruction::AtomicAdd { address, size, value, fetch } => {
                let base = self.address(address);
                let src = self.use_value(value);
                let old = fetch.then(|| self.result(result));
                self.push(Op::AtomicAdd { size, base, offset: 0, src, old });
            }
            Instruction::Copy { to, from, size } => self.copy(to, from, size),
            Instruction::Zero { address, size } => self.zero(address, size),
            Instruction::StoreBytes { address, ref bytes } => self.store_bytes(address, bytes),
            Instruction::SlotAddress(slot, offset) => {
                let dst = self.result(result);
                match self.base(Address::Slot(slot, offset)).0 {
                    Base::Stack(slot, offset) => self.push(Op::StackAddress { dst, slot, offset }),
                    Base::Reg(a, 0) => self.push(Op::Move { width: Width::W64, dst, src: Source::Reg(a) }),
                    Base::Reg(a, offset) => {
                        let b = Source::Imm(i32::from(offset));
                        self.push(Op::Alu { op: Alu::Add, width: Width::W64, dst, a, b });
                    }
                }
            }
            Instruction::MapReference(map) => self.refer(result, Relocation::Map(map)),
            Instruction::MapValueAddress(map, offset) => self.refer(result, Relocation::MapValue(map, offset)),
            Instruction::GlobalAddress(global) => self.refer(result, Relocation::Global(global)),
            Instruction::FunctionAddress(function) => self.refer(result, Relocation::Address(function)),
            Instruction::Call(helper, ref arguments) => self.call(Callee::Helper(helper), result, arguments),
            Instruction::CallFunction(function, ref arguments) => {
                self.call(Callee::Function(function), result, arguments)
            }
            Instruction::CallKernel { btf_id, ref arguments, .. } => {
                self.call(Callee::Kernel(btf_id), result, arguments)
            }
        }
    }

    fn result(&mut self, result: Option<Value>) -> VReg {
        match result {
            Some(value) => self.vreg(value),
            None => self.code.vreg(),
        }
    }

    fn refer(&mut self, result: Option<Value>, to: Relocation) {
        let dst = self.result(result);
        self.push(Op::Refer { dst, to });
    }

    fn call(&mut self, callee: Callee, result: Option<Value>, arguments: &[Value]) {
        let arguments = arguments.iter().map(|argument| self.use_value(*argument)).collect();
        let result = self.result(result);
        self.push(Op::Call { callee, arguments, result });
    }

    fn load(&mut self, result: Option<Value>, address: Address, size: MemorySize, signed: bool) {
        let (from, align) = self.base(address);
        let dst = self.result(result);
        if !signed || size == MemorySize::B8 {
            self.load_unsigned(size, dst, from, align);
            return;
        }
        if self.set == InstructionSet::V4 && align.part(size) == size {
            return self.push(Op::Load { size, signed: true, dst, from });
        }
        let raw = self.code.vreg();
        self.load_unsigned(size, raw, from, align);
        self.sign_extend(dst, raw, size);
    }

    fn sign_extend(&mut self, dst: VReg, a: VReg, size: MemorySize) {
        if self.set == InstructionSet::V4 {
            return self.push(Op::SignExtend { size, dst, a });
        }
        let bits = Source::Imm(64 - 8 * size.bytes() as i32);
        let up = self.code.vreg();
        self.push(Op::Alu { op: Alu::Lsh, width: Width::W64, dst: up, a, b: bits });
        self.push(Op::Alu { op: Alu::Arsh, width: Width::W64, dst, a: up, b: bits });
    }

    fn alu(&mut self, op: Alu, a: VReg, b: Source) -> VReg {
        let dst = self.code.vreg();
        self.push(Op::Alu { op, width: Width::W64, dst, a, b });
        dst
    }

    fn unary(&mut self, op: UnaryOp, result: Option<Value>, a: Value) {
        let a = self.use_value(a);
        let dst = self.result(result);
        match op {
            UnaryOp::Negate => self.push(Op::Negate { dst, a }),
            UnaryOp::Not => self.push(Op::Alu { op: Alu::Xor, width: Width::W64, dst, a, b: Source::Imm(-1) }),
            UnaryOp::ZeroExtend(MemorySize::B4) => {
                self.push(Op::Move { width: Width::W32, dst, src: Source::Reg(a) });
            }
            UnaryOp::ZeroExtend(MemorySize::B8) | UnaryOp::SignExtend(MemorySize::B8) => {
                self.push(Op::Move { width: Width::W64, dst, src: Source::Reg(a) });
            }
            UnaryOp::ZeroExtend(size) => {
                let b = Source::Imm(if size == MemorySize::B1 { 0xff } else { 0xffff });
                self.push(Op::Alu { op: Alu::And, width: Width::W64, dst, a, b });
            }
            UnaryOp::SignExtend(size) => self.sign_extend(dst, a, size),
            UnaryOp::ByteSwap(size) => self.push(Op::Swap { bits: 8 * size.bytes() as i32, dst, a }),
        }
    }

    fn arithmetic(&mut self, op: BinaryOp, width: Width, result: Option<Value>, a: Value, b: Value) {
        let alu = match op {
            BinaryOp::Add => Alu::Add,
            BinaryOp::Sub => Alu::Sub,
            BinaryOp::Mul => Alu::Mul,
            BinaryOp::UnsignedDiv => Alu::Div,
            BinaryOp::UnsignedMod => Alu::Mod,
            BinaryOp::And => Alu::And,
            BinaryOp::Or => Alu::Or,
            BinaryOp::Xor => Alu::Xor,
            BinaryOp::ShiftLeft => Alu::Lsh,
            BinaryOp::ShiftRight => Alu::Rsh,
            BinaryOp::SignedShiftRight => Alu::Arsh,
            BinaryOp::SignedDiv | BinaryOp::SignedMod => {
                self.signed_division(op == BinaryOp::SignedMod, width, result, a, b);
                return;
            }
        };
        // The constant goes to the right where the order does not matter.
        let swaps = matches!(alu, Alu::Add | Alu::Mul | Alu::And | Alu::Or | Alu::Xor);
        let (a, b) = if swaps && self.constant(a).is_some() { (b, a) } else { (a, b) };
        let shifts = matches!(alu, Alu::Lsh | Alu::Rsh | Alu::Arsh);
        let divides = matches!(alu, Alu::Div | Alu::Mod);
        let a = self.use_value(a);
        let b = match self.source(b) {
            Source::Imm(amount) if shifts => Source::Imm(amount & if width == Width::W64 { 63 } else { 31 }),
            // The verifier refuses a constant 0 here; in a register it gives what the machine gives.
            Source::Imm(0) if divides => Source::Reg(self.immediate(0)),
            other => other,
        };
        let dst = self.result(result);
        self.push(Op::Alu { op: alu, width, dst, a, b });
    }

    /// Signed division by unsigned: kernels before 6.6 have no other, and before 6.12 it can trap on a divisor of -1.
    fn signed_division(&mut self, modulo: bool, width: Width, result: Option<Value>, a: Value, b: Value) {
        let divisor =
            self.constant(b).map(|divisor| if width == Width::W32 { i64::from(divisor as i32) } else { divisor });
        if let (InstructionSet::V4, Some(Ok(divisor @ 1..))) = (self.set, divisor.map(i32::try_from)) {
            let a = self.use_value(a);
            let dst = self.result(result);
            return self.push(Op::SignedDivide { modulo, width, dst, a, divisor });
        }
        let (mut a, mut b) = (self.use_value(a), self.use_value(b));
        if width == Width::W32 {
            for side in [&mut a, &mut b] {
                let wide = self.code.vreg();
                self.sign_extend(wide, *side, MemorySize::B4);
                *side = wide;
            }
        }
        let (sign_a, positive_a) = self.magnitude(a);
        let (sign_b, positive_b) = match divisor.and_then(|divisor| i32::try_from(divisor).ok()) {
            Some(divisor @ 1..) => (None, Source::Imm(divisor)),
            _ => {
                let (sign, positive) = self.magnitude(b);
                (Some(sign), Source::Reg(positive))
            }
        };
        let op = if modulo { Alu::Mod } else { Alu::Div };
        let unsigned = self.alu(op, positive_a, positive_b);
        let sign = match sign_b {
            Some(sign_b) if !modulo => self.alu(Alu::Xor, sign_a, Source::Reg(sign_b)),
            Some(_) | None => sign_a,
        };
        let flipped = self.alu(Alu::Xor, unsigned, Source::Reg(sign));
        let dst = self.result(result);
        self.push(Op::Alu { op: Alu::Sub, width, dst, a: flipped, b: Source::Reg(sign) });
    }

    /// All ones or all zeros by the sign, and the absolute value.
    fn magnitude(&mut self, a: VReg) -> (VReg, VReg) {
        let sign = self.alu(Alu::Arsh, a, Source::Imm(63));
        let flipped = self.alu(Alu::Xor, a, Source::Reg(sign));
        (sign, self.alu(Alu::Sub, flipped, Source::Reg(sign)))
    }
}

fn condition_of(comparison: Comparison) -> Condition {
    match comparison {
        Comparison::Equal => Condition::Eq,
        Comparison::NotEqual => Condition::Ne,
        Comparison::UnsignedLess => Condition::Lt,
        Comparison::UnsignedLessEqual => Condition::Le,
        Comparison::UnsignedGreater => Condition::Gt,
        Comparison::UnsignedGreaterEqual => Condition::Ge,
        Comparison::SignedLess => Condition::Slt,
        Comparison::SignedLessEqual => Condition::Sle,
        Comparison::SignedGreater => Condition::Sgt,
        Comparison::SignedGreaterEqual => Condition::Sge,
    }
}
