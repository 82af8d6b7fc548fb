//! Slots keep their bytes while they are in use; more values than registers survive calls and loops.

use super::{run, run_function};
use crate::ir::{
    Address, BinaryOp, Comparison, FunctionBuilder, FunctionKind, Helper, Instruction, MemorySize, Terminator, Value,
    Width,
};

fn constant(builder: &mut FunctionBuilder, value: i64) -> Value {
    builder.value(Instruction::Const(value))
}

fn add(builder: &mut FunctionBuilder, a: Value, b: Value) -> Value {
    builder.value(Instruction::Binary(BinaryOp::Add, Width::W64, a, b))
}

fn load(builder: &mut FunctionBuilder, address: Address, size: MemorySize, signed: bool) -> Value {
    builder.value(Instruction::Load { address, size, signed })
}

#[test]
fn bytes_are_stored_as_they_are() {
    let bytes: Vec<u8> = (0..23).map(|byte| (byte * 11) ^ 0x80).collect();
    for at in [0, 1, 2, 7, 12, 15, 22] {
        let copy = bytes.clone();
        let result = run(&[], |builder| {
            let (from, to) = (builder.slot(23, 1, "from"), builder.slot(23, 1, "to"));
            builder.push(Instruction::StoreBytes { address: Address::Slot(from, 0), bytes: copy });
            builder.push(Instruction::Copy { to: Address::Slot(to, 0), from: Address::Slot(from, 0), size: 23 });
            load(builder, Address::Slot(to, at), MemorySize::B1, false)
        });
        assert_eq!(result, u64::from(bytes[at as usize]), "byte {at}");
    }
}

#[test]
fn parts_of_slots_are_copied_at_any_alignment() {
    for (from_at, to_at, size) in [(1, 0, 9), (4, 2, 10), (3, 5, 3), (8, 4, 12)] {
        let result = run(&[], |builder| {
            let (from, to) = (builder.slot(24, 8, "from"), builder.slot(24, 8, "to"));
            let bytes = (1..=24).collect();
            builder.push(Instruction::StoreBytes { address: Address::Slot(from, 0), bytes });
            builder.push(Instruction::Zero { address: Address::Slot(to, 0), size: 24 });
            let (from, source) = (Address::Slot(from, from_at), Address::Slot(to, to_at));
            builder.push(Instruction::Copy { to: source, from, size });
            load(builder, Address::Slot(to, to_at + size - 1), MemorySize::B1, false)
        });
        assert_eq!(result, u64::from(from_at + size));
    }
}

#[test]
fn loads_extend() {
    let result = run(&[], |builder| {
        let slot = builder.slot(8, 8, "x");
        let value = constant(builder, -2);
        builder.push(Instruction::Store { address: Address::Slot(slot, 0), size: MemorySize::B8, value });
        let signed = load(builder, Address::Slot(slot, 2), MemorySize::B2, true);
        let unsigned = load(builder, Address::Slot(slot, 4), MemorySize::B4, false);
        add(builder, signed, unsigned)
    });
    assert_eq!(result, 0xffff_fffe);
}

/// Values made before a call and used after it: four registers survive, the rest is spilled.
#[test]
fn many_values_survive_a_call() {
    for count in [1, 4, 5, 12, 30] {
        let result = run(&[1000], |builder| {
            let parameter = builder.parameter(0);
            let values: Vec<Value> = (0..count)
                .map(|index| {
                    let index = constant(builder, index);
                    builder.value(Instruction::Binary(BinaryOp::Mul, Width::W64, parameter, index))
                })
                .collect();
            builder.value(Instruction::Call(Helper::SEND_SIGNAL, vec![values[0], values[0]]));
            values.iter().fold(parameter, |sum, value| add(builder, sum, *value))
        });
        assert_eq!(result, 1000 + 1000 * (0..count as u64).sum::<u64>());
    }
}

