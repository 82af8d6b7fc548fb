//! Ways out that end alike share their end.

use super::assembly::{Assembly, Label, Line, Run};
use super::insn::{Condition, Insn, JMP, REG};

/// What becomes of the end of a run that returns.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Stays,
    /// Others end here too.
    Shared,
    /// So many lines at the end are those behind this label.
    At(Label, usize),
}

pub(super) fn run(assembly: &mut Assembly) {
    let runs = assembly.runs();
    let returning: Vec<usize> =
        (0..runs.len()).filter(|index| assembly.lines[runs[*index].lines.end - 1].is_exit()).collect();
    if returning.len() < 2 {
        return;
    }
    let mut ends = vec![End::Stays; runs.len()];
    // Those that can go without a trace come first, and share the end of those that cannot.
    for leaves_jump in [false, true] {
        for index in &returning {
            if ends[*index] != End::Stays {
                continue;
            }
            let Some((other, count)) = longest_in_common(assembly, &runs, &returning, &ends, *index) else { continue };
            let goes = count == runs[*index].lines.len() && can_go(assembly, &runs, &ends, *index);
            if goes || (leaves_jump && count > 1) {
                let label = Label(assembly.labels.len());
                assembly.labels.push(runs[other].lines.end - count);
                ends[other] = End::Shared;
                ends[*index] = End::At(label, count);
            }
        }
    }
    apply(assembly, &runs, &ends);
}

/// The other run whose last lines are the same, as many as possible.
fn longest_in_common(
    assembly: &Assembly,
    runs: &[Run],
    returning: &[usize],
    ends: &[End],
    index: usize,
) -> Option<(usize, usize)> {
    let lines = |index: usize| assembly.lines[runs[index].lines.clone()].iter().rev();
    let others = returning.iter().filter(|other| **other != index && !matches!(ends[**other], End::At(..)));
    others
        .map(|other| (*other, lines(index).zip(lines(*other)).take_while(|(a, b)| a.does_the_same(b)).count()))
        .max_by_key(|(other, count)| (*count, *other))
}

/// True when a run can be taken out whole: nothing comes to it from above, or a branch can be turned around.
fn can_go(assembly: &Assembly, runs: &[Run], ends: &[End], index: usize) -> bool {
    let lines = &runs[index].lines;
    let Some(above) = lines.start.checked_sub(1).map(|above| &assembly.lines[above]) else { return false };
    let next_stays = ends.get(index + 1).is_some_and(|end| !matches!(end, End::At(..)));
    above.is_exit() || above.is_goto() || (skips(assembly, above, lines.end) && next_stays)
}

/// True for a branch to that line.
fn skips(assembly: &Assembly, line: &Line, to: usize) -> bool {
    line.is_branch() && line.target.is_some_and(|label| assembly.line_of(label) == to)
}

fn apply(assembly: &mut Assembly, runs: &[Run], ends: &[End]) {
    let mut new: Vec<Option<Line>> = assembly.lines.iter().copied().map(Some).collect();
    for (index, (run, end)) in runs.iter().zip(ends).enumerate() {
        let End::At(label, count) = *end else { continue };
        let first = run.lines.end - count;
        new[first..run.lines.end].fill(None);
        if first == run.lines.start && can_go(assembly, runs, ends, index) {
            let above = assembly.lines[first - 1];
            if skips(assembly, &above, run.lines.end) {
                new[first - 1] = Some(turned_around(above, label));
            }
            let to = assembly.line_of(label);
            assembly.labels.iter_mut().filter(|line| **line == first).for_each(|line| *line = to);
        } else {
            let insn = Insn { code: JMP, ..Insn::default() };
            new[first] = Some(Line { insn, refers: None, target: Some(label), ..assembly.lines[first] });
        }
    }
    assembly.edit(|at, _| new[at]);
}

/// The branch that is taken when this one is not.
fn turned_around(mut branch: Line, target: Label) -> Line {
    if let Some(condition) = Condition::of(branch.insn.code) {
        branch.insn.code = branch.insn.code & (7 | REG) | condition.inverse() as u8;
        branch.target = Some(target);
    }
    branch
}
