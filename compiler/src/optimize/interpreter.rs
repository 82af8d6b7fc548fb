//! Runs a function of the intermediate representation, to compare it before and after the passes.
//!
//! An address is a region's number in the high half and an offset in the low half. Observable are the result, calls of
//! `send_signal`, and the contents of maps in the end.

use super::arithmetic;
use crate::ir::entity::Entity;
use crate::ir::*;
use std::collections::BTreeMap;

/// What can be seen of a run.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Outcome {
    pub result: Option<u64>,
    pub signals: Vec<u64>,
    pub maps: BTreeMap<(u32, Vec<u8>), Vec<u8>>,
}

/// Ends loops that do not end.
const MAX_STEPS: usize = 20_000;

/// Slots come first, then map values.
pub(super) struct Interpreter<'a> {
    module: &'a Module,
    function: &'a Function,
    values: Vec<u64>,
    regions: Vec<Vec<u8>>,
    entries: BTreeMap<(u32, Vec<u8>), usize>,
    signals: Vec<u64>,
}

const MAP_REGION: u64 = 1 << 20;

impl<'a> Interpreter<'a> {
    pub fn run(module: &'a Module, arguments: &[u64]) -> Outcome {
        let function = &module.functions[FunctionId(0)];
        let regions = function.slots.values().map(|slot| vec![0xaa; slot.size as usize]).collect();
        let mut interpreter = Self {
            module,
            function,
            values: vec![0; function.values.len()],
            regions,
            entries: BTreeMap::new(),
            signals: Vec::new(),
        };
        let result = interpreter.blocks(arguments);
        let maps = interpreter.entries.iter().map(|(key, region)| (key.clone(), interpreter.regions[*region].clone()));
        Outcome { result, maps: maps.collect(), signals: interpreter.signals }
    }

    fn blocks(&mut self, arguments: &[u64]) -> Option<u64> {
        let mut block = self.function.entry();
        let mut arguments = arguments.to_vec();
        for _ in 0..MAX_STEPS {
            let data = &self.function.blocks[block];
            for (parameter, argument) in data.parameters.iter().zip(&arguments) {
                self.values[parameter.index()] = *argument;
            }
            for inst in &data.instructions {
                let data = &self.function.instructions[*inst];
                let result = self.instruction(&data.instruction);
                if let Some(value) = data.result {
                    self.values[value.index()] = result;
                }
            }
            let (next, next_arguments) = match data.terminator.as_ref().unwrap() {
                Terminator::Jump(next, arguments) => (next, arguments),
                Terminator::Branch { condition, then, otherwise } => {
                    let way = if self.get(*condition) != 0 { then } else { otherwise };
                    (&way.0, &way.1)
                }
                Terminator::Return(value) => return Some(self.get(*value)),
            };
            arguments = next_arguments.iter().map(|argument| self.get(*argument)).collect();
            block = *next;
        }
        None
    }

    fn get(&self, value: Value) -> u64 {
        self.values[value.index()]
    }

    fn instruction(&mut self, instruction: &Instruction) -> u64 {
        match instruction {
            Instruction::Const(number) => *number as u64,
            Instruction::Binary(op, width, left, right) => {
                arithmetic::binary(*op, *width, self.get(*left), self.get(*right))
            }
            Instruction::Unary(op, operand) => arithmetic::unary(*op, self.get(*operand)),
            Instruction::Compare(comparison, width, left, right) => {
                arithmetic::compare(*comparison, *width, self.get(*left), self.get(*right)).into()
            }
            Instruction::Load { address, size, signed } => {
                let mut bytes = [0; 8];
                bytes[..size.bytes() as usize].copy_from_slice(self.memory(*address, size.bytes()));
                let number = u64::from_le_bytes(bytes);
                if *signed { arithmetic::sign_extend(*size, number) } else { number }
            }
            Instruction::Store { address, size, value } => {
                let bytes = self.get(*value).to_le_bytes();
                self.memory(*address, size.bytes()).copy_from_slice(&bytes[..size.bytes() as usize]);
                0
            }
            Instruction::AtomicAdd { address, value, .. } => {
                let added = self.get(*value);
                let memory = self.memory(*address, 8);
                let old = u64::from_le_bytes(memory.try_into().unwrap());
                memory.copy_from_slice(&old.wrapping_add(added).to_le_bytes());
                old
            }
            Instruction::Copy { to, from, size } => {
                let bytes = self.memory(*from, *size).to_vec();
                self.memory(*to, *size).copy_from_slice(&bytes);
                0
            }
            Instruction::Zero { address, size } => {
                self.memory(*address, *size).fill(0);
                0
            }
            Instruction::StoreBytes { address, bytes } => {
                self.memory(*address, bytes.len() as u32).copy_from_slice(bytes);
                0
            }
            Instruction::SlotAddress(slot, offset) => (slot.index() as u64) << 32 | u64::from(*offset),
            Instruction::MapReference(map) => map.0.into(),
            Instruction::Call(helper, arguments) => {
                let arguments: Vec<u64> = arguments.iter().map(|argument| self.get(*argument)).collect();
                self.call(*helper, &arguments)
            }
            other => panic!("the interpreter does not know {other:?}"),
        }
    }

    fn memory(&mut self, address: Address, size: u32) -> &mut [u8] {
        let (region, offset) = match address {
            Address::Slot(slot, offset) => (slot.index(), offset as usize),
            Address::Pointer(value, offset) => self.region(self.get(value).wrapping_add(offset as i64 as u64)),
        };
        &mut self.regions[region][offset..offset + size as usize]
    }

    fn region(&self, address: u64) -> (usize, usize) {
        let region = (address >> 32) as usize;
        let slots = self.function.slots.len();
        let region = if region as u64 >= MAP_REGION { region - MAP_REGION as usize + slots } else { region };
        (region, address as u32 as usize)
    }

    fn bytes(&self, address: u64, size: u32) -> Vec<u8> {
        let (region, offset) = self.region(address);
        self.regions[region][offset..offset + size as usize].to_vec()
    }

    fn call(&mut self, helper: Helper, arguments: &[u64]) -> u64 {
        let slots = self.function.slots.len();
        let key = |this: &Self| {
            let map = &this.module.maps[MapId(arguments[0] as u32)];
            (arguments[0] as u32, this.bytes(arguments[1], map.key_size))
        };
        match helper {
            Helper::GET_CURRENT_PID_TGID => 0x0000_1234_0000_5678,
            Helper::SEND_SIGNAL => {
                self.signals.push(arguments[0]);
                0
            }
            Helper::GET_CURRENT_COMM => {
                let (region, offset) = self.region(arguments[0]);
                self.regions[region][offset..offset + arguments[1] as usize].fill(b'c');
                0
            }
            Helper::MAP_LOOKUP_ELEM => {
                let region = self.entries.get(&key(self));
                region.map_or(0, |region| (MAP_REGION + (region - slots) as u64) << 32)
            }
            Helper::MAP_UPDATE_ELEM => {
                let (key, size) = (key(self), self.module.maps[MapId(arguments[0] as u32)].value_size);
                let value = self.bytes(arguments[2], size);
                // A fresh region each time: pointers to the old value keep pointing at the old value.
                self.regions.push(value);
                self.entries.insert(key, self.regions.len() - 1);
                0
            }
            Helper::MAP_DELETE_ELEM => {
                self.entries.remove(&key(self));
                0
            }
            other => panic!("the interpreter does not know {other}"),
        }
    }
}
