//! Each rule of the contract, broken once.

use super::verify;
use crate::ir::*;

fn function(build: impl FnOnce(&mut FunctionBuilder)) -> Module {
    let mut builder = FunctionBuilder::new("f", FunctionKind::Subprogram, 1);
    build(&mut builder);
    let zero = builder.value(Instruction::Const(0));
    builder.terminate(Terminator::Return(zero));
    let mut module = Module::default();
    module.functions.push(builder.finish());
    module
}

#[test]
fn a_sound_function_has_no_problems() {
    let module = function(|builder| {
        let slot = builder.slot(16, 8, "x");
        builder.push(Instruction::Zero { address: Address::Slot(slot, 8), size: 8 });
    });
    assert_eq!(verify(&module), Vec::<String>::new());
}

#[test]
fn an_access_outside_its_slot_is_found() {
    let module = function(|builder| {
        let slot = builder.slot(16, 8, "x");
        builder.push(Instruction::Zero { address: Address::Slot(slot, 12), size: 8 });
    });
    assert_eq!(verify(&module), ["f: b0: 8 bytes at [s0+12], s0 has 16"]);
}

#[test]
fn a_use_that_is_not_dominated_is_found() {
    let module = function(|builder| {
        let (then, end) = (builder.block(), builder.block());
        let condition = builder.parameter(0);
        builder.branch(condition, then, end);
        builder.switch_to(then);
        let value = builder.value(Instruction::Const(1));
        builder.jump(end);
        builder.switch_to(end);
        builder.value(Instruction::Unary(UnaryOp::Negate, value));
    });
    assert_eq!(verify(&module), ["f: b2: uses v1, which is not defined on every path to it"]);
}

#[test]
fn a_missing_argument_is_found() {
    let mut module = function(|builder| {
        let next = builder.block();
        builder.jump(next);
        builder.switch_to(next);
    });
    let function = &mut module.functions[FunctionId(0)];
    let parameter = function.values.push(ValueData { definition: ValueDef::Parameter(Block(1), 0) });
    function.blocks[Block(1)].parameters.push(parameter);
    assert_eq!(verify(&module), ["f: b0: 0 arguments for b1, which has 1"]);
}

#[test]
fn a_missing_terminator_is_found() {
    let mut module = function(|_| {});
    module.functions[FunctionId(0)].blocks[Block(0)].terminator = None;
    assert_eq!(verify(&module), ["f: b0: no terminator"]);
}

#[test]
fn references_to_nothing_are_found() {
    let module = function(|builder| {
        builder.value(Instruction::MapReference(MapId(3)));
        builder.value(Instruction::FunctionAddress(FunctionId(0)));
        builder.value(Instruction::SlotAddress(Slot(1), 0));
    });
    let expected = ["m3 does not exist", "address of f0, which is no callback", "s1 does not exist"];
    assert_eq!(verify(&module), expected.map(|problem| format!("f: b0: {problem}")));
}

#[test]
fn a_key_shorter_than_the_maps_is_found() {
    let mut module = function(|builder| {
        let slot = builder.slot(4, 4, "key");
        let map = builder.value(Instruction::MapReference(MapId(0)));
        let key = builder.value(Instruction::SlotAddress(slot, 0));
        builder.value(Instruction::Call(Helper::MAP_LOOKUP_ELEM, vec![map, key]));
    });
    module.maps.push(MapData {
        symbol: "x".into(),
        kind: MapKind::Hash,
        key_size: 8,
        value_size: 8,
        max_entries: 1,
        flags: 0,
    });
    assert_eq!(verify(&module), ["f: b0: 8 bytes at [s0], s0 has 4"]);
}
