//! Machine instructions with virtual registers, and their blocks: what the register allocator works on.

use super::Relocation;
use super::insn::{Alu, Condition};
use crate::ir::{Helper, MemorySize, Slot, Width};
use lancet_syntax::span::Span;
use regalloc2::{Operand, PReg, PRegSet, RegClass, VReg};
use smallvec::SmallVec;

/// Arguments or parameters; few have more.
pub(super) type Registers = SmallVec<[VReg; 4]>;

/// Where a block may go to, or come from.
pub(super) type Edges = SmallVec<[regalloc2::Block; 2]>;

/// A register or a constant.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Source {
    Reg(VReg),
    Imm(i32),
}

/// Where memory is.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Base {
    /// Bytes from a register.
    Reg(VReg, i16),
    /// Bytes into a slot on the stack.
    Stack(Slot, u32),
}

/// What is called.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Callee {
    Helper(Helper),
    Function(crate::ir::FunctionId),
    Kernel(u32),
}

/// A machine instruction.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Op {
    /// The parameters arrive in r1 …
    Parameters(Registers),
    /// dst = a op b; dst is a's register.
    Alu {
        op: Alu,
        width: Width,
        dst: VReg,
        a: VReg,
        b: Source,
    },
    /// dst = -a.
    Negate {
        dst: VReg,
        a: VReg,
    },
    /// dst = low bytes of a, swapped.
    Swap {
        bits: i32,
        dst: VReg,
        a: VReg,
    },
    Move {
        width: Width,
        dst: VReg,
        src: Source,
    },
    /// A 64-bit constant.
    Wide {
        dst: VReg,
        value: i64,
    },
    /// Something the linker knows.
    Refer {
        dst: VReg,
        to: Relocation,
    },
    /// dst = the low bytes of a, sign-extended (v4).
    SignExtend {
        size: MemorySize,
        dst: VReg,
        a: VReg,
    },
    /// dst = a / divisor or a % divisor, of signed numbers (v4); dst is a's register.
    SignedDivide {
        modulo: bool,
        width: Width,
        dst: VReg,
        a: VReg,
        divisor: i32,
    },
    Load {
        size: MemorySize,
        /// Sign-extended (v4).
        signed: bool,
        dst: VReg,
        from: Base,
    },
    Store {
        size: MemorySize,
        to: Base,
        src: Source,
    },
    StackAddress {
        dst: VReg,
        slot: Slot,
        offset: u32,
    },
    /// Atomic addition; with `old`, the register of `src` holds the old value afterwards.
    AtomicAdd {
        size: MemorySize,
        base: VReg,
        offset: i16,
        src: VReg,
        old: Option<VReg>,
    },
    Call {
        callee: Callee,
        arguments: Registers,
        result: VReg,
    },
    /// dst = (a condition b), 0 or 1.
    Set {
        condition: Condition,
        width: Width,
        dst: VReg,
        a: VReg,
        b: Source,
    },
    Branch {
        condition: Condition,
        width: Width,
        a: VReg,
        b: Source,
        then: usize,
        otherwise: usize,
    },
    Jump {
        target: usize,
        arguments: Registers,
    },
    Return(VReg),
}

/// A function of machine instructions.
#[derive(Clone, Default, Debug)]
pub struct VCode {
    pub(super) ops: Vec<Op>,
    pub(super) spans: Vec<Span>,
    /// Of all instructions, those of one next to each other.
    operands: Vec<Operand>,
    /// Where those of each instruction end.
    operand_ends: Vec<u32>,
    pub(super) blocks: Vec<VBlock>,
    pub(super) vregs: usize,
}

/// A block: instructions, edges, parameters.
#[derive(Clone, Default, Debug)]
pub(super) struct VBlock {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) parameters: Registers,
    pub(super) successors: Edges,
    pub(super) predecessors: Edges,
}

/// The physical register of that number.
pub(super) const fn preg(number: usize) -> PReg {
    PReg::new(number, RegClass::Int)
}

/// r1 … r5: what a call leaves undefined besides its result.
const CALL_CLOBBERS: PRegSet = PRegSet::empty().with(preg(1)).with(preg(2)).with(preg(3)).with(preg(4)).with(preg(5));

impl VCode {
    /// An empty function, with room for so many instructions.
    pub(super) fn with_capacity(count: usize) -> Self {
        Self {
            ops: Vec::with_capacity(count),
            spans: Vec::with_capacity(count),
            operands: Vec::with_capacity(2 * count),
            operand_ends: Vec::with_capacity(count),
            ..Self::default()
        }
    }

    pub(super) fn vreg(&mut self) -> VReg {
        self.vregs += 1;
        VReg::new(self.vregs - 1, RegClass::Int)
    }

    pub(super) fn push(&mut self, op: Op, span: Span) {
        add_operands(&op, &mut self.operands);
        self.operand_ends.push(self.operands.len() as u32);
        self.ops.push(op);
        self.spans.push(span);
    }
}

