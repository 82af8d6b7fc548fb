//! What nothing observable needs goes: instructions, block parameters with their arguments, writes to slots that nobody
//! reads.
//!
//! Observable are: memory behind pointers, calls that may write, control flow, the result. Everything starts as dead and
//! is marked from there, so that values that only keep each other alive around a loop go as well.

use super::Surroundings;
use super::simplify_parameters::remove_parameters;
use crate::ir::analysis::ControlFlow;
use crate::ir::entity::Entity;
use crate::ir::{Address, Function, HelperEffect, Inst, Instruction, Slot, Value, ValueDef};

pub(super) fn run(function: &mut Function, surroundings: &Surroundings) -> bool {
    let control_flow = surroundings.control_flow(function);
    let alive = Marking::new(function, &control_flow).finish();
    let mut changed = false;
    for block in &control_flow.order {
        let before = function.blocks[*block].instructions.len();
        function.blocks[*block].instructions.retain(|inst| alive.instructions[inst.index()]);
        changed |= function.blocks[*block].instructions.len() != before;
        let is_dead = |parameter: &Value| !alive.values[parameter.index()];
        let parameters = &function.blocks[*block].parameters;
        if *block != function.entry() && parameters.iter().any(is_dead) {
            let keep: Vec<bool> = parameters.iter().map(|parameter| !is_dead(parameter)).collect();
            changed = true;
            remove_parameters(function, &control_flow, *block, &keep);
        }
    }
    changed | forget_old_values(function, &control_flow)
}

/// Atomic additions whose old value is unused need not fetch it.
fn forget_old_values(function: &mut Function, control_flow: &ControlFlow) -> bool {
    let fetches = |instruction: &Instruction| matches!(instruction, Instruction::AtomicAdd { fetch: true, .. });
    if !function.instructions.values().any(|data| fetches(&data.instruction)) {
        return false;
    }
    let uses = crate::ir::analysis::Uses::new(function, control_flow);
    let mut changed = false;
    for (_, data) in function.instructions.iter_mut() {
        if let (Instruction::AtomicAdd { fetch: fetch @ true, .. }, Some(result)) = (&mut data.instruction, data.result)
            && uses.count(result) == 0
        {
            *fetch = false;
            data.result = None;
            changed = true;
        }
    }
    changed
}

/// What stays.
struct Alive {
    instructions: Vec<bool>,
    values: Vec<bool>,
}

struct Marking<'a> {
    function: &'a Function,
    control_flow: &'a ControlFlow,
    instructions: Vec<bool>,
    values: Vec<bool>,
    slots: Vec<bool>,
    /// Writes that become alive with their slot, each with the place of the one before it to the same slot.
    writers: Vec<(Inst, Option<u32>)>,
    /// By slot: the place of the last.
    last_writer: Vec<Option<u32>>,
    pending: Vec<Value>,
}

impl<'a> Marking<'a> {
    fn new(function: &'a Function, control_flow: &'a ControlFlow) -> Self {
        let mut marking = Self {
            function,
            control_flow,
            instructions: vec![false; function.instructions.len()],
            values: vec![false; function.values.len()],
            slots: vec![false; function.slots.len()],
            writers: Vec::new(),
            last_writer: vec![None; function.slots.len()],
            pending: Vec::with_capacity(64),
        };
        marking.collect_roots();
        marking
    }

    fn collect_roots(&mut self) {
        let (function, control_flow) = (self.function, self.control_flow);
        for block in &control_flow.order {
            let data = &function.blocks[*block];
            for inst in &data.instructions {
                match written_slot(&function.instructions[*inst].instruction) {
                    // A root before may have read the slot already.
                    Some(slot) if self.slots[slot.index()] => self.mark_instruction(*inst),
                    Some(slot) => {
                        let last = self.last_writer[slot.index()].replace(self.writers.len() as u32);
                        self.writers.push((*inst, last));
                    }
                    None if has_effect(&function.instructions[*inst].instruction) => self.mark_instruction(*inst),
                    None => {}
                }
            }
            match &data.terminator {
                Some(crate::ir::Terminator::Branch { condition: value, .. } | crate::ir::Terminator::Return(value)) => {
                    self.mark(*value);
                }
                Some(crate::ir::Terminator::Jump(..)) | None => {}
            }
        }
    }

