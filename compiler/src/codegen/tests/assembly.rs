//! Random instructions give the same result before and after the passes that follow register allocation.

use super::super::assembly::{Assembly, Label, Line};
use super::super::insn::{
    ALU, ALU64, Alu, CALL, Condition, EXIT, FRAME, IMM_DW, Insn, JMP, JMP32, LD, LDX, MEM, MOV, REG, STX,
};
use super::super::{delay_moves, merge_tails, number_registers, straighten_arms};
use super::machine;
use crate::ir::Helper;
use lancet_syntax::span::Span;
use proptest::prelude::*;
use proptest::sample::select;

/// A line, or a few that belong together.
#[derive(Clone, Debug)]
enum Step {
    Plain(Insn),
    Wide(u8, u32, u32),
    /// A jump forward, over so many steps.
    Branch(Insn, usize),
    /// The same, always taken.
    Jump(usize),
    /// A branch with two arms that come together again.
    Arms(Insn, Vec<Insn>, Vec<Insn>),
    Call,
    Return(i32),
}

fn insn(code: u8, dst: u8, src: u8, off: i16, imm: i32) -> Insn {
    Insn { code, dst, src, off, imm }
}

fn step() -> impl Strategy<Value = Step> {
    // Few registers meet often.
    let register = || select(vec![0u8, 1, 2, 3, 6, 7]);
    let offset = || select(vec![-8i16, -16]);
    let operation = || select(vec![Alu::Add, Alu::Sub, Alu::Mul, Alu::And, Alu::Xor, Alu::Rsh]);
    let condition = || select(vec![Condition::Eq, Condition::Gt, Condition::Sle]);
    let class = || select(vec![ALU64, ALU]);
    let plain = prop_oneof![
        8 => (register(), register()).prop_map(|(to, from)| insn(ALU64 | MOV | REG, to, from, 0, 0)),
        1 => (register(), register()).prop_map(|(to, from)| insn(ALU | MOV | REG, to, from, 0, 0)),
        2 => (register(), -2..3).prop_map(|(to, value)| insn(ALU64 | MOV, to, 0, 0, value)),
        4 => (class(), operation(), register(), register())
            .prop_map(|(class, op, to, from)| insn(class | op as u8 | REG, to, from, 0, 0)),
        2 => (operation(), register(), 1..9).prop_map(|(op, to, value)| insn(ALU64 | op as u8, to, 0, 0, value)),
        1 => (offset(), register()).prop_map(|(at, from)| insn(STX | MEM | 0x18, FRAME, from, at, 0)),
        1 => (offset(), register()).prop_map(|(at, to)| insn(LDX | MEM | 0x18, to, FRAME, at, 0)),
    ];
    let right = || prop_oneof![register().prop_map(Ok), (-2..3).prop_map(Err)];
    let branch =
        (condition(), register(), right(), select(vec![JMP, JMP32])).prop_map(|(condition, left, right, class)| {
            let code = class | condition as u8;
            match right {
                Ok(right) => insn(code | REG, left, right, 0, 0),
                Err(value) => insn(code, left, 0, 0, value),
            }
        });
    let set = (register(), -2..3).prop_map(|(to, value)| insn(ALU64 | MOV, to, 0, 0, value));
    let arm = || prop::collection::vec(prop_oneof![set.clone(), plain.clone()], 1..3);
    prop_oneof![
        16 => plain.clone().prop_map(Step::Plain),
        1 => (register(), any::<u32>(), 0..3u32).prop_map(|(to, low, high)| Step::Wide(to, low, high)),
        3 => (branch.clone(), 0..6usize).prop_map(|(jump, over)| Step::Branch(jump, over)),
        1 => (0..6usize).prop_map(Step::Jump),
        3 => (branch, arm(), arm()).prop_map(|(jump, then, otherwise)| Step::Arms(jump, then, otherwise)),
        1 => Just(Step::Call),
        1 => (0..2).prop_map(Step::Return),
    ]
}

/// The steps behind some that give all registers a value; the end adds up some of them.
fn assemble(steps: &[Step], returned: &[u8]) -> Assembly {
    let mut assembly = Assembly { lines: Vec::new(), labels: vec![0; steps.len() + 1] };
    let line = |insn: Insn| Line { insn, high: 0, refers: None, target: None, arguments: 0, span: Span::default() };
    let set = |register: u8, value: i32| line(insn(ALU64 | MOV, register, 0, 0, value));
    let store = |at: i16, value: u8| line(insn(STX | MEM | 0x18, FRAME, value, at, 0));
    let exit = line(insn(JMP | EXIT, 0, 0, 0, 0));
    let mut lines: Vec<Line> = (0..10).map(|register| set(register, 1000 + 7 * i32::from(register))).collect();
    lines.extend([store(-8, 6), store(-16, 7)]);
    for (index, step) in steps.iter().enumerate() {
        assembly.labels[index] = lines.len();
        match step {
            Step::Plain(insn) => lines.push(line(*insn)),
            Step::Wide(to, low, high) => {
                lines.push(Line { high: *high as i32, ..line(insn(LD | IMM_DW, *to, 0, 0, *low as i32)) });
            }
            Step::Branch(jump, over) => {
                let target = Some(Label((index + 1 + over).min(steps.len())));
                lines.push(Line { target, ..line(*jump) });
            }
            Step::Jump(over) => {
                let target = Some(Label((index + 1 + over).min(steps.len())));
                lines.push(Line { target, ..line(insn(JMP, 0, 0, 0, 0)) });
            }
            Step::Arms(jump, then, otherwise) => {
                let (arm, end) = (Label(assembly.labels.len()), Label(assembly.labels.len() + 1));
                lines.push(Line { target: Some(arm), ..line(*jump) });
                lines.extend(then.iter().map(|insn| line(*insn)));
                lines.push(Line { target: Some(end), ..line(insn(JMP, 0, 0, 0, 0)) });
                assembly.labels.push(lines.len());
                lines.extend(otherwise.iter().map(|insn| line(*insn)));
                assembly.labels.push(lines.len());
            }
            Step::Call => {
                let helper = Helper::SEND_SIGNAL.0 as i32;
                lines.push(Line { arguments: 2, ..line(insn(JMP | CALL, 0, 0, 0, helper)) });
            }
            Step::Return(value) => lines.extend([set(0, *value), exit]),
        }
    }
    assembly.labels[steps.len()] = lines.len();
    for register in returned {
        lines.push(line(insn(ALU64 | Alu::Mul as u8, 0, 0, 0, 31)));
        lines.push(line(insn(ALU64 | Alu::Add as u8 | REG, 0, *register, 0, 0)));
    }
    lines.push(exit);
    assembly.lines = lines;
    assembly
}

fn result(assembly: Assembly) -> u64 {
    let resolved = assembly.resolve().unwrap_or_else(|_| panic!("a small function"));
    machine::run(&resolved.insns, &[], &[])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn late_moves_shared_tails_and_moved_arms_change_no_result(
        steps in prop::collection::vec(step(), 1..40),
        returned in prop::collection::vec(select(vec![1u8, 2, 3, 6, 7]), 0..4),
    ) {
        let original = assemble(&steps, &returned);
        let mut changed = original.clone();
        delay_moves::run(&mut changed);
        number_registers::run(&mut changed);
        merge_tails::run(&mut changed);
        straighten_arms::run(&mut changed);
        prop_assert!(changed.lines.len() <= original.lines.len());
        prop_assert_eq!(result(changed), result(original));
    }
}
