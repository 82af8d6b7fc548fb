//! Programs that serve the events of many system calls: which call it is, and what its record would hold, from the
//! registers (`syscall_get_arguments` and `syscall_get_nr` of arch/x86/include/asm/syscall.h).

use super::Lowerer;
use crate::ir::{Address, BinaryOp, Comparison, Helper, Instruction, MemorySize, Value};
use crate::probe::system_call::{NUMBER_OFFSET, VALUES_OFFSET};
use crate::types::Type;
use lancet_kernel::system_call::{Moment, NUMBERS};
use lancet_manifest::Target;

/// Where `struct pt_regs` has the arguments of a system call: di, si, dx, r10, r8, r9.
const ARGUMENTS: [i64; 6] = [112, 104, 96, 56, 72, 64];
/// Where it has the number of the call at its end: orig_ax.
const NUMBER: i64 = 120;
/// Bit of a task's status: it is in a system call of 32 bits (TS_COMPAT).
const IN_COMPATIBLE_CALL: i64 = 2;

/// What is known once a call has been found to be one that the program serves.
#[derive(Clone, Copy)]
pub(super) struct Called {
    number: Value,
    entry: Value,
}

impl Lowerer<'_> {
    /// Ends the program unless the call is one of those that it serves. The kernel has no events for calls of 32 bits.
    pub(super) fn go_on_if_called(&mut self, moment: Moment, status: u32) {
        let number = self.system_call_number(moment);
        let numbers = self.constant(i64::from(NUMBERS));
        let is_number = self.compare(Comparison::UnsignedLess, number, numbers);
        self.go_on_if(is_number);
        let entry = self.table_entry(number);
        self.go_on_if(entry);
        let status = self.task_status(status);
        let bit = self.constant(IN_COMPATIBLE_CALL);
        let (compatible, zero) = (self.binary(BinaryOp::And, status, bit), self.constant(0));
        let is_native = self.compare(Comparison::Equal, compatible, zero);
        self.go_on_if(is_native);
        self.called = Some(Called { number, entry });
    }

    /// The index of the probe of the call.
    pub(super) fn called_probe(&mut self, moment: Moment) -> Value {
        let entry = match self.known_call() {
            Some(called) => called.entry,
            None => {
                let number = self.system_call_number(moment);
                self.table_entry(number)
            }
        };
        self.add_constant(entry, i64::from(self.first_probe) - 1)
    }

    /// A field of the record that the call's event would have.
    pub(super) fn system_call_value(&mut self, moment: Moment, offset: i64, ty: &Type) -> Value {
        let index = usize::try_from((offset - VALUES_OFFSET) / 8).unwrap_or(0);
        let value = match (moment, ARGUMENTS.get(index)) {
            _ if offset == NUMBER_OFFSET => self.system_call_number(moment),
            (Moment::Enter, Some(register)) => self.register_of_call(*register),
            (Moment::Enter, None) | (Moment::Exit, _) => self.context_word(8),
        };
        self.convert(value, &crate::types::INT64, ty)
    }

    /// For each number 0, or one more than the place of its probe among those of the program.
    fn table_entry(&mut self, number: Value) -> Value {
        let mut table = [0u8; 2 * NUMBERS as usize];
        let points = self.part.map_or(&[][..], |part| &part.attach_points);
        for (place, point) in points.iter().enumerate() {
            let Target::SystemCall { number, .. } = point.target else { continue };
            let entry = 2 * number as usize;
            table[entry..entry + 2].copy_from_slice(&(place as u16 + 1).to_le_bytes());
        }
        let table = self.constant_bytes(&table);
        // The mask says the bound again, for verifiers that have forgotten it.
        let mask = self.constant(i64::from(NUMBERS - 1));
        let (number, one) = (self.binary(BinaryOp::And, number, mask), self.constant(1));
        let offset = self.binary(BinaryOp::ShiftLeft, number, one);
        let address = self.binary(BinaryOp::Add, table, offset);
        self.value(Instruction::Load { address: Address::Pointer(address, 0), size: MemorySize::B2, signed: false })
    }

    /// Callbacks are other functions, which do not see these values.
    fn known_call(&self) -> Option<Called> {
        self.called.filter(|_| !self.frame.is_some_and(|frame| frame.in_callback()))
    }

    fn system_call_number(&mut self, moment: Moment) -> Value {
        match (self.known_call(), moment) {
            (Some(called), _) => called.number,
            (None, Moment::Enter) => self.context_word(8),
            (None, Moment::Exit) => self.register_of_call(NUMBER),
        }
    }

    /// A word of the arguments of the raw tracepoint.
    fn context_word(&mut self, offset: i32) -> Value {
        let context = self.context();
        self.load8(Address::Pointer(context, offset))
    }

    fn register_of_call(&mut self, offset: i64) -> Value {
        let registers = self.context_word(0);
        self.read_kernel_word(registers, offset, MemorySize::B8)
    }

    fn task_status(&mut self, offset: u32) -> Value {
        if self.target.features.current_task_btf {
            let task = self.call(Helper::GET_CURRENT_TASK_BTF, &[]);
            let address = Address::Pointer(task, offset as i32);
            return self.value(Instruction::Load { address, size: MemorySize::B4, signed: false });
        }
        let task = self.call(Helper::GET_CURRENT_TASK, &[]);
        self.read_kernel_word(task, i64::from(offset), MemorySize::B4)
    }

    /// Some bytes of the kernel's memory.
    fn read_kernel_word(&mut self, base: Value, offset: i64, size: MemorySize) -> Value {
        let slot = Address::Slot(self.slot(8, 8, "word"), 0);
        self.push(Instruction::Zero { address: slot, size: 8 });
        let from = self.add_constant(base, offset);
        let (to, bytes) = (self.address_of(slot), self.constant(i64::from(size.bytes())));
        self.call(Helper::PROBE_READ_KERNEL, &[to, bytes, from]);
        self.value(Instruction::Load { address: slot, size, signed: false })
    }
}
