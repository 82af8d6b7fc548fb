//! Random programs do the same before and after each pass and all of them together.

use super::interpreter::Interpreter;
use super::{FINAL_PASSES, PASSES, run, run_by_name};
use crate::ir::builder::Variable;
use crate::ir::*;
use proptest::prelude::*;

const VARIABLES: usize = 4;
const SLOTS: u32 = 3;
const SLOT_SIZE: u32 = 16;

/// A statement of a random program; variables and slots by number.
#[derive(Clone, Debug)]
enum Statement {
    Constant(usize, i64),
    Binary(BinaryOp, Width, usize, usize, usize),
    Unary(UnaryOp, usize, usize),
    Compare(Comparison, Width, usize, usize, usize),
    Load(usize, u32, u32, MemorySize, bool),
    Store(u32, u32, MemorySize, usize),
    Zero(u32, u32),
    Copy(u32, u32, u32),
    Bytes(u32, u32),
    Process(usize),
    Name(u32),
    Signal(usize),
    Read(usize, u32),
    Add(u32, usize),
    Update(u32, u32),
    Delete(u32),
    If(usize, Vec<Statement>, Vec<Statement>),
    Repeat(u8, Vec<Statement>),
}

fn simple() -> impl Strategy<Value = Statement> {
    use Statement::*;
    let variable = || 0..VARIABLES;
    let slot = || 0..SLOTS;
    let width = || prop::sample::select(vec![Width::W32, Width::W64]);
    let size = || prop::sample::select(vec![MemorySize::B1, MemorySize::B2, MemorySize::B4, MemorySize::B8]);
    let number = prop_oneof![-2i64..20, any::<i64>(), prop::sample::select(vec![255, 65535, 0xffff_ffff, 64, 1 << 40])];
    let unary = prop_oneof![
        Just(UnaryOp::Negate),
        Just(UnaryOp::Not),
        prop::sample::select(vec![MemorySize::B1, MemorySize::B2, MemorySize::B4])
            .prop_flat_map(|size| prop::sample::select(vec![UnaryOp::ZeroExtend(size), UnaryOp::SignExtend(size)])),
        prop::sample::select(vec![MemorySize::B2, MemorySize::B4, MemorySize::B8]).prop_map(UnaryOp::ByteSwap),
    ];
    let binary = (prop::sample::select(BinaryOp::ALL.to_vec()), width(), variable(), variable(), variable());
    let compare = (prop::sample::select(Comparison::ALL.to_vec()), width(), variable(), variable(), variable());
    prop_oneof![
        3 => (variable(), number).prop_map(|(to, number)| Constant(to, number)),
        4 => binary.prop_map(|(op, width, to, left, right)| Binary(op, width, to, left, right)),
        2 => (unary, variable(), variable()).prop_map(|(op, to, operand)| Unary(op, to, operand)),
        2 => compare.prop_map(|(op, width, to, left, right)| Compare(op, width, to, left, right)),
        2 => (variable(), slot(), 0u32..9, size(), any::<bool>())
            .prop_map(|(to, slot, offset, size, signed)| Load(to, slot, offset, size, signed)),
        3 => (slot(), 0u32..9, size(), variable()).prop_map(|(slot, offset, size, from)| Store(slot, offset, size, from)),
        1 => (slot(), 0u32..9).prop_map(|(slot, offset)| Zero(slot, offset)),
        1 => (slot(), slot(), 0u32..9).prop_map(|(to, from, offset)| Copy(to, from, offset)),
        1 => (slot(), 0u32..9).prop_map(|(slot, offset)| Bytes(slot, offset)),
        1 => variable().prop_map(Process),
        1 => slot().prop_map(Name),
        2 => variable().prop_map(Signal),
        3 => (variable(), slot()).prop_map(|(to, key)| Read(to, key)),
        2 => (slot(), variable()).prop_map(|(key, amount)| Add(key, amount)),
        2 => (slot(), slot()).prop_map(|(key, value)| Update(key, value)),
        1 => slot().prop_map(Delete),
    ]
}

fn statements() -> impl Strategy<Value = Vec<Statement>> {
    let leaf = simple().prop_map(|statement| vec![statement]);
    let nested = leaf.prop_recursive(4, 60, 6, |inner| {
        let block = prop::collection::vec(inner, 0..6).prop_map(|blocks| blocks.concat());
        prop_oneof![
            3 => block.clone(),
            1 => (0..VARIABLES, block.clone(), block.clone()).prop_map(|(condition, then, otherwise)| {
                vec![Statement::If(condition, then, otherwise)]
            }),
            1 => (0u8..4, block).prop_map(|(times, body)| vec![Statement::Repeat(times, body)]),
        ]
    });
    prop::collection::vec(nested, 0..8).prop_map(|blocks| blocks.concat())
}

