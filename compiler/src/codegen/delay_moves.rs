//! A value stays in its register until another needs it: moves between registers are made late, or never.
//!
//! The allocator moves a value where it wants it next, and often back. Here each run of instructions is gone through with a
//! note of which register has what another should have. An instruction that reads takes the value where it is. A move is
//! made when the value's register is about to be written, when a call or the next run wants it in its own, or when it is
//! changed in place. What nobody reads is not computed.
//!
//! A comparison of a value that lives on reads its own register: kernels before 5.11 learn bounds of that one only.

use super::assembly::{Assembly, Line, Run};
use super::effects::{Effects, RegisterSet, Role, effects, rename, rename_known};
use super::insn::{ALU64, Alu, FRAME, Insn, MOV, REG};

pub(super) fn run(assembly: &mut Assembly) {
    let runs = assembly.runs();
    let all: Vec<Effects> = assembly.lines.iter().map(effects).collect();
    let live = live_at_end(&runs, &at_start(&all, &runs));
    let mut needed = Vec::new();
    assembly.replace(&runs, |index, old, lines| {
        let effects = &all[runs[index].lines.clone()];
        find_needed(effects, live[index], &mut needed);
        let mut delay = Delay::new(lines);
        let is_rewritten = delay.run(old, effects, &needed, live[index]).is_some();
        let start = delay.start;
        if !is_rewritten || lines.len() - start > needed.len() {
            lines.truncate(start);
            lines.extend(needed.iter().map(|(at, _)| old[*at]));
        }
    });
}

/// The set before a line, of those after it.
fn before(effects: &Effects, after: RegisterSet) -> RegisterSet {
    match is_needless(effects, after) {
        true => after,
        false => after.without(effects.writes).with(effects.reads),
    }
}

fn is_needless(effects: &Effects, after: RegisterSet) -> bool {
    effects.is_pure && !after.meets(effects.writes)
}

/// By run: the registers whose values are read after it.
fn live_at_end(runs: &[Run], at_start: &[RegisterSet]) -> Vec<RegisterSet> {
    runs.iter().map(|run| behind(run, at_start)).collect()
}

fn behind(run: &Run, at_start: &[RegisterSet]) -> RegisterSet {
    run.successors
        .iter()
        .flatten()
        .map(|successor| at_start[*successor])
        .fold(RegisterSet::default(), RegisterSet::with)
}

/// By run: the registers whose values are read in it or after it.
pub(super) fn live_at_start(assembly: &Assembly, runs: &[Run]) -> Vec<RegisterSet> {
    let all: Vec<Effects> = assembly.lines.iter().map(effects).collect();
    at_start(&all, runs)
}

/// The same from what each line does.
fn at_start(all: &[Effects], runs: &[Run]) -> Vec<RegisterSet> {
    let mut at_start = vec![RegisterSet::default(); runs.len()];
    // What was behind a run when it was followed last.
    let mut followed: Vec<Option<RegisterSet>> = vec![None; runs.len()];
    let mut changed = true;
    while changed {
        changed = false;
        for (index, run) in runs.iter().enumerate().rev() {
            let end = behind(run, &at_start);
            if followed[index].replace(end) == Some(end) {
                continue;
            }
            let start = all[run.lines.clone()].iter().rev().fold(end, |after, effects| before(effects, after));
            changed |= start != at_start[index];
            at_start[index] = start;
        }
    }
    at_start
}

/// The lines that do something, each with the registers that are read after it.
fn find_needed(all: &[Effects], at_end: RegisterSet, needed: &mut Vec<(usize, RegisterSet)>) {
    needed.clear();
    let mut after = at_end;
    for (at, effects) in all.iter().enumerate().rev() {
        if !is_needless(effects, after) {
            needed.push((at, after));
            after = before(effects, after);
        }
    }
    needed.reverse();
}

fn is_move(line: &Line) -> bool {
    line.insn.code == ALU64 | MOV | REG && line.insn.off == 0
}

fn is_commutative(code: u8) -> bool {
    [Alu::Add, Alu::Mul, Alu::Or, Alu::And, Alu::Xor].iter().any(|op| code == ALU64 | REG | *op as u8)
}

/// The walk through one run.
struct Delay<'a> {
    /// The new lines of this run come behind those of others.
    lines: &'a mut Vec<Line>,
    start: usize,
    /// By register: the one that has its value.
    place: [u8; 11],
    /// Registers that are being made free.
    leaving: RegisterSet,
}

impl<'a> Delay<'a> {
    fn new(lines: &'a mut Vec<Line>) -> Self {
        let place = std::array::from_fn(|register| register as u8);
        Self { start: lines.len(), lines, place, leaving: RegisterSet::default() }
    }

    /// Adds the new lines; nothing when values would have to change places and no register is free.
    fn run(
        &mut self,
        old: &[Line],
        all: &[Effects],
        needed: &[(usize, RegisterSet)],
        at_end: RegisterSet,
    ) -> Option<()> {
        for (at, after) in needed {
            let (line, effects, after) = (&old[*at], &all[*at], *after);
            if is_move(line) {
                self.place[line.insn.dst as usize] = self.place[line.insn.src as usize];
                continue;
            }
            if !self.exchange(line, effects, after) {
                self.execute(line, effects, after)?;
            }
        }
        // A jump has seen to it already.
        if let Some((last, _)) = needed.last() {
            for register in at_end.iter() {
                self.settle(register, at_end, &old[*last])?;
            }
        }
        Some(())
    }

