//! A function's instructions while jumps lead to labels: what register allocation leaves, and passes after it change.

use super::insn::{CALL, EXIT, IMM_DW, Insn, JMP, JMP32, LD};
use super::{Limit, Relocation, TooLarge};
use lancet_syntax::span::Span;
use std::ops::Range;

/// A place that jumps lead to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Label(pub(super) usize);

/// An instruction with all that belongs to it; a 64-bit immediate is one line.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Line {
    pub(super) insn: Insn,
    /// The upper half of a 64-bit immediate.
    pub(super) high: i32,
    /// What the linker fills in.
    pub(super) refers: Option<Relocation>,
    /// Where a jump leads.
    pub(super) target: Option<Label>,
    /// How many registers a call takes, from r1 on.
    pub(super) arguments: u8,
    pub(super) span: Span,
}

impl Line {
    fn is_wide(&self) -> bool {
        self.insn.code == LD | IMM_DW
    }

    pub(super) fn is_exit(&self) -> bool {
        self.insn.code == JMP | EXIT
    }

    pub(super) fn is_call(&self) -> bool {
        self.insn.code == JMP | CALL
    }

    /// True for a jump that is always taken.
    pub(super) fn is_goto(&self) -> bool {
        self.insn.code == JMP
    }

    /// True for a jump that depends on a comparison.
    pub(super) fn is_branch(&self) -> bool {
        matches!(self.insn.code & 7, JMP | JMP32) && !self.is_exit() && !self.is_call() && !self.is_goto()
    }

    /// True when what the instruction does is the same, wherever in the script it comes from.
    pub(super) fn does_the_same(&self, other: &Self) -> bool {
        Self { span: other.span, ..*self } == *other
    }
}

/// The lines of a function and where its labels are.
#[derive(Clone, Default, Debug)]
pub(super) struct Assembly {
    pub(super) lines: Vec<Line>,
    /// By label: the line that it stands before.
    pub(super) labels: Vec<usize>,
}

/// Lines that are executed one after the other.
#[derive(Clone, Debug)]
pub(super) struct Run {
    pub(super) lines: Range<usize>,
    /// The runs that may follow.
    pub(super) successors: [Option<usize>; 2],
}

/// What the linker and the kernel get.
pub(super) struct Resolved {
    pub(super) insns: Vec<Insn>,
    pub(super) relocations: Vec<(usize, Relocation)>,
    pub(super) spans: Vec<(usize, Span)>,
}

impl Assembly {
    /// The line that a label stands before.
    pub(super) fn line_of(&self, label: Label) -> usize {
        self.labels[label.0]
    }

    /// The lines in runs, from each place that is jumped to and behind each jump.
    pub(super) fn runs(&self) -> Vec<Run> {
        let mut starts = vec![false; self.lines.len() + 1];
        for (at, line) in self.lines.iter().enumerate() {
            if let Some(label) = line.target {
                starts[self.line_of(label)] = true;
            }
            starts[at + 1] |= line.target.is_some() || line.is_exit();
        }
        let mut run_of = vec![0; self.lines.len() + 1];
        let mut runs: Vec<Run> = Vec::with_capacity(starts.iter().filter(|start| **start).count() + 1);
        for at in 0..self.lines.len() {
            match runs.last_mut() {
                Some(run) if !starts[at] => run.lines.end = at + 1,
                _ => runs.push(Run { lines: at..at + 1, successors: [None; 2] }),
            }
            run_of[at] = runs.len() - 1;
        }
        for (index, run) in runs.iter_mut().enumerate() {
            let end = run.lines.end;
            let last = &self.lines[end - 1];
            let falls = !last.is_exit() && !last.is_goto() && end < self.lines.len();
            let target = last.target.map(|label| run_of[self.line_of(label)]);
            run.successors = [falls.then_some(index + 1), target];
        }
        runs
    }

    /// Replaces the lines of runs, each by its new ones. A label that nothing jumps to loses its place.
    pub(super) fn replace(&mut self, runs: &[Run], mut new: impl FnMut(usize, &[Line], &mut Vec<Line>)) {
        let room = Vec::with_capacity(self.lines.len() + 1);
        let old = std::mem::replace(&mut self.lines, room);
        let mut starts = vec![0; old.len() + 1];
        for (index, run) in runs.iter().enumerate() {
            starts[run.lines.start] = self.lines.len();
            new(index, &old[run.lines.clone()], &mut self.lines);
        }
        starts[old.len()] = self.lines.len();
        self.labels.iter_mut().for_each(|line| *line = starts[*line]);
    }

    /// Changes lines or takes them out; the labels before those stand before what follows.
    pub(super) fn edit(&mut self, mut new: impl FnMut(usize, Line) -> Option<Line>) {
        let mut places = Vec::with_capacity(self.lines.len() + 1);
        let mut kept = 0;
        for at in 0..self.lines.len() {
            places.push(kept);
            if let Some(line) = new(at, self.lines[at]) {
                self.lines[kept] = line;
                kept += 1;
            }
        }
        places.push(kept);
        self.lines.truncate(kept);
        self.labels.iter_mut().for_each(|line| *line = places[*line]);
    }

    /// Jumps get their distances; a jump to what comes next goes.
    pub(super) fn resolve(mut self) -> Result<Resolved, TooLarge> {
        let is_needless = |(at, line): (usize, &Line)| {
            line.is_goto() && line.target.is_some_and(|label| self.line_of(label) == at + 1)
        };
        let needless: Vec<bool> = self.lines.iter().enumerate().map(is_needless).collect();
        self.edit(|at, line| (!needless[at]).then_some(line));
        let mut offsets = Vec::with_capacity(self.lines.len() + 1);
        let mut size = 0;
        for line in &self.lines {
            offsets.push(size);
            size += if line.is_wide() { 2 } else { 1 };
        }
        offsets.push(size);
        let spans = 1 + self.lines.windows(2).filter(|pair| pair[0].span != pair[1].span).count();
        let references = self.lines.iter().filter(|line| line.refers.is_some()).count();
        let mut resolved = Resolved {
            insns: Vec::with_capacity(size),
            relocations: Vec::with_capacity(references),
            spans: Vec::with_capacity(spans),
        };
        for line in &self.lines {
            let at = resolved.insns.len();
            if resolved.spans.last().is_none_or(|(_, last)| *last != line.span) {
                resolved.spans.push((at, line.span));
            }
            resolved.relocations.extend(line.refers.map(|to| (at, to)));
            let mut insn = line.insn;
            if let Some(label) = line.target {
                let distance = offsets[self.line_of(label)] as i64 - at as i64 - 1;
                let limit = Limit::Branch(distance);
                insn.off = i16::try_from(distance).map_err(|_| TooLarge { span: line.span, limit })?;
            }
            resolved.insns.push(insn);
            if line.is_wide() {
                resolved.insns.push(Insn { imm: line.high, ..Insn::default() });
            }
        }
        Ok(resolved)
    }
}