/// Two slots are used in turns inside a loop; both carry something from one turn to the next.
#[test]
fn slots_keep_their_bytes_around_a_loop() {
    let mut builder = FunctionBuilder::new("f", FunctionKind::Subprogram, 1);
    let (sum, last) = (builder.slot(8, 8, "sum"), builder.slot(8, 8, "last"));
    let (sum_at, last_at) = (Address::Slot(sum, 0), Address::Slot(last, 0));
    let limit = builder.parameter(0);
    builder.push(Instruction::Zero { address: sum_at, size: 8 });
    builder.push(Instruction::Zero { address: last_at, size: 8 });
    let counter = builder.variable();
    let zero = constant(&mut builder, 0);
    builder.define(counter, zero);
    let (head, body, end) = (builder.block(), builder.block(), builder.block());
    builder.jump(head);
    builder.switch_to(head);
    let now = builder.read(counter);
    let more = builder.value(Instruction::Compare(Comparison::UnsignedLess, Width::W64, now, limit));
    builder.branch(more, body, end);
    builder.seal(body);
    builder.switch_to(body);
    let before = load(&mut builder, sum_at, MemorySize::B8, false);
    let previous = load(&mut builder, last_at, MemorySize::B8, false);
    let temporary = builder.slot(8, 8, "temporary");
    builder.push(Instruction::Store { address: Address::Slot(temporary, 0), size: MemorySize::B8, value: previous });
    let previous = load(&mut builder, Address::Slot(temporary, 0), MemorySize::B8, false);
    let value = add(&mut builder, before, previous);
    builder.push(Instruction::Store { address: sum_at, size: MemorySize::B8, value });
    builder.push(Instruction::Store { address: last_at, size: MemorySize::B8, value: now });
    let one = constant(&mut builder, 1);
    let next = add(&mut builder, now, one);
    builder.define(counter, next);
    builder.jump(head);
    builder.seal(head);
    builder.seal(end);
    builder.switch_to(end);
    let result = load(&mut builder, sum_at, MemorySize::B8, false);
    builder.terminate(Terminator::Return(result));
    assert_eq!(run_function(builder.finish(), &[10], &[]), (0..9).sum::<u64>());
}

/// Copies and fills above what is unrolled go through a helper, and leave other values alone.
#[test]
fn big_copies_keep_what_is_alive() {
    let result = run(&[7, 9], |builder| {
        let (from, to) = (builder.stack_slot(160, 8, "from"), builder.stack_slot(160, 8, "to"));
        let (a, b) = (builder.parameter(0), builder.parameter(1));
        builder.push(Instruction::Zero { address: Address::Slot(from, 0), size: 160 });
        builder.push(Instruction::Store { address: Address::Slot(from, 152), size: MemorySize::B8, value: a });
        builder.push(Instruction::Copy { to: Address::Slot(to, 0), from: Address::Slot(from, 0), size: 160 });
        let copied = load(builder, Address::Slot(to, 152), MemorySize::B8, false);
        let sum = add(builder, copied, b);
        add(builder, sum, a)
    });
    assert_eq!(result, 23);
}

/// An edge that moves nothing takes no code, and still goes where it says.
#[test]
fn a_branch_around_a_block_skips_it() {
    for (parameter, expected) in [(0, 5), (1, 6)] {
        let result = run(&[parameter], |builder| {
            let slot = builder.slot(8, 8, "counter");
            let (condition, value) = (builder.parameter(0), constant(builder, 5));
            let at = Address::Slot(slot, 0);
            builder.push(Instruction::Store { address: at, size: MemorySize::B8, value });
            let (then, end) = (builder.block(), builder.block());
            builder.branch(condition, then, end);
            builder.seal(then);
            builder.switch_to(then);
            let value = constant(builder, 6);
            builder.push(Instruction::Store { address: at, size: MemorySize::B8, value });
            builder.jump(end);
            builder.seal(end);
            builder.switch_to(end);
            load(builder, at, MemorySize::B8, false)
        });
        assert_eq!(result, expected);
    }
}

/// A uprobe's program finds scratch memory that no preempted run of itself uses, and goes without when there is none.
#[test]
fn scratch_memory_belongs_to_one_run() {
    let program = |section: &str| {
        let kind = FunctionKind::Program { section: section.into() };
        let mut builder = FunctionBuilder::new("f", kind, 1);
        let slot = builder.slot(600, 8, "big");
        let value = constant(&mut builder, 11);
        builder.push(Instruction::Zero { address: Address::Slot(slot, 0), size: 600 });
        builder.push(Instruction::Store { address: Address::Slot(slot, 592), size: MemorySize::B8, value });
        let result = load(&mut builder, Address::Slot(slot, 592), MemorySize::B8, false);
        builder.terminate(Terminator::Return(result));
        builder.finish()
    };
    assert_eq!(run_function(program("kprobe"), &[0], &[]), 11);
    for taken in [&[] as &[usize], &[0], &[0, 1, 2], &[1, 3]] {
        assert_eq!(run_function(program("uprobe"), &[0], taken), 11, "{taken:?}");
    }
    assert_eq!(run_function(program("uprobe"), &[0], &[0, 1, 2, 3]), 0);
}

#[test]
fn words_move_at_any_alignment() {
    for at in [0, 1, 2, 3, 4, 5, 6, 7, 8] {
        for size in [MemorySize::B2, MemorySize::B4, MemorySize::B8] {
            let result = run(&[], |builder| {
                let slot = builder.slot(24, 8, "words");
                builder.push(Instruction::Zero { address: Address::Slot(slot, 0), size: 24 });
                let value = constant(builder, -0x0102_0304_0506_0708);
                builder.push(Instruction::Store { address: Address::Slot(slot, at), size, value });
                load(builder, Address::Slot(slot, at), size, true)
            });
            let bits = 64 - 8 * size.bytes();
            assert_eq!(result as i64, -0x0102_0304_0506_0708 << bits >> bits, "{size:?} at {at}");
        }
    }
}
