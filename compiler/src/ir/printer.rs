//! From a module or function to text: what `-d ir` shows, and what [`super::parser`] reads back.
//!
//! Invariant: one instruction, one line. Spans and entities that nothing refers to are left out. Within a module maps and
//! functions go by their symbols (`@x`, `%program`), alone by their numbers (`m0`, `f0`).

use super::{
    Address, Block, BlockData, Function, FunctionId, FunctionKind, Helper, InstData, Instruction, MapId, Module,
    SlotHome, Terminator, Value,
};
use std::fmt::{self, Display, Formatter};

impl Display for Module {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for map in self.maps.values() {
            write!(f, "map {} {}", Symbol('@', &map.symbol), map.kind.name())?;
            write!(f, " key {} value {}", map.key_size, map.value_size)?;
            writeln!(f, " entries {} flags {}", map.max_entries, map.flags)?;
        }
        for (id, bytes) in self.globals.iter() {
            writeln!(f, "global {id} {}", Bytes(bytes))?;
        }
        let mut first = self.maps.is_empty() && self.globals.is_empty();
        for function in self.functions.values() {
            if !first {
                writeln!(f)?;
            }
            first = false;
            write!(f, "{}", FunctionText { function, module: Some(self) })?;
        }
        Ok(())
    }
}

impl Display for Function {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", FunctionText { function: self, module: None })
    }
}

/// A function with the module that names what it refers to, if known.
struct FunctionText<'a> {
    function: &'a Function,
    module: Option<&'a Module>,
}

impl Display for FunctionText<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let name = Symbol('%', &self.function.name);
        match &self.function.kind {
            FunctionKind::Program { section } => {
                writeln!(f, "program {name} section {} {{", Bytes(section.as_bytes()))?
            }
            FunctionKind::Subprogram => writeln!(f, "subprogram {name} {{")?,
            FunctionKind::Callback => writeln!(f, "callback {name} {{")?,
        }
        for (slot, data) in self.function.slots.iter() {
            write!(f, "  slot {slot} size {} align {}", data.size, data.align)?;
            let home = match data.home {
                SlotHome::Anywhere => "",
                SlotHome::Stack => " stack",
                SlotHome::Scratch => " scratch",
            };
            write!(f, "{home} {}", Bytes(data.name.as_bytes()))?;
            writeln!(f)?;
        }
        for (block, data) in self.function.blocks.iter() {
            self.block(f, block, data)?;
        }
        writeln!(f, "}}")
    }
}

impl FunctionText<'_> {
    fn block(&self, f: &mut Formatter<'_>, block: Block, data: &BlockData) -> fmt::Result {
        writeln!(f, "{block}{}:", Arguments(&data.parameters))?;
        for inst in &data.instructions {
            write!(f, "  ")?;
            self.instruction(f, &self.function.instructions[*inst])?;
            writeln!(f)?;
        }
        match &data.terminator {
            Some(terminator) => writeln!(f, "  {terminator}"),
            None => writeln!(f, "  unterminated"),
        }
    }

    fn instruction(&self, f: &mut Formatter<'_>, data: &InstData) -> fmt::Result {
        if let Some(result) = data.result {
            write!(f, "{result} = ")?;
        }
        match &data.instruction {
            Instruction::Const(value) => write!(f, "const {value}"),
            Instruction::Binary(op, width, left, right) => {
                write!(f, "{}.{} {left}, {right}", op.name(), width.name())
            }
            Instruction::Unary(op, operand) => match op.size() {
                Some(size) => write!(f, "{}.{} {operand}", op.name(), size.name()),
                None => write!(f, "{} {operand}", op.name()),
            },
            Instruction::Compare(comparison, width, left, right) => {
                write!(f, "{}.{} {left}, {right}", comparison.name(), width.name())
            }
            Instruction::Load { address, size, signed } => {
                write!(f, "load.{}{} {address}", size.name(), if *signed { ".signed" } else { "" })
            }
            Instruction::Store { address, size, value } => write!(f, "store.{} {address}, {value}", size.name()),
            Instruction::AtomicAdd { address, size, value, fetch } => {
                let fetch = if *fetch { ".fetch" } else { "" };
                write!(f, "atomic_add.{}{fetch} {address}, {value}", size.name())
            }
            Instruction::Copy { to, from, size } => write!(f, "copy {to}, {from}, {size}"),
            Instruction::Zero { address, size } => write!(f, "zero {address}, {size}"),
            Instruction::StoreBytes { address, bytes } => write!(f, "store_bytes {address}, {}", Bytes(bytes)),
            Instruction::SlotAddress(slot, offset) => write!(f, "slot_address {}", Address::Slot(*slot, *offset)),
            Instruction::MapReference(map) => {
                write!(f, "map ")?;
                self.map(f, *map)
            }
            Instruction::MapValueAddress(map, offset) => {
                write!(f, "map_value ")?;
                self.map(f, *map)?;
                write!(f, ", {offset}")
            }
            Instruction::GlobalAddress(global) => write!(f, "global {global}"),
            Instruction::Context => write!(f, "context"),
            Instruction::Call(helper, arguments) => write!(f, "call {helper}{}", Parenthesized(arguments)),
            Instruction::CallFunction(function, arguments) => {
                write!(f, "call_function ")?;
                self.function(f, *function)?;
                write!(f, "{}", Parenthesized(arguments))
            }
            Instruction::CallKernel { name, btf_id, arguments } => {
                write!(f, "call_kernel {}, {btf_id}{}", Symbol('$', name), Parenthesized(arguments))
            }
            Instruction::FunctionAddress(function) => {
                write!(f, "function_address ")?;
                self.function(f, *function)
            }
        }
    }

    fn map(&self, f: &mut Formatter<'_>, map: MapId) -> fmt::Result {
        match self.module.filter(|module| map.0 < module.maps.len() as u32) {
            Some(module) => write!(f, "{}", Symbol('@', &module.maps[map].symbol)),
            None => write!(f, "{map}"),
        }
    }

    fn function(&self, f: &mut Formatter<'_>, function: FunctionId) -> fmt::Result {
        match self.module.filter(|module| function.0 < module.functions.len() as u32) {
            Some(module) => write!(f, "{}", Symbol('%', &module.functions[function].name)),
            None => write!(f, "{function}"),
        }
    }
}

