//! Runs that end alike and go on at the same place share their end (tail merging).

use super::assembly::{Assembly, Label, Line, Run};
use super::effects::{RegisterSet, effects};
use super::insn::{Condition, FRAME, Insn, JMP, LDX, REG};
use std::ops::Range;

/// What is shared may let more become alike; this many rounds have been enough for all that was seen.
const MAX_ROUNDS: usize = 8;

/// Where a run goes on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Onward {
    To(usize),
    Returns,
}

/// A run that goes on at one place only.
#[derive(Clone)]
struct Tail {
    run: usize,
    onward: Onward,
    /// What it does before it goes on; a return is part of that.
    body: Range<usize>,
    end: End,
}

/// What becomes of the end of a run.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Stays,
    /// Others end here too.
    Shared,
    /// So many lines at the end are those behind this label.
    At(Label, usize),
}

pub(super) fn run(assembly: &mut Assembly) {
    return_at_once(assembly);
    for _ in 0..MAX_ROUNDS {
        if !merge(assembly) {
            break;
        }
    }
}

/// What jumps to a return returns.
fn return_at_once(assembly: &mut Assembly) {
    for at in 0..assembly.lines.len() {
        let line = &assembly.lines[at];
        let target = line.target.filter(|_| line.is_goto()).map(|label| assembly.lines[assembly.line_of(label)]);
        if let Some(target) = target.filter(Line::is_exit) {
            assembly.lines[at] = Line { span: assembly.lines[at].span, ..target };
        }
    }
}

/// Merges what is alike now; true when anything was.
fn merge(assembly: &mut Assembly) -> bool {
    let runs = assembly.runs();
    let mut tails: Vec<Tail> = (0..runs.len()).filter_map(|run| tail(assembly, &runs, run)).collect();
    tails.sort_by_key(|tail| (tail.onward, tail.run));
    let mut goes = vec![false; runs.len() + 1];
    let mut merged = false;
    for group in tails.chunk_by_mut(|a, b| a.onward == b.onward).filter(|group| group.len() > 1) {
        merged |= merge_group(assembly, &runs, group, &mut goes);
    }
    if merged {
        apply(assembly, &runs, &tails, &goes);
    }
    merged
}

fn tail(assembly: &Assembly, runs: &[Run], run: usize) -> Option<Tail> {
    let lines = runs[run].lines.clone();
    let last = &assembly.lines[lines.end - 1];
    let (onward, end) = match (last.is_exit(), last.is_goto(), last.target) {
        (true, ..) => (Onward::Returns, lines.end),
        (_, true, Some(label)) => (Onward::To(assembly.line_of(label)), lines.end - 1),
        (_, _, None) => (Onward::To(lines.end), lines.end),
        (_, false, Some(_)) => return None,
    };
    Some(Tail { run, onward, body: lines.start..end, end: End::Stays })
}

/// `goes` tells of each run whether it is taken out whole.
fn merge_group(assembly: &mut Assembly, runs: &[Run], group: &mut [Tail], goes: &mut [bool]) -> bool {
    let mut merged = false;
    // Those that can go without a trace come first, and share the end of those that cannot.
    for leaves_jump in [false, true] {
        for index in 0..group.len() {
            if group[index].end != End::Stays {
                continue;
            }
            let stays = |run: usize| !can_go(assembly, runs, goes, run);
            let Some((other, count)) = longest_in_common(assembly, group, index, stays) else { continue };
            let (run, body) = (group[index].run, group[index].body.clone());
            let whole = count == body.len() && can_go(assembly, runs, goes, run);
            // A jump that is there already leads elsewhere from now on; any other has to be added.
            let saved = count - usize::from(body.end == runs[run].lines.end);
            if whole || (leaves_jump && saved > 0) {
                let label = Label(assembly.labels.len());
                assembly.labels.push(group[other].body.end - count);
                group[other].end = End::Shared;
                group[index].end = End::At(label, count);
                goes[run] = whole;
                merged = true;
            }
        }
    }
    merged
}

