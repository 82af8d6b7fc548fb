//! The BPF Type Format (kernel Documentation/bpf/btf.rst), read lazily: nothing is decoded before it is asked for.
//!
//! Invariant: damaged input gives `None` or an error, never a panic; a type id is only meaningful with its [`Btf`].
//! There is no index of names: a look-up by name is one pass over the type section (a fraction of a millisecond for a
//! whole kernel), which is cheaper than an index for the few names that a script says.

mod decode;
mod record;
mod search;
#[cfg(test)]
mod tests;
mod text;
pub(crate) mod writer;

use std::cell::{OnceCell, RefCell};
use std::ops::Range;
use std::rc::Rc;

use rustc_hash::FxHashMap;

use crate::Unavailable;
use record::{ANY, Checkpoints, Record, Records, u32_at};

/// The id of a type; 0 is `void`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct TypeId(pub u32);

/// The bytes of a BTF blob: owned, or mapped by the runtime.
pub type Bytes = Rc<dyn AsRef<[u8]>>;

/// One decoded type. Names are empty for anonymous types.
#[derive(Clone, PartialEq, Debug)]
#[allow(missing_docs)]
pub enum Type {
    /// `void`.
    Void,
    /// An integer, char or bool.
    Int { name: String, size: u32, signed: bool, is_bool: bool, is_char: bool },
    /// A floating-point type.
    Float { name: String, size: u32 },
    /// A pointer.
    Pointer(TypeId),
    /// An array.
    Array { element: TypeId, count: u32 },
    /// A struct or union.
    Aggregate { name: String, is_union: bool, size: u32, members: Vec<Member> },
    /// An enum of 32 or 64 bits.
    Enum { name: String, size: u32, signed: bool, variants: Vec<(String, i64)> },
    /// A declared but not defined struct or union.
    Forward { name: String, is_union: bool },
    /// A typedef.
    Typedef { name: String, target: TypeId },
    /// `const`, `volatile`, `restrict`: the type behind.
    Modifier(TypeId),
    /// A type tag such as `user`, `rcu`, `percpu`.
    Tag { name: String, target: TypeId },
    /// A function: its name and prototype.
    Function { name: String, prototype: TypeId },
    /// A prototype: parameter names and types, return type.
    Prototype { parameters: Vec<(String, TypeId)>, returns: TypeId },
    /// A variable.
    Variable { name: String, target: TypeId },
    /// Sections and declaration tags, which the compiler does not use.
    Other,
}

/// A member of a struct or union.
#[derive(Clone, PartialEq, Debug)]
pub struct Member {
    /// The name, empty for anonymous structs and unions.
    pub name: String,
    /// Its type.
    pub ty: TypeId,
    /// Offset from the start of the aggregate in bits.
    pub bit_offset: u32,
    /// Width in bits of a bit field, 0 otherwise.
    pub bit_size: u32,
}

/// What kind of thing a name is looked up as.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum NameKind {
    /// `struct name`.
    Struct,
    /// `union name`.
    Union,
    /// `enum name`.
    Enum,
    /// A typedef or a base type (`int`, `u32`).
    Type,
    /// A function.
    Function,
    /// A variable.
    Variable,
}

/// The types of a kernel, of one of its modules, or of a captured machine.
///
/// Split BTF (modules) continues the ids and the strings of its base, so all ids of the base are valid here too.
pub struct Btf {
    bytes: Bytes,
    base: Option<Rc<Btf>>,
    types: Range<usize>,
    strings: Range<usize>,
    first_id: u32,
    first_string: u32,
    checkpoints: Checkpoints,
    end_id: OnceCell<u32>,
    names: RefCell<FxHashMap<(NameKind, String), Option<TypeId>>>,
    enumerators: RefCell<FxHashMap<String, Option<(TypeId, i64)>>>,
    members: RefCell<FxHashMap<(TypeId, String), Option<Member>>>,
}

/// More typedefs, modifiers and arrays in a row than any sane type has: a cycle in damaged data.
const DEPTH: usize = 64;

/// More anonymous structs than any sane struct has within it.
const NESTED: usize = 1000;

impl Btf {
    /// Checks the header; types are read when they are asked for.
    pub fn parse(bytes: Bytes, base: Option<Rc<Btf>>) -> Result<Self, Unavailable> {
        let (types, strings) =
            sections((*bytes).as_ref()).map_err(|why| Unavailable::Malformed(format!("BTF: {why}")))?;
        let (first_id, first_string) = match &base {
            Some(base) => (base.end_id(), base.end_string()),
            None => (1, 0),
        };
        Ok(Self {
            bytes,
            base,
            types,
            strings,
            first_id,
            first_string,
            checkpoints: RefCell::default(),
            end_id: OnceCell::new(),
            names: RefCell::default(),
            enumerators: RefCell::default(),
            members: RefCell::default(),
        })
    }

    /// The whole blob.
    pub fn bytes(&self) -> &[u8] {
        (*self.bytes).as_ref()
    }

    /// Decodes one type; `None` for ids that do not exist and damaged records.
    pub fn ty(&self, id: TypeId) -> Option<Type> {
        if id.0 == 0 {
            return Some(Type::Void);
        }
        let (owner, record) = self.record(id)?;
        owner.decode(&record)
    }

    /// The name of a type, without decoding the rest; `None` for anonymous ones.
    pub fn name_of(&self, id: TypeId) -> Option<&str> {
        let (owner, record) = self.record(id)?;
        owner.string(record.name).filter(|name| !name.is_empty())
    }

