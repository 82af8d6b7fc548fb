//! A function from its lines, keeping the numbers of its entities.

use super::Symbols;
use super::instruction::{Statement, statement};
use super::line::{Line, Parsed};
use crate::ir::entity::Entity;
use crate::ir::{
    Block, BlockData, Function, FunctionKind, InstData, Slot, SlotData, SlotHome, Value, ValueData, ValueDef,
};
use lancet_syntax::span::Span;

/// The definition of numbers that are skipped: no block lists such a parameter.
const NOWHERE: ValueDef = ValueDef::Parameter(Block(0), u32::MAX);

/// A function whose end has not come yet.
pub(super) struct FunctionParser {
    function: Function,
    current: Option<Block>,
    ended: bool,
}

impl FunctionParser {
    /// The line after its keyword.
    pub(super) fn start(keyword: &str, line: &mut Line<'_>) -> Parsed<Self> {
        if !["program", "subprogram", "callback"].contains(&keyword) {
            return Err(format!("unknown declaration `{keyword}`"));
        }
        let name = line.symbol("%")?;
        let kind = match keyword {
            "program" => {
                line.expect("section")?;
                FunctionKind::Program { section: line.text()? }
            }
            "callback" => FunctionKind::Callback,
            _ => FunctionKind::Subprogram,
        };
        line.expect("{")?;
        Ok(Self { function: Function::new(name, kind), current: None, ended: true })
    }

    /// A line inside the braces.
    pub(super) fn line(&mut self, line: &mut Line<'_>, symbols: &Symbols) -> Parsed<()> {
        if line.take("slot ") {
            return self.slot(line);
        }
        let block_header = line.next_is("b") && !line.next_is("branch") && !line.next_is("bswap");
        if block_header { self.block(line) } else { self.statement(line, symbols) }
    }

    pub(super) fn finish(self) -> Parsed<Function> {
        if self.ended { Ok(self.function) } else { Err("the last block does not end".into()) }
    }

    fn slot(&mut self, line: &mut Line<'_>) -> Parsed<()> {
        let slot: Slot = line.entity("s")?;
        if slot.index() != self.function.slots.len() {
            return Err(format!("{slot} is out of order"));
        }
        let (size, align) = (line.field("size")?, line.field("align")?);
        let home = match (line.take("stack"), line.take("scratch")) {
            (true, _) => SlotHome::Stack,
            (false, true) => SlotHome::Scratch,
            (false, false) => SlotHome::Anywhere,
        };
        self.function.slots.push(SlotData { size, align, name: line.text()?, home });
        Ok(())
    }

    fn block(&mut self, line: &mut Line<'_>) -> Parsed<()> {
        let block: Block = line.entity("b")?;
        if block.index() != self.function.blocks.len() || !self.ended {
            return Err(format!("{block} is out of order"));
        }
        let parameters = line.arguments()?;
        line.expect(":")?;
        for (index, parameter) in parameters.iter().enumerate() {
            self.define(*parameter, ValueDef::Parameter(block, index as u32))?;
        }
        self.function.blocks.push(BlockData { parameters, ..BlockData::default() });
        self.current = Some(block);
        self.ended = false;
        Ok(())
    }

    fn statement(&mut self, line: &mut Line<'_>, symbols: &Symbols) -> Parsed<()> {
        let Some(block) = self.current.filter(|_| !self.ended) else { return Err("this is in no block".into()) };
        match statement(line, symbols)? {
            Statement::Instruction { result, instruction } => {
                let inst = self.function.instructions.push(InstData { instruction, result, span: Span::default() });
                if let Some(result) = result {
                    self.define(result, ValueDef::Result(inst))?;
                }
                self.function.blocks[block].instructions.push(inst);
            }
            Statement::Terminator(terminator) => {
                self.function.blocks[block].terminator = Some(terminator);
                self.ended = true;
            }
            Statement::Unterminated => self.ended = true,
        }
        Ok(())
    }

    fn define(&mut self, value: Value, definition: ValueDef) -> Parsed<()> {
        while self.function.values.len() <= value.index() {
            self.function.values.push(ValueData { definition: NOWHERE });
        }
        let data = &mut self.function.values[value];
        if data.definition != NOWHERE {
            return Err(format!("{value} is defined twice"));
        }
        data.definition = definition;
        Ok(())
    }
}
