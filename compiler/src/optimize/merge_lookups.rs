//! A look-up in a map that an earlier one has done, with the same key and nothing that changes the map in between, gives
//! the same pointer. Its null check then is one that [`super::follow_decisions`] knows the answer of.
//!
//! Another CPU may change the map between the two; then the program is as if both look-ups had come first.

use super::Surroundings;
use super::slot_contents::{Byte, Contents, solve};
use super::substitution::Substitution;
use crate::ir::analysis::{AccessKind, ControlFlow, SlotAccesses};
use crate::ir::entity::Entity;
use crate::ir::{Arena, Function, Helper, Inst, Instruction, MapData, MapId, Value};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

/// A map and a number for the contents of a key: equal contents have equal numbers.
type Key = (MapId, usize);

/// The look-ups whose result still holds.
type Available = SmallVec<[(Key, Value); 4]>;

fn result_of(available: &Available, key: &Key) -> Option<Value> {
    available.iter().find(|(known, _)| known == key).map(|(_, value)| *value)
}

pub(super) fn run(function: &mut Function, surroundings: &Surroundings) -> bool {
    let control_flow = surroundings.control_flow(function);
    if !looks_twice_into_a_map(function, &control_flow) {
        return false;
    }
    let accesses = surroundings.accesses(function);
    let keys = keys(function, &control_flow, &accesses, surroundings);
    if keys.len() < 2 {
        return false;
    }
    let transfer = |available: &mut Available, inst| follow(function, &keys, available, inst);
    let meet = |ours: &mut Available, theirs: &Available| {
        let before = ours.len();
        ours.retain(|(key, value)| result_of(theirs, key) == Some(*value));
        ours.len() != before
    };
    let mut on_entry = solve(function, &control_flow, Available::default(), transfer, meet);
    let mut substitution = Substitution::default();
    for block in &control_flow.order {
        let Some(mut available) = on_entry[block.index()].take() else { continue };
        for inst in &function.blocks[*block].instructions {
            let earlier = keys.get(inst).and_then(|key| result_of(&available, key));
            if let (Some(earlier), Some(result)) = (earlier, function.instructions[*inst].result)
                && earlier != result
            {
                substitution.replace(result, earlier);
            }
            follow(function, &keys, &mut available, *inst);
        }
    }
    substitution.apply(function)
}

/// Whether there may be anything to merge, told without following what memory holds.
fn looks_twice_into_a_map(function: &Function, control_flow: &ControlFlow) -> bool {
    let mut maps: SmallVec<[MapId; 8]> = SmallVec::new();
    let instructions = control_flow.order.iter().flat_map(|block| &function.blocks[*block].instructions);
    for inst in instructions {
        if let Instruction::Call(Helper::MAP_LOOKUP_ELEM, arguments) = &function.instructions[*inst].instruction
            && let Some(map) = map(function, arguments)
        {
            if maps.contains(&map) {
                return true;
            }
            maps.push(map);
        }
    }
    false
}

/// The look-ups whose map and key are known.
fn keys(
    function: &Function,
    control_flow: &ControlFlow,
    accesses: &SlotAccesses,
    surroundings: &Surroundings,
) -> FxHashMap<Inst, Key> {
    let on_entry = surroundings.contents(function);
    let (mut keys, mut numbers) = (FxHashMap::default(), FxHashMap::default());
    for block in &control_flow.order {
        let Some(mut contents) = on_entry[block.index()].clone() else { continue };
        for inst in &function.blocks[*block].instructions {
            if let Some((map, bytes)) = key(function, accesses, surroundings.maps, &contents, *inst) {
                let next = numbers.len();
                keys.insert(*inst, (map, *numbers.entry(bytes).or_insert(next)));
            }
            contents.apply(function, accesses, *inst);
        }
    }
    keys
}

fn key(
    function: &Function,
    accesses: &SlotAccesses,
    maps: &Arena<MapId, MapData>,
    contents: &Contents,
    inst: Inst,
) -> Option<(MapId, Vec<Byte>)> {
    let Instruction::Call(Helper::MAP_LOOKUP_ELEM, arguments) = &function.instructions[inst].instruction else {
        return None;
    };
    let map = map(function, arguments)?;
    let [read] = accesses.of(inst) else { return None };
    let bytes = contents.range(read.slot, read.start, read.end)?;
    let complete = read.kind == AccessKind::Read && bytes.len() as u32 == maps[map].key_size;
    (complete && !bytes.contains(&Byte::Unknown)).then(|| (map, bytes.to_vec()))
}

fn map(function: &Function, arguments: &[Value]) -> Option<MapId> {
    match function.definition(*arguments.first()?) {
        Some(Instruction::MapReference(map)) => Some(*map),
        _ => None,
    }
}

fn follow(function: &Function, keys: &FxHashMap<Inst, Key>, available: &mut Available, inst: Inst) {
    let data = &function.instructions[inst];
    match &data.instruction {
        Instruction::Call(Helper::MAP_LOOKUP_ELEM, _) => {
            if let (Some(key), Some(result)) = (keys.get(&inst), data.result) {
                if result_of(available, key).is_none() {
                    available.push((*key, result));
                }
            }
        }
        Instruction::Call(Helper::MAP_UPDATE_ELEM | Helper::MAP_DELETE_ELEM, arguments) => {
            let changed = map(function, arguments);
            available.retain(|((map, _), _)| changed.is_some_and(|changed| *map != changed));
        }
        // What runs functions of ours, or is not known, may change any map.
        Instruction::Call(helper, _)
            if matches!(*helper, Helper::LOOP | Helper::FOR_EACH_MAP_ELEM) || helper.name() == "unknown" =>
        {
            available.clear();
        }
        cast if cast.is_cast() => {}
        Instruction::CallFunction(..) | Instruction::CallKernel { .. } => available.clear(),
        _ => {}
    }
}
