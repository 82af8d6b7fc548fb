//! Sending the strings of an array of pointers, such as argv, in one record: where the kernel has bpf_loop by a callback of
//! it, which the verifier walks through once or twice, else by a loop, of which it walks through every round.
//!
//! The first string that is empty ends the list, so nothing has to be there behind it.

use super::Lowerer;
use super::emit::HEADER;
use super::loops::Frame;
use crate::ir::{Address, BinaryOp, Comparison, Helper, Instruction, MemorySize, Terminator, Value};
use lancet_manifest::{Action, Argument, ValueType};

/// The strings of a record.
#[derive(Clone, Copy)]
struct Room {
    count: u32,
    /// Bytes of each, with the NUL.
    size: u32,
}

impl Lowerer<'_> {
    /// Sends up to `count` strings of `size` bytes, with the NUL, from an array that ends with a null pointer; they are
    /// printed with the delimiter between them.
    pub fn emit_strings(&mut self, delimiter: &str, count: u32, size: u32, array: Value) {
        let arguments = (0..count)
            .map(|index| Argument { offset: HEADER + index * size, ty: ValueType::String { size } })
            .collect();
        let action = Action::Join { delimiter: delimiter.to_owned(), arguments };
        let room = Room { count, size };
        let in_callback = self.frame.is_some_and(Frame::in_callback);
        let by_callback = self.target.features.bpf_loop && !in_callback;
        self.send(action, HEADER + count * size, |lowerer, record| match by_callback {
            true => lowerer.strings_by_callback(room, record, array),
            false => lowerer.strings_by_loop(room, record, array),
        });
    }

    fn strings_by_callback(&mut self, room: Room, record: Value, array: Value) {
        let callback = self.plain_callback(2, |lowerer| {
            let (index, context) = (lowerer.builder.parameter(0), lowerer.builder.parameter(1));
            let most = lowerer.constant(i64::from(room.count));
            let inside = lowerer.compare(Comparison::UnsignedLess, index, most);
            lowerer.unless_return(inside, 1);
            let record = lowerer.load8(Address::Pointer(context, 0));
            let array = lowerer.load8(Address::Pointer(context, 8));
            let (to, string) = lowerer.next_string(room, record, array, index);
            let (is_there, ends) = (lowerer.builder.block(), lowerer.builder.block());
            lowerer.builder.branch(string, is_there, ends);
            lowerer.builder.seal(is_there);
            lowerer.builder.seal(ends);
            for (block, result) in [(ends, 1), (is_there, 0)] {
                lowerer.builder.switch_to(block);
                match result {
                    0 => lowerer.read_string(room, to, string),
                    _ => lowerer.end_strings(to),
                }
                let result = lowerer.constant(result);
                lowerer.builder.terminate(Terminator::Return(result));
            }
        });
        let context = self.builder.stack_slot(16, 8, "strings");
        self.store8(Address::Slot(context, 0), record);
        self.store8(Address::Slot(context, 8), array);
        let function = self.value(Instruction::FunctionAddress(callback));
        let pointer = self.address_of(Address::Slot(context, 0));
        let (rounds, flags) = (self.constant(i64::from(room.count)), self.constant(0));
        self.call(Helper::LOOP, &[rounds, function, pointer, flags]);
    }

    fn strings_by_loop(&mut self, room: Room, record: Value, array: Value) {
        self.count_up(room.count, |lowerer, index, end| {
            let (to, string) = lowerer.next_string(room, record, array, index);
            let (is_there, ends) = (lowerer.builder.block(), lowerer.builder.block());
            lowerer.builder.branch(string, is_there, ends);
            lowerer.builder.seal(is_there);
            lowerer.builder.seal(ends);
            lowerer.builder.switch_to(ends);
            lowerer.end_strings(to);
            lowerer.builder.jump(end);
            lowerer.builder.switch_to(is_there);
            lowerer.read_string(room, to, string);
        });
    }

    /// Where in the record a string belongs, and the pointer to it from the array.
    fn next_string(&mut self, room: Room, record: Value, array: Value, index: Value) -> (Value, Value) {
        let (step, pointer_size) = (self.constant(i64::from(room.size)), self.constant(8));
        let bytes = self.binary(BinaryOp::Mul, index, step);
        let start = self.add_constant(record, i64::from(HEADER));
        let to = self.binary(BinaryOp::Add, start, bytes);
        let offset = self.binary(BinaryOp::Mul, index, pointer_size);
        let at = self.binary(BinaryOp::Add, array, offset);
        // Where it cannot be read the kernel gives zeros.
        let pointer = Address::Slot(self.slot(8, 8, "argument"), 0);
        let address = self.address_of(pointer);
        self.call(Helper::PROBE_READ, &[address, pointer_size, at]);
        let string = self.value(Instruction::Load { address: pointer, size: MemorySize::B8, signed: false });
        (to, string)
    }

    /// What cannot be read is empty.
    fn read_string(&mut self, room: Room, to: Value, string: Value) {
        let size = self.constant(i64::from(room.size));
        self.call(Helper::PROBE_READ_STR, &[to, size, string]);
    }

    fn end_strings(&mut self, to: Value) {
        let zero = self.constant(0);
        self.push(Instruction::Store { address: Address::Pointer(to, 0), size: MemorySize::B1, value: zero });
    }
}
