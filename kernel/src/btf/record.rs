//! The type section as a sequence of records: where each lies and what its fixed part says. Names and the meaning of the
//! variable part are the decoder's business.

use std::cell::RefCell;

use super::TypeId;

/// The fixed part of a type: `struct btf_type`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub id: TypeId,
    /// Where it starts in the type section.
    pub offset: usize,
    /// Offset of its name in the strings.
    pub name: u32,
    pub kind: Kind,
    /// `kind_flag`: its meaning depends on the kind.
    pub flag: bool,
    /// Number of members, enumerators or parameters.
    pub count: u32,
    /// Size or type id, depending on the kind.
    pub size_or_type: u32,
}

/// BTF_KIND_*.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    Int,
    Pointer,
    Array,
    Struct,
    Union,
    Enum,
    Forward,
    Typedef,
    Volatile,
    Const,
    Restrict,
    Function,
    Prototype,
    Variable,
    Section,
    Float,
    DeclarationTag,
    TypeTag,
    Enum64,
}

/// Bytes of the fixed part.
pub(super) const FIXED: usize = 12;

impl Kind {
    const ALL: [Self; 19] = [
        Self::Int,
        Self::Pointer,
        Self::Array,
        Self::Struct,
        Self::Union,
        Self::Enum,
        Self::Forward,
        Self::Typedef,
        Self::Volatile,
        Self::Const,
        Self::Restrict,
        Self::Function,
        Self::Prototype,
        Self::Variable,
        Self::Section,
        Self::Float,
        Self::DeclarationTag,
        Self::TypeTag,
        Self::Enum64,
    ];

    fn from_number(number: u32) -> Option<Self> {
        Self::ALL.get((number as usize).checked_sub(1)?).copied()
    }

    /// The bit of this kind in a set of kinds.
    pub const fn bit(self) -> u32 {
        1 << (self as u32 + 1)
    }
}

/// Every kind, for [`Records`].
pub(super) const ANY: u32 = !0;

/// By kind number, bytes of the variable part: a constant and so much for each of `count`. Numbers that are no kind have
/// parts that no section can hold.
const VARIABLE_PART: [(u32, u32); 32] = {
    const NO_KIND: (u32, u32) = (u32::MAX, 0);
    let mut parts = [NO_KIND; 32];
    let mut index = 0;
    while index < Kind::ALL.len() {
        parts[index + 1] = match Kind::ALL[index] {
            Kind::Int | Kind::Variable | Kind::DeclarationTag => (4, 0),
            Kind::Array => (12, 0),
            Kind::Struct | Kind::Union | Kind::Section | Kind::Enum64 => (0, 12),
            Kind::Enum | Kind::Prototype => (0, 8),
            Kind::Pointer
            | Kind::Forward
            | Kind::Typedef
            | Kind::Volatile
            | Kind::Const
            | Kind::Restrict
            | Kind::Function
            | Kind::Float
            | Kind::TypeTag => (0, 0),
        };
        index += 1;
    }
    parts
};

impl Record {
    fn read(types: &[u8], offset: usize, id: u32) -> Option<Self> {
        let fixed = types.get(offset..offset + FIXED)?;
        let info = u32_at(fixed, 4)?;
        Some(Self {
            id: TypeId(id),
            offset,
            name: u32_at(fixed, 0)?,
            kind: Kind::from_number(info >> 24 & 0x1f)?,
            flag: info >> 31 != 0,
            count: info & 0xffff,
            size_or_type: u32_at(fixed, 8)?,
        })
    }

    /// The type that this one is another name of, or a qualified form of.
    pub fn alias(&self) -> Option<TypeId> {
        match self.kind {
            Kind::Typedef | Kind::Volatile | Kind::Const | Kind::Restrict | Kind::TypeTag => {
                Some(TypeId(self.size_or_type))
            }
            _ => None,
        }
    }

    /// The keyword of a qualified form.
    pub fn modifier(&self) -> &'static str {
        match self.kind {
            Kind::Volatile => "volatile",
            Kind::Restrict => "restrict",
            _ => "const",
        }
    }

    /// The size of a value, where the record says it.
    pub fn size(&self) -> Option<u32> {
        match self.kind {
            Kind::Int | Kind::Struct | Kind::Union | Kind::Enum | Kind::Enum64 | Kind::Float => Some(self.size_or_type),
            Kind::Pointer => Some(8),
            _ => None,
        }
    }

    /// Number of members if this is a struct or union, else 0.
    pub fn aggregate_members(&self) -> u32 {
        if matches!(self.kind, Kind::Struct | Kind::Union) { self.count } else { 0 }
    }
}

/// Where every so many records start, as far as passes have come: a table that look-ups by id start from.
pub(super) type Checkpoints = RefCell<Vec<usize>>;

/// Records between two checkpoints: few enough to walk, enough that the table costs nothing.
const INTERVAL: usize = 32;

/// Iterates over the records of some kinds until the end of the section or the first damaged record, and leaves
/// checkpoints on its way.
pub(super) struct Records<'a> {
    types: &'a [u8],
    checkpoints: &'a Checkpoints,
    wanted: u32,
    first_id: u32,
    index: usize,
    offset: usize,
}

impl<'a> Records<'a> {
    /// From the first record, which has the number `first_id`; `wanted` is a set of kinds.
    pub fn new(types: &'a [u8], checkpoints: &'a Checkpoints, first_id: u32, wanted: u32) -> Self {
        Self { types, checkpoints, wanted, first_id, index: 0, offset: 0 }
    }

    /// The record of that index, walking from the nearest checkpoint before it.
    pub fn at(mut self, index: usize) -> Option<Record> {
        let checkpoint = {
            let checkpoints = self.checkpoints.borrow();
            let nearest = (index / INTERVAL).min(checkpoints.len().saturating_sub(1));
            checkpoints.get(nearest).map(|offset| (nearest * INTERVAL, *offset))
        };
        (self.index, self.offset) = checkpoint.unwrap_or((0, 0));
        while self.index < index {
            self.step()?;
        }
        self.next()
    }

    /// Steps over one record; gives its offset and `info` word.
    fn step(&mut self) -> Option<(usize, u32)> {
        let offset = self.offset;
        let info = u32_at(self.types, offset + 4)?;
        let (constant, each) = VARIABLE_PART[(info >> 24 & 0x1f) as usize];
        let end = offset + FIXED + constant as usize + each as usize * (info & 0xffff) as usize;
        if end > self.types.len() {
            return None;
        }
        if self.index % INTERVAL == 0 {
            let mut checkpoints = self.checkpoints.borrow_mut();
            if checkpoints.len() * INTERVAL == self.index {
                checkpoints.push(offset);
            }
        }
        self.index += 1;
        self.offset = end;
        Some((offset, info))
    }
}

impl Iterator for Records<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        loop {
            let (offset, info) = self.step()?;
            if self.wanted >> (info >> 24 & 0x1f) & 1 != 0 {
                let id = self.first_id.checked_add(self.index as u32 - 1)?;
                return Record::read(self.types, offset, id);
            }
        }
    }
}

/// A little-endian word.
pub(super) fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    let end = offset.checked_add(4)?;
    bytes.get(offset..end)?.try_into().ok().map(u32::from_le_bytes)
}