    /// The type behind typedefs, modifiers and type tags.
    pub fn resolve(&self, id: TypeId) -> Option<TypeId> {
        let mut id = id;
        for _ in 0..DEPTH {
            if id.0 == 0 {
                return Some(id);
            }
            let (_, record) = self.record(id)?;
            match record.alias() {
                Some(target) => id = target,
                None => return Some(id),
            }
        }
        None
    }

    /// Size in bytes of a value of the type; `None` for functions, forwards, `void` and damaged types.
    pub fn size_of(&self, id: TypeId) -> Option<u64> {
        let mut id = id;
        let mut elements = 1u64;
        for _ in 0..DEPTH {
            let (owner, record) = self.record(self.resolve(id)?)?;
            if let Some(size) = record.size() {
                return elements.checked_mul(size.into());
            }
            let (element, count) = owner.array(&record)?;
            elements = elements.checked_mul(count.into())?;
            id = element;
        }
        None
    }

    /// The member of that name of a struct or union, also within its anonymous structs and unions; the offset is from
    /// the start of `aggregate`.
    pub fn member(&self, aggregate: TypeId, name: &str) -> Option<Member> {
        let key = (aggregate, name.to_owned());
        if let Some(known) = self.members.borrow().get(&key) {
            return known.clone();
        }
        let found = self.member_within(aggregate, name, &mut { NESTED });
        self.members.borrow_mut().insert(key, found.clone());
        found
    }

    /// One more than the highest id.
    pub fn end_id(&self) -> u32 {
        *self.end_id.get_or_init(|| self.first_id + self.records(ANY).count() as u32)
    }

    /// The lowest id that is not the base's.
    pub fn first_id(&self) -> u32 {
        self.first_id
    }

    fn member_within(&self, aggregate: TypeId, name: &str, budget: &mut usize) -> Option<Member> {
        let (owner, record) = self.record(self.resolve(aggregate)?)?;
        let mut anonymous = Vec::new();
        for index in 0..record.aggregate_members() {
            let (name_offset, member_type, bit_offset, bit_size) = owner.raw_member(&record, index)?;
            if owner.string_is(name_offset, name.as_bytes()) {
                return Some(Member { name: name.to_owned(), ty: member_type, bit_offset, bit_size });
            }
            if name_offset == 0 {
                anonymous.push((member_type, bit_offset));
            }
        }
        anonymous.into_iter().find_map(|(inner, bit_offset)| {
            *budget = budget.checked_sub(1)?;
            let found = self.member_within(inner, name, budget)?;
            Some(Member { bit_offset: found.bit_offset.checked_add(bit_offset)?, ..found })
        })
    }

    /// The record of an id and the blob it lies in: this one or its base.
    fn record(&self, id: TypeId) -> Option<(&Btf, Record)> {
        let Some(index) = id.0.checked_sub(self.first_id) else {
            return self.base.as_deref().and_then(|base| base.record(id));
        };
        Some((self, self.records(ANY).at(index as usize)?))
    }

    /// The records of some kinds of this blob in order, without the base's.
    fn records(&self, wanted: u32) -> Records<'_> {
        Records::new(self.type_section(), &self.checkpoints, self.first_id, wanted)
    }

    fn type_section(&self) -> &[u8] {
        (*self.bytes).as_ref().get(self.types.clone()).unwrap_or_default()
    }

    fn string_section(&self) -> &[u8] {
        (*self.bytes).as_ref().get(self.strings.clone()).unwrap_or_default()
    }

    fn end_string(&self) -> u32 {
        self.first_string.saturating_add(self.strings.len() as u32)
    }

    /// The bytes from a string's start to the end of the section it lies in.
    fn string_tail(&self, offset: u32) -> Option<&[u8]> {
        match offset.checked_sub(self.first_string) {
            Some(own) => self.string_section().get(own as usize..),
            None => self.base.as_deref()?.string_tail(offset),
        }
    }

    fn string(&self, offset: u32) -> Option<&str> {
        let tail = self.string_tail(offset)?;
        let end = tail.iter().position(|byte| *byte == 0)?;
        std::str::from_utf8(&tail[..end]).ok()
    }

    /// Compares without looking for the end of the string first.
    fn string_is(&self, offset: u32, name: &[u8]) -> bool {
        self.string_tail(offset).is_some_and(|tail| tail.get(name.len()) == Some(&0) && tail.starts_with(name))
    }
}

impl std::fmt::Debug for Btf {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Btf").field("first_id", &self.first_id).field("types", &self.types).finish_non_exhaustive()
    }
}

/// Where the type and the string section lie.
fn sections(bytes: &[u8]) -> Result<(Range<usize>, Range<usize>), &'static str> {
    const HEADER: u32 = 24;
    match bytes {
        [0x9f, 0xeb, 1, ..] => {}
        [0xeb, 0x9f, ..] => return Err("written for the other byte order"),
        [0x9f, 0xeb, ..] => return Err("unknown version"),
        _ => return Err("no BTF here (wrong magic number)"),
    }
    let field = |offset| u32_at(bytes, offset).ok_or("the header is cut off");
    let header = field(4)?;
    if header < HEADER {
        return Err("the header is too short");
    }
    let section = |offset: u32, length: u32| {
        let start = header as usize + offset as usize;
        let end = start + length as usize;
        if end > bytes.len() { Err("a section reaches beyond the end") } else { Ok(start..end) }
    };
    Ok((section(field(8)?, field(12)?)?, section(field(16)?, field(20)?)?))
}
