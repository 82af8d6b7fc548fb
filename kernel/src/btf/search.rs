//! Look-ups by name: one pass over the types for each new name, then remembered.

use super::record::{Kind, Record};
use super::{Btf, NameKind, TypeId};

impl Btf {
    /// The type, function or variable of that name. Definitions win over forward declarations, this blob over its base.
    pub fn find(&self, name: &str, kind: NameKind) -> Option<TypeId> {
        if name.is_empty() {
            return None;
        }
        let key = (kind, name.to_owned());
        if let Some(known) = self.names.borrow().get(&key) {
            return *known;
        }
        let base = || self.base.as_deref().and_then(|base| base.find(name, kind));
        let found = self.scan(name.as_bytes(), kind).or_else(base);
        self.names.borrow_mut().insert(key, found);
        found
    }

    /// The enumerator of that name, of any enum: the enum and its value.
    pub fn enumerator(&self, name: &str) -> Option<(TypeId, i64)> {
        if name.is_empty() {
            return None;
        }
        if let Some(known) = self.enumerators.borrow().get(name) {
            return *known;
        }
        let own = self.enums().find_map(|record| {
            (0..record.count).find_map(|index| {
                let (offset, value) = self.raw_variant(&record, index)?;
                self.string_is(offset, name.as_bytes()).then_some((record.id, value))
            })
        });
        let found = own.or_else(|| self.base.as_deref().and_then(|base| base.enumerator(name)));
        self.enumerators.borrow_mut().insert(name.to_owned(), found);
        found
    }

    /// Functions of this blob (not of its base) whose names match, in the order of the blob.
    pub fn functions_matching(&self, pattern: &str) -> impl Iterator<Item = (TypeId, &str)> {
        self.names(NameKind::Function).filter(move |(_, name)| crate::wildcard_matches(pattern, name))
    }

    /// All names of a kind that this blob (not its base) defines: for listings and suggestions.
    pub fn names(&self, kind: NameKind) -> impl Iterator<Item = (TypeId, &str)> {
        self.records(defining(kind)).filter_map(|record| {
            let name = self.string(record.name)?;
            (!name.is_empty()).then_some((record.id, name))
        })
    }

    /// All enumerators of this blob (not of its base), for suggestions.
    pub fn enumerator_names(&self) -> impl Iterator<Item = &str> {
        self.enums().flat_map(move |record| {
            (0..record.count).filter_map(move |index| self.string(self.raw_variant(&record, index)?.0))
        })
    }

    fn scan(&self, name: &[u8], kind: NameKind) -> Option<TypeId> {
        let definition = defining(kind);
        let mut declared = None;
        for record in self.records(definition | Kind::Forward.bit()) {
            if !self.string_is(record.name, name) {
                continue;
            }
            if record.kind.bit() & definition != 0 {
                return Some(record.id);
            }
            if declared.is_none() && declares(&record, kind) {
                declared = Some(record.id);
            }
        }
        declared
    }

    fn enums(&self) -> impl Iterator<Item = Record> {
        self.records(defining(NameKind::Enum))
    }
}

/// The kinds of records that define what is looked for.
fn defining(kind: NameKind) -> u32 {
    match kind {
        NameKind::Struct => Kind::Struct.bit(),
        NameKind::Union => Kind::Union.bit(),
        NameKind::Enum => Kind::Enum.bit() | Kind::Enum64.bit(),
        NameKind::Type => Kind::Typedef.bit() | Kind::Int.bit() | Kind::Float.bit(),
        NameKind::Function => Kind::Function.bit(),
        NameKind::Variable => Kind::Variable.bit(),
    }
}

/// A forward declaration of a struct or union.
fn declares(record: &Record, kind: NameKind) -> bool {
    record.kind == Kind::Forward
        && match kind {
            NameKind::Struct => !record.flag,
            NameKind::Union => record.flag,
            NameKind::Enum | NameKind::Type | NameKind::Function | NameKind::Variable => false,
        }
}