/// Lowers statements the way scripts are lowered.
struct Lowering {
    builder: FunctionBuilder,
    variables: Vec<Variable>,
}

impl Lowering {
    fn module(statements: &[Statement]) -> Module {
        let builder = FunctionBuilder::new("f", FunctionKind::Subprogram, 2);
        let mut lowering = Self { builder, variables: Vec::new() };
        for index in 0..VARIABLES {
            let variable = lowering.builder.variable();
            let value = if index < 2 { lowering.builder.parameter(index) } else { lowering.constant(index as i64) };
            lowering.builder.define(variable, value);
            lowering.variables.push(variable);
        }
        for _ in 0..SLOTS {
            let slot = lowering.builder.slot(SLOT_SIZE, 8, "x");
            lowering.builder.push(Instruction::Zero { address: Address::Slot(slot, 0), size: SLOT_SIZE });
        }
        lowering.all(statements);
        let result = lowering.get(0);
        lowering.builder.terminate(Terminator::Return(result));
        let mut module = Module::default();
        module.functions.push(lowering.builder.finish());
        let map = |symbol: &str| MapData {
            symbol: symbol.into(),
            kind: MapKind::Hash,
            key_size: 8,
            value_size: 8,
            max_entries: 9,
            flags: 0,
        };
        module.maps.push(map("x"));
        module
    }

    fn all(&mut self, statements: &[Statement]) {
        statements.iter().for_each(|statement| self.statement(statement));
    }

    fn get(&mut self, variable: usize) -> Value {
        self.builder.read(self.variables[variable])
    }

    fn set(&mut self, variable: usize, instruction: Instruction) {
        let value = self.builder.value(instruction);
        self.builder.define(self.variables[variable], value);
    }

    fn constant(&mut self, number: i64) -> Value {
        self.builder.value(Instruction::Const(number))
    }

    fn call(&mut self, helper: Helper, slots: &[u32], flags: bool) -> Value {
        let mut arguments = vec![self.builder.value(Instruction::MapReference(MapId(0)))];
        for slot in slots {
            arguments.push(self.builder.value(Instruction::SlotAddress(Slot(*slot), 0)));
        }
        if flags {
            arguments.push(self.constant(0));
        }
        self.builder.value(Instruction::Call(helper, arguments))
    }

    fn statement(&mut self, statement: &Statement) {
        let at = |slot: &u32, offset: &u32| Address::Slot(Slot(*slot), *offset);
        match statement {
            Statement::Constant(to, number) => self.set(*to, Instruction::Const(*number)),
            Statement::Binary(op, width, to, left, right) => {
                let (left, right) = (self.get(*left), self.get(*right));
                self.set(*to, Instruction::Binary(*op, *width, left, right));
            }
            Statement::Unary(op, to, operand) => {
                let operand = self.get(*operand);
                self.set(*to, Instruction::Unary(*op, operand));
            }
            Statement::Compare(op, width, to, left, right) => {
                let (left, right) = (self.get(*left), self.get(*right));
                self.set(*to, Instruction::Compare(*op, *width, left, right));
            }
            Statement::Load(to, slot, offset, size, signed) => {
                self.set(*to, Instruction::Load { address: at(slot, offset), size: *size, signed: *signed });
            }
            Statement::Store(slot, offset, size, from) => {
                let value = self.get(*from);
                self.builder.push(Instruction::Store { address: at(slot, offset), size: *size, value });
            }
            Statement::Zero(slot, offset) => {
                self.builder.push(Instruction::Zero { address: at(slot, offset), size: 7 });
            }
            Statement::Copy(to, from, offset) if to != from => {
                self.builder.push(Instruction::Copy { to: at(to, &0), from: at(from, offset), size: 7 });
            }
            Statement::Copy(..) => {}
            Statement::Bytes(slot, offset) => {
                self.builder.push(Instruction::StoreBytes { address: at(slot, offset), bytes: b"\x01\xffx".to_vec() });
            }
            Statement::Process(to) => self.set(*to, Instruction::Call(Helper::GET_CURRENT_PID_TGID, Vec::new())),
            Statement::Name(slot) => {
                let address = self.builder.value(Instruction::SlotAddress(Slot(*slot), 2));
                let size = self.constant(5);
                self.builder.value(Instruction::Call(Helper::GET_CURRENT_COMM, vec![address, size]));
            }
            Statement::Signal(from) => {
                let value = self.get(*from);
                self.builder.value(Instruction::Call(Helper::SEND_SIGNAL, vec![value]));
            }
            Statement::Update(key, value) => {
                self.call(Helper::MAP_UPDATE_ELEM, &[*key, *value], true);
            }
            Statement::Delete(key) => {
                self.call(Helper::MAP_DELETE_ELEM, &[*key], false);
            }
            Statement::Read(to, key) => self.read(*to, *key),
            Statement::Add(key, amount) => self.add(*key, *amount),
            Statement::If(condition, then, otherwise) => self.branch(*condition, then, otherwise),
            Statement::Repeat(times, body) => self.repeat(*times, body),
        }
    }

