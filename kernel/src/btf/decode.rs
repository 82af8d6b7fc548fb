//! One record as a [`Type`].

use super::record::{FIXED, Kind, Record, u32_at};
use super::{Btf, Member, Type, TypeId};

impl Btf {
    /// `record` must be one of this blob, not of the base.
    pub(super) fn decode(&self, record: &Record) -> Option<Type> {
        let target = TypeId(record.size_or_type);
        let size = record.size_or_type;
        Some(match record.kind {
            Kind::Int => self.int(record)?,
            Kind::Float => Type::Float { name: self.owned(record.name)?, size },
            Kind::Pointer => Type::Pointer(target),
            Kind::Array => {
                let (element, count) = self.array(record)?;
                Type::Array { element, count }
            }
            Kind::Struct | Kind::Union => Type::Aggregate {
                name: self.owned(record.name)?,
                is_union: record.kind == Kind::Union,
                size,
                members: self.members(record)?,
            },
            Kind::Enum | Kind::Enum64 => Type::Enum {
                name: self.owned(record.name)?,
                size,
                signed: record.flag,
                variants: self.variants(record)?,
            },
            Kind::Forward => Type::Forward { name: self.owned(record.name)?, is_union: record.flag },
            Kind::Typedef => Type::Typedef { name: self.owned(record.name)?, target },
            Kind::Volatile | Kind::Const | Kind::Restrict => Type::Modifier(target),
            Kind::TypeTag => Type::Tag { name: self.owned(record.name)?, target },
            Kind::Function => Type::Function { name: self.owned(record.name)?, prototype: target },
            Kind::Prototype => Type::Prototype { parameters: self.parameters(record)?, returns: target },
            Kind::Variable => Type::Variable { name: self.owned(record.name)?, target },
            Kind::Section | Kind::DeclarationTag => Type::Other,
        })
    }

    /// Element type and number of elements of an array record.
    pub(super) fn array(&self, record: &Record) -> Option<(TypeId, u32)> {
        if record.kind != Kind::Array {
            return None;
        }
        Some((TypeId(self.word(record, 0)?), self.word(record, 2)?))
    }

    /// Name offset, type, bit offset and bit-field width of a member.
    pub(super) fn raw_member(&self, record: &Record, index: u32) -> Option<(u32, TypeId, u32, u32)> {
        let first = index as usize * 3;
        let position = self.word(record, first + 2)?;
        let (bit_offset, bit_size) = if record.flag { (position & 0xff_ffff, position >> 24) } else { (position, 0) };
        Some((self.word(record, first)?, TypeId(self.word(record, first + 1)?), bit_offset, bit_size))
    }

    /// Name offset and value of an enumerator.
    pub(super) fn raw_variant(&self, record: &Record, index: u32) -> Option<(u32, i64)> {
        let index = index as usize;
        if record.kind == Kind::Enum64 {
            let low = self.word(record, index * 3 + 1)?;
            let high = self.word(record, index * 3 + 2)?;
            return Some((self.word(record, index * 3)?, (u64::from(high) << 32 | u64::from(low)) as i64));
        }
        let value = self.word(record, index * 2 + 1)?;
        let value = if record.flag { i64::from(value as i32) } else { i64::from(value) };
        Some((self.word(record, index * 2)?, value))
    }

    fn int(&self, record: &Record) -> Option<Type> {
        const SIGNED: u32 = 1;
        const CHAR: u32 = 2;
        const BOOL: u32 = 4;
        let encoding = self.word(record, 0)? >> 24;
        let name = self.owned(record.name)?;
        Some(Type::Int {
            signed: encoding & SIGNED != 0,
            is_bool: encoding & BOOL != 0,
            // The kernel's BTF never has the flag.
            is_char: encoding & CHAR != 0 || name == "char",
            size: record.size_or_type,
            name,
        })
    }

    fn members(&self, record: &Record) -> Option<Vec<Member>> {
        (0..record.count)
            .map(|index| {
                let (name, ty, bit_offset, bit_size) = self.raw_member(record, index)?;
                Some(Member { name: self.owned(name)?, ty, bit_offset, bit_size })
            })
            .collect()
    }

    fn variants(&self, record: &Record) -> Option<Vec<(String, i64)>> {
        (0..record.count)
            .map(|index| {
                let (name, value) = self.raw_variant(record, index)?;
                Some((self.owned(name)?, value))
            })
            .collect()
    }

    fn parameters(&self, record: &Record) -> Option<Vec<(String, TypeId)>> {
        (0..record.count as usize)
            .map(|index| {
                let name = self.owned(self.word(record, index * 2)?)?;
                Some((name, TypeId(self.word(record, index * 2 + 1)?)))
            })
            .collect()
    }

    /// The `index`th word of the record's variable part.
    fn word(&self, record: &Record, index: usize) -> Option<u32> {
        u32_at(self.type_section(), record.offset + FIXED + index * 4)
    }

    fn owned(&self, offset: u32) -> Option<String> {
        self.string(offset).map(str::to_owned)
    }
}
