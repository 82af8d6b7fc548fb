//! Numbers what is left afresh: unreachable blocks, unlisted instructions, unused slots and their numbers go.
//!
//! Blocks come out in reverse postorder, which is also the order that the code generator lays them out in.

use super::Surroundings;
use super::substitution::compacted;
use crate::ir::analysis::ControlFlow;
use crate::ir::entity::Entity;
use crate::ir::{
    Address, Arena, Block, BlockData, Function, InstData, Instruction, Slot, Terminator, Value, ValueData, ValueDef,
};
use rustc_hash::FxHashMap;

pub(super) fn run(function: &mut Function, _: &Surroundings) -> bool {
    let order = ControlFlow::new(function).order;
    let mut compaction = Compaction {
        blocks: order.iter().enumerate().map(|(index, block)| (*block, Block::new(index))).collect(),
        values: FxHashMap::default(),
        slots: FxHashMap::default(),
    };
    let mut used = vec![false; function.slots.len()];
    for inst in order.iter().flat_map(|block| &function.blocks[*block].instructions) {
        slots_mut(&mut function.instructions[*inst].instruction).iter().for_each(|slot| used[slot.index()] = true);
    }
    let slots = compacted(
        &function.slots,
        |slot| used[slot.index()],
        |old, new| {
            compaction.slots.insert(old, new);
        },
    );
    let mut result = Function { slots, ..Function::new(function.name.clone(), function.kind.clone()) };
    for block in &order {
        compaction.define_block(function, *block, &mut result);
    }
    for (_, data) in result.instructions.iter_mut() {
        data.instruction.visit_operands_mut(|value| *value = compaction.values[value]);
    }
    for (_, data) in result.blocks.iter_mut() {
        data.terminator.iter_mut().for_each(|terminator| compaction.terminator(terminator));
    }
    *function = result;
    false
}

struct Compaction {
    blocks: FxHashMap<Block, Block>,
    values: FxHashMap<Value, Value>,
    slots: FxHashMap<Slot, Slot>,
}

impl Compaction {
    fn define_block(&mut self, old: &Function, block: Block, result: &mut Function) {
        let data = &old.blocks[block];
        let new_block = self.blocks[&block];
        let mut new = BlockData { terminator: data.terminator.clone(), ..BlockData::default() };
        for (index, parameter) in data.parameters.iter().enumerate() {
            let definition = ValueDef::Parameter(new_block, index as u32);
            new.parameters.push(self.define(&mut result.values, *parameter, definition));
        }
        for inst in &data.instructions {
            let InstData { mut instruction, result: old_result, span } = old.instructions[*inst].clone();
            slots_mut(&mut instruction).into_iter().for_each(|slot| *slot = self.slots[slot]);
            let inst = result.instructions.push(InstData { instruction, result: None, span });
            result.instructions[inst].result =
                old_result.map(|value| self.define(&mut result.values, value, ValueDef::Result(inst)));
            new.instructions.push(inst);
        }
        result.blocks.push(new);
    }

    fn define(&mut self, values: &mut Arena<Value, ValueData>, old: Value, definition: ValueDef) -> Value {
        let new = values.push(ValueData { definition });
        self.values.insert(old, new);
        new
    }

    fn terminator(&self, terminator: &mut Terminator) {
        terminator.visit_operands_mut(|value| *value = self.values[value]);
        for (block, _) in terminator.targets_mut() {
            *block = self.blocks[block];
        }
    }
}

fn slots_mut(instruction: &mut Instruction) -> Vec<&mut Slot> {
    if let Instruction::SlotAddress(slot, _) = instruction {
        return vec![slot];
    }
    let slots = instruction.addresses_mut().into_iter().filter_map(|address| match address {
        Address::Slot(slot, _) => Some(slot),
        Address::Pointer(..) => None,
    });
    slots.collect()
}
