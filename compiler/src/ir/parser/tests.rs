//! What is printed is parsed back, for every instruction with any operands.

use super::parse;
use crate::ir::entity::Entity;
use crate::ir::*;
use proptest::prelude::*;

const MODULE: &str = r#"map @x hash key 8 value 8 entries 4096 flags 0
map @"odd name" ringbuf key 0 value 0 entries 262144 flags 1
global g0 "a\"\x00\n"

program %begin section "raw_tp/sched" {
  slot s0 size 8 align 8 "key"
  slot s1 size 300 align 1 stack "text of \"x\""
b0(v0):
  v7 = map @"odd name"
  v1 = function_address %each
  v2 = call helper_250(v7, v1)
  v3 = call_kernel $bpf_iter_num_new, 1234(v2)
  v4 = call_function %part()
  branch v4, b1(v0, v1), b2
b1(v5, v6):
  store_bytes [s1], "\\\'\t\xff"
  jump b2
b2:
  return v0
}

callback %each {
b0(v0, v1):
  return v0
}

subprogram %part {
b0:
  v0 = const -9223372036854775808
  unterminated
}
"#;

#[test]
fn a_module_is_parsed_back() {
    let module = parse(MODULE).unwrap();
    assert_eq!(module.to_string(), MODULE);
}

#[test]
fn mistakes_are_reported_with_their_line() {
    let message = |text: &str| parse(text).unwrap_err().to_string();
    assert_eq!(message("map x"), "line 1: expected `@` before `x`");
    assert_eq!(message("callback %f {\nb0:\n  v0 = jmp v1\n}"), "line 3: expected `.` before `v1`");
    assert_eq!(message("callback %f {\nb0:\n  v0 = map @x\n}"), "line 3: there is no @x");
    assert_eq!(message("callback %f {\nb0:\n  v0 = const 1\n  v0 = const 1\n}"), "line 4: v0 is defined twice");
    assert_eq!(message("callback %f {\nb0:\n  v0 = const 99999999999999999999\n"), {
        "line 3: `99999999999999999999` is no number that fits"
    });
}

fn value() -> impl Strategy<Value = Value> {
    (0u32..6).prop_map(Value)
}

fn values() -> impl Strategy<Value = Vec<Value>> {
    prop::collection::vec(value(), 0..5)
}

fn width() -> impl Strategy<Value = Width> {
    prop::sample::select(vec![Width::W32, Width::W64])
}

fn size() -> impl Strategy<Value = MemorySize> {
    prop::sample::select(vec![MemorySize::B1, MemorySize::B2, MemorySize::B4, MemorySize::B8])
}

fn address() -> impl Strategy<Value = Address> {
    prop_oneof![
        (0u32..2, any::<u32>()).prop_map(|(slot, offset)| Address::Slot(Slot(slot), offset)),
        (value(), any::<i32>()).prop_map(|(value, offset)| Address::Pointer(value, offset)),
    ]
}

fn unary_op() -> impl Strategy<Value = UnaryOp> {
    prop_oneof![
        Just(UnaryOp::Negate),
        Just(UnaryOp::Not),
        size().prop_map(UnaryOp::ZeroExtend),
        size().prop_map(UnaryOp::SignExtend),
        size().prop_map(UnaryOp::ByteSwap),
    ]
}

fn arithmetic() -> impl Strategy<Value = Instruction> {
    let binary = prop::sample::select(BinaryOp::ALL.to_vec());
    let comparison = prop::sample::select(Comparison::ALL.to_vec());
    prop_oneof![
        any::<i64>().prop_map(Instruction::Const),
        (binary, width(), value(), value()).prop_map(|(op, width, a, b)| Instruction::Binary(op, width, a, b)),
        (comparison, width(), value(), value()).prop_map(|(op, width, a, b)| Instruction::Compare(op, width, a, b)),
        (unary_op(), value()).prop_map(|(op, operand)| Instruction::Unary(op, operand)),
    ]
}

fn memory() -> impl Strategy<Value = Instruction> {
    prop_oneof![
        (address(), size(), any::<bool>()).prop_map(|(address, size, signed)| Instruction::Load {
            address,
            size,
            signed
        }),
        (address(), size(), value()).prop_map(|(address, size, value)| Instruction::Store { address, size, value }),
        (address(), size(), value(), any::<bool>()).prop_map(|(address, size, value, fetch)| Instruction::AtomicAdd {
            address,
            size,
            value,
            fetch
        }),
        (address(), address(), any::<u32>()).prop_map(|(to, from, size)| Instruction::Copy { to, from, size }),
        (address(), any::<u32>()).prop_map(|(address, size)| Instruction::Zero { address, size }),
        (address(), any::<Vec<u8>>()).prop_map(|(address, bytes)| Instruction::StoreBytes { address, bytes }),
        (0u32..2, any::<u32>()).prop_map(|(slot, offset)| Instruction::SlotAddress(Slot(slot), offset)),
    ]
}

fn reference() -> impl Strategy<Value = Instruction> {
    prop_oneof![
        (0u32..2).prop_map(|map| Instruction::MapReference(MapId(map))),
        (0u32..2, any::<u32>()).prop_map(|(map, offset)| Instruction::MapValueAddress(MapId(map), offset)),
        any::<bool>().prop_map(|_| Instruction::GlobalAddress(GlobalId(0))),
        Just(Instruction::Context),
        ((0u32..300), values()).prop_map(|(helper, arguments)| Instruction::Call(Helper(helper), arguments)),
        (values()).prop_map(|arguments| Instruction::CallFunction(FunctionId(0), arguments)),
        (".{0,9}", any::<u32>(), values()).prop_map(|(name, btf_id, arguments)| Instruction::CallKernel {
            name,
            btf_id,
            arguments
        }),
        Just(Instruction::FunctionAddress(FunctionId(0))),
    ]
}

fn module(instructions: Vec<Instruction>, name: String) -> Module {
    let mut module = Module::default();
    for symbol in ["x", "a-b"] {
        let map = MapData {
            symbol: symbol.into(),
            kind: MapKind::Hash,
            key_size: 8,
            value_size: 8,
            max_entries: 1,
            flags: 0,
        };
        module.maps.push(map);
    }
    module.globals.push(vec![0, 1, 2]);
    let mut builder = FunctionBuilder::new(name.clone(), FunctionKind::Program { section: name.clone() }, 6);
    builder.slot(8, 8, name.clone());
    builder.stack_slot(8, 1, name);
    for instruction in instructions {
        builder.push(instruction);
    }
    builder.terminate(Terminator::Return(Value::new(0)));
    module.functions.push(builder.finish());
    module
}

proptest! {
    #[test]
    fn every_instruction_is_parsed_back(
        instructions in prop::collection::vec(prop_oneof![arithmetic(), memory(), reference()], 0..20),
        name in ".{0,12}",
    ) {
        let module = module(instructions, name);
        prop_assert_eq!(parse(&module.to_string()).unwrap(), module);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "\\PC*", cut in 0..MODULE.len()) {
        let _ = parse(&text);
        let _ = parse(&MODULE[..cut]);
        let _ = parse(&MODULE[cut..]);
    }
}
