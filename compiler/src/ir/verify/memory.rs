//! Accesses stay inside slots and map values, and helpers on maps get a map and enough bytes.

use crate::ir::{Address, Block, Function, Helper, Instruction, MapData, MapKind, Module, Terminator, Value, ValueDef};

/// What is wrong with the accesses to memory; the structure is sound.
pub(super) fn check(function: &Function, module: &Module) -> Vec<String> {
    let mut check = Check { function, module, problems: Vec::new() };
    for (block, data) in function.blocks.iter() {
        for inst in &data.instructions {
            check.instruction(block, &function.instructions[*inst].instruction);
        }
    }
    check.problems
}

struct Check<'a> {
    function: &'a Function,
    module: &'a Module,
    problems: Vec<String>,
}

impl<'a> Check<'a> {
    fn instruction(&mut self, block: Block, instruction: &Instruction) {
        match instruction {
            Instruction::Load { address, size, .. }
            | Instruction::Store { address, size, .. }
            | Instruction::AtomicAdd { address, size, .. } => self.inside(block, *address, size.bytes()),
            Instruction::Zero { address, size } => self.inside(block, *address, *size),
            Instruction::StoreBytes { address, bytes } => self.inside(block, *address, bytes.len() as u32),
            Instruction::Copy { to, from, size } => {
                self.inside(block, *to, *size);
                self.inside(block, *from, *size);
                self.disjoint(block, *to, *from, *size);
            }
            Instruction::SlotAddress(slot, offset) => self.inside(block, Address::Slot(*slot, *offset), 0),
            Instruction::MapValueAddress(map, offset) => {
                let map = &self.module.maps[*map];
                if map.kind != MapKind::Array || *offset >= map.value_size {
                    self.problem(block, format!("{} has no constant address of byte {offset}", map.symbol));
                }
            }
            Instruction::Call(helper, arguments) => self.call(block, *helper, arguments),
            Instruction::Const(_)
            | Instruction::Binary(..)
            | Instruction::Unary(..)
            | Instruction::Compare(..)
            | Instruction::MapReference(_)
            | Instruction::GlobalAddress(_)
            | Instruction::Context
            | Instruction::CallFunction(..)
            | Instruction::CallKernel { .. }
            | Instruction::FunctionAddress(_) => {}
        }
    }

    fn inside(&mut self, block: Block, address: Address, size: u32) {
        if let Address::Slot(slot, offset) = address {
            let available = self.function.slots[slot].size;
            if u64::from(offset) + u64::from(size) > u64::from(available) {
                self.problem(block, format!("{size} bytes at {address}, {slot} has {available}"));
            }
        }
    }

    fn disjoint(&mut self, block: Block, to: Address, from: Address, size: u32) {
        if let (Address::Slot(to_slot, to_offset), Address::Slot(from_slot, from_offset)) = (to, from)
            && to_slot == from_slot
            && to_offset.abs_diff(from_offset) < size
        {
            self.problem(block, format!("copy of {size} bytes from {from} to {to} overlaps"));
        }
    }

    /// Map helpers: the map, and in slots as many bytes as its keys and values have.
    fn call(&mut self, block: Block, helper: Helper, arguments: &[Value]) {
        let (key, value) = match helper {
            Helper::MAP_LOOKUP_ELEM | Helper::MAP_DELETE_ELEM | Helper::MAP_LOOKUP_PERCPU_ELEM => (Some(1), None),
            Helper::MAP_UPDATE_ELEM => (Some(1), Some(2)),
            Helper::FOR_EACH_MAP_ELEM | Helper::RINGBUF_RESERVE | Helper::RINGBUF_OUTPUT => (None, None),
            _ => return,
        };
        let mut maps = Vec::new();
        let are_maps = arguments.first().is_some_and(|first| self.collect_maps(*first, &mut Vec::new(), &mut maps));
        if !are_maps || maps.is_empty() {
            return self.problem(block, format!("the first argument of {helper} is no map"));
        }
        for map in maps {
            self.enough(block, arguments, key, map.key_size);
            self.enough(block, arguments, value, map.value_size);
        }
    }

    /// The maps that a value may be, whichever way control came; false if it may be something else.
    fn collect_maps(&self, value: Value, seen: &mut Vec<Value>, maps: &mut Vec<&'a MapData>) -> bool {
        if seen.contains(&value) {
            return true;
        }
        seen.push(value);
        match self.function.values[value].definition {
            ValueDef::Result(inst) => match self.function.instructions[inst].instruction {
                Instruction::MapReference(map) => {
                    maps.push(&self.module.maps[map]);
                    true
                }
                _ => false,
            },
            ValueDef::Parameter(block, index) => {
                let terminators = self.function.blocks.iter().filter_map(|(_, data)| data.terminator.as_ref());
                terminators.flat_map(Terminator::targets).filter(|(target, _)| *target == block).all(
                    |(_, arguments)| {
                        arguments.get(index as usize).is_some_and(|value| self.collect_maps(*value, seen, maps))
                    },
                )
            }
        }
    }

    fn enough(&mut self, block: Block, arguments: &[Value], index: Option<usize>, size: u32) {
        let Some(index) = index else { return };
        let Some(argument) = arguments.get(index) else {
            return self.problem(block, format!("argument {index} of a map helper is missing"));
        };
        if let Some(Instruction::SlotAddress(slot, offset)) = self.function.definition(*argument) {
            self.inside(block, Address::Slot(*slot, *offset), size);
        }
    }

    fn problem(&mut self, block: Block, problem: String) {
        self.problems.push(format!("{block}: {problem}"));
    }
}
