//! Records for the runtime: reserved in the ring buffer, filled in place, submitted; small ones are made on the stack and
//! copied in, by one call instead of two. One that finds the buffer full is counted.

use super::text_record::Layout;
use super::{Lowerer, is_fired};
use crate::hir::{Expr, ExprKind, changes_something};
use crate::ir::{Address, Comparison, Helper, Instruction, MapData, MapId, MapKind, Value};
use crate::types::Type;
use lancet_manifest::{Action, Counter, Format, InitialValue, Outcome, TextSink};

/// Fields start behind the action's number and a reserved word.
pub(super) const HEADER: u32 = 8;
const SYMBOL: &str = "lancet_records";
/// The runtime sets the size that it wants; this is what an object has that is loaded by something else.
const RING_BYTES: u32 = 1 << 18;

/// Up to this many bytes, copying a record costs less than a call of the kernel.
const MOST_COPIED: u32 = 40;

/// An argument that is evaluated already, or one that fills the record itself.
enum Ready<'e> {
    Value(Value),
    Memory(Address),
    InPlace(&'e Expr),
}

impl Lowerer<'_> {
    fn ring_buffer(&mut self) -> MapId {
        if let Some(map) = self.ring_buffer {
            return map;
        }
        let data = MapData {
            symbol: SYMBOL.into(),
            kind: MapKind::RingBuffer,
            key_size: 0,
            value_size: 0,
            max_entries: RING_BYTES,
            flags: 0,
        };
        let map = self.module.maps.push(data);
        self.ring_buffer = Some(map);
        self.manifest.ring_buffer = Some(SYMBOL.into());
        map
    }

    pub(super) fn action(&mut self, action: Action) -> u32 {
        match self.manifest.actions.iter().position(|known| *known == action) {
            Some(index) => index as u32,
            None => {
                self.manifest.actions.push(action);
                self.manifest.actions.len() as u32 - 1
            }
        }
    }

    /// Sends a record of `size` bytes that `fill` fills.
    pub(super) fn send(&mut self, action: Action, size: u32, fill: impl FnOnce(&mut Self, Value)) {
        self.send_and(action, size, fill, |_| {});
    }

    /// The same; `sent` is what happens when there was room for it.
    fn send_and(
        &mut self,
        action: Action,
        size: u32,
        fill: impl FnOnce(&mut Self, Value),
        sent: impl FnOnce(&mut Self),
    ) {
        let number = self.action(action);
        if size <= MOST_COPIED {
            return self.send_copy(number, size, fill, sent);
        }
        let ring = self.ring_buffer();
        let reference = self.value(Instruction::MapReference(ring));
        let (bytes, flags) = (self.constant(i64::from(size.next_multiple_of(8))), self.constant(0));
        let record = self.call(Helper::RINGBUF_RESERVE, &[reference, bytes, flags]);
        self.if_else(
            record,
            |lowerer| {
                let number = lowerer.constant(i64::from(number));
                lowerer.store8(Address::Pointer(record, 0), number);
                fill(lowerer, record);
                let flags = lowerer.constant(0);
                lowerer.call(Helper::RINGBUF_SUBMIT, &[record, flags]);
                sent(lowerer);
                lowerer.account(Outcome::Sent);
            },
            Self::record_lost,
        );
    }

    fn send_copy(&mut self, number: u32, size: u32, fill: impl FnOnce(&mut Self, Value), sent: impl FnOnce(&mut Self)) {
        let address = Address::Slot(self.slot(size, 8, "record"), 0);
        // Gaps between fields are sent too.
        self.push(Instruction::Zero { address, size });
        let number = self.constant(i64::from(number));
        self.store8(address, number);
        let record = self.address_of(address);
        fill(self, record);
        let bytes = self.constant(i64::from(size));
        self.output(record, bytes, sent);
    }

    /// Sends so many bytes at an address; `sent` is what happens when there was room for them.
    pub(super) fn output(&mut self, record: Value, bytes: Value, sent: impl FnOnce(&mut Self)) {
        let ring = self.ring_buffer();
        let (reference, flags) = (self.value(Instruction::MapReference(ring)), self.constant(0));
        let result = self.call(Helper::RINGBUF_OUTPUT, &[reference, record, bytes, flags]);
        let failed = self.compare(Comparison::NotEqual, result, flags);
        self.if_else(failed, Self::record_lost, |lowerer| {
            sent(lowerer);
            lowerer.account(Outcome::Sent);
        });
    }

    fn record_lost(&mut self) {
        self.count(Counter::RecordsLost);
        self.account(Outcome::Lost);
    }

    /// Sends a record of 64-bit words.
    pub fn emit(&mut self, action: Action, words: &[Value]) {
        let size = HEADER + 8 * words.len() as u32;
        self.send(action, size, |lowerer, record| {
            for (index, word) in words.iter().enumerate() {
                lowerer.store8(Address::Pointer(record, (HEADER + 8 * index as u32) as i32), *word);
            }
        });
    }

    /// Asks the runtime to end; once that is sent, probes that end the script, and timers, do nothing more.
    pub fn emit_exit(&mut self, code: Value) {
        let fill = |lowerer: &mut Self, record| lowerer.store8(Address::Pointer(record, HEADER as i32), code);
        self.send_and(Action::Exit, HEADER + 8, fill, |lowerer| {
            if lowerer.part.is_some_and(is_fired) {
                let (running, ended) = (lowerer.initial_address(InitialValue::Running), lowerer.constant(0));
                lowerer.store8(running, ended);
            }
        });
    }

    /// Sends formatted text's arguments.
    pub fn emit_text(&mut self, sink: TextSink, format: Format, arguments: &[Expr]) {
        let layout = self.layout(arguments);
        let action = Action::Text { sink, format, arguments: layout.arguments.clone() };
        self.emit_arguments(action, arguments, &layout);
    }

    /// Sends a value to be printed.
    pub fn emit_value(&mut self, value: &Expr) {
        let values = std::slice::from_ref(value);
        let layout = self.layout(values);
        let action = Action::Value(layout.arguments[0].clone());
        self.emit_arguments(action, values, &layout);
    }

    /// Sends the key of an aggregation's element to be printed, and a divisor (absent: 0).
    pub fn emit_element(&mut self, map: u32, key_and_divisor: &[Expr]) {
        let key_type = self.program.maps[map as usize].key.clone();
        let (key, divisor) = match (&key_type, key_and_divisor) {
            (Some(_), [key, rest @ ..]) => (Some(key), rest.first()),
            (_, rest) => (None, rest.first()),
        };
        let key = key.zip(key_type).map(|(key, ty)| {
            let size = self.size_of(&ty);
            let slot = Address::Slot(self.slot(size, 8, "key"), 0);
            self.convert_into(key, &ty, slot);
            (slot, size)
        });
        let divisor = match divisor {
            Some(divisor) => self.scalar(divisor),
            None => self.constant(0),
        };
        let key_size = key.map_or(0, |(_, size)| size);
        let divisor_at = HEADER + key_size.next_multiple_of(8);
        self.send(Action::PrintElement { map }, divisor_at + 8, |lowerer, record| {
            if let Some((from, size)) = key {
                let to = Address::Pointer(record, HEADER as i32);
                lowerer.push(Instruction::Copy { to, from, size });
            }
            lowerer.store8(Address::Pointer(record, divisor_at as i32), divisor);
        });
    }

    fn emit_arguments(&mut self, action: Action, arguments: &[Expr], layout: &Layout) {
        if let Some(last) = layout.last {
            return self.emit_text_record(action, arguments, layout, last);
        }
        // Whatever could leave the probe or send a record of its own comes before the reservation.
        let may_wait = !arguments.iter().any(changes_something);
        let ready: Vec<Ready<'_>> = arguments.iter().map(|argument| self.ready(argument, may_wait)).collect();
        self.send(action, layout.size, |lowerer, record| {
            for ((argument, ready), place) in arguments.iter().zip(ready).zip(&layout.arguments) {
                let to = Address::Pointer(record, place.offset as i32);
                let size = lowerer.size_of(&argument.ty);
                match ready {
                    Ready::Value(value) => lowerer.store_sized(to, size, value),
                    Ready::Memory(from) => lowerer.push(Instruction::Copy { to, from, size }),
                    Ready::InPlace(expr) => lowerer.fill(expr, to),
                }
            }
        });
    }

    /// Writes an argument to its place in a record, where nobody looks behind a string's NUL.
    fn fill(&mut self, expr: &Expr, to: Address) {
        if let (ExprKind::Call(call), Type::String(size)) = (&expr.kind, &expr.ty)
            && call.builtin.lower_text(self, call, &expr.ty, Some(to), *size).is_some()
        {
            return;
        }
        self.lower_into(expr, to);
    }

    /// `may_wait`: no argument changes anything, so it does not matter which is evaluated first.
    fn ready<'e>(&mut self, argument: &'e Expr, may_wait: bool) -> Ready<'e> {
        if argument.ty.is_scalar() {
            return Ready::Value(self.scalar(argument));
        }
        match &argument.kind {
            ExprKind::String(_) => Ready::InPlace(argument),
            ExprKind::Call(call)
                if may_wait && call.builtin.fills_in_place() && call.arguments.iter().all(is_plain) =>
            {
                Ready::InPlace(argument)
            }
            _ => Ready::Memory(self.memory(argument)),
        }
    }
}

/// True for values that can be evaluated between reservation and submission: nothing in them branches away.
fn is_plain(expr: &Expr) -> bool {
    match &expr.kind {
        ExprKind::Constant(_) | ExprKind::Local(_) | ExprKind::Context => true,
        ExprKind::Convert(inner) => is_plain(inner),
        ExprKind::Load { pointer, .. } => is_plain(pointer) && expr.ty != Type::Void,
        ExprKind::PointerOffset(left, right) => is_plain(left) && is_plain(right),
        _ => false,
    }
}
