//! Where a look-up has found nothing, r0 is zero already: who is there for that reason alone need not set it.
//!
//! Of other registers that were compared with zero the kernel's verifier may still think that they are pointers.

use super::assembly::{Assembly, Line};
use super::effects::{RegisterSet, effects};
use super::insn::{ALU, ALU64, Condition, JMP, MOV};
use crate::ir::Helper;

/// What a call gives.
const RESULT: u8 = 0;

pub(super) fn run(assembly: &mut Assembly) {
    let entries = entries(assembly);
    let needless: Vec<usize> = (1..assembly.lines.len())
        .filter(|at| tests_look_up(assembly, *at))
        .filter_map(|test| needless(assembly, &entries, test))
        .collect();
    if !needless.is_empty() {
        assembly.edit(|at, line| (!needless.contains(&at)).then_some(line));
    }
}

/// How many jumps lead to each line.
pub(super) fn entries(assembly: &Assembly) -> Vec<usize> {
    let mut entries = vec![0; assembly.lines.len() + 1];
    for label in assembly.lines.iter().filter_map(|line| line.target) {
        entries[assembly.line_of(label)] += 1;
    }
    entries
}

/// Whether the line is a comparison with zero of what a look-up right before it has found.
fn tests_look_up(assembly: &Assembly, at: usize) -> bool {
    let (call, test) = (&assembly.lines[at - 1], &assembly.lines[at]);
    let is_look_up = call.is_call() && call.insn.src == 0 && call.insn.imm == Helper::MAP_LOOKUP_ELEM.0 as i32;
    is_look_up && is_comparison(test) && test.insn.dst == RESULT && test.insn.imm == 0
}

/// Whether it compares 64 bits with a number for being the same or not.
fn is_comparison(line: &Line) -> bool {
    line.is_branch() && [Condition::Eq, Condition::Ne].iter().any(|condition| line.insn.code == JMP | *condition as u8)
}

/// The line that sets r0 to zero where nothing was found and nobody else comes to.
fn needless(assembly: &Assembly, entries: &[usize], test: usize) -> Option<usize> {
    let line = &assembly.lines[test];
    let start = match line.insn.code == JMP | Condition::Eq as u8 {
        true => {
            let start = assembly.line_of(line.target?);
            let above = &assembly.lines[start.checked_sub(1)?];
            (entries[start] == 1 && (above.is_goto() || above.is_exit())).then_some(start)?
        }
        false => Some(test + 1).filter(|start| entries[*start] == 0)?,
    };
    for (at, line) in assembly.lines.iter().enumerate().skip(start) {
        if at > start && entries[at] > 0 {
            return None;
        }
        let is_move = matches!(line.insn.code, code if code == ALU64 | MOV || code == ALU | MOV);
        if is_move && line.insn.dst == RESULT {
            return (line.insn.imm == 0).then_some(at);
        }
        if line.target.is_some() || line.is_exit() || effects(line).writes.meets(RegisterSet::one(RESULT)) {
            return None;
        }
    }
    None
}
