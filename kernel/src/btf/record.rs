//! The type section as a sequence of records: where each lies and what its fixed part says. Names and the meaning of the
//! variable part are the decoder's business.

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

    /// Bytes of the variable part: a constant and so much for each of `count`.
    fn variable_part(self) -> (usize, usize) {
        match self {
            Self::Int | Self::Variable | Self::DeclarationTag => (4, 0),
            Self::Array => (12, 0),
            Self::Struct | Self::Union | Self::Section | Self::Enum64 => (0, 12),
            Self::Enum | Self::Prototype => (0, 8),
            Self::Pointer
            | Self::Forward
            | Self::Typedef
            | Self::Volatile
            | Self::Const
            | Self::Restrict
            | Self::Function
            | Self::Float
            | Self::TypeTag => (0, 0),
        }
    }
}

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

    /// Where the next record starts.
    pub fn end(&self) -> usize {
        let (constant, each) = self.kind.variable_part();
        self.offset + FIXED + constant + each * self.count as usize
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

/// Iterates over records until the end of the section or the first damaged one.
pub(super) struct Records<'a> {
    types: &'a [u8],
    offset: usize,
    id: u32,
}

impl<'a> Records<'a> {
    /// From the record at `offset`, which has the number `id`.
    pub fn new(types: &'a [u8], offset: usize, id: u32) -> Self {
        Self { types, offset, id }
    }
}

impl Iterator for Records<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        let record = Record::read(self.types, self.offset, self.id)?;
        let end = record.end();
        if end > self.types.len() {
            return None;
        }
        self.offset = end;
        self.id = self.id.checked_add(1)?;
        Some(record)
    }
}

/// A little-endian word.
pub(super) fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    let end = offset.checked_add(4)?;
    bytes.get(offset..end)?.try_into().ok().map(u32::from_le_bytes)
}
