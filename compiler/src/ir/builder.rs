//! Builds a function block by block; scratch variables become SSA values on the fly (Braun et al., "Simple and Efficient
//! Construction of Static Single Assignment Form", 2013).

use super::{
    Arena, Block, BlockData, Function, FunctionKind, Inst, InstData, Instruction, Slot, SlotData, SlotHome, Terminator,
    Value, ValueData, ValueDef,
};
use lancet_syntax::span::Span;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// A variable of the function under construction.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Variable(pub u32);

type Predecessors = SmallVec<[Block; 2]>;

/// Builds one [`Function`].
pub struct FunctionBuilder {
    function: Function,
    current: Block,
    span: Span,
    definitions: FxHashMap<(Variable, Block), Value>,
    /// By block: those that end with a jump to it.
    predecessors: Vec<Predecessors>,
    sealed: Vec<bool>,
    incomplete: FxHashMap<Block, Vec<Variable>>,
    variables: u32,
}

impl FunctionBuilder {
    /// Starts a function with `parameters` parameters; the entry block is current.
    pub fn new(name: impl Into<String>, kind: FunctionKind, parameters: usize) -> Self {
        let mut function = Function::new(name, kind);
        if let FunctionKind::Program { .. } = function.kind {
            // What a program of a few statements needs.
            function.blocks = Arena::with_capacity(32);
            function.instructions = Arena::with_capacity(128);
            function.values = Arena::with_capacity(128);
        }
        let mut builder = Self {
            function,
            current: Block(0),
            span: Span::default(),
            definitions: FxHashMap::default(),
            predecessors: Vec::new(),
            sealed: Vec::new(),
            incomplete: FxHashMap::default(),
            variables: 0,
        };
        let entry = builder.block();
        for _ in 0..parameters {
            builder.append_parameter(entry);
        }
        builder.seal(entry);
        builder
    }

    /// The finished function.
    pub fn finish(self) -> Function {
        self.function
    }

    /// The function as it stands.
    pub fn function(&self) -> &Function {
        &self.function
    }

    /// The n-th parameter of the function.
    pub fn parameter(&self, index: usize) -> Value {
        self.function.blocks[self.function.entry()].parameters[index]
    }

    /// Following instructions serve this part of the script.
    pub fn set_span(&mut self, span: Span) {
        self.span = span;
    }

    /// The part of the script that instructions serve now.
    pub fn span(&self) -> Span {
        self.span
    }

    /// A new, unsealed block.
    pub fn block(&mut self) -> Block {
        self.sealed.push(false);
        self.predecessors.push(Predecessors::new());
        self.function.blocks.push(BlockData::default())
    }

    /// Goes on in `block`.
    pub fn switch_to(&mut self, block: Block) {
        self.current = block;
    }

    /// The block that is built.
    pub fn current(&self) -> Block {
        self.current
    }

    /// True when the current block has its terminator: what follows is unreachable.
    pub fn is_terminated(&self) -> bool {
        self.function.blocks[self.current].terminator.is_some()
    }

    /// A new slot.
    pub fn slot(&mut self, size: u32, align: u32, name: impl Into<String>) -> Slot {
        self.function.slots.push(SlotData { size, align, name: name.into(), home: SlotHome::Anywhere })
    }

    /// A new slot that must be on the stack.
    pub fn stack_slot(&mut self, size: u32, align: u32, name: impl Into<String>) -> Slot {
        self.function.slots.push(SlotData { size, align, name: name.into(), home: SlotHome::Stack })
    }

    /// A new slot that is read and written at places that are computed.
    pub fn scratch_slot(&mut self, size: u32, align: u32, name: impl Into<String>) -> Slot {
        self.function.slots.push(SlotData { size, align, name: name.into(), home: SlotHome::Scratch })
    }

    /// From now on the slot is read at places that are computed; false when it has to be on the stack.
    pub fn move_to_scratch(&mut self, slot: Slot) -> bool {
        let data = &mut self.function.slots[slot];
        let free = data.home != SlotHome::Stack;
        if free {
            data.home = SlotHome::Scratch;
        }
        free
    }

    /// Makes a slot larger.
    pub fn grow_slot(&mut self, slot: Slot, size: u32) {
        let data = &mut self.function.slots[slot];
        data.size = data.size.max(size);
    }

    /// Appends an instruction; returns its result.
    ///
    /// Panics when the instruction has none: that is a mistake of the lowering.
    pub fn value(&mut self, instruction: Instruction) -> Value {
        self.push(instruction).unwrap_or_else(|| panic!("lowering: an instruction without a result is used as a value"))
    }

    /// Appends an instruction for its effect.
    pub fn push(&mut self, instruction: Instruction) -> Option<Value> {
        if self.is_terminated() {
            let dead = self.block();
            self.seal(dead);
            self.current = dead;
        }
        let has_result = instruction.has_result();
        let inst: Inst = self.function.instructions.push(InstData { instruction, result: None, span: self.span });
        let result = has_result.then(|| self.function.values.push(ValueData { definition: ValueDef::Result(inst) }));
        self.function.instructions[inst].result = result;
        let instructions = &mut self.function.blocks[self.current].instructions;
        if instructions.capacity() == 0 {
            instructions.reserve(8);
        }
        instructions.push(inst);
        result
    }

