//! Records that end with a string that is read from memory: of its room only what it fills is sent. They are made in
//! scratch memory and copied, since what is reserved in the ring buffer has a constant size. Most strings fill a twentieth of
//! their room, so the buffer holds twenty times as many.

use super::emit::HEADER;
use super::{Lowerer, value_type};
use crate::builtin::Call;
use crate::hir::{Expr, ExprKind, changes_something};
use crate::ir::{Address, Comparison};
use crate::types::Type;
use lancet_manifest::{Action, Argument};

/// Shorter strings are sent with all their room.
const LONG: u32 = 128;

/// Arguments with their places in a record.
pub(super) struct Layout {
    /// In the order of the arguments.
    pub(super) arguments: Vec<Argument>,
    /// Bytes of the record.
    pub(super) size: u32,
    /// The argument at the end of which only what it fills is sent.
    pub(super) last: Option<usize>,
}

impl Lowerer<'_> {
    /// Where arguments are in a record, each aligned to its size but at most 8: in order, but the longest string that is
    /// read from memory is the last.
    pub(super) fn layout(&self, arguments: &[Expr]) -> Layout {
        let last = self.longest_read(arguments);
        let order = (0..arguments.len()).filter(|index| Some(*index) != last).chain(last);
        let mut places = vec![0; arguments.len()];
        let mut end = HEADER;
        for index in order {
            let argument = &arguments[index];
            // A string that is read into the record has its NUL behind it when it fills its bytes.
            let reads = read_text(argument).is_some();
            let size = self.size_of(&argument.ty) + u32::from(reads);
            let align = if argument.ty.is_scalar() { size.clamp(1, 8) } else { 8 };
            places[index] = end.next_multiple_of(align);
            end = places[index] + size;
        }
        let argument =
            |(argument, offset): (&Expr, u32)| Argument { offset, ty: value_type(&argument.ty, self.target.structs) };
        Layout { arguments: arguments.iter().zip(places).map(argument).collect(), size: end, last }
    }

    /// Scratch memory is cheap where nothing else can want it at the same time. What comes behind the string is evaluated
    /// before it, so that must not change anything.
    fn longest_read(&self, arguments: &[Expr]) -> Option<usize> {
        let size = |argument: &Expr| read_text(argument).map(|_| self.size_of(&argument.ty));
        let sizes = arguments.iter().map(size).enumerate();
        let (longest, size) = sizes.filter_map(|(index, size)| Some((index, size?))).max_by_key(|(_, size)| *size)?;
        let may_wait = !arguments[longest + 1..].iter().any(changes_something);
        (size >= LONG && may_wait && self.interrupts_are_dropped()).then_some(longest)
    }

    /// Sends arguments, of the last no more than what it fills.
    pub(super) fn emit_text_record(&mut self, action: Action, arguments: &[Expr], layout: &Layout, last: usize) {
        let Some((call, ty)) = read_text(&arguments[last]) else { return };
        let record = self.builder.scratch_slot(layout.size, 8, "record");
        for (index, (argument, place)) in arguments.iter().zip(&layout.arguments).enumerate() {
            if index != last {
                self.store_argument(argument, Address::Slot(record, place.offset));
            }
        }
        let start = layout.arguments[last].offset;
        let (to, size) = (Address::Slot(record, start), self.size_of(ty));
        let bytes = match call.builtin.lower_text(self, call, ty, Some(to), size) {
            Some((_, read)) => {
                // An error, which leaves the string empty, is a large number too.
                let most = self.constant(i64::from(layout.size - start));
                let is_length = self.compare(Comparison::UnsignedLessEqual, read, most);
                let length = self.choose(is_length, |_| read, |lowerer| lowerer.constant(1));
                self.add_constant(length, i64::from(start))
            }
            None => {
                self.lower_into(&arguments[last], to);
                self.constant(i64::from(layout.size))
            }
        };
        let number = self.action(action);
        let number = self.constant(i64::from(number));
        self.store8(Address::Slot(record, 0), number);
        let record = self.address_of(Address::Slot(record, 0));
        self.output(record, bytes, |_| {});
    }

    fn store_argument(&mut self, argument: &Expr, to: Address) {
        if argument.ty.is_scalar() {
            let value = self.scalar(argument);
            self.store_sized(to, self.size_of(&argument.ty), value);
        } else {
            self.lower_into(argument, to);
        }
    }
}

/// A call that reads a string from memory.
pub(super) fn read_text(argument: &Expr) -> Option<(&Call, &Type)> {
    match &argument.kind {
        ExprKind::Call(call) if call.builtin.reads_text() => Some((call, &argument.ty)),
        _ => None,
    }
}