impl Display for Terminator {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Jump(block, arguments) => write!(f, "jump {block}{}", Arguments(arguments)),
            Self::Branch { condition, then, otherwise } => {
                write!(f, "branch {condition}, {}{}", then.0, Arguments(&then.1))?;
                write!(f, ", {}{}", otherwise.0, Arguments(&otherwise.1))
            }
            Self::Return(value) => write!(f, "return {value}"),
        }
    }
}

impl Display for Address {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Slot(slot, 0) => write!(f, "[{slot}]"),
            Self::Slot(slot, offset) => write!(f, "[{slot}+{offset}]"),
            Self::Pointer(value, 0) => write!(f, "[{value}]"),
            Self::Pointer(value, offset) => write!(f, "[{value}{offset:+}]"),
        }
    }
}

impl Display for Helper {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.name() {
            "unknown" => write!(f, "helper_{}", self.0),
            name => write!(f, "{name}"),
        }
    }
}

/// `(v1, v2)`, or nothing.
struct Arguments<'a>(&'a [Value]);

impl Display for Arguments<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, "{}", Parenthesized(self.0)) }
    }
}

/// `(v1, v2)`, also when empty.
struct Parenthesized<'a>(&'a [Value]);

impl Display for Parenthesized<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "(")?;
        for (index, value) in self.0.iter().enumerate() {
            write!(f, "{}{value}", if index > 0 { ", " } else { "" })?;
        }
        write!(f, ")")
    }
}

/// A symbol after its mark, quoted when it is no plain word.
struct Symbol<'a>(char, &'a str);

impl Display for Symbol<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let plain =
            !self.1.is_empty() && self.1.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.".contains(&byte));
        if plain { write!(f, "{}{}", self.0, self.1) } else { write!(f, "{}{}", self.0, Bytes(self.1.as_bytes())) }
    }
}

/// Bytes in quotes; what is not printable ASCII is escaped.
struct Bytes<'a>(&'a [u8]);

impl Display for Bytes<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{BinaryOp, FunctionBuilder, MapData, MapKind, MemorySize, Width};
    use super::*;

    #[test]
    fn a_module_is_printed_one_instruction_a_line() {
        let mut module = Module::default();
        let map = module.maps.push(MapData {
            symbol: "x".into(),
            kind: MapKind::Hash,
            key_size: 8,
            value_size: 8,
            max_entries: 4096,
            flags: 0,
        });
        let mut builder = FunctionBuilder::new("begin", FunctionKind::Program { section: "raw_tp".into() }, 1);
        let key = builder.slot(8, 8, "key");
        builder.push(Instruction::StoreBytes { address: Address::Slot(key, 0), bytes: b"a\"\x00".to_vec() });
        let map = builder.value(Instruction::MapReference(map));
        let address = builder.value(Instruction::SlotAddress(key, 4));
        let found = builder.value(Instruction::Call(Helper::MAP_LOOKUP_ELEM, vec![map, address]));
        let (hit, end) = (builder.block(), builder.block());
        builder.branch(found, hit, end);
        builder.switch_to(hit);
        let load = Instruction::Load { address: Address::Pointer(found, -8), size: MemorySize::B4, signed: true };
        let loaded = builder.value(load);
        builder.value(Instruction::Binary(BinaryOp::Add, Width::W64, loaded, loaded));
        builder.jump(end);
        builder.switch_to(end);
        let zero = builder.value(Instruction::Const(0));
        builder.terminate(Terminator::Return(zero));
        module.functions.push(builder.finish());
        let expected = r#"map @x hash key 8 value 8 entries 4096 flags 0

program %begin section "raw_tp" {
  slot s0 size 8 align 8 "key"
b0(v0):
  store_bytes [s0], "a\"\x00"
  v1 = map @x
  v2 = slot_address [s0+4]
  v3 = call map_lookup_elem(v1, v2)
  branch v3, b1, b2
b1:
  v4 = load.b4.signed [v3-8]
  v5 = add.64 v4, v4
  jump b2
b2:
  v6 = const 0
  return v6
}
"#;
        assert_eq!(module.to_string(), expected);
    }
}
