//! Functions: their parameters, and where those are at an instruction.

use gimli::{AttributeValue, Expression, Operation, constants};
use lancet_kernel::btf::TypeId;
use lancet_kernel::debug_info::{Function, Parameter, Place as Value, Types};

use super::unit::{Entry, OpenUnit};
use super::{Data, Dwarf, Place};

/// More parameters than any sane function has.
const MOST: usize = 256;

/// DWARF's number of the frame pointer (System V AMD64 ABI, figure 3.36).
const FRAME_POINTER: gimli::Register = gimli::Register(6);

/// What a frame's offsets count from.
#[derive(Clone, Copy, PartialEq)]
enum FrameBase {
    /// Where the stack pointer was before the call.
    CallFrame,
    /// The frame pointer, as it will be once the function has set it.
    FramePointer,
    Other,
}

impl<'d> Dwarf<'d> {
    pub(super) fn read_function(&self, start: u64, at: u64) -> Option<Function> {
        let place = self.function_entry(start)?;
        let function = self.entry(place)?;
        let unit = self.unit(place.0)?;
        let base = frame_base(&unit, &function);
        let mut parameters = Vec::new();
        let mut tree = unit.entries_tree(Some(place.1)).ok()?;
        let mut children = tree.root().ok()?.children();
        while let Ok(Some(child)) = children.next() {
            let entry = child.entry();
            if entry.tag() == constants::DW_TAG_formal_parameter && parameters.len() < MOST {
                let child = (place.0, entry.offset());
                parameters.push(Parameter {
                    name: self.text(child, constants::DW_AT_name).unwrap_or_default(),
                    ty: self.type_of(child),
                    place: self.place_at(&unit, entry, at, base),
                });
            }
        }
        let returns = self.type_of(place);
        Some(Function { parameters, returns, returns_in_memory: self.is_object(returns) })
    }

    /// The type that an entry refers to; void if to none.
    pub(super) fn type_of(&self, place: Place) -> TypeId {
        let referred = self.attribute(place, constants::DW_AT_type);
        let target = referred.and_then(|(number, value)| self.referred(number, value));
        target.map_or(TypeId(0), |target| self.id_of(target))
    }

    /// Where a parameter is before the instruction at an address.
    fn place_at(&self, unit: &OpenUnit<'d>, entry: &Entry<'d>, address: u64, base: FrameBase) -> Option<Value> {
        let location = match entry.attr_value(constants::DW_AT_location) {
            None if entry.attr_value(constants::DW_AT_const_value).is_some() => return Some(Value::Removed),
            None => return None,
            Some(location) => location,
        };
        let expression = match location {
            AttributeValue::Exprloc(expression) => expression,
            other => {
                let mut list = unit.with_sections().attr_locations(other).ok()??;
                loop {
                    let found = list.next().ok()??;
                    if (found.range.begin..found.range.end).contains(&address) {
                        break found.data;
                    }
                }
            }
        };
        match operations(expression, unit)?.as_slice() {
            [Operation::Register { register }] => Some(Value::Register(register.0)),
            [Operation::RegisterOffset { register, offset: 0, .. }] => Some(Value::Behind(register.0)),
            // Below that are the function's own variables: a copy that its first instructions will make.
            [Operation::FrameOffset { offset }] => match base {
                FrameBase::CallFrame if *offset >= 0 => Some(Value::Stack(offset + 8)),
                FrameBase::FramePointer if *offset >= 16 => Some(Value::Stack(offset - 8)),
                _ => None,
            },
            // A copy of its address.
            [Operation::FrameOffset { .. }, Operation::Deref { .. }] => Some(Value::Reference),
            _ => None,
        }
    }

    /// Whether a type is a C++ class with a destructor that does something: values of it stay where they are.
    fn is_object(&self, id: TypeId) -> bool {
        let Some(id) = self.resolve(id) else { return false };
        self.place_of(id).is_some_and(|place| {
            let found = self.children(place, |dwarf, child, tag| {
                let entry = dwarf.entry(child).filter(|_| tag == constants::DW_TAG_subprogram)?;
                let name = dwarf.text(child, constants::DW_AT_name)?;
                let is_implied = entry.attr(constants::DW_AT_artificial).or(entry.attr(constants::DW_AT_defaulted));
                (name.starts_with('~') && is_implied.is_none()).then_some(())
            });
            !found.is_empty()
        })
    }
}

fn frame_base(unit: &gimli::Unit<Data<'_>>, function: &Entry<'_>) -> FrameBase {
    let base = function.attr_value(constants::DW_AT_frame_base).and_then(|value| value.exprloc_value());
    match base.and_then(|expression| operations(expression, unit)).as_deref() {
        Some([Operation::CallFrameCFA]) => FrameBase::CallFrame,
        Some([Operation::Register { register }]) if *register == FRAME_POINTER => FrameBase::FramePointer,
        _ => FrameBase::Other,
    }
}

/// The operations of an expression that has a few only.
fn operations<'d>(expression: Expression<Data<'d>>, unit: &gimli::Unit<Data<'d>>) -> Option<Vec<Operation<Data<'d>>>> {
    let mut operations = expression.operations(unit.encoding());
    let mut found = Vec::new();
    while let Some(operation) = operations.next().ok()? {
        if found.len() == 2 {
            return None;
        }
        found.push(operation);
    }
    Some(found)
}