    fn finish(mut self) -> Alive {
        let (function, control_flow) = (self.function, self.control_flow);
        while let Some(value) = self.pending.pop() {
            match function.values[value].definition {
                ValueDef::Result(inst) => self.mark_instruction(inst),
                ValueDef::Parameter(block, index) => {
                    for predecessor in control_flow.predecessors(block) {
                        let terminator = function.blocks[*predecessor].terminator.iter();
                        for (target, arguments) in terminator.flat_map(|terminator| terminator.targets()) {
                            if target == block {
                                self.mark(arguments[index as usize]);
                            }
                        }
                    }
                }
            }
        }
        Alive { instructions: self.instructions, values: self.values }
    }

    fn mark(&mut self, value: Value) {
        if !std::mem::replace(&mut self.values[value.index()], true) {
            self.pending.push(value);
        }
    }

    fn mark_instruction(&mut self, inst: Inst) {
        if std::mem::replace(&mut self.instructions[inst.index()], true) {
            return;
        }
        let function = self.function;
        let instruction = &function.instructions[inst].instruction;
        instruction.visit_operands(|operand| self.mark(operand));
        if let Some(slot) = read_slot(instruction) {
            self.mark_slot(slot);
        }
    }

    fn mark_slot(&mut self, slot: Slot) {
        if !std::mem::replace(&mut self.slots[slot.index()], true) {
            let mut next = self.last_writer[slot.index()];
            while let Some(writer) = next {
                let (inst, before) = self.writers[writer as usize];
                self.mark_instruction(inst);
                next = before;
            }
        }
    }
}

/// The slot that an instruction writes without any other effect.
pub(super) fn written_slot(instruction: &Instruction) -> Option<Slot> {
    match instruction {
        Instruction::Store { address: Address::Slot(slot, _), .. }
        | Instruction::Copy { to: Address::Slot(slot, _), .. }
        | Instruction::Zero { address: Address::Slot(slot, _), .. }
        | Instruction::StoreBytes { address: Address::Slot(slot, _), .. } => Some(*slot),
        _ => None,
    }
}

/// The slot that an instruction reads, or whose address it gives to somebody who may.
fn read_slot(instruction: &Instruction) -> Option<Slot> {
    match instruction {
        Instruction::Load { address: Address::Slot(slot, _), .. }
        | Instruction::Copy { from: Address::Slot(slot, _), .. }
        | Instruction::SlotAddress(slot, _) => Some(*slot),
        _ => None,
    }
}

/// Whether an instruction does anything besides giving a value.
pub(super) fn has_effect(instruction: &Instruction) -> bool {
    match instruction {
        cast if cast.is_cast() => false,
        Instruction::Store { .. }
        | Instruction::AtomicAdd { .. }
        | Instruction::Copy { .. }
        | Instruction::Zero { .. }
        | Instruction::StoreBytes { .. }
        | Instruction::CallFunction(..)
        | Instruction::CallKernel { .. } => true,
        Instruction::Call(helper, _) => helper.effect() == HelperEffect::Writes,
        Instruction::Const(_)
        | Instruction::Binary(..)
        | Instruction::Unary(..)
        | Instruction::Compare(..)
        | Instruction::Load { .. }
        | Instruction::SlotAddress(..)
        | Instruction::MapReference(_)
        | Instruction::MapValueAddress(..)
        | Instruction::GlobalAddress(_)
        | Instruction::Context
        | Instruction::FunctionAddress(_) => false,
    }
}