    fn read(&mut self, to: usize, key: u32) {
        let pointer = self.call(Helper::MAP_LOOKUP_ELEM, &[key], false);
        let (found, missing, end) = (self.builder.block(), self.builder.block(), self.builder.block());
        let zero = self.constant(0);
        let condition = self.builder.value(Instruction::Compare(Comparison::NotEqual, Width::W64, pointer, zero));
        self.builder.branch(condition, found, missing);
        self.start(found);
        let address = Address::Pointer(pointer, 0);
        self.set(to, Instruction::Load { address, size: MemorySize::B8, signed: false });
        self.builder.jump(end);
        self.start(missing);
        self.set(to, Instruction::Const(0));
        self.builder.jump(end);
        self.start(end);
    }

    fn add(&mut self, key: u32, amount: usize) {
        let value = self.get(amount);
        let pointer = self.call(Helper::MAP_LOOKUP_ELEM, &[key], false);
        let (found, end) = (self.builder.block(), self.builder.block());
        self.builder.branch(pointer, found, end);
        self.start(found);
        let address = Address::Pointer(pointer, 0);
        self.builder.push(Instruction::AtomicAdd { address, size: MemorySize::B8, value, fetch: true });
        self.builder.jump(end);
        self.start(end);
    }

    fn branch(&mut self, condition: usize, then: &[Statement], otherwise: &[Statement]) {
        let condition = self.get(condition);
        let (yes, no, end) = (self.builder.block(), self.builder.block(), self.builder.block());
        self.builder.branch(condition, yes, no);
        for (block, statements) in [(yes, then), (no, otherwise)] {
            self.start(block);
            self.all(statements);
            self.builder.jump(end);
        }
        self.start(end);
    }

    fn repeat(&mut self, times: u8, body: &[Statement]) {
        let counter = self.builder.variable();
        let zero = self.constant(0);
        self.builder.define(counter, zero);
        let (header, inside, end) = (self.builder.block(), self.builder.block(), self.builder.block());
        self.builder.jump(header);
        self.builder.switch_to(header);
        let (count, limit) = (self.builder.read(counter), self.constant(times.into()));
        let condition = self.builder.value(Instruction::Compare(Comparison::UnsignedLess, Width::W64, count, limit));
        self.builder.branch(condition, inside, end);
        self.start(inside);
        self.all(body);
        let (count, one) = (self.builder.read(counter), self.constant(1));
        let next = self.builder.value(Instruction::Binary(BinaryOp::Add, Width::W64, count, one));
        self.builder.define(counter, next);
        self.builder.jump(header);
        self.builder.seal(header);
        self.start(end);
    }

    fn start(&mut self, block: Block) {
        self.builder.seal(block);
        self.builder.switch_to(block);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, max_shrink_iters: 4000, ..ProptestConfig::default() })]

    #[test]
    fn programs_do_the_same_after_all_passes(statements in statements(), left: u64, right in 0u64..3) {
        let module = Lowering::module(&statements);
        verify::assert_valid(&module, "lowering");
        let mut optimized = module.clone();
        run(&mut optimized);
        let (expected, actual) = (Interpreter::run(&module, &[left, right]), Interpreter::run(&optimized, &[left, right]));
        prop_assert_eq!(expected, actual, "before:\n{}\nafter:\n{}", module, optimized);
        let text = optimized.to_string();
        prop_assert_eq!(parser::parse(&text).unwrap().to_string(), text);
    }

    #[test]
    fn programs_do_the_same_after_each_pass(statements in statements(), left: u64, right in 0u64..3) {
        let module = Lowering::module(&statements);
        let expected = Interpreter::run(&module, &[left, right]);
        for pass in PASSES.iter().chain(FINAL_PASSES) {
            let mut optimized = module.clone();
            run_by_name(pass.name, &mut optimized).unwrap();
            let actual = Interpreter::run(&optimized, &[left, right]);
            prop_assert_eq!(&expected, &actual, "{}\nbefore:\n{}\nafter:\n{}", pass.name, module, optimized);
        }
    }
}
