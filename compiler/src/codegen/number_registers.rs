//! Values that live within a run only get the first register that is free, so that runs which do the same look the same.

use super::assembly::{Assembly, Line};
use super::delay_moves::live_at_start;
use super::effects::{RegisterSet, Role, effects, rename};

/// The registers to take, in order: those that a call would not keep.
const FIRST: [u8; 6] = [0, 1, 2, 3, 4, 5];

pub(super) fn run(assembly: &mut Assembly) {
    let runs = assembly.runs();
    let live = live_at_start(assembly, &runs);
    for run in &runs {
        let end = run.successors.iter().flatten().fold(RegisterSet::default(), |set, next| set.with(live[*next]));
        let lines = &mut assembly.lines[run.lines.clone()];
        for at in 0..lines.len() {
            renumber(lines, at, end);
        }
    }
}

/// Gives the value that the line makes another register, if it lives within the run and no call sees it.
fn renumber(lines: &mut [Line], at: usize, live_at_end: RegisterSet) {
    let effects_here = effects(&lines[at]);
    if effects_here.dst != Role::Write {
        return;
    }
    let register = lines[at].insn.dst;
    let Some(last) = last_use(lines, at, register, live_at_end) else { return };
    let taken = taken(lines, at, last, live_at_end).without(RegisterSet::one(register));
    let Some(first) = FIRST.into_iter().find(|first| *first == register || !taken.contains(*first)) else { return };
    if first == register {
        return;
    }
    let other = |old: u8| if old == register { first } else { old };
    lines[at] = rename(&lines[at], |read| read, other);
    for line in &mut lines[at + 1..=last] {
        let is_made_anew = effects(line).dst == Role::Write && line.insn.dst == register;
        *line = match is_made_anew {
            true => rename(line, other, |write| write),
            false => rename(line, other, other),
        };
    }
}

/// The last line that reads the value which a line makes; nothing where others may see it, or none does.
fn last_use(lines: &[Line], at: usize, register: u8, live_at_end: RegisterSet) -> Option<usize> {
    let set = RegisterSet::one(register);
    let mut last = None;
    for (index, line) in lines.iter().enumerate().skip(at + 1) {
        let effects = effects(line);
        if effects.reads.meets(set) {
            let is_exchanged = effects.src == Role::Update && line.insn.src == register;
            if line.is_call() || line.is_exit() || is_exchanged {
                return None;
            }
            last = Some(index);
        }
        if effects.writes.meets(set) && !(effects.dst == Role::Update && line.insn.dst == register) {
            return last;
        }
        if line.is_call() {
            // A register that calls keep: the value may live on.
            return None;
        }
    }
    last.filter(|_| !live_at_end.meets(set))
}

/// The registers that have other values, or get them, between a line and the last use of what it makes.
fn taken(lines: &[Line], at: usize, last: usize, live_at_end: RegisterSet) -> RegisterSet {
    let mut live = live_at_end;
    let mut taken = RegisterSet::default();
    for (index, line) in lines.iter().enumerate().skip(at + 1).rev() {
        let effects = effects(line);
        if index < last {
            taken = taken.with(live);
        }
        if index <= last {
            taken = taken.with(effects.writes);
        }
        live = live.without(effects.writes).with(effects.reads);
    }
    // What lives on behind the line that makes the value.
    taken.with(live)
}
