//! An arm of a branch that only sets registers is done before the branch, where the other arm does not mind: what was
//! `if a goto A; x = 1; goto E; A: x = f(y); E:` becomes `x = 1; if !a goto E; x = f(y); E:`.

use super::assembly::{Assembly, Line, Run};
use super::delay_moves::live_at_start;
use super::drop_known::entries;
use super::effects::{RegisterSet, effects};
use super::insn::{ALU, ALU64, MOV};
use super::merge_tails::turned_around;
use std::ops::Range;

/// Setting more than this before the branch costs more, where it was in vain, than the jump that it saves.
const MOST: usize = 2;

/// An arm that moves.
struct Arm {
    /// The line of the branch.
    branch: usize,
    /// What is done before it.
    moved: Range<usize>,
    /// The jump that goes.
    jump: usize,
}

pub(super) fn run(assembly: &mut Assembly) {
    let runs = assembly.runs();
    let live = live_at_start(assembly, &runs);
    let entries = entries(assembly);
    let mut free_from = 0;
    let mut arms = Vec::new();
    for index in 0..runs.len().saturating_sub(2) {
        let three = &runs[index..index + 3];
        // Arms that share lines with one that moves already stay.
        if three[0].lines.start < free_from {
            continue;
        }
        if let Some(arm) = first_arm(assembly, three, &live[index..], &entries)
            .or_else(|| second_arm(assembly, three, &live[index..], &entries))
        {
            free_from = three[2].lines.start;
            arms.push(arm);
        }
    }
    arms.iter().rev().for_each(|arm| apply(assembly, arm));
}

/// The arm that the branch falls into, in front of the other one.
fn first_arm(assembly: &Assembly, runs: &[Run], live: &[RegisterSet], entries: &[usize]) -> Option<Arm> {
    let [test, arm, other] = runs else { return None };
    let branch = test.lines.end - 1;
    let jump = arm.lines.end - 1;
    let fits = leads_to(assembly, branch, other.lines.start)
        && assembly.lines[jump].is_goto()
        && entries[arm.lines.start] == 0;
    let moved = arm.lines.start..jump;
    (fits && can_move(assembly, branch, &moved, live[2])).then_some(Arm { branch, moved, jump })
}

/// The arm that the branch jumps to, behind the other one.
fn second_arm(assembly: &Assembly, runs: &[Run], live: &[RegisterSet], entries: &[usize]) -> Option<Arm> {
    let [test, other, arm] = runs else { return None };
    let branch = test.lines.end - 1;
    let jump = other.lines.end - 1;
    let fits = leads_to(assembly, branch, arm.lines.start)
        && assembly.lines[jump].is_goto()
        && leads_to(assembly, jump, arm.lines.end)
        && entries[arm.lines.start] == 1
        && entries[other.lines.start] == 0;
    (fits && can_move(assembly, branch, &arm.lines, live[1])).then_some(Arm { branch, moved: arm.lines.clone(), jump })
}

fn leads_to(assembly: &Assembly, jump: usize, to: usize) -> bool {
    let line = &assembly.lines[jump];
    !line.is_exit() && line.target.is_some_and(|label| assembly.line_of(label) == to)
}

/// Whether the lines may come before the branch: they set registers that neither it nor the other arm reads.
fn can_move(assembly: &Assembly, branch: usize, moved: &Range<usize>, live_in_other: RegisterSet) -> bool {
    let branch = &assembly.lines[branch];
    let lines = &assembly.lines[moved.clone()];
    branch.is_branch()
        && (1..=MOST).contains(&lines.len())
        && lines.iter().all(|line| {
            let is_move = matches!(line.insn.code & 7, ALU | ALU64) && line.insn.code & 0xf0 == MOV;
            is_move && !effects(line).writes.meets(effects(branch).reads.with(live_in_other))
        })
}

/// The moved lines come before the branch, the jump goes, and the branch leads where it led.
fn apply(assembly: &mut Assembly, arm: &Arm) {
    let Arm { branch, moved, jump } = arm;
    let falls_into_moved = moved.start == branch + 1;
    let (test, goto) = (assembly.lines[*branch], assembly.lines[*jump]);
    let Some(target) = goto.target else { return };
    let mut new: Vec<Line> = assembly.lines[moved.clone()].to_vec();
    new.push(match falls_into_moved {
        true => turned_around(test, target),
        false => Line { target: Some(target), ..test },
    });
    if !falls_into_moved {
        new.extend_from_slice(&assembly.lines[branch + 1..*jump]);
    }
    let (old, added) = (*branch..moved.end.max(jump + 1), new.len());
    assembly.lines.splice(old.clone(), new);
    let gone = old.len() - added;
    for line in assembly.labels.iter_mut().filter(|line| **line > old.start) {
        // Nothing leads into the arms any more; what stands behind them moves up.
        *line = line.saturating_sub(gone).max(old.start);
    }
}