    /// Ends the current block; ignored when it has ended.
    pub fn terminate(&mut self, terminator: Terminator) {
        if self.is_terminated() {
            return;
        }
        for (target, _) in terminator.targets() {
            self.predecessors[target.0 as usize].push(self.current);
        }
        self.function.blocks[self.current].terminator = Some(terminator);
    }

    /// Ends the current block with a jump.
    pub fn jump(&mut self, block: Block) {
        self.terminate(Terminator::Jump(block, Vec::new()));
    }

    /// Ends the current block with a branch.
    pub fn branch(&mut self, condition: Value, then: Block, otherwise: Block) {
        self.terminate(Terminator::Branch { condition, then: (then, Vec::new()), otherwise: (otherwise, Vec::new()) });
    }

    /// A new variable.
    pub fn variable(&mut self) -> Variable {
        self.variables += 1;
        Variable(self.variables - 1)
    }

    /// The variable has this value from here on.
    pub fn define(&mut self, variable: Variable, value: Value) {
        self.definitions.insert((variable, self.current), value);
    }

    /// The variable's value here.
    ///
    /// Panics when no path defines it: the checker has seen to that.
    pub fn read(&mut self, variable: Variable) -> Value {
        self.read_in(variable, self.current)
    }

    /// All predecessors of `block` are known.
    pub fn seal(&mut self, block: Block) {
        self.sealed[block.0 as usize] = true;
        for variable in self.incomplete.remove(&block).unwrap_or_default() {
            self.add_arguments(variable, block);
        }
    }

    fn read_in(&mut self, variable: Variable, block: Block) -> Value {
        if let Some(value) = self.definitions.get(&(variable, block)) {
            return *value;
        }
        let value = if !self.sealed[block.0 as usize] {
            let parameter = self.append_parameter(block);
            self.incomplete.entry(block).or_default().push(variable);
            parameter
        } else {
            match self.predecessors[block.0 as usize].as_slice() {
                // Unreachable code reads anything.
                [] => self.constant_in(block),
                [only] => self.read_in(variable, *only),
                _ => match self.same_everywhere(variable, block) {
                    Some(value) => value,
                    None => {
                        let parameter = self.append_parameter(block);
                        self.definitions.insert((variable, block), parameter);
                        self.add_arguments(variable, block);
                        parameter
                    }
                },
            }
        };
        self.definitions.insert((variable, block), value);
        value
    }

    /// The variable's value, if it is seen to be the same at the end of all predecessors, as behind code that leaves it alone.
    fn same_everywhere(&self, variable: Variable, block: Block) -> Option<Value> {
        let mut values = self.predecessors[block.0 as usize].iter().map(|from| self.seen_value(variable, *from));
        let first = values.next()??;
        values.all(|value| value == Some(first)).then_some(first)
    }

    /// The variable's value at the end of a block, as far as one way leads to it.
    fn seen_value(&self, variable: Variable, mut block: Block) -> Option<Value> {
        loop {
            if let Some(value) = self.definitions.get(&(variable, block)) {
                return Some(*value);
            }
            match self.predecessors[block.0 as usize].as_slice() {
                [only] if self.sealed[block.0 as usize] => block = *only,
                _ => return None,
            }
        }
    }

    /// Makes every predecessor of `block` hand over `variable` as the next argument.
    fn add_arguments(&mut self, variable: Variable, block: Block) {
        let mut predecessors = self.predecessors[block.0 as usize].clone();
        predecessors.dedup();
        for predecessor in predecessors {
            let value = self.read_in(variable, predecessor);
            if let Some(terminator) = &mut self.function.blocks[predecessor].terminator {
                match terminator {
                    Terminator::Jump(_, arguments) => arguments.push(value),
                    Terminator::Branch { then, otherwise, .. } => {
                        for target in [then, otherwise] {
                            if target.0 == block {
                                target.1.push(value);
                            }
                        }
                    }
                    Terminator::Return(_) => {}
                }
            }
        }
    }

    fn append_parameter(&mut self, block: Block) -> Value {
        let index = self.function.blocks[block].parameters.len() as u32;
        let value = self.function.values.push(ValueData { definition: ValueDef::Parameter(block, index) });
        self.function.blocks[block].parameters.push(value);
        value
    }

    fn constant_in(&mut self, block: Block) -> Value {
        let inst = self.function.instructions.push(InstData {
            instruction: Instruction::Const(0),
            result: None,
            span: self.span,
        });
        let value = self.function.values.push(ValueData { definition: ValueDef::Result(inst) });
        self.function.instructions[inst].result = Some(value);
        self.function.blocks[block].instructions.insert(0, inst);
        value
    }
}
