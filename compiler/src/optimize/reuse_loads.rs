//! A load from an element of a map gives what an earlier load of the same bytes gave, where only one way leads from there
//! to here and nothing on it may write: what a predicate has looked at is not read again.
//!
//! Another CPU may write between the two; then the program is as if both loads had come first. What a loop reads in each
//! round is read in each round.

use super::Surroundings;
use super::eliminate_dead_code::{has_effect, written_slot};
use super::substitution::Substitution;
use crate::ir::entity::Entity;
use crate::ir::{Address, Function, Helper, Inst, Instruction, MemorySize, Value};

/// Where in memory, and what is made of it.
type Place = (Value, i32, MemorySize, bool);

/// What has been loaded.
type Loaded = Vec<(Place, Value)>;

pub(super) fn run(function: &mut Function, surroundings: &Surroundings) -> bool {
    let control_flow = surroundings.control_flow(function);
    let mut at_end: Vec<Loaded> = vec![Loaded::new(); function.blocks.len()];
    let mut substitution = Substitution::default();
    for block in &control_flow.order {
        let mut loaded = match control_flow.predecessors(*block) {
            [only] => at_end[only.index()].clone(),
            _ => Loaded::new(),
        };
        for inst in &function.blocks[*block].instructions {
            follow(function, *inst, &mut loaded, &mut substitution);
        }
        at_end[block.index()] = loaded;
    }
    substitution.apply(function)
}

fn follow(function: &Function, inst: Inst, loaded: &mut Loaded, substitution: &mut Substitution) {
    let data = &function.instructions[inst];
    match &data.instruction {
        Instruction::Load { address: Address::Pointer(pointer, offset), size, signed }
            if is_element(function, *pointer) =>
        {
            let (place, Some(result)) = ((*pointer, *offset, *size, *signed), data.result) else { return };
            match loaded.iter().find(|(known, _)| *known == place) {
                Some((_, earlier)) => substitution.replace(result, *earlier),
                None => loaded.push((place, result)),
            }
        }
        instruction if may_write(instruction) => loaded.clear(),
        _ => {}
    }
}

/// Whether a pointer is what a look-up has found, or to a value that is always there.
fn is_element(function: &Function, pointer: Value) -> bool {
    matches!(
        function.definition(pointer),
        Some(Instruction::Call(Helper::MAP_LOOKUP_ELEM, _) | Instruction::MapValueAddress(..))
    )
}

/// Whether an instruction may write to elements of maps.
fn may_write(instruction: &Instruction) -> bool {
    has_effect(instruction) && written_slot(instruction).is_none()
}