/// Adds uses and definitions in the order that emission takes them back.
fn add_operands(op: &Op, all: &mut Vec<Operand>) {
    let source = |all: &mut Vec<Operand>, source: &Source| {
        if let Source::Reg(reg) = source {
            all.push(Operand::reg_use(*reg));
        }
    };
    match op {
        Op::Parameters(values) => {
            all.extend(values.iter().enumerate().map(|(index, reg)| Operand::reg_fixed_def(*reg, preg(index + 1))));
        }
        Op::Alu { dst, a, b, .. } => {
            all.push(Operand::reg_use(*a));
            all.push(Operand::reg_reuse_def(*dst, 0));
            source(all, b);
        }
        Op::SignExtend { dst, a, .. } => {
            all.push(Operand::reg_def(*dst));
            all.push(Operand::reg_use(*a));
        }
        Op::Negate { dst, a } | Op::Swap { dst, a, .. } | Op::SignedDivide { dst, a, .. } => {
            all.push(Operand::reg_use(*a));
            all.push(Operand::reg_reuse_def(*dst, 0));
        }
        Op::Move { dst, src, .. } => {
            all.push(Operand::reg_def(*dst));
            source(all, src);
        }
        Op::Wide { dst, .. } | Op::Refer { dst, .. } | Op::StackAddress { dst, .. } => all.push(Operand::reg_def(*dst)),
        Op::Load { dst, from, .. } => {
            all.push(Operand::reg_def(*dst));
            if let Base::Reg(base, _) = from {
                all.push(Operand::reg_use(*base));
            }
        }
        Op::Store { to, src, .. } => {
            source(all, src);
            if let Base::Reg(base, _) = to {
                all.push(Operand::reg_use(*base));
            }
        }
        Op::AtomicAdd { base, src, old, .. } => {
            all.push(Operand::reg_use(*src));
            all.push(Operand::reg_use(*base));
            if let Some(old) = old {
                all.push(Operand::reg_reuse_def(*old, 0));
            }
        }
        Op::Call { arguments, result, .. } => {
            all.push(Operand::reg_fixed_def(*result, preg(0)));
            let fixed = |(index, reg): (usize, &VReg)| Operand::reg_fixed_use(*reg, preg(index + 1));
            all.extend(arguments.iter().enumerate().map(fixed));
        }
        Op::Set { dst, a, b, .. } => {
            // Written before the operands are read.
            all.push(Operand::new(
                *dst,
                regalloc2::OperandConstraint::Reg,
                regalloc2::OperandKind::Def,
                regalloc2::OperandPos::Early,
            ));
            all.push(Operand::reg_use(*a));
            source(all, b);
        }
        Op::Branch { a, b, .. } => {
            all.push(Operand::reg_use(*a));
            source(all, b);
        }
        Op::Jump { .. } => {}
        Op::Return(value) => all.push(Operand::reg_fixed_use(*value, preg(0))),
    }
}

impl regalloc2::Function for VCode {
    fn num_insts(&self) -> usize {
        self.ops.len()
    }

    fn num_blocks(&self) -> usize {
        self.blocks.len()
    }

    fn entry_block(&self) -> regalloc2::Block {
        regalloc2::Block::new(0)
    }

    fn block_insns(&self, block: regalloc2::Block) -> regalloc2::InstRange {
        let block = &self.blocks[block.index()];
        regalloc2::InstRange::new(regalloc2::Inst::new(block.start), regalloc2::Inst::new(block.end))
    }

    fn block_succs(&self, block: regalloc2::Block) -> &[regalloc2::Block] {
        &self.blocks[block.index()].successors
    }

    fn block_preds(&self, block: regalloc2::Block) -> &[regalloc2::Block] {
        &self.blocks[block.index()].predecessors
    }

    fn block_params(&self, block: regalloc2::Block) -> &[VReg] {
        &self.blocks[block.index()].parameters
    }

    fn is_ret(&self, inst: regalloc2::Inst) -> bool {
        matches!(self.ops[inst.index()], Op::Return(_))
    }

    fn is_branch(&self, inst: regalloc2::Inst) -> bool {
        matches!(self.ops[inst.index()], Op::Branch { .. } | Op::Jump { .. })
    }

    fn branch_blockparams(&self, _: regalloc2::Block, inst: regalloc2::Inst, _: usize) -> &[VReg] {
        match &self.ops[inst.index()] {
            Op::Jump { arguments, .. } => arguments,
            _ => &[],
        }
    }

    fn inst_operands(&self, inst: regalloc2::Inst) -> &[Operand] {
        let ends = &self.operand_ends;
        let start = inst.index().checked_sub(1).map_or(0, |previous| ends[previous]);
        &self.operands[start as usize..ends[inst.index()] as usize]
    }

    fn inst_clobbers(&self, inst: regalloc2::Inst) -> PRegSet {
        match self.ops[inst.index()] {
            Op::Call { .. } => CALL_CLOBBERS,
            _ => PRegSet::empty(),
        }
    }

    fn num_vregs(&self) -> usize {
        self.vregs
    }

    fn spillslot_size(&self, _: RegClass) -> usize {
        1
    }
}
