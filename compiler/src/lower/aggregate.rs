//! Values in memory: strings, tuples, records, structs, arrays and the like, and moving them between types.

use super::{Home, Lowerer};
use crate::builtin::Operand;
use crate::hir::{Expr, ExprKind};
use crate::ir::{Address, Instruction};
use crate::types::{FieldLayout, Type};

impl Lowerer<'_> {
    /// Evaluates a value in memory; the memory is not written again while the value is in use.
    pub fn memory(&mut self, expr: &Expr) -> Address {
        let outer = self.builder.span();
        self.builder.set_span(expr.span);
        let address = self.memory_kind(expr);
        self.builder.set_span(outer);
        address
    }

    fn memory_kind(&mut self, expr: &Expr) -> Address {
        match &expr.kind {
            ExprKind::Local(local) => match self.home(*local) {
                Home::Memory(address) => address,
                Home::Value(_) => unreachable!("lowering: a scalar variable is no memory"),
            },
            ExprKind::MapRead(map, key) => self.read_map_memory(*map, key.as_deref(), &expr.ty),
            ExprKind::Load { .. } => self.load_memory(expr, None),
            ExprKind::Extract { base, offset, .. } => {
                let base = self.memory(base);
                self.offset_address(base, *offset)
            }
            ExprKind::Element { base, index } => self.element(base, index, &expr.ty),
            ExprKind::Block(statements, value) => {
                self.statements(statements);
                self.memory(value)
            }
            ExprKind::Call(call) => match call.builtin.lower(self, call, &expr.ty, None) {
                Operand::Memory(address) => address,
                Operand::Scalar(_) | Operand::Void => {
                    unreachable!("lowering: {}() gives no memory", call.builtin.signature().name)
                }
            },
            _ => {
                let size = self.size_of(&expr.ty);
                let address = Address::Slot(self.slot(size, 8, "value"), 0);
                self.lower_into(expr, address);
                address
            }
        }
    }

    /// Writes a value, of any type, to memory of its type's size.
    pub fn lower_into(&mut self, expr: &Expr, to: Address) {
        self.convert_into(expr, &expr.ty, to);
    }

    /// Writes a value as another type that holds it.
    pub(super) fn convert_into(&mut self, expr: &Expr, ty: &Type, to: Address) {
        if expr.ty.is_scalar() && ty.is_scalar() {
            let value = self.scalar(expr);
            let value = self.convert(value, &expr.ty, ty);
            let size = self.size_of(ty);
            self.store_sized(to, size, value);
            return;
        }
        match &expr.kind {
            ExprKind::Reinterpret(inner) if inner.ty.is_scalar() => {
                let value = self.scalar(inner);
                let size = self.size_of(&expr.ty);
                self.store_sized(to, size, value);
            }
            ExprKind::Reinterpret(inner) => self.convert_into(inner, ty, to),
            ExprKind::Aggregate(values) => self.aggregate_into(values, &expr.ty, ty, to),
            ExprKind::String(bytes) => {
                let size = self.size_of(ty);
                let kept = &bytes[..bytes.len().min(size as usize)];
                self.push(Instruction::StoreBytes { address: to, bytes: kept.to_vec() });
                let rest = self.offset_address(to, kept.len() as u32);
                self.push(Instruction::Zero { address: rest, size: size - kept.len() as u32 });
            }
            ExprKind::Ternary(condition, then, otherwise) => {
                let condition = self.scalar(condition);
                self.if_else(
                    condition,
                    |lowerer| lowerer.convert_into(then, ty, to),
                    |lowerer| lowerer.convert_into(otherwise, ty, to),
                );
            }
            ExprKind::Block(statements, value) => {
                self.statements(statements);
                self.convert_into(value, ty, to);
            }
            ExprKind::Call(call) if expr.ty == *ty && call.builtin.fills_in_place() => {
                if let Operand::Memory(address) = call.builtin.lower(self, call, ty, Some(to))
                    && address != to
                {
                    let size = self.size_of(ty);
                    self.push(Instruction::Copy { to, from: address, size });
                }
            }
            _ => {
                let from = self.memory(expr);
                self.convert_memory(from, &expr.ty, to, ty);
            }
        }
    }

    fn aggregate_into(&mut self, values: &[Expr], from: &Type, ty: &Type, to: Address) {
        let fields = self.fields(ty);
        self.zero_padding(ty, &fields, to);
        for (index, value) in values.iter().enumerate() {
            let field = match from {
                Type::Record(names) => fields.iter().find(|field| field.name == names[index].0),
                _ => fields.get(index),
            };
            if let Some(field) = field {
                let address = self.offset_address(to, field.offset);
                self.convert_into(value, &field.ty, address);
            }
        }
    }

    fn fields(&self, ty: &Type) -> Vec<FieldLayout> {
        ty.aggregate_layout(self.target.structs).map(|layout| layout.fields).unwrap_or_default()
    }

    /// Zeroes the bytes between fields, all of them at once where there are any.
    fn zero_padding(&mut self, ty: &Type, fields: &[FieldLayout], to: Address) {
        let size = self.size_of(ty);
        let used: u32 = fields.iter().map(|field| self.size_of(&field.ty)).sum();
        if used != size {
            self.push(Instruction::Zero { address: to, size });
        }
    }

    /// Copies a value in memory to memory of another type that holds it: strings cut or padded, integers widened.
    pub(super) fn convert_memory(&mut self, from: Address, from_type: &Type, to: Address, to_type: &Type) {
        let (from_size, to_size) = (self.size_of(from_type), self.size_of(to_type));
        if from_type == to_type {
            if from != to {
                self.push(Instruction::Copy { to, from, size: to_size });
            }
            return;
        }
        match (from_type, to_type) {
            (from_type, to_type) if from_type.is_scalar() && to_type.is_scalar() => {
                let value = self.load_scalar(from, from_type);
                let value = self.convert(value, from_type, to_type);
                self.store_sized(to, to_size, value);
            }
            (Type::Tuple(_) | Type::Record(_), Type::Tuple(_) | Type::Record(_)) => {
                let (from_fields, to_fields) = (self.fields(from_type), self.fields(to_type));
                self.zero_padding(to_type, &to_fields, to);
                for (index, field) in to_fields.iter().enumerate() {
                    let source = if field.name.is_empty() {
                        from_fields.get(index)
                    } else {
                        from_fields.iter().find(|source| source.name == field.name)
                    };
                    if let Some(source) = source {
                        let (at, goes) =
                            (self.offset_address(from, source.offset), self.offset_address(to, field.offset));
                        self.convert_memory(at, &source.ty, goes, &field.ty);
                    }
                }
            }
            (Type::Array(x, count), Type::Array(y, _)) if from_size != to_size => {
                let (from_step, to_step) = (self.size_of(x), self.size_of(y));
                for index in 0..*count {
                    let at = self.offset_address(from, index * from_step);
                    let goes = self.offset_address(to, index * to_step);
                    self.convert_memory(at, x, goes, y);
                }
            }
            _ => {
                let size = from_size.min(to_size);
                self.push(Instruction::Copy { to, from, size });
                let rest = self.offset_address(to, size);
                self.push(Instruction::Zero { address: rest, size: to_size - size });
            }
        }
    }
}
