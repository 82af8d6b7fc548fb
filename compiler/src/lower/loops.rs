//! Loops: unrolled, as blocks, or as callbacks of bpf_loop and bpf_for_each_map_elem.
//!
//! A callback is another function: variables that its body shares with the code around live in a *frame*, a piece of the
//! outer function's stack that the helper hands to the callback. The frame's first word says that the probe has ended
//! (return or exit within the body), its second holds the program's context.

use super::locals::mentioned;
use super::{Lowerer, flow::Loop};
use crate::hir::{Expr, ExprKind, LocalIndex, MapIndex, Statement};
use crate::ir::{
    Address, BinaryOp, Comparison, FunctionBuilder, FunctionKind, Helper, Instruction, MemorySize, Slot, Terminator,
    Value,
};
use lancet_kernel::Features;
use lancet_manifest::Action;
use lancet_syntax::span::Span;

/// Ranges up to this length become loops within the function, which the verifier follows round by round.
const FEW_ROUNDS: i64 = 100;

/// Where the shared variables are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) slot: Slot,
    pub(super) size: u32,
    /// In a callback: the parameter that points to it.
    pub(super) parameter: Option<usize>,
}

impl Frame {
    pub(super) fn in_callback(self) -> bool {
        self.parameter.is_some()
    }

    pub(super) fn address(self, builder: &FunctionBuilder, offset: u32) -> Address {
        match self.parameter {
            Some(index) => Address::Pointer(builder.parameter(index), offset as i32),
            None => Address::Slot(self.slot, offset),
        }
    }
}

/// True when a range becomes a callback of bpf_loop.
pub(super) fn is_callback(start: &Expr, end: &Expr, features: &Features) -> bool {
    match (&start.kind, &end.kind) {
        (ExprKind::Constant(start), ExprKind::Constant(end)) if end.saturating_sub(*start) <= FEW_ROUNDS => false,
        _ => features.bpf_loop,
    }
}

impl<'a> Lowerer<'a> {
    /// The frame of this program, made when first needed.
    pub(super) fn frame(&mut self) -> Frame {
        if let Some(frame) = self.frame {
            return frame;
        }
        let slot = self.builder.stack_slot(16, 8, "frame");
        let frame = Frame { slot, size: 16, parameter: None };
        self.frame = Some(frame);
        self.push(Instruction::Zero { address: Address::Slot(slot, 0), size: 16 });
        let context = self.value(Instruction::Context);
        self.store8(Address::Slot(slot, 8), context);
        frame
    }

    /// The program's context argument.
    pub fn context(&mut self) -> Value {
        match self.frame {
            Some(frame) if frame.in_callback() => {
                let address = frame.address(&self.builder, 8);
                self.load8(address)
            }
            _ => self.value(Instruction::Context),
        }
    }

    pub(super) fn while_loop(&mut self, condition: &Expr, body: &[Statement]) {
        let (head, inside, end) = (self.builder.block(), self.builder.block(), self.builder.block());
        self.builder.jump(head);
        self.builder.switch_to(head);
        let holds = self.scalar(condition);
        self.builder.branch(holds, inside, end);
        self.builder.seal(inside);
        self.builder.switch_to(inside);
        self.loops.push(Loop::Blocks { next: head, end });
        self.statements(body);
        self.loops.pop();
        self.builder.jump(head);
        self.builder.seal(head);
        self.builder.seal(end);
        self.builder.switch_to(end);
    }

    pub(super) fn unroll(&mut self, count: u32, body: &[Statement]) {
        let end = self.builder.block();
        for _ in 0..count {
            let next = self.builder.block();
            self.loops.push(Loop::Blocks { next, end });
            self.statements(body);
            self.loops.pop();
            self.builder.jump(next);
            self.builder.seal(next);
            self.builder.switch_to(next);
        }
        self.builder.jump(end);
        self.builder.seal(end);
        self.builder.switch_to(end);
    }

