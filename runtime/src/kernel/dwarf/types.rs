//! Types: entries of debug information in the form that BTF gives types.
//!
//! What BTF cannot say is left out: volatile, references as such (they are pointers), Rust's variants, static members.
//! A base class is a nameless member, so that its members are found like its own.

use gimli::{DwAt, DwTag, constants};
use lancet_kernel::btf::{Member, NameKind, Type, TypeId};
use rustc_hash::FxHashMap;

use super::{Dwarf, HOPS, Place};

/// Members and enumerators of one type that are read.
const MOST: usize = 65536;

/// The numbers that types have as long as the debug information is open. 0 is void.
#[derive(Default)]
pub(super) struct TypeIds {
    known: FxHashMap<Key, TypeId>,
    keys: Vec<Key>,
}

/// An entry; of an array of several dimensions one for each, the outermost first.
type Key = (Place, u8);

impl TypeIds {
    fn of(&mut self, key: Key) -> TypeId {
        *self.known.entry(key).or_insert_with(|| {
            self.keys.push(key);
            TypeId(self.keys.len() as u32)
        })
    }

    fn key(&self, id: TypeId) -> Option<Key> {
        self.keys.get((id.0 as usize).checked_sub(1)?).copied()
    }
}

impl Dwarf<'_> {
    pub(super) fn id_of(&self, place: Place) -> TypeId {
        self.ids.borrow_mut().of((place, 0))
    }

    /// The entry of a type.
    pub(super) fn place_of(&self, id: TypeId) -> Option<Place> {
        self.ids.borrow().key(id).map(|(place, _)| place)
    }

    pub(super) fn decode(&self, id: TypeId) -> Option<Type> {
        if id.0 == 0 {
            return Some(Type::Void);
        }
        let (place, dimension) = self.ids.borrow().key(id)?;
        let tag = self.entry(place)?.tag();
        let name = || self.own_text(place, constants::DW_AT_name);
        let target = || self.type_of(place);
        Some(match tag {
            constants::DW_TAG_base_type => self.base(place, name())?,
            constants::DW_TAG_pointer_type
            | constants::DW_TAG_reference_type
            | constants::DW_TAG_rvalue_reference_type => Type::Pointer(target()),
            constants::DW_TAG_const_type => Type::Modifier(target()),
            constants::DW_TAG_volatile_type
            | constants::DW_TAG_restrict_type
            | constants::DW_TAG_atomic_type
            | constants::DW_TAG_immutable_type => Type::Tag { name: String::new(), target: target() },
            constants::DW_TAG_typedef | constants::DW_TAG_template_alias => {
                Type::Typedef { name: name(), target: target() }
            }
            constants::DW_TAG_structure_type
            | constants::DW_TAG_class_type
            | constants::DW_TAG_interface_type
            | constants::DW_TAG_union_type => self.aggregate(place, tag, name()),
            constants::DW_TAG_enumeration_type => self.enumeration(place, name()),
            constants::DW_TAG_array_type => self.array(place, dimension),
            constants::DW_TAG_subroutine_type => self.prototype(place),
            constants::DW_TAG_ptr_to_member_type => {
                Type::Int { name: "long".to_owned(), size: 8, signed: true, is_bool: false, is_char: false }
            }
            _ => Type::Void,
        })
    }

    /// The entry that names a type of this kind: in the unit `near`, else in any.
    pub(super) fn find_named(&self, kind: NameKind, name: &str, near: Option<usize>) -> Option<TypeId> {
        let units = near.into_iter().chain((0..self.units().len()).filter(|number| Some(*number) != near));
        for number in units {
            let Some(unit) = self.unit(number) else { continue };
            let mut entries = unit.entries();
            while let Ok(Some(entry)) = entries.next_dfs() {
                if !is_of_kind(entry.tag(), kind) || entry.attr(constants::DW_AT_declaration).is_some() {
                    continue;
                }
                let Some(value) = entry.attr_value(constants::DW_AT_name) else { continue };
                let is_named =
                    unit.with_sections().attr_string(value).is_ok_and(|text| text.slice() == name.as_bytes());
                if is_named {
                    return Some(self.id_of((number, entry.offset())));
                }
            }
        }
        None
    }

    fn base(&self, place: Place, name: String) -> Option<Type> {
        let size = self.number(place, constants::DW_AT_byte_size)? as u32;
        let encoding = match self.entry(place)?.attr_value(constants::DW_AT_encoding)? {
            gimli::AttributeValue::Encoding(encoding) => encoding,
            _ => return None,
        };
        let signed = matches!(encoding, constants::DW_ATE_signed | constants::DW_ATE_signed_char);
        Some(match encoding {
            constants::DW_ATE_float | constants::DW_ATE_complex_float | constants::DW_ATE_imaginary_float => {
                Type::Float { name, size }
            }
            _ => Type::Int {
                is_bool: encoding == constants::DW_ATE_boolean,
                is_char: name == "char",
                name,
                size,
                signed,
            },
        })
    }

    fn aggregate(&self, place: Place, tag: DwTag, name: String) -> Type {
        let is_union = tag == constants::DW_TAG_union_type;
        let entry = self.entry(place);
        let attribute = |wanted| entry.as_ref().and_then(|entry| entry.attr_value(wanted));
        if let Some(signature) = attribute(constants::DW_AT_signature)
            && let Some(defined) = self.referred(place.0, signature)
            && defined != place
        {
            let target = self.id_of(defined);
            // gcc leaves the name to the definition.
            return if name.is_empty() { Type::Tag { name, target } } else { Type::Typedef { name, target } };
        }
        if attribute(constants::DW_AT_declaration).is_some() {
            return Type::Forward { name, is_union };
        }
        let size = self.number(place, constants::DW_AT_byte_size).unwrap_or(0) as u32;
        let members = self.children(place, |dwarf, child, tag| dwarf.member(child, tag));
        Type::Aggregate { name, is_union, size, members }
    }

    fn member(&self, place: Place, tag: DwTag) -> Option<Member> {
        let is_base = tag == constants::DW_TAG_inheritance;
        let entry = self.entry(place).filter(|_| is_base || tag == constants::DW_TAG_member)?;
        let is_static =
            entry.attr(constants::DW_AT_external).is_some() || entry.attr(constants::DW_AT_declaration).is_some();
        // Virtual bases are where a run-time table says.
        let is_virtual = is_base && entry.attr(constants::DW_AT_virtuality).is_some();
        if is_static || is_virtual {
            return None;
        }
        let name = if is_base { String::new() } else { self.own_text(place, constants::DW_AT_name) };
        let bit_size = self.number(place, constants::DW_AT_bit_size).unwrap_or(0);
        Some(Member {
            name,
            ty: self.type_of(place),
            bit_offset: self.bit_offset(place, bit_size)?,
            bit_size: bit_size as u32,
        })
    }

    /// Where a member starts, in bits from the start of its aggregate.
    fn bit_offset(&self, place: Place, bit_size: u64) -> Option<u32> {
        if let Some(bits) = self.number(place, constants::DW_AT_data_bit_offset) {
            return u32::try_from(bits).ok();
        }
        let bytes = self.number(place, constants::DW_AT_data_member_location).unwrap_or(0);
        let mut bits = bytes.checked_mul(8)?;
        // DWARF 2 counts a bit field's place from the most significant bit of the integer around it.
        if let Some(from_top) = self.number(place, constants::DW_AT_bit_offset) {
            let unit = self.number(place, constants::DW_AT_byte_size).or_else(|| self.size_of(self.type_of(place)))?;
            bits = bits.checked_add(unit.checked_mul(8)?)?.checked_sub(from_top.checked_add(bit_size)?)?;
        }
        u32::try_from(bits).ok()
    }

    /// The size of what a bit field is declared as.
    fn size_of(&self, id: TypeId) -> Option<u64> {
        let mut id = id;
        for _ in 0..HOPS {
            let (place, _) = self.ids.borrow().key(id)?;
            if let Some(size) = self.number(place, constants::DW_AT_byte_size) {
                return Some(size);
            }
            id = self.type_of(place);
        }
        None
    }

    fn enumeration(&self, place: Place, name: String) -> Type {
        let variants = self.children(place, |dwarf, child, tag| {
            let entry = dwarf.entry(child).filter(|_| tag == constants::DW_TAG_enumerator)?;
            let value = entry.attr(constants::DW_AT_const_value)?;
            let value = value.sdata_value().or_else(|| value.udata_value().map(|value| value as i64))?;
            Some((dwarf.own_text(child, constants::DW_AT_name), value))
        });
        let size = self.number(place, constants::DW_AT_byte_size).unwrap_or(4) as u32;
        let signed = variants.iter().any(|(_, value)| *value < 0);
        Type::Enum { name, size, signed, variants }
    }

    /// An array is as many arrays of arrays as it has dimensions.
    fn array(&self, place: Place, dimension: u8) -> Type {
        let counts: Vec<u32> = self.children(place, |dwarf, child, tag| {
            let is_dimension = matches!(tag, constants::DW_TAG_subrange_type | constants::DW_TAG_enumeration_type);
            is_dimension.then(|| dwarf.count(child))
        });
        let is_last = usize::from(dimension) + 1 >= counts.len();
        let element = match (is_last, dimension.checked_add(1)) {
            (false, Some(next)) => self.ids.borrow_mut().of((place, next)),
            _ => self.type_of(place),
        };
        Type::Array { element, count: counts.get(usize::from(dimension)).copied().unwrap_or(0) }
    }

    /// How many elements a dimension has; 0 where the compiler does not know.
    fn count(&self, place: Place) -> u32 {
        let count = self.number(place, constants::DW_AT_count).or_else(|| {
            let last = self.number(place, constants::DW_AT_upper_bound)?;
            let first = self.number(place, constants::DW_AT_lower_bound).unwrap_or(0);
            // An array without elements ends at -1.
            (last as i64).checked_sub(first as i64)?.checked_add(1).map(|count| count.max(0) as u64)
        });
        count.and_then(|count| u32::try_from(count).ok()).unwrap_or(0)
    }

    fn prototype(&self, place: Place) -> Type {
        let parameters = self.children(place, |dwarf, child, tag| {
            (tag == constants::DW_TAG_formal_parameter).then(|| (String::new(), dwarf.type_of(child)))
        });
        Type::Prototype { parameters, returns: self.type_of(place) }
    }

    /// What `read` makes of each entry directly below another.
    pub(super) fn children<T>(&self, place: Place, read: impl Fn(&Self, Place, DwTag) -> Option<T>) -> Vec<T> {
        let mut found = Vec::new();
        let Some(unit) = self.unit(place.0) else { return found };
        let Ok(mut tree) = unit.entries_tree(Some(place.1)) else { return found };
        let Ok(root) = tree.root() else { return found };
        let mut children = root.children();
        while let Ok(Some(child)) = children.next() {
            let (at, tag) = ((place.0, child.entry().offset()), child.entry().tag());
            if found.len() >= MOST {
                break;
            }
            found.extend(read(self, at, tag));
        }
        found
    }

    /// A constant of the entry itself.
    fn number(&self, place: Place, name: DwAt) -> Option<u64> {
        let entry = self.entry(place)?;
        let attribute = entry.attr(name)?;
        attribute.udata_value().or_else(|| attribute.sdata_value().map(|value| value as u64))
    }

    /// A text of the entry itself; empty if it has none.
    fn own_text(&self, place: Place, name: DwAt) -> String {
        let value = self.entry(place).and_then(|entry| entry.attr_value(name));
        value.and_then(|value| self.text_of(place.0, value)).unwrap_or_default()
    }
}

fn is_of_kind(tag: DwTag, kind: NameKind) -> bool {
    match kind {
        NameKind::Struct => {
            matches!(
                tag,
                constants::DW_TAG_structure_type | constants::DW_TAG_class_type | constants::DW_TAG_interface_type
            )
        }
        NameKind::Union => tag == constants::DW_TAG_union_type,
        NameKind::Enum => tag == constants::DW_TAG_enumeration_type,
        NameKind::Type => matches!(tag, constants::DW_TAG_typedef | constants::DW_TAG_base_type),
        NameKind::Function | NameKind::Variable => false,
    }
}
