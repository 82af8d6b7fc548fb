//! Aggregations: what they hold is added to on the CPU that an event is on, and put together where a script reads it.

use super::Lowerer;
use super::map::ElementPlace;
use crate::builtin::Call;
use crate::hir::{Expr, MapContent, MapIndex, ProbeProgram};
use crate::ir::builder::Variable;
use crate::ir::{Address, BinaryOp, Comparison, Helper, Instruction, MemorySize, Value};
use lancet_manifest::{MapValue, Target};

impl Lowerer<'_> {
    pub(super) fn update_aggregation(&mut self, map: MapIndex, key: Option<&Expr>, call: &Call) {
        let arguments: Vec<Value> = call.arguments.iter().map(|argument| self.scalar(argument)).collect();
        let MapContent::Aggregation(value) = &self.map(map).value else { return };
        let Some(aggregation) = call.builtin.aggregation() else { return };
        if self.map(map).key.is_some()
            && self.interrupts_are_dropped()
            && let Some(first) = aggregation.first(self, &arguments)
        {
            let place = self.place(map, key);
            let found = self.look_up(place);
            self.if_else(
                found,
                |lowerer| aggregation.update(lowerer, found, value, &arguments),
                |lowerer| lowerer.make_element(map, place, &first),
            );
            return;
        }
        let element = self.element_or_new(map, key);
        self.with_element(map, element, |lowerer| aggregation.update(lowerer, element, value, &arguments));
    }

    /// Whether no other program of the script can run while one of them does, on the same CPU: the kernel then counts the
    /// event as missed (`bpf_prog_active`). What one of them has not found in a per-CPU map it can write without looking
    /// whether it is still absent.
    pub(super) fn interrupts_are_dropped(&self) -> bool {
        let exclusive = ["kprobe", "kretprobe", "tracepoint", "perf_event"];
        let mut parts = self.program.probes.iter().flat_map(|probe| &probe.programs);
        // Those run while nothing is attached.
        let is_alone = |part: &ProbeProgram| {
            part.attach_points.iter().all(|point| matches!(point.target, Target::Begin | Target::End))
        };
        parts.all(|part| exclusive.iter().any(|prefix| part.section.starts_with(prefix)) || is_alone(part))
    }

    /// Makes a per-CPU element, or this CPU's value of one that another CPU has made meanwhile.
    fn make_element(&mut self, map: MapIndex, place: ElementPlace, words: &[Value]) {
        let value = match words {
            [word] if self.is_constant(*word, 1) => self.number_address(1),
            _ => {
                let slot = self.slot(self.value_size(map), 8, "value");
                for (index, word) in words.iter().enumerate() {
                    self.store8(Address::Slot(slot, 8 * index as u32), *word);
                }
                self.address_of(Address::Slot(slot, 0))
            }
        };
        let any = self.constant(0);
        let result = self.call(Helper::MAP_UPDATE_ELEM, &[place.table, place.key, value, any]);
        let zero = self.constant(0);
        let failed = self.compare(Comparison::NotEqual, result, zero);
        self.when(failed, |lowerer| lowerer.map_full(map));
    }

    /// Adds one to a bucket of a histogram; `bucket` is below `buckets`.
    pub fn count_bucket(&mut self, element: Value, bucket: Value, buckets: u32) {
        // The verifier wants to see the bound.
        let most = self.constant(i64::from(buckets) - 1);
        let inside = self.compare(Comparison::UnsignedLessEqual, bucket, most);
        self.when(inside, |lowerer| {
            let three = lowerer.constant(3);
            let bytes = lowerer.binary(BinaryOp::ShiftLeft, bucket, three);
            let counter = lowerer.binary(BinaryOp::Add, element, bytes);
            let one = lowerer.constant(1);
            lowerer.atomic_add(Address::Pointer(counter, 0), one);
        });
    }

    /// One more than the binary digits of a number below 2^63: 1 for 0, 2 for 1, 3 for 2 and 3.
    ///
    /// Three halvings leave a byte, whose digits are in a table. Halving further would need no table, but the kernel's
    /// verifier follows all ways through the branches.
    pub fn binary_digits(&mut self, number: Value) -> Value {
        let (rest, digits) = (self.builder.variable(), self.builder.variable());
        let zero = self.constant(0);
        self.builder.define(rest, number);
        self.builder.define(digits, zero);
        for half in [32, 16, 8] {
            let number = self.builder.read(rest);
            let most = self.constant((1 << half) - 1);
            let is_small = self.compare(Comparison::UnsignedLessEqual, number, most);
            self.unless(is_small, |lowerer| {
                let half = lowerer.constant(half);
                let upper = lowerer.binary(BinaryOp::ShiftRight, number, half);
                lowerer.builder.define(rest, upper);
                let so_far = lowerer.builder.read(digits);
                let more = lowerer.binary(BinaryOp::Add, so_far, half);
                lowerer.builder.define(digits, more);
            });
        }
        let byte = self.builder.read(rest);
        let above = self.builder.read(digits);
        let of_bytes: Vec<u8> = (0..=u8::MAX).map(|byte| (u8::BITS - byte.leading_zeros()) as u8 + 1).collect();
        let table = self.constant_bytes(&of_bytes);
        let entry = self.binary(BinaryOp::Add, table, byte);
        let address = Address::Pointer(entry, 0);
        let own = self.value(Instruction::Load { address, size: MemorySize::B1, signed: false });
        self.binary(BinaryOp::Add, above, own)
    }

    /// An aggregation as one integer: the CPUs' values combined.
    pub(super) fn read_aggregation(&mut self, map: MapIndex, key: Option<&Expr>) -> Value {
        let place = self.place(map, key);
        self.combine(map, place)
    }

    pub(super) fn combine(&mut self, map: MapIndex, place: ElementPlace) -> Value {
        let MapContent::Aggregation(value) = &self.map(map).value else { return self.constant(0) };
        let (total, count) = (self.builder.variable(), self.builder.variable());
        let zero = self.constant(0);
        self.builder.define(total, zero);
        self.builder.define(count, zero);
        for cpu in 0..self.target.possible_cpus {
            let cpu = self.constant(i64::from(cpu));
            let element = self.call(Helper::MAP_LOOKUP_PERCPU_ELEM, &[place.table, place.key, cpu]);
            self.when(element, |lowerer| lowerer.combine_one(value, element, total, count));
        }
        let (total, count) = (self.builder.read(total), self.builder.read(count));
        match value {
            MapValue::Average { signed } | MapValue::Stats { signed } => {
                let op = if *signed { BinaryOp::SignedDiv } else { BinaryOp::UnsignedDiv };
                self.choose(count, |lowerer| lowerer.binary(op, total, count), |_| zero)
            }
            _ => total,
        }
    }

    fn combine_one(&mut self, value: &MapValue, element: Value, total: Variable, count: Variable) {
        let one_value = self.load8(Address::Pointer(element, 0));
        let known = self.builder.read(total);
        let comparison = match value {
            MapValue::Min { signed: true } => Some(Comparison::SignedLess),
            MapValue::Min { signed: false } => Some(Comparison::UnsignedLess),
            MapValue::Max { signed: true } => Some(Comparison::SignedGreater),
            MapValue::Max { signed: false } => Some(Comparison::UnsignedGreater),
            _ => None,
        };
        let Some(comparison) = comparison else {
            let sum = self.binary(BinaryOp::Add, known, one_value);
            self.builder.define(total, sum);
            if matches!(value, MapValue::Average { .. } | MapValue::Stats { .. }) {
                let here = self.load8(Address::Pointer(element, 8));
                let before = self.builder.read(count);
                let after = self.binary(BinaryOp::Add, before, here);
                self.builder.define(count, after);
            }
            return;
        };
        let is_set = self.load8(Address::Pointer(element, 8));
        self.when(is_set, |lowerer| {
            let any = lowerer.builder.read(count);
            let best = lowerer.choose(
                any,
                |lowerer| {
                    let better = lowerer.compare(comparison, one_value, known);
                    lowerer.choose(better, |_| one_value, |_| known)
                },
                |_| one_value,
            );
            lowerer.builder.define(total, best);
            let one = lowerer.constant(1);
            lowerer.builder.define(count, one);
        });
    }
}