    /// Where the sides may change and the right one is not needed any more, the result takes its register.
    fn exchange(&mut self, line: &Line, effects: &Effects, after: RegisterSet) -> bool {
        let Insn { code, dst, src, .. } = line.insn;
        if !is_commutative(code) {
            return false;
        }
        let (left, right) = (self.place[dst as usize], self.place[src as usize]);
        let right_is_free =
            src != dst && right != left && !self.has_value_of(right, after.without(RegisterSet::one(dst)));
        if left == dst || right == FRAME || !right_is_free {
            return false;
        }
        self.lines.push(rename_known(line, effects, |_| left, |_| right));
        self.place[dst as usize] = right;
        true
    }

    fn execute(&mut self, line: &Line, effects: &Effects, after: RegisterSet) -> Option<()> {
        let live = after.without(effects.writes).with(effects.reads);
        let wants = match () {
            () if line.is_call() => effects.reads.with(after.without(RegisterSet::CALL)),
            () if line.is_exit() => effects.reads,
            () if line.target.is_some() => after,
            () => RegisterSet::default(),
        };
        for register in wants.iter() {
            // What a call keeps may stay where it is.
            let kept = line.is_call() && !RegisterSet::CALL.contains(self.place[register as usize]);
            if !kept || effects.reads.contains(register) {
                self.settle(register, live, line)?;
            }
        }
        let mut elsewhere = None;
        for (role, register) in [(effects.dst, line.insn.dst), (effects.src, line.insn.src)] {
            if role == Role::Update {
                self.settle(register, live, line)?;
            }
            let set = RegisterSet::one(register);
            if !matches!(role, Role::Update | Role::Write) || !self.has_value_of(register, after.without(set)) {
                continue;
            }
            match self.unused(live.with(after)).filter(|_| role == Role::Write) {
                // The result waits elsewhere.
                Some(unused) => elsewhere = Some(unused),
                None => {
                    self.leaving = self.leaving.with(set);
                    self.vacate(register, live, line)?;
                    self.leaving = self.leaving.without(set);
                }
            }
        }
        let write = |register: u8| elsewhere.unwrap_or(register);
        self.lines.push(rename_known(line, effects, |register| self.place[register as usize], write));
        for register in effects.writes.iter() {
            self.place[register as usize] = write(register);
        }
        Some(())
    }

    /// A register that has no live value and does not belong to one.
    fn unused(&self, live: RegisterSet) -> Option<u8> {
        (0..10).find(|register| !live.contains(*register) && !self.has_value_of(*register, live))
    }

    /// True when the register holds the value of one of these.
    fn has_value_of(&self, register: u8, of: RegisterSet) -> bool {
        of.iter().any(|other| self.place[other as usize] == register)
    }

    /// Brings a value into its own register.
    fn settle(&mut self, register: u8, live: RegisterSet, line: &Line) -> Option<()> {
        if self.place[register as usize] == register {
            return Some(());
        }
        self.leaving = self.leaving.with(RegisterSet::one(register));
        self.vacate(register, live, line)?;
        self.leaving = self.leaving.without(RegisterSet::one(register));
        let from = std::mem::replace(&mut self.place[register as usize], register);
        self.copy(register, from, live, line);
        Some(())
    }

    /// Makes a register free: the live values in it go to the own register of one of them.
    fn vacate(&mut self, register: u8, live: RegisterSet, line: &Line) -> Option<()> {
        let is_there = |place: &[u8; 11], other: u8| place[other as usize] == register && other != register;
        let Some(first) = live.iter().find(|other| is_there(&self.place, *other)) else { return Some(()) };
        let to = if self.leaving.contains(first) {
            // Around a circle: one value waits elsewhere.
            (0..10)
                .find(|free| !self.has_value_of(*free, live) && !self.leaving.contains(*free) && *free != register)?
        } else {
            self.leaving = self.leaving.with(RegisterSet::one(first));
            self.vacate(first, live, line)?;
            self.leaving = self.leaving.without(RegisterSet::one(first));
            first
        };
        for other in live.iter() {
            if is_there(&self.place, other) {
                self.place[other as usize] = to;
            }
        }
        self.copy(to, register, live, line);
        Some(())
    }

    /// Adds a move; where the value was made for it alone, it is made in place.
    fn copy(&mut self, to: u8, from: u8, live: RegisterSet, line: &Line) {
        if !self.has_value_of(from, live) && self.make_in(to, from) {
            return;
        }
        let insn = Insn { code: ALU64 | MOV | REG, dst: to, src: from, off: 0, imm: 0 };
        self.lines.push(Line { insn, high: 0, refers: None, target: None, arguments: 0, span: line.span });
    }

    /// Lets the lines that made the value of `from` make it in `to`, if nothing has used that since.
    fn make_in(&mut self, to: u8, from: u8) -> bool {
        let (to_set, from_set) = (RegisterSet::one(to), RegisterSet::one(from));
        let mut start = None;
        for (at, line) in self.lines.iter().enumerate().skip(self.start).rev() {
            let effects = effects(line);
            let makes = effects.dst == Role::Write && line.insn.dst == from;
            let uses_to = effects.writes.meets(to_set) || (effects.reads.meets(to_set) && !makes);
            if uses_to || (line.is_call() && (effects.reads.with(effects.writes)).meets(from_set)) {
                return false;
            }
            if makes {
                start = Some(at);
                break;
            }
        }
        let Some(start) = start else { return false };
        let other = |register: u8| if register == from { to } else { register };
        self.lines[start].insn.dst = to;
        for line in &mut self.lines[start + 1..] {
            *line = rename(line, other, other);
        }
        true
    }
}
