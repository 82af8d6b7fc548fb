//! Memory behind pointers, by direct loads or by the kernel's probe reads, which give zeros where nothing can be read.

use super::Lowerer;
use crate::hir::{Access, ContextKind, Expr, ExprKind};
use crate::ir::{Address, BinaryOp, Comparison, Helper, Instruction, MemorySize, Value};
use crate::types::Type;
use lancet_manifest::Action;
use lancet_syntax::span::Span;

/// Reading more words than this, each loaded and stored, is left to a helper.
const MOST_WORDS: u32 = 2;

impl Lowerer<'_> {
    /// A scalar behind a pointer.
    pub(super) fn load(
        &mut self,
        pointer: &Expr,
        offset: i64,
        access: Access,
        bits: Option<(u8, u8)>,
        ty: &Type,
        span: Span,
    ) -> Value {
        if let (ContextKind::SystemCall { moment, .. }, ExprKind::Context) = (self.context_kind(), &pointer.kind) {
            return self.system_call_value(moment, offset, ty);
        }
        let value = match self.reach(pointer, access, ty) {
            Access::Direct if self.may_be_null(pointer) => {
                let pointer = self.scalar(pointer);
                self.choose(
                    pointer,
                    |lowerer| lowerer.load_scalar(Address::Pointer(pointer, offset as i32), ty),
                    |lowerer| lowerer.constant(0),
                )
            }
            Access::Direct => {
                let pointer = self.loaded_through(pointer, ty);
                self.load_scalar(Address::Pointer(pointer, offset as i32), ty)
            }
            Access::Any | Access::Kernel | Access::User => {
                let slot = Address::Slot(self.slot(8, 8, "loaded"), 0);
                self.push(Instruction::Zero { address: slot, size: 8 });
                let size = self.size_of(ty);
                self.probe_read(slot, size, pointer, offset, access, span);
                self.load_scalar(slot, ty)
            }
        };
        let value = self.bits(value, bits, ty);
        // A bool in memory may be any byte.
        if *ty == Type::Bool {
            let zero = self.constant(0);
            return self.compare(Comparison::NotEqual, value, zero);
        }
        value
    }

    /// Words of a context whose types the verifier does not know are loaded as they are.
    fn reach(&self, pointer: &Expr, access: Access, ty: &Type) -> Access {
        let is_word = matches!(pointer.kind, ExprKind::Context) && self.size_of(ty) == 8;
        if is_word && self.context_kind() == ContextKind::Arguments { Access::Direct } else { access }
    }

    /// An aggregate or string behind a pointer, copied to `into` or a slot.
    pub(super) fn load_memory(&mut self, expr: &Expr, into: Option<Address>) -> Address {
        let ExprKind::Load { pointer, offset, access, .. } = &expr.kind else {
            unreachable!("lowering: not a load: {:?}", expr.kind)
        };
        let size = self.size_of(&expr.ty);
        if let Type::String(size) = expr.ty {
            // One byte more: a string that fills its array has no NUL in it, and the helper always writes one.
            let slot = Address::Slot(self.slot(size + 1, 8, "string"), 0);
            self.push(Instruction::Zero { address: slot, size: size + 1 });
            if *access == Access::Direct && !self.helpers_read_own_memory() && can_load_text(size) {
                self.load_text_by_words(pointer, *offset, slot, size);
                return slot;
            }
            self.probe_read_string(slot, size + 1, pointer, *offset, *access, expr.span);
            return slot;
        }
        let to = into.unwrap_or_else(|| Address::Slot(self.slot(size, 8, "loaded"), 0));
        if self.is_loaded_by_words(pointer, size) {
            let from = Address::Pointer(self.scalar(pointer), *offset as i32);
            match MemorySize::from_bytes(size).filter(|word| offset % i64::from(word.bytes()) == 0) {
                Some(word) => {
                    let value = self.load_word(from, word);
                    self.push(Instruction::Store { address: to, size: word, value });
                }
                None => self.push(Instruction::Copy { to, from, size }),
            }
            return to;
        }
        self.push(Instruction::Zero { address: to, size });
        self.probe_read(to, size, pointer, *offset, *access, expr.span);
        to
    }

    /// Small arrays in a tracepoint's record, of which the verifier takes any aligned word.
    fn is_loaded_by_words(&self, pointer: &Expr, size: u32) -> bool {
        let is_record = self.context_kind() == ContextKind::TracepointRecord;
        is_record && matches!(pointer.kind, ExprKind::Context) && size <= MOST_WORDS * MemorySize::B8.bytes()
    }

    /// A string of the kernel, where the verifier knows the pointer and no helper may read it.
    fn load_text_by_words(&mut self, pointer: &Expr, offset: i64, to: Address, size: u32) {
        let from = self.scalar(pointer);
        let load = |lowerer: &mut Self| lowerer.copy_text(Address::Pointer(from, offset as i32), to, size);
        if self.may_be_null(pointer) { self.when(from, load) } else { load(self) }
    }

    /// A string behind a pointer of which only the first `most` bytes matter; the helper ends it with a NUL.
    pub(super) fn load_text(&mut self, expr: &Expr, most: u32) -> Option<Address> {
        let (ExprKind::Load { pointer, offset, access, .. }, Type::String(size)) = (&expr.kind, &expr.ty) else {
            return None;
        };
        // Of a null pointer that the verifier follows nothing is read.
        let is_loaded = *access == Access::Direct && !self.helpers_read_own_memory() && can_load_text(*size);
        if self.may_be_null(pointer) || is_loaded {
            return None;
        }
        let bytes = size.saturating_add(1).min(most.saturating_add(1));
        let slot = Address::Slot(self.slot(bytes, 8, "text"), 0);
        self.probe_read_string(slot, bytes, pointer, *offset, *access, expr.span);
        Some(slot)
    }

    fn probe_read(&mut self, to: Address, size: u32, pointer: &Expr, offset: i64, access: Access, span: Span) {
        let helper = match access {
            Access::User => Helper::PROBE_READ_USER,
            Access::Any => Helper::PROBE_READ,
            Access::Kernel | Access::Direct => Helper::PROBE_READ_KERNEL,
        };
        self.read_by(helper, to, size, pointer, offset, span);
    }

    fn probe_read_string(&mut self, to: Address, size: u32, pointer: &Expr, offset: i64, access: Access, span: Span) {
        let helper = match access {
            Access::User => Helper::PROBE_READ_USER_STR,
            Access::Any => Helper::PROBE_READ_STR,
            Access::Kernel | Access::Direct => Helper::PROBE_READ_KERNEL_STR,
        };
        self.read_by(helper, to, size, pointer, offset, span);
    }

    fn read_by(&mut self, helper: Helper, to: Address, size: u32, pointer: &Expr, offset: i64, span: Span) {
        let from = self.scalar(pointer);
        let read = |lowerer: &mut Self| {
            let from = lowerer.add_constant(from, offset);
            let (to, size) = (lowerer.address_of(to), lowerer.constant(i64::from(size)));
            let result = lowerer.call(helper, &[to, size, from]);
            lowerer.helper_error(helper, result, span);
        };
        // The verifier does not let a program add to a pointer that may be null.
        if self.may_be_null(pointer) { self.when(from, read) } else { read(self) }
    }

    /// Reports a helper's negative result, when that is asked for.
    pub fn helper_error(&mut self, helper: Helper, result: Value, span: Span) {
        if !self.target.settings.report_helper_errors {
            return;
        }
        self.report_failure(helper, result, span);
    }

    /// Reports a helper's negative result in any case.
    pub fn report_failure(&mut self, helper: Helper, result: Value, span: Span) {
        let zero = self.constant(0);
        let failed = self.compare(Comparison::SignedLess, result, zero);
        let location = self.location(span);
        self.when(failed, |lowerer| {
            lowerer.emit(Action::HelperError { helper: helper.name().to_owned(), location }, &[result])
        });
    }

    /// Extracts a bit field from the integer that holds it.
    pub(super) fn bits(&mut self, value: Value, bits: Option<(u8, u8)>, ty: &Type) -> Value {
        let Some((first, width)) = bits else { return value };
        let up = self.constant(64 - i64::from(first) - i64::from(width));
        let down = self.constant(64 - i64::from(width));
        let shifted = self.binary(BinaryOp::ShiftLeft, value, up);
        let op = if ty.is_signed() { BinaryOp::SignedShiftRight } else { BinaryOp::ShiftRight };
        self.binary(op, shifted, down)
    }

    /// An element of a value in memory at an index known at run time only; zero outside.
    pub(super) fn element_scalar(&mut self, base: &Expr, index: &Expr, ty: &Type) -> Value {
        let slot = self.element(base, index, ty);
        self.load_scalar(slot, ty)
    }

    /// The same for any type: a copy of the element.
    pub(super) fn element(&mut self, base: &Expr, index: &Expr, ty: &Type) -> Address {
        let size = self.size_of(ty);
        let total = self.size_of(&base.ty);
        let place = if self.helpers_read_own_memory() {
            let memory = self.memory(base);
            self.address_of(memory)
        } else {
            self.computed(base, total, total)
        };
        let index = self.scalar(index);
        let to = Address::Slot(self.slot(size.max(8), 8, "element"), 0);
        self.push(Instruction::Zero { address: to, size: size.max(8) });
        let count = self.constant(i64::from(total / size.max(1)));
        let inside = self.compare(Comparison::UnsignedLess, index, count);
        self.when(inside, |lowerer| {
            let step = lowerer.constant(i64::from(size));
            let bytes = lowerer.binary(BinaryOp::Mul, index, step);
            let from = lowerer.binary(BinaryOp::Add, place, bytes);
            if !lowerer.helpers_read_own_memory() {
                lowerer.push(Instruction::Copy { to, from: Address::Pointer(from, 0), size });
                return;
            }
            // The verifier wants constant offsets into the stack; the helper takes any address.
            let (to, size) = (lowerer.address_of(to), lowerer.constant(i64::from(size)));
            lowerer.call(Helper::PROBE_READ_KERNEL, &[to, size, from]);
        });
        to
    }

    /// Loads 8 bytes or fewer, zero-extended.
    pub(super) fn load_word(&mut self, address: Address, size: MemorySize) -> Value {
        self.value(Instruction::Load { address, size, signed: false })
    }
}

/// Whether a string of that many bytes is loaded by words: whole ones, and few.
fn can_load_text(size: u32) -> bool {
    size % 8 == 0 && size <= 64
}