    pub(super) fn for_range(&mut self, local: LocalIndex, start: &Expr, end: &Expr, body: &[Statement]) {
        if is_callback(start, end, self.target.features) {
            self.range_by_callback(local, start, end, body);
            return;
        }
        let (first, last) = (self.scalar(start), self.scalar(end));
        let known = matches!((&start.kind, &end.kind), (ExprKind::Constant(_), ExprKind::Constant(_)));
        // A counter of our own: the body may read the loop variable, but rounds are counted from 0 so that the verifier
        // sees the bound.
        let counter = self.builder.variable();
        let zero = self.constant(0);
        self.builder.define(counter, zero);
        let (head, inside, next, done) =
            (self.builder.block(), self.builder.block(), self.builder.block(), self.builder.block());
        let limit = match (&start.kind, &end.kind) {
            (ExprKind::Constant(start), ExprKind::Constant(end)) => end.saturating_sub(*start).max(0),
            _ => i64::from(self.target.settings.rounds.0),
        };
        let finished = if known { done } else { self.builder.block() };
        self.builder.jump(head);
        self.builder.switch_to(head);
        let round = self.builder.read(counter);
        let most = self.constant(limit);
        let more = self.compare(Comparison::UnsignedLess, round, most);
        self.builder.branch(more, inside, finished);
        if !known {
            self.builder.seal(finished);
            self.builder.switch_to(finished);
            self.report_rounds_left(first, last, end.span);
            self.builder.jump(done);
        }
        self.builder.seal(inside);
        self.builder.switch_to(inside);
        let number = self.binary(BinaryOp::Add, first, round);
        if !known {
            let go_on = self.builder.block();
            let below = self.compare(Comparison::SignedLess, number, last);
            self.builder.branch(below, go_on, done);
            self.builder.seal(go_on);
            self.builder.switch_to(go_on);
        }
        self.write_local(local, number);
        self.loops.push(Loop::Blocks { next, end: done });
        self.statements(body);
        self.loops.pop();
        self.builder.jump(next);
        self.builder.seal(next);
        self.builder.switch_to(next);
        let round = self.builder.read(counter);
        let stepped = self.add_constant(round, 1);
        self.builder.define(counter, stepped);
        self.builder.jump(head);
        self.builder.seal(head);
        self.builder.seal(done);
        self.builder.switch_to(done);
    }

    /// A range that is longer than the verifier can follow has not been walked to its end.
    fn report_rounds_left(&mut self, first: Value, last: Value, span: Span) {
        let rounds = self.target.settings.rounds.0;
        let most = self.constant(i64::from(rounds));
        let reached = self.binary(BinaryOp::Add, first, most);
        let left = self.compare(Comparison::SignedLess, reached, last);
        let location = self.location(span);
        self.when(left, |lowerer| {
            let message = format!(
                "the loop ended after {rounds} rounds: before Linux 5.17 only ranges of known length can have more"
            );
            lowerer.emit(Action::RuntimeError { message, location }, &[]);
        });
    }

    fn range_by_callback(&mut self, local: LocalIndex, start: &Expr, end: &Expr, body: &[Statement]) {
        let (first, last) = (self.scalar(start), self.scalar(end));
        let start_place = self.frame_word();
        let address = self.word_address(start_place);
        self.store8(address, first);
        // The callback of a call with no rounds is code that the verifier never sees, and the kernel stumbles over it.
        let (some, end) = (self.builder.block(), self.builder.block());
        let more = self.compare(Comparison::SignedLess, first, last);
        self.builder.branch(more, some, end);
        self.builder.seal(some);
        self.builder.switch_to(some);
        let distance = self.binary(BinaryOp::Sub, last, first);
        let most = self.constant(1 << 23);
        let few = self.compare(Comparison::UnsignedLess, distance, most);
        let rounds = self.choose(few, |_| distance, |_| most);
        let callback = self.callback(2, 1, |lowerer| {
            lowerer.make_own_locals(&mentioned(local, body));
            let round = lowerer.builder.parameter(0);
            let address = lowerer.word_address(start_place);
            let first = lowerer.load8(address);
            let number = lowerer.binary(BinaryOp::Add, first, round);
            lowerer.write_local(local, number);
            lowerer.statements(body);
        });
        let function = self.value(Instruction::FunctionAddress(callback));
        let frame = self.frame_pointer();
        let flags = self.constant(0);
        self.call(Helper::LOOP, &[rounds, function, frame, flags]);
        self.leave_when_ended();
        self.builder.jump(end);
        self.builder.seal(end);
        self.builder.switch_to(end);
    }