/// The other run whose last lines are the same, as many as possible; rather one that has to stay.
fn longest_in_common(
    assembly: &Assembly,
    group: &[Tail],
    index: usize,
    stays: impl Fn(usize) -> bool,
) -> Option<(usize, usize)> {
    let lines = |index: usize| assembly.lines[group[index].body.clone()].iter().rev();
    let others = (0..group.len()).filter(|other| *other != index && !matches!(group[*other].end, End::At(..)));
    others
        .map(|other| (other, lines(index).zip(lines(other)).take_while(|(a, b)| a.does_the_same(b)).count()))
        .map(|(other, count)| (other, self_contained(assembly, group[index].body.end, count)))
        .filter(|(_, count)| *count > 0)
        .max_by_key(|(other, count)| (*count, group[*other].end == End::Shared || stays(group[*other].run), *other))
}

/// How many of the last lines may be shared: the kernel's verifier wants an instruction to load from one kind of pointer
/// only, and a look-up is faster where the map is known.
fn self_contained(assembly: &Assembly, end: usize, mut count: usize) -> usize {
    while count > 0 && !is_self_contained(&assembly.lines[end - count..end]) {
        count -= 1;
    }
    count
}

fn is_self_contained(lines: &[Line]) -> bool {
    let mut known = RegisterSet::one(FRAME);
    lines.iter().all(|line| {
        let wanted = match () {
            () if line.is_call() && line.arguments > 0 => RegisterSet::one(1),
            () if line.insn.code & 7 == LDX => RegisterSet::one(line.insn.src),
            () => RegisterSet::default(),
        };
        let fits = wanted.without(known) == RegisterSet::default();
        known = known.with(effects(line).writes);
        fits
    })
}

/// True when a run can be taken out whole: nothing comes to it from above, or a branch can be turned around.
fn can_go(assembly: &Assembly, runs: &[Run], goes: &[bool], run: usize) -> bool {
    let lines = &runs[run].lines;
    let Some(above) = lines.start.checked_sub(1).map(|above| &assembly.lines[above]) else { return false };
    let next_stays = run + 1 < runs.len() && !goes[run + 1];
    !is_fallen_into(assembly, runs, goes, run)
        && (above.is_exit() || above.is_goto() || (skips(assembly, above, lines.end) && next_stays))
}

/// True when the run above goes and the branch before that falls in here from now on.
fn is_fallen_into(assembly: &Assembly, runs: &[Run], goes: &[bool], run: usize) -> bool {
    let Some(above) = run.checked_sub(1).filter(|above| goes[*above]) else { return false };
    let Range { start, end } = runs[above].lines;
    start > 0 && skips(assembly, &assembly.lines[start - 1], end)
}

/// True for a branch to that line.
fn skips(assembly: &Assembly, line: &Line, to: usize) -> bool {
    line.is_branch() && line.target.is_some_and(|label| assembly.line_of(label) == to)
}

fn apply(assembly: &mut Assembly, runs: &[Run], tails: &[Tail], goes: &[bool]) {
    let mut new: Vec<Option<Line>> = assembly.lines.iter().copied().map(Some).collect();
    for Tail { run, body, end, .. } in tails {
        let End::At(label, count) = *end else { continue };
        let (lines, first) = (&runs[*run].lines, body.end - count);
        new[first..body.end].fill(None);
        if goes[*run] {
            new[lines.clone()].fill(None);
            let above = assembly.lines[first - 1];
            if skips(assembly, &above, lines.end) {
                new[first - 1] = Some(turned_around(above, label));
            }
            let to = assembly.line_of(label);
            assembly.labels.iter_mut().filter(|line| **line == first).for_each(|line| *line = to);
        } else if body.end < lines.end {
            new[body.end] = Some(Line { target: Some(label), ..assembly.lines[body.end] });
        } else {
            let insn = Insn { code: JMP, ..Insn::default() };
            new[first] = Some(Line { insn, refers: None, target: Some(label), ..assembly.lines[first] });
        }
    }
    assembly.edit(|at, _| new[at]);
}

/// The branch that is taken when this one is not.
pub(super) fn turned_around(mut branch: Line, target: Label) -> Line {
    if let Some(condition) = Condition::of(branch.insn.code) {
        branch.insn.code = branch.insn.code & (7 | REG) | condition.inverse() as u8;
        branch.target = Some(target);
    }
    branch
}
