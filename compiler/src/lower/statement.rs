//! Statements.

use super::{Home, Lowerer};
use crate::hir::{LocalIndex, Place, Statement, StatementKind};
use crate::ir::{Address, Instruction, Value};

impl Lowerer<'_> {
    pub(super) fn statements(&mut self, statements: &[Statement]) {
        for statement in statements {
            let outer = self.builder.span();
            self.builder.set_span(statement.span);
            self.statement(&statement.kind);
            self.builder.set_span(outer);
        }
    }

    fn statement(&mut self, statement: &StatementKind) {
        match statement {
            StatementKind::Expression(expr) => {
                self.operand(expr, None);
            }
            StatementKind::Assign(place, value) => self.assign(place, value),
            StatementKind::ZeroLocal(local) => match self.home(*local) {
                Home::Value(variable) => {
                    let zero = self.constant(0);
                    self.builder.define(variable, zero);
                }
                Home::Memory(address) => {
                    let size = self.local_size(*local);
                    self.push(Instruction::Zero { address, size });
                }
            },
            StatementKind::If(condition, then, otherwise) => {
                let condition = self.scalar(condition);
                self.if_else(condition, |lowerer| lowerer.statements(then), |lowerer| lowerer.statements(otherwise));
            }
            StatementKind::Unroll(count, body) => self.unroll(*count, body),
            StatementKind::While(condition, body) => self.while_loop(condition, body),
            StatementKind::ForRange { local, start, end, body } => self.for_range(*local, start, end, body),
            StatementKind::ForMap { local, map, body } => self.for_map(*local, *map, body),
            StatementKind::Break => self.leave_loop(),
            StatementKind::Continue => self.next_round(),
            StatementKind::Return(value) => {
                match value {
                    Some(value) if self.is_test() => {
                        let value = self.scalar(value);
                        self.builder.terminate(crate::ir::Terminator::Return(value));
                        return;
                    }
                    Some(value) => _ = self.operand(value, None),
                    None => {}
                }
                self.return_from_probe();
            }
            StatementKind::Block(body) => self.statements(body),
        }
    }

    /// True where the result of the action is looked at: in a test, outside of callbacks.
    fn is_test(&self) -> bool {
        let is_test = |point: &crate::hir::AttachPoint| matches!(point.target, lancet_manifest::Target::Test { .. });
        let in_callback = self.frame.is_some_and(super::loops::Frame::in_callback);
        !in_callback && self.part.is_some_and(|part| part.attach_points.iter().any(is_test))
    }

    fn assign(&mut self, place: &Place, value: &crate::hir::Expr) {
        match place {
            Place::Local(local) => match self.home(*local) {
                Home::Value(variable) => {
                    let value = self.scalar(value);
                    self.builder.define(variable, value);
                }
                Home::Memory(address) => {
                    // The value may read the variable: it is complete before the variable changes.
                    if value.ty.is_scalar() {
                        self.lower_into(value, address);
                    } else {
                        let from = self.memory(value);
                        self.convert_memory(from, &value.ty, address, &value.ty);
                    }
                }
            },
            Place::Map(map, key) => self.assign_map(*map, key.as_deref(), value),
            Place::Memory { pointer, .. } => {
                let pointer = self.scalar(pointer);
                self.lower_into(value, Address::Pointer(pointer, 0));
            }
        }
    }

    /// Gives a scalar variable its value.
    pub(super) fn write_local(&mut self, local: LocalIndex, value: Value) {
        match self.home(local) {
            Home::Value(variable) => self.builder.define(variable, value),
            Home::Memory(address) => {
                let size = self.local_size(local);
                self.store_sized(address, size, value);
            }
        }
    }
}
