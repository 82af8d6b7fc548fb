//! The values that instructions and terminators use: to look at, or to replace.
//!
//! Invariant: every [`Value`] inside an [`Instruction`] or [`Terminator`] is visited, each occurrence once, in printed
//! order. Results are not operands.

use super::{Address, Block, Instruction, Terminator, Value};
use smallvec::{SmallVec, smallvec};

impl Address {
    fn operand(&self) -> Option<Value> {
        match self {
            Self::Slot(..) => None,
            Self::Pointer(value, _) => Some(*value),
        }
    }

    fn operand_mut(&mut self) -> Option<&mut Value> {
        match self {
            Self::Slot(..) => None,
            Self::Pointer(value, _) => Some(value),
        }
    }
}

impl Instruction {
    /// The values it uses.
    pub fn operands(&self) -> SmallVec<[Value; 4]> {
        let mut operands = SmallVec::new();
        self.visit_operands(|value| operands.push(value));
        operands
    }

    /// Calls `visit` with each value it uses.
    pub fn visit_operands(&self, mut visit: impl FnMut(Value)) {
        match self {
            Self::Binary(_, _, left, right) | Self::Compare(_, _, left, right) => {
                visit(*left);
                visit(*right);
            }
            Self::Unary(_, operand) => visit(*operand),
            Self::Load { address, .. } | Self::Zero { address, .. } | Self::StoreBytes { address, .. } => {
                address.operand().into_iter().for_each(visit);
            }
            Self::Store { address, value, .. } | Self::AtomicAdd { address, value, .. } => {
                address.operand().into_iter().for_each(&mut visit);
                visit(*value);
            }
            Self::Copy { to, from, .. } => {
                to.operand().into_iter().for_each(&mut visit);
                from.operand().into_iter().for_each(visit);
            }
            Self::Call(_, arguments) | Self::CallFunction(_, arguments) | Self::CallKernel { arguments, .. } => {
                arguments.iter().copied().for_each(visit);
            }
            Self::Const(_)
            | Self::SlotAddress(..)
            | Self::MapReference(_)
            | Self::MapValueAddress(..)
            | Self::GlobalAddress(_)
            | Self::Context
            | Self::FunctionAddress(_) => {}
        }
    }

    /// The places in memory it accesses itself.
    pub fn addresses(&self) -> SmallVec<[&Address; 2]> {
        match self {
            Self::Load { address, .. }
            | Self::Store { address, .. }
            | Self::AtomicAdd { address, .. }
            | Self::Zero { address, .. }
            | Self::StoreBytes { address, .. } => smallvec![address],
            Self::Copy { to, from, .. } => smallvec![to, from],
            Self::Const(_)
            | Self::Binary(..)
            | Self::Unary(..)
            | Self::Compare(..)
            | Self::SlotAddress(..)
            | Self::MapReference(_)
            | Self::MapValueAddress(..)
            | Self::GlobalAddress(_)
            | Self::Context
            | Self::Call(..)
            | Self::CallFunction(..)
            | Self::CallKernel { .. }
            | Self::FunctionAddress(_) => SmallVec::new(),
        }
    }

    /// The places in memory it accesses itself, to be replaced.
    pub fn addresses_mut(&mut self) -> SmallVec<[&mut Address; 2]> {
        match self {
            Self::Load { address, .. }
            | Self::Store { address, .. }
            | Self::AtomicAdd { address, .. }
            | Self::Zero { address, .. }
            | Self::StoreBytes { address, .. } => smallvec![address],
            Self::Copy { to, from, .. } => smallvec![to, from],
            Self::Const(_)
            | Self::Binary(..)
            | Self::Unary(..)
            | Self::Compare(..)
            | Self::SlotAddress(..)
            | Self::MapReference(_)
            | Self::MapValueAddress(..)
            | Self::GlobalAddress(_)
            | Self::Context
            | Self::Call(..)
            | Self::CallFunction(..)
            | Self::CallKernel { .. }
            | Self::FunctionAddress(_) => SmallVec::new(),
        }
    }

    /// Calls `visit` with each value it uses, to be replaced.
    pub fn visit_operands_mut(&mut self, mut visit: impl FnMut(&mut Value)) {
        match self {
            Self::Binary(_, _, left, right) | Self::Compare(_, _, left, right) => {
                visit(left);
                visit(right);
            }
            Self::Unary(_, operand) => visit(operand),
            Self::Load { address, .. } | Self::Zero { address, .. } | Self::StoreBytes { address, .. } => {
                address.operand_mut().into_iter().for_each(visit);
            }
            Self::Store { address, value, .. } | Self::AtomicAdd { address, value, .. } => {
                address.operand_mut().into_iter().for_each(&mut visit);
                visit(value);
            }
            Self::Copy { to, from, .. } => {
                to.operand_mut().into_iter().for_each(&mut visit);
                from.operand_mut().into_iter().for_each(visit);
            }
            Self::Call(_, arguments) | Self::CallFunction(_, arguments) | Self::CallKernel { arguments, .. } => {
                arguments.iter_mut().for_each(visit);
            }
            Self::Const(_)
            | Self::SlotAddress(..)
            | Self::MapReference(_)
            | Self::MapValueAddress(..)
            | Self::GlobalAddress(_)
            | Self::Context
            | Self::FunctionAddress(_) => {}
        }
    }
}

impl Terminator {
    /// The values it uses.
    pub fn operands(&self) -> SmallVec<[Value; 4]> {
        let mut operands = SmallVec::new();
        self.visit_operands(|value| operands.push(value));
        operands
    }

    /// Calls `visit` with each value it uses.
    pub fn visit_operands(&self, mut visit: impl FnMut(Value)) {
        match self {
            Self::Jump(_, arguments) => arguments.iter().copied().for_each(visit),
            Self::Branch { condition, then, otherwise } => {
                visit(*condition);
                then.1.iter().chain(&otherwise.1).copied().for_each(visit);
            }
            Self::Return(value) => visit(*value),
        }
    }

    /// Calls `visit` with each value it uses, to be replaced.
    pub fn visit_operands_mut(&mut self, mut visit: impl FnMut(&mut Value)) {
        match self {
            Self::Jump(_, arguments) => arguments.iter_mut().for_each(visit),
            Self::Branch { condition, then, otherwise } => {
                visit(condition);
                then.1.iter_mut().chain(&mut otherwise.1).for_each(visit);
            }
            Self::Return(value) => visit(value),
        }
    }

    /// The blocks it may go to with their arguments, to be replaced.
    pub fn targets_mut(&mut self) -> SmallVec<[(&mut Block, &mut Vec<Value>); 2]> {
        match self {
            Self::Jump(block, arguments) => smallvec![(block, arguments)],
            Self::Branch { then, otherwise, .. } => {
                smallvec![(&mut then.0, &mut then.1), (&mut otherwise.0, &mut otherwise.1)]
            }
            Self::Return(_) => SmallVec::new(),
        }
    }
}
