//! References lead somewhere, counts match, results are where they belong.

use crate::ir::entity::Entity;
use crate::ir::{
    Address, Arena, Block, Function, FunctionId, FunctionKind, Inst, Instruction, MemorySize, Module, Terminator,
    UnaryOp, Value, ValueDef,
};

/// Registers for arguments, of helpers and functions alike.
const MAX_ARGUMENTS: usize = 5;

/// What is wrong with the structure of a function.
pub(super) fn check(function: &Function, module: &Module) -> Vec<String> {
    let mut check = Check { function, module, problems: Vec::new(), listed: vec![false; function.instructions.len()] };
    check.function();
    check.problems
}

struct Check<'a> {
    function: &'a Function,
    module: &'a Module,
    problems: Vec<String>,
    listed: Vec<bool>,
}

impl Check<'_> {
    fn function(&mut self) {
        if self.function.blocks.is_empty() {
            return self.problem("no blocks");
        }
        let parameters = self.function.blocks[self.function.entry()].parameters.len();
        if parameters > MAX_ARGUMENTS {
            self.problem(format!("{parameters} parameters, at most {MAX_ARGUMENTS} are possible"));
        }
        for (slot, data) in self.function.slots.iter() {
            if ![1, 2, 4, 8].contains(&data.align) {
                self.problem(format!("{slot}: alignment {}", data.align));
            }
        }
        for block in self.function.blocks.keys() {
            self.block(block);
        }
    }

    fn block(&mut self, block: Block) {
        let data = &self.function.blocks[block];
        for (index, parameter) in data.parameters.iter().enumerate() {
            self.defined_by(*parameter, ValueDef::Parameter(block, index as u32), block);
        }
        for inst in &data.instructions {
            self.instruction(block, *inst);
        }
        if let Some(terminator) = &data.terminator {
            self.terminator(block, terminator);
        }
    }

    fn instruction(&mut self, block: Block, inst: Inst) {
        if !self.exists(&self.function.instructions, inst, block) {
            return;
        }
        if std::mem::replace(&mut self.listed[inst.index()], true) {
            self.problem(format!("{block}: {inst} is listed twice"));
        }
        let data = &self.function.instructions[inst];
        match data.result {
            Some(result) => self.defined_by(result, ValueDef::Result(inst), block),
            None if data.instruction.has_result() => self.problem(format!("{block}: {inst} has no result")),
            None => {}
        }
        if data.result.is_some() && !data.instruction.has_result() {
            self.problem(format!("{block}: {inst} has a result but gives none"));
        }
        for operand in data.instruction.operands() {
            self.exists(&self.function.values, operand, block);
        }
        self.entities(block, &data.instruction);
        self.sizes(block, &data.instruction);
    }

    fn terminator(&mut self, block: Block, terminator: &Terminator) {
        for operand in terminator.operands() {
            self.exists(&self.function.values, operand, block);
        }
        for (target, arguments) in terminator.targets() {
            if !self.exists(&self.function.blocks, target, block) {
                continue;
            }
            if target == self.function.entry() {
                self.problem(format!("{block}: goes back to the entry"));
            }
            let wanted = self.function.blocks[target].parameters.len();
            if arguments.len() != wanted {
                self.problem(format!("{block}: {} arguments for {target}, which has {wanted}", arguments.len()));
            }
        }
    }

    /// The slots, maps, globals and functions that an instruction names.
    fn entities(&mut self, block: Block, instruction: &Instruction) {
        let mut slots = Vec::new();
        match instruction {
            Instruction::Load { address, .. }
            | Instruction::Store { address, .. }
            | Instruction::AtomicAdd { address, .. }
            | Instruction::Zero { address, .. }
            | Instruction::StoreBytes { address, .. } => slots.push(address),
            Instruction::Copy { to, from, .. } => slots.extend([to, from]),
            Instruction::SlotAddress(slot, _) => {
                self.exists(&self.function.slots, *slot, block);
            }
            Instruction::MapReference(map) | Instruction::MapValueAddress(map, _) => {
                self.exists(&self.module.maps, *map, block);
            }
            Instruction::GlobalAddress(global) => {
                self.exists(&self.module.globals, *global, block);
            }
            Instruction::FunctionAddress(function) => self.function_address(block, *function),
            Instruction::CallFunction(function, arguments) => self.call(block, *function, arguments.len()),
            Instruction::Call(helper, arguments) if arguments.len() > MAX_ARGUMENTS => {
                self.problem(format!("{block}: {} arguments for {helper}", arguments.len()));
            }
            Instruction::CallKernel { name, arguments, .. } if arguments.len() > MAX_ARGUMENTS => {
                self.problem(format!("{block}: {} arguments for {name}", arguments.len()));
            }
            Instruction::Call(..)
            | Instruction::CallKernel { .. }
            | Instruction::Const(_)
            | Instruction::Binary(..)
            | Instruction::Unary(..)
            | Instruction::Compare(..)
            | Instruction::Context => {}
        }
        for address in slots {
            if let Address::Slot(slot, _) = address {
                self.exists(&self.function.slots, *slot, block);
            }
        }
    }

    fn function_address(&mut self, block: Block, function: FunctionId) {
        if self.exists(&self.module.functions, function, block)
            && self.module.functions[function].kind != FunctionKind::Callback
        {
            self.problem(format!("{block}: address of {function}, which is no callback"));
        }
    }

    fn call(&mut self, block: Block, function: FunctionId, arguments: usize) {
        if !self.exists(&self.module.functions, function, block) {
            return;
        }
        let callee = &self.module.functions[function];
        if callee.kind != FunctionKind::Subprogram {
            self.problem(format!("{block}: calls {function}, which is no sub-program"));
        }
        let wanted = callee.blocks.values().next().map_or(0, |entry| entry.parameters.len());
        if arguments != wanted {
            self.problem(format!("{block}: {arguments} arguments for {function}, which has {wanted}"));
        }
    }

    /// The sizes that only some operations allow.
    fn sizes(&mut self, block: Block, instruction: &Instruction) {
        match instruction {
            Instruction::Unary(op @ (UnaryOp::ZeroExtend(MemorySize::B8) | UnaryOp::SignExtend(MemorySize::B8)), _)
            | Instruction::Unary(op @ UnaryOp::ByteSwap(MemorySize::B1), _) => {
                self.problem(format!("{block}: {op:?} has nothing to do"));
            }
            Instruction::AtomicAdd { address: Address::Slot(slot, _), .. } => {
                self.problem(format!("{block}: atomic addition to {slot}"));
            }
            Instruction::AtomicAdd { size: MemorySize::B1 | MemorySize::B2, .. } => {
                self.problem(format!("{block}: atomic addition of less than 4 bytes"));
            }
            _ => {}
        }
    }

    fn defined_by(&mut self, value: Value, definition: ValueDef, block: Block) {
        if self.exists(&self.function.values, value, block) && self.function.values[value].definition != definition {
            self.problem(format!("{block}: {value} is defined in two places"));
        }
    }

    fn exists<K: Entity + std::fmt::Display, T>(&mut self, arena: &Arena<K, T>, entity: K, block: Block) -> bool {
        let exists = entity.index() < arena.len();
        if !exists {
            self.problem(format!("{block}: {entity} does not exist"));
        }
        exists
    }

    fn problem(&mut self, problem: impl Into<String>) {
        self.problems.push(problem.into());
    }
}
