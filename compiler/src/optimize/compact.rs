//! Numbers what is left afresh: unreachable blocks, unlisted instructions, unused slots and their numbers go.
//!
//! Blocks come out in reverse postorder, which is also the order that the code generator lays them out in.

use super::Surroundings;
use crate::ir::analysis::ControlFlow;
use crate::ir::entity::Entity;
use crate::ir::{
    Address, Arena, Block, Function, InstData, Instruction, Slot, SlotData, Terminator, Value, ValueData, ValueDef,
};

pub(super) fn run(function: &mut Function, surroundings: &Surroundings) -> bool {
    let control_flow = surroundings.control_flow(function);
    let name = std::mem::take(&mut function.name);
    let mut old = std::mem::replace(function, Function::new(name, function.kind.clone()));
    let instructions = control_flow.order.iter().map(|block| old.blocks[*block].instructions.len()).sum();
    function.blocks = Arena::with_capacity(control_flow.order.len());
    function.instructions = Arena::with_capacity(instructions);
    function.values = Arena::with_capacity(instructions);
    let mut compaction = Compaction {
        blocks: vec![Block::new(0); old.blocks.len()],
        values: vec![Value::new(0); old.values.len()],
        slots: vec![Slot::new(0); old.slots.len()],
    };
    for (index, block) in control_flow.order.iter().enumerate() {
        compaction.blocks[block.index()] = Block::new(index);
    }
    function.slots = compaction.used_slots(&mut old, &control_flow);
    for block in &control_flow.order {
        compaction.define_block(&mut old, *block, function);
    }
    for (_, data) in function.instructions.iter_mut() {
        data.instruction.visit_operands_mut(|value| *value = compaction.values[value.index()]);
    }
    for (_, data) in function.blocks.iter_mut() {
        data.terminator.iter_mut().for_each(|terminator| compaction.terminator(terminator));
    }
    true
}

/// The new number of each that is left.
struct Compaction {
    blocks: Vec<Block>,
    values: Vec<Value>,
    slots: Vec<Slot>,
}

impl Compaction {
    fn used_slots(&mut self, old: &mut Function, control_flow: &ControlFlow) -> Arena<Slot, SlotData> {
        let mut used = vec![false; old.slots.len()];
        for inst in control_flow.order.iter().flat_map(|block| &old.blocks[*block].instructions) {
            visit_slots(&mut old.instructions[*inst].instruction, |slot| used[slot.index()] = true);
        }
        let mut result = Arena::default();
        for (slot, data) in old.slots.iter_mut().filter(|(slot, _)| used[slot.index()]) {
            let name = std::mem::take(&mut data.name);
            self.slots[slot.index()] = result.push(SlotData { name, ..*data });
        }
        result
    }

    fn define_block(&mut self, old: &mut Function, block: Block, result: &mut Function) {
        let mut data = std::mem::take(&mut old.blocks[block]);
        let new_block = self.blocks[block.index()];
        for (index, parameter) in data.parameters.iter_mut().enumerate() {
            let definition = ValueDef::Parameter(new_block, index as u32);
            *parameter = self.define(&mut result.values, *parameter, definition);
        }
        for inst in &mut data.instructions {
            let InstData { instruction, result: old_result, span } = &mut old.instructions[*inst];
            let mut instruction = std::mem::replace(instruction, Instruction::Context);
            visit_slots(&mut instruction, |slot| *slot = self.slots[slot.index()]);
            *inst = result.instructions.push(InstData { instruction, result: None, span: *span });
            result.instructions[*inst].result =
                old_result.map(|value| self.define(&mut result.values, value, ValueDef::Result(*inst)));
        }
        result.blocks.push(data);
    }

    fn define(&mut self, values: &mut Arena<Value, ValueData>, old: Value, definition: ValueDef) -> Value {
        let new = values.push(ValueData { definition });
        self.values[old.index()] = new;
        new
    }

    fn terminator(&self, terminator: &mut Terminator) {
        terminator.visit_operands_mut(|value| *value = self.values[value.index()]);
        for (block, _) in terminator.targets_mut() {
            *block = self.blocks[block.index()];
        }
    }
}

fn visit_slots(instruction: &mut Instruction, mut visit: impl FnMut(&mut Slot)) {
    if let Instruction::SlotAddress(slot, _) = instruction {
        return visit(slot);
    }
    for address in instruction.addresses_mut() {
        if let Address::Slot(slot, _) = address {
            visit(slot);
        }
    }
}
