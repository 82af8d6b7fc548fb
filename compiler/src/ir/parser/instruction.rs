//! Instructions and terminators, each from its line.

use super::Symbols;
use super::line::{Line, Parsed};
use crate::ir::{
    BinaryOp, Block, Comparison, Helper, Instruction, MemorySize, Slot, Terminator, UnaryOp, Value, Width,
};

/// A line of a block.
pub(super) enum Statement {
    Instruction { result: Option<Value>, instruction: Instruction },
    Terminator(Terminator),
    Unterminated,
}

pub(super) fn statement(line: &mut Line<'_>, symbols: &Symbols) -> Parsed<Statement> {
    let mut word = line.word()?;
    let mut result = None;
    if line.take("=") {
        result = Some(Line::new(word).value()?);
        word = line.word()?;
    }
    if result.is_none() {
        match word {
            "jump" => return Ok(Statement::Terminator(Terminator::Jump(line.entity("b")?, line.arguments()?))),
            "branch" => return Ok(Statement::Terminator(branch(line)?)),
            "return" => return Ok(Statement::Terminator(Terminator::Return(line.value()?))),
            "unterminated" => return Ok(Statement::Unterminated),
            _ => {}
        }
    }
    let instruction = instruction(word, line, symbols)?;
    match (result.is_some(), instruction.has_result()) {
        (true, false) => Err(format!("`{word}` gives no result")),
        (false, true) => Err(format!("the result of `{word}` has no name")),
        _ => Ok(Statement::Instruction { result, instruction }),
    }
}

fn branch(line: &mut Line<'_>) -> Parsed<Terminator> {
    let condition = line.value()?;
    line.expect(",")?;
    let then: Block = line.entity("b")?;
    let then = (then, line.arguments()?);
    line.expect(",")?;
    let otherwise: Block = line.entity("b")?;
    Ok(Terminator::Branch { condition, then, otherwise: (otherwise, line.arguments()?) })
}

fn instruction(word: &str, line: &mut Line<'_>, symbols: &Symbols) -> Parsed<Instruction> {
    match word {
        "load" | "store" | "atomic_add" | "copy" | "zero" | "store_bytes" => memory(word, line),
        "call" => Ok(Instruction::Call(helper(line)?, line.values()?)),
        "call_function" => Ok(Instruction::CallFunction(symbols.function(line)?, line.values()?)),
        "call_kernel" => {
            let name = line.symbol("$")?;
            line.expect(",")?;
            Ok(Instruction::CallKernel { name, btf_id: line.number()?, arguments: line.values()? })
        }
        "function_address" => Ok(Instruction::FunctionAddress(symbols.function(line)?)),
        "map" => Ok(Instruction::MapReference(symbols.map(line)?)),
        "map_value" => {
            let map = symbols.map(line)?;
            line.expect(",")?;
            Ok(Instruction::MapValueAddress(map, line.number()?))
        }
        "slot_address" => {
            line.expect("[")?;
            let slot: Slot = line.entity("s")?;
            let offset = if line.next_is("+") { line.number()? } else { 0 };
            line.expect("]")?;
            Ok(Instruction::SlotAddress(slot, offset))
        }
        "global" => Ok(Instruction::GlobalAddress(line.entity("g")?)),
        "context" => Ok(Instruction::Context),
        "const" => Ok(Instruction::Const(line.number()?)),
        _ => arithmetic(word, line),
    }
}

fn helper(line: &mut Line<'_>) -> Parsed<Helper> {
    let name = line.word()?;
    Helper::from_name(name).ok_or_else(|| format!("there is no helper `{name}`"))
}

fn memory(word: &str, line: &mut Line<'_>) -> Parsed<Instruction> {
    let size = if line.take(".") { Some(size(line)?) } else { None };
    let flag = if line.take(".") { Some(line.word()?) } else { None };
    let address = line.address()?;
    if word != "load" {
        line.expect(",")?;
    }
    match (word, size, flag) {
        ("load", Some(size), None | Some("signed")) => Ok(Instruction::Load { address, size, signed: flag.is_some() }),
        ("store", Some(size), None) => Ok(Instruction::Store { address, size, value: line.value()? }),
        ("atomic_add", Some(size), None | Some("fetch")) => {
            Ok(Instruction::AtomicAdd { address, size, value: line.value()?, fetch: flag.is_some() })
        }
        ("copy", None, None) => {
            let from = line.address()?;
            line.expect(",")?;
            Ok(Instruction::Copy { to: address, from, size: line.number()? })
        }
        ("zero", None, None) => Ok(Instruction::Zero { address, size: line.number()? }),
        ("store_bytes", None, None) => Ok(Instruction::StoreBytes { address, bytes: line.bytes()? }),
        _ => Err(format!("`{word}` with wrong size or flag")),
    }
}

fn arithmetic(word: &str, line: &mut Line<'_>) -> Parsed<Instruction> {
    if let Some(op) = UnaryOp::from_name(word, None) {
        return Ok(Instruction::Unary(op, line.value()?));
    }
    line.expect(".")?;
    let suffix = line.word()?;
    let unary = MemorySize::from_name(suffix).and_then(|size| UnaryOp::from_name(word, Some(size)));
    if let Some(op) = unary {
        return Ok(Instruction::Unary(op, line.value()?));
    }
    let Some(width) = Width::from_name(suffix) else { return Err(format!("unknown `{word}.{suffix}`")) };
    let left = line.value()?;
    line.expect(",")?;
    let right = line.value()?;
    match (BinaryOp::from_name(word), Comparison::from_name(word)) {
        (Some(op), _) => Ok(Instruction::Binary(op, width, left, right)),
        (None, Some(comparison)) => Ok(Instruction::Compare(comparison, width, left, right)),
        (None, None) => Err(format!("unknown instruction `{word}`")),
    }
}

fn size(line: &mut Line<'_>) -> Parsed<MemorySize> {
    let name = line.word()?;
    MemorySize::from_name(name).ok_or_else(|| format!("`{name}` is no size"))
}
