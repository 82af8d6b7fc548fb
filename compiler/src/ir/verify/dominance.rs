//! Every use is dominated by its definition, and every reachable block ends with a terminator.

use crate::ir::analysis::{ControlFlow, Dominators};
use crate::ir::entity::Entity;
use crate::ir::{Block, Function, Value};

/// Uses that a path reaches without their definition; the structure is sound.
pub(super) fn check(function: &Function) -> Vec<String> {
    let control_flow = ControlFlow::new(function);
    let dominators = Dominators::new(&control_flow);
    let home = homes(function, &control_flow);
    let mut problems = Vec::new();
    for block in &control_flow.order {
        let mut defined_here = vec![false; function.values.len()];
        let data = &function.blocks[*block];
        for parameter in &data.parameters {
            defined_here[parameter.index()] = true;
        }
        let mut check = |operands: &[Value], defined_here: &[bool]| {
            for operand in operands {
                let defined = match home[operand.index()] {
                    Some(home) if home == *block => defined_here[operand.index()],
                    Some(home) => dominators.dominates(&control_flow, home, *block),
                    None => false,
                };
                if !defined {
                    problems.push(format!("{block}: uses {operand}, which is not defined on every path to it"));
                }
            }
        };
        for inst in &data.instructions {
            let inst = &function.instructions[*inst];
            check(&inst.instruction.operands(), &defined_here);
            if let Some(result) = inst.result {
                defined_here[result.index()] = true;
            }
        }
        match &data.terminator {
            Some(terminator) => check(&terminator.operands(), &defined_here),
            None => problems.push(format!("{block}: no terminator")),
        }
    }
    problems
}

/// The reachable block in which each value is defined.
fn homes(function: &Function, control_flow: &ControlFlow) -> Vec<Option<Block>> {
    let mut homes = vec![None; function.values.len()];
    for block in &control_flow.order {
        let data = &function.blocks[*block];
        let results = data.instructions.iter().filter_map(|inst| function.instructions[*inst].result);
        for value in data.parameters.iter().copied().chain(results) {
            homes[value.index()] = Some(*block);
        }
    }
    homes
}
