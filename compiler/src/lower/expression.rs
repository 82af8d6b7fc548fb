//! Expressions to operands.

use super::{Home, Lowerer};
use crate::builtin::Operand;
use crate::hir::{Expr, ExprKind, Place};
use crate::ir::{Address, Comparison, Instruction, MemorySize, UnaryOp, Value};
use crate::types::Type;

impl Lowerer<'_> {
    /// Evaluates an expression. A value in memory may be written to `into`.
    pub fn operand(&mut self, expr: &Expr, into: Option<Address>) -> Operand {
        if expr.ty == Type::Void {
            self.effect(expr);
            return Operand::Void;
        }
        if expr.ty.is_scalar() {
            return Operand::Scalar(self.scalar(expr));
        }
        match into {
            Some(address) => {
                self.lower_into(expr, address);
                Operand::Memory(address)
            }
            None => Operand::Memory(self.memory(expr)),
        }
    }

    /// Evaluates for the effect.
    fn effect(&mut self, expr: &Expr) {
        match &expr.kind {
            ExprKind::Call(call) => {
                call.builtin.lower(self, call, &expr.ty, None);
            }
            ExprKind::AggregationUpdate(map, key, call) => self.update_aggregation(*map, key.as_deref(), call),
            ExprKind::AtomicAdd(map, key, value) => {
                self.add_to_map(*map, key.as_deref(), value);
            }
            ExprKind::Block(statements, value) => {
                self.statements(statements);
                self.operand(value, None);
            }
            ExprKind::Ternary(condition, then, otherwise) => {
                let condition = self.scalar(condition);
                self.if_else(
                    condition,
                    |lowerer| {
                        lowerer.operand(then, None);
                    },
                    |lowerer| {
                        lowerer.operand(otherwise, None);
                    },
                );
            }
            _ => {}
        }
    }

    /// Evaluates a scalar, extended to 64 bits by its type.
    pub fn scalar(&mut self, expr: &Expr) -> Value {
        let outer = self.builder.span();
        self.builder.set_span(expr.span);
        let value = self.scalar_kind(expr);
        self.builder.set_span(outer);
        value
    }

    fn scalar_kind(&mut self, expr: &Expr) -> Value {
        match &expr.kind {
            ExprKind::Constant(value) => self.constant(*value),
            ExprKind::Local(local) => match self.home(*local) {
                Home::Value(variable) => self.builder.read(variable),
                Home::Memory(address) => self.load_scalar(address, &expr.ty),
            },
            ExprKind::MapRead(map, key) => self.read_map_scalar(*map, key.as_deref(), &expr.ty),
            ExprKind::AggregationRead(map, key) => self.read_aggregation(*map, key.as_deref()),
            ExprKind::Unary(operator, operand) => {
                let operand = self.scalar(operand);
                let op = match operator {
                    crate::hir::UnaryOperator::Negate => UnaryOp::Negate,
                    crate::hir::UnaryOperator::BitNot => UnaryOp::Not,
                };
                self.value(Instruction::Unary(op, operand))
            }
            ExprKind::Not(operand) => {
                let operand = self.scalar(operand);
                let zero = self.constant(0);
                self.compare(Comparison::Equal, operand, zero)
            }
            ExprKind::Arithmetic(operator, left, right) => {
                self.arithmetic(*operator, expr.ty.is_signed(), left, right, expr.span)
            }
            ExprKind::PointerOffset(pointer, bytes) => {
                let pointer = self.scalar(pointer);
                let bytes = self.scalar(bytes);
                self.binary(crate::ir::BinaryOp::Add, pointer, bytes)
            }
            ExprKind::Compare { operator, signed, left, right } => self.comparison(*operator, *signed, left, right),
            ExprKind::MemoryEqual { negated, left, right } => self.memory_equal(*negated, left, right),
            ExprKind::Logical(and, left, right) => self.logical(*and, left, right),
            ExprKind::Ternary(condition, then, otherwise) => {
                let condition = self.scalar(condition);
                self.choose(condition, |lowerer| lowerer.scalar(then), |lowerer| lowerer.scalar(otherwise))
            }
            ExprKind::Elvis(value, otherwise) => {
                let value = self.scalar(value);
                self.choose(value, |_| value, |lowerer| lowerer.scalar(otherwise))
            }
            ExprKind::Convert(inner) => {
                let value = self.scalar(inner);
                self.convert(value, &inner.ty, &expr.ty)
            }
            ExprKind::Reinterpret(inner) if inner.ty.is_scalar() => {
                let value = self.scalar(inner);
                self.convert(value, &inner.ty, &expr.ty)
            }
            ExprKind::Reinterpret(inner) => {
                let memory = self.memory(inner);
                self.load_scalar(memory, &expr.ty)
            }
            ExprKind::Load { pointer, offset, access, bits } => {
                self.load(pointer, *offset, *access, *bits, &expr.ty, expr.span)
            }
            ExprKind::Context => self.context(),
            ExprKind::Extract { base, offset, bits } => {
                let memory = self.memory(base);
                let address = self.offset_address(memory, *offset);
                let value = self.load_scalar(address, &expr.ty);
                self.bits(value, *bits, &expr.ty)
            }
            ExprKind::Element { base, index } => self.element_scalar(base, index, &expr.ty),
            ExprKind::AddressOfLocal(local) => match self.home(*local) {
                Home::Memory(address) => self.address_of(address),
                Home::Value(variable) => self.builder.read(variable),
            },
            ExprKind::AddressOfElement(map, key) => self.map_pointer(*map, key.as_deref()),
            ExprKind::Step { place, delta, old } => self.step(place, *delta, *old, &expr.ty),
            ExprKind::Block(statements, value) => {
                self.statements(statements);
                self.scalar(value)
            }
            ExprKind::Call(call) => match call.builtin.lower(self, call, &expr.ty, None) {
                Operand::Scalar(value) => value,
                Operand::Memory(address) => self.load_scalar(address, &expr.ty),
                Operand::Void => self.constant(0),
            },
            ExprKind::Initial(value) => self.initial(*value),
            ExprKind::String(_)
            | ExprKind::Aggregate(_)
            | ExprKind::AtomicAdd(..)
            | ExprKind::AggregationUpdate(..)
            | ExprKind::Void => unreachable!("lowering: {:?} is no scalar", expr.kind),
        }
    }

    /// `++x` and its kin.
    fn step(&mut self, place: &Place, delta: i64, old: bool, ty: &Type) -> Value {
        match place {
            Place::Local(local) => {
                let before = match self.home(*local) {
                    Home::Value(variable) => self.builder.read(variable),
                    Home::Memory(address) => self.load_scalar(address, ty),
                };
                let after = self.add_constant(before, delta);
                let after = self.convert(after, &crate::types::INT64, ty);
                self.write_local(*local, after);
                if old { before } else { after }
            }
            Place::Map(map, key) => self.step_map(*map, key.as_deref(), delta, old),
            Place::Memory { pointer, ty } => {
                let pointer = self.scalar(pointer);
                let address = Address::Pointer(pointer, 0);
                let before = self.load_scalar(address, ty);
                let after = self.add_constant(before, delta);
                let after = self.convert(after, &crate::types::INT64, ty);
                let size = self.size_of(ty);
                self.store_sized(address, size, after);
                if old { before } else { after }
            }
        }
    }

    fn logical(&mut self, and: bool, left: &Expr, right: &Expr) -> Value {
        let left = self.scalar(left);
        if and {
            self.choose(left, |lowerer| lowerer.truth(right), |lowerer| lowerer.constant(0))
        } else {
            self.choose(left, |lowerer| lowerer.constant(1), |lowerer| lowerer.truth(right))
        }
    }

    fn truth(&mut self, expr: &Expr) -> Value {
        let value = self.scalar(expr);
        if expr.ty == Type::Bool {
            return value;
        }
        let zero = self.constant(0);
        self.compare(Comparison::NotEqual, value, zero)
    }

    /// A value of one scalar type as another.
    pub(super) fn convert(&mut self, value: Value, from: &Type, to: &Type) -> Value {
        if *to == Type::Bool && *from != Type::Bool {
            let zero = self.constant(0);
            return self.compare(Comparison::NotEqual, value, zero);
        }
        let (size, signed) = (self.size_of(to), to.is_signed());
        let same_register = size == 8 || (self.size_of(from) < size && (!from.is_signed() || signed));
        match MemorySize::from_bytes(size) {
            Some(size) if !same_register && signed => self.value(Instruction::Unary(UnaryOp::SignExtend(size), value)),
            Some(size) if !same_register => self.value(Instruction::Unary(UnaryOp::ZeroExtend(size), value)),
            _ => value,
        }
    }

    /// A scalar from memory, extended by its type.
    pub(super) fn load_scalar(&mut self, address: Address, ty: &Type) -> Value {
        let size = MemorySize::from_bytes(self.size_of(ty)).unwrap_or(MemorySize::B8);
        let signed = ty.is_signed() && size != MemorySize::B8;
        self.value(Instruction::Load { address, size, signed })
    }

    /// Stores the low bytes of a value.
    pub(super) fn store_sized(&mut self, address: Address, size: u32, value: Value) {
        let size = MemorySize::from_bytes(size).unwrap_or(MemorySize::B8);
        self.push(Instruction::Store { address, size, value });
    }

    pub(super) fn local_size(&self, local: crate::hir::LocalIndex) -> u32 {
        self.size_of(&self.local_types[local.0 as usize].ty)
    }
}