    pub(super) fn for_map(&mut self, local: LocalIndex, map: MapIndex, body: &[Statement]) {
        let program = self.program;
        let callback = self.callback(4, 3, |lowerer| {
            lowerer.make_own_locals(&mentioned(local, body));
            let (key, value) = (lowerer.builder.parameter(1), lowerer.builder.parameter(2));
            lowerer.write_element(local, &program.maps[map.0 as usize], map, key, value);
            lowerer.statements(body);
        });
        let reference = self.map_reference(map);
        let function = self.value(Instruction::FunctionAddress(callback));
        let frame = self.frame_pointer();
        let flags = self.constant(0);
        self.call(Helper::FOR_EACH_MAP_ELEM, &[reference, function, frame, flags]);
        self.leave_when_ended();
    }

    /// A callback function with this body; its `frame`-th parameter is the frame.
    fn callback(&mut self, parameters: usize, frame: usize, body: impl FnOnce(&mut Self)) -> crate::ir::FunctionId {
        let outer_frame = self.frame();
        self.functions += 1;
        let name = format!("callback{}", self.functions - 1);
        let mut builder = FunctionBuilder::new(name, FunctionKind::Callback, parameters);
        builder.set_span(self.builder.span());
        let outer_builder = std::mem::replace(&mut self.builder, builder);
        let outer_loops = std::mem::replace(&mut self.loops, vec![Loop::Callback]);
        self.frame = Some(Frame { parameter: Some(frame), ..outer_frame });
        body(self);
        self.return_zero();
        let built = std::mem::replace(&mut self.builder, outer_builder);
        self.loops = outer_loops;
        let size = self.frame.map_or(outer_frame.size, |frame| frame.size);
        self.frame = Some(Frame { size, ..outer_frame });
        if !outer_frame.in_callback() {
            self.builder.grow_slot(outer_frame.slot, size);
        }
        self.module.functions.push(built.finish())
    }

    /// A callback that lets bpf_for_each_map_elem count elements.
    pub(super) fn counting_callback(&mut self) -> crate::ir::FunctionId {
        self.plain_callback(4, Self::return_zero)
    }

    /// A word of the frame for a loop's own use.
    fn frame_word(&mut self) -> u32 {
        let frame = self.frame();
        let offset = frame.size;
        self.frame = Some(Frame { size: offset + 8, ..frame });
        if !frame.in_callback() {
            self.builder.grow_slot(frame.slot, offset + 8);
        }
        offset
    }

    fn word_address(&mut self, offset: u32) -> Address {
        let frame = self.frame();
        frame.address(&self.builder, offset)
    }

    fn frame_pointer(&mut self) -> Value {
        let frame = self.frame();
        let address = frame.address(&self.builder, 0);
        self.address_of(address)
    }

    /// After a loop by callback: the body may have ended the probe.
    fn leave_when_ended(&mut self) {
        let address = self.frame_flag();
        let ended = self.value(Instruction::Load { address, size: MemorySize::B8, signed: false });
        let (leave, go_on) = (self.builder.block(), self.builder.block());
        self.builder.branch(ended, leave, go_on);
        self.builder.seal(leave);
        self.builder.seal(go_on);
        self.builder.switch_to(leave);
        let in_callback = self.frame.is_some_and(Frame::in_callback);
        let result = self.constant(i64::from(in_callback));
        self.builder.terminate(Terminator::Return(result));
        self.builder.switch_to(go_on);
    }
}
