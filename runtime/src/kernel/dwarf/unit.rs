//! The units of debug information: where each lies, and what of its code and functions is known.

use std::cell::{OnceCell, RefCell};
use std::ops::Deref;
use std::rc::{Rc, Weak};

use gimli::{AttributeValue, DebuggingInformationEntry, UnitHeader, UnitOffset, UnitRef, UnitType, constants};
use rustc_hash::FxHashMap;

use super::split::SplitUnit;
use super::{Data, Dwarf, HOPS, Place};

/// An entry: a type, a function, a parameter.
pub(super) type Entry<'d> = DebuggingInformationEntry<Data<'d>>;

/// A unit: what one source file became, or types that several share.
pub(super) struct Unit<'d> {
    header: UnitHeader<Data<'d>>,
    /// What is open stays so while it is in use, so that a program with thousands of units does not hold them all.
    open: RefCell<Weak<OpenUnit<'d>>>,
    /// What describes it, if that was split off.
    split: OnceCell<Option<SplitUnit<'d>>>,
    /// Its functions by the addresses they start at.
    functions: OnceCell<FxHashMap<u64, UnitOffset>>,
}

/// A unit that is open.
pub(super) struct OpenUnit<'d> {
    unit: gimli::Unit<Data<'d>>,
    /// What its entries refer to.
    sections: Rc<gimli::Dwarf<Data<'d>>>,
    /// Whether its entries are in a file of their own.
    is_split: bool,
}

impl<'d> Deref for OpenUnit<'d> {
    type Target = gimli::Unit<Data<'d>>;

    fn deref(&self) -> &Self::Target {
        &self.unit
    }
}

impl<'d> OpenUnit<'d> {
    /// The unit with its sections, which attributes are read with.
    pub(super) fn with_sections(&self) -> UnitRef<'_, Data<'d>> {
        UnitRef::new(&self.sections, &self.unit)
    }
}

/// All units in the order of their offsets. A damaged header ends the list.
pub(super) fn read_all<'d>(sections: &gimli::Dwarf<Data<'d>>) -> Vec<Unit<'d>> {
    let mut headers = Vec::new();
    let mut units = sections.units();
    while let Ok(Some(header)) = units.next() {
        headers.push(header);
    }
    let mut units = sections.type_units();
    while let Ok(Some(header)) = units.next() {
        headers.push(header);
    }
    let unit = |header| Unit { header, open: RefCell::default(), split: OnceCell::new(), functions: OnceCell::new() };
    headers.into_iter().map(unit).collect()
}

impl<'d> Unit<'d> {
    /// The unit, if somebody has it open.
    pub(super) fn opened(&self) -> Option<Rc<OpenUnit<'d>>> {
        self.open.borrow().upgrade()
    }

    /// The unit with its entries, wherever those are.
    pub(super) fn open(&self, dwarf: &Dwarf<'d>) -> Option<Rc<OpenUnit<'d>>> {
        if let Some(open) = self.opened() {
            return Some(open);
        }
        let skeleton = self.in_program(dwarf)?;
        let split = self.split.get_or_init(|| SplitUnit::find(&dwarf.program, &skeleton, &dwarf.sections));
        let open = match split {
            Some(split) => OpenUnit { unit: split.open(&skeleton)?, sections: split.sections(), is_split: true },
            None => OpenUnit { unit: skeleton, sections: dwarf.sections.clone(), is_split: false },
        };
        let open = Rc::new(open);
        *self.open.borrow_mut() = Rc::downgrade(&open);
        Some(open)
    }

    /// What the program itself has of the unit: the ranges of its code and its lines always, all else if not split off.
    pub(super) fn in_program(&self, dwarf: &Dwarf<'d>) -> Option<gimli::Unit<Data<'d>>> {
        dwarf.sections.unit(self.header).ok()
    }

    /// The addresses of its code: ranges from the first to behind the last.
    pub(super) fn ranges(&self, dwarf: &Dwarf<'d>) -> Option<Vec<(u64, u64)>> {
        let unit = self.in_program(dwarf)?;
        let mut ranges = dwarf.sections.unit_ranges(&unit).ok()?;
        let mut found = Vec::new();
        while let Ok(Some(range)) = ranges.next() {
            found.push((range.begin, range.end));
        }
        Some(found)
    }

    /// The entry of the function that starts at an address.
    pub(super) fn function(&self, dwarf: &Dwarf<'d>, address: u64) -> Option<UnitOffset> {
        self.functions.get_or_init(|| self.all_functions(dwarf).unwrap_or_default()).get(&address).copied()
    }

    fn all_functions(&self, dwarf: &Dwarf<'d>) -> Option<FxHashMap<u64, UnitOffset>> {
        let unit = self.open(dwarf)?;
        let mut functions = FxHashMap::default();
        let mut entries = unit.entries();
        while let Ok(Some(entry)) = entries.next_dfs() {
            if entry.tag() != constants::DW_TAG_subprogram {
                continue;
            }
            if let Some(start) = start_of(&unit, entry) {
                functions.insert(start, entry.offset());
            }
        }
        Some(functions)
    }
}

/// The address that a function's code starts at.
fn start_of<'d>(unit: &OpenUnit<'d>, entry: &Entry<'d>) -> Option<u64> {
    let unit = unit.with_sections();
    if let Some(low) = entry.attr_value(constants::DW_AT_low_pc) {
        return unit.attr_address(low).ok()?;
    }
    // Code that was split into hot and cold parts starts in the first.
    unit.die_ranges(entry).ok()?.next().ok()?.map(|range| range.begin)
}

