//! The DWARF debug information of a program as [`DebugInfo`]: read where it lies, a type at a time.
//!
//! Invariant: damaged data gives less, never a panic; nothing here recurses or loops without a bound.

mod function;
mod line;
mod sections;
mod split;
#[cfg(test)]
mod tests;
mod types;
mod unit;

use std::cell::{OnceCell, RefCell};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use gimli::{EndianSlice, RunTimeEndian, UnitOffset};
use lancet_kernel::btf::{self, NameKind, TypeId};
use lancet_kernel::debug_info::{DebugInfo, Function, Types, UnknownLine};
use rustc_hash::FxHashMap;

pub(super) use sections::has_debug_info;
use types::TypeIds;
use unit::{OpenUnit, Unit};

/// How debug information is read: in place.
type Data<'d> = EndianSlice<'d, RunTimeEndian>;

/// An entry of the debug information: the number of its unit, and where in the unit it is.
type Place = (usize, UnitOffset);

/// A name that was looked for: of a type of this kind, first in a unit.
type Name = (NameKind, String, Option<usize>);

/// References from entry to entry that are followed; more of them are a cycle in damaged data.
const HOPS: usize = 16;

/// Units that are kept open.
const RECENT: usize = 64;

/// Debug information of one file, with the parts of it that were looked at.
pub(super) struct Dwarf<'d> {
    sections: Rc<gimli::Dwarf<Data<'d>>>,
    /// The program's file: what was split off lies beside it.
    program: PathBuf,
    units: OnceCell<Vec<Unit<'d>>>,
    /// Ranges of code with the numbers of their units, sorted.
    code: OnceCell<Vec<(u64, u64, usize)>>,
    /// Units that were used last; opening one costs more than most questions.
    recent: RefCell<VecDeque<Rc<OpenUnit<'d>>>>,
    ids: RefCell<TypeIds>,
    functions: RefCell<FxHashMap<(u64, u64), Option<Function>>>,
    named: RefCell<FxHashMap<Name, Option<TypeId>>>,
}

impl<'d> Dwarf<'d> {
    /// The debug information of a program in a file's bytes; says why there is none.
    pub(super) fn new(program: &Path, file: &'d [u8]) -> Result<Self, String> {
        Ok(Self {
            sections: Rc::new(sections::load(file)?),
            program: program.to_owned(),
            units: OnceCell::new(),
            code: OnceCell::new(),
            recent: RefCell::default(),
            ids: RefCell::default(),
            functions: RefCell::default(),
            named: RefCell::default(),
        })
    }

    fn units(&self) -> &[Unit<'d>] {
        self.units.get_or_init(|| unit::read_all(&self.sections))
    }

    /// The unit of that number with all that its entries refer to.
    fn unit(&self, number: usize) -> Option<Rc<OpenUnit<'d>>> {
        let unit = self.units().get(number)?;
        if let Some(open) = unit.opened() {
            return Some(open);
        }
        let open = unit.open(self)?;
        let mut recent = self.recent.borrow_mut();
        recent.truncate(RECENT - 1);
        recent.push_front(open.clone());
        Some(open)
    }

    /// The number of the unit whose code holds an address.
    fn unit_at(&self, address: u64) -> Option<usize> {
        let code = self.code.get_or_init(|| self.all_code());
        let after = code.partition_point(|(start, ..)| *start <= address);
        let (_, end, number) = code[..after].last()?;
        (address < *end).then_some(*number)
    }

    fn all_code(&self) -> Vec<(u64, u64, usize)> {
        let mut code = Vec::new();
        for (number, unit) in self.units().iter().enumerate() {
            let ranges = unit.ranges(self).unwrap_or_default();
            code.extend(ranges.into_iter().map(|(start, end)| (start, end, number)));
        }
        code.sort_unstable();
        code
    }
}

impl Types for Dwarf<'_> {
    fn ty(&self, id: TypeId) -> Option<btf::Type> {
        self.decode(id)
    }
}

impl DebugInfo for Dwarf<'_> {
    fn function(&self, start: u64, at: u64) -> Option<Function> {
        if let Some(known) = self.functions.borrow().get(&(start, at)) {
            return known.clone();
        }
        let found = self.read_function(start, at);
        self.functions.borrow_mut().insert((start, at), found.clone());
        found
    }

    fn find(&self, kind: NameKind, name: &str, near: Option<u64>) -> Option<TypeId> {
        let unit = near.and_then(|address| self.unit_at(address));
        let key = (kind, name.to_owned(), unit);
        if let Some(known) = self.named.borrow().get(&key) {
            return *known;
        }
        let found = self.find_named(kind, name, unit);
        self.named.borrow_mut().insert(key, found);
        found
    }

    fn line(&self, file: &str, line: u32, column: Option<u32>) -> Result<Vec<u64>, UnknownLine> {
        self.find_line(file, line, column)
    }
}