impl<'d> Dwarf<'d> {
    /// The entry at a place.
    pub(super) fn entry(&self, place: Place) -> Option<Entry<'d>> {
        self.unit(place.0)?.entry(place.1).ok()
    }

    /// The function that starts at an address.
    pub(super) fn function_entry(&self, address: u64) -> Option<Place> {
        let number = self.unit_at(address)?;
        Some((number, self.units().get(number)?.function(self, address)?))
    }

    /// The place that a reference of an entry of unit `from` leads to.
    pub(super) fn referred(&self, from: usize, reference: AttributeValue<Data<'d>>) -> Option<Place> {
        match reference {
            AttributeValue::UnitRef(offset) => Some((from, offset)),
            // Counted from the start of the file that the entry is in.
            AttributeValue::DebugInfoRef(_) if self.unit(from)?.is_split => None,
            AttributeValue::DebugInfoRef(offset) => {
                let starts_after = |unit: &Unit<'_>| unit.header.debug_info_offset().is_none_or(|start| start > offset);
                let number = self.units().partition_point(|unit| !starts_after(unit)).checked_sub(1)?;
                Some((number, offset.to_unit_offset(&self.units().get(number)?.header)?))
            }
            AttributeValue::DebugTypesRef(wanted) => {
                self.units().iter().enumerate().find_map(|(number, unit)| match unit.header.type_() {
                    UnitType::Type { type_signature, type_offset }
                    | UnitType::SplitType { type_signature, type_offset }
                        if type_signature == wanted =>
                    {
                        Some((number, type_offset))
                    }
                    _ => None,
                })
            }
            _ => None,
        }
    }

    /// An attribute of an entry, or of the declaration or the abstract function that it completes.
    pub(super) fn attribute(&self, place: Place, name: gimli::DwAt) -> Option<(usize, AttributeValue<Data<'d>>)> {
        let mut place = place;
        for _ in 0..HOPS {
            let entry = self.entry(place)?;
            if let Some(value) = entry.attr_value(name) {
                return Some((place.0, value));
            }
            let origin = entry.attr_value(constants::DW_AT_abstract_origin);
            let next = origin.or_else(|| entry.attr_value(constants::DW_AT_specification))?;
            place = self.referred(place.0, next)?;
        }
        None
    }

    /// The text of an attribute, found as [`Dwarf::attribute`] does.
    pub(super) fn text(&self, place: Place, name: gimli::DwAt) -> Option<String> {
        let (number, value) = self.attribute(place, name)?;
        self.text_of(number, value)
    }

    /// A text that an attribute of unit `number` refers to.
    pub(super) fn text_of(&self, number: usize, value: AttributeValue<Data<'d>>) -> Option<String> {
        let unit = self.unit(number)?;
        let text = unit.with_sections().attr_string(value).ok()?;
        Some(text.to_string_lossy().into_owned())
    }
}
