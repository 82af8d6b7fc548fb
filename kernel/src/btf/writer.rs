//! Types as BTF bytes: the reverse of the decoder, for captured machines and tests. Ids are those of the order of adding.

use rustc_hash::FxHashMap;

use super::{Member, Type, TypeId};

/// A blob in the making.
pub(crate) struct Writer {
    types: Vec<u8>,
    strings: Vec<u8>,
    string_offsets: FxHashMap<String, u32>,
    first_string: u32,
    next_id: u32,
}

impl Writer {
    /// An empty blob.
    pub fn new() -> Self {
        Self::after(1, 0)
    }

    /// A blob that continues a base with these ids and strings.
    pub fn after(first_id: u32, first_string: u32) -> Self {
        let mut writer = Self {
            types: Vec::new(),
            strings: Vec::new(),
            string_offsets: FxHashMap::default(),
            first_string,
            next_id: first_id,
        };
        if first_string == 0 {
            writer.string("");
        }
        writer
    }

    /// Adds a type whose ids are already those of this blob. `void` and what the decoder leaves out are id 0.
    pub fn add(&mut self, ty: &Type) -> TypeId {
        match ty {
            Type::Void | Type::Other => return TypeId(0),
            Type::Int { name, size, signed, is_bool, .. } => {
                let encoding = u32::from(*signed) | u32::from(*is_bool) << 2;
                self.fixed(name, 1, 0, false, *size);
                self.word(encoding << 24 | (size * 8) & 0xff);
            }
            Type::Pointer(target) => self.fixed("", 2, 0, false, target.0),
            Type::Array { element, count } => {
                self.fixed("", 3, 0, false, 0);
                self.words(&[element.0, 0, *count]);
            }
            Type::Aggregate { name, is_union, size, members } => self.aggregate(name, *is_union, *size, members),
            Type::Enum { name, size, signed, variants } => self.enumeration(name, *size, *signed, variants),
            Type::Forward { name, is_union } => self.fixed(name, 7, 0, *is_union, 0),
            Type::Typedef { name, target } => self.fixed(name, 8, 0, false, target.0),
            Type::Modifier(target) => self.fixed("", 10, 0, false, target.0),
            Type::Function { name, prototype } => self.fixed(name, 12, 0, false, prototype.0),
            Type::Prototype { parameters, returns } => {
                self.fixed("", 13, parameters.len(), false, returns.0);
                for (name, ty) in parameters {
                    let name = self.string(name);
                    self.words(&[name, ty.0]);
                }
            }
            Type::Variable { name, target } => {
                self.fixed(name, 14, 0, false, target.0);
                self.word(1);
            }
            Type::Float { name, size } => self.fixed(name, 16, 0, false, *size),
            Type::Tag { name, target } => self.fixed(name, 18, 0, false, target.0),
        }
        self.next_id += 1;
        TypeId(self.next_id - 1)
    }

    /// The blob.
    pub fn finish(self) -> Vec<u8> {
        const HEADER: u32 = 24;
        let mut bytes = vec![0x9f, 0xeb, 1, 0];
        let types = self.types.len() as u32;
        for word in [HEADER, 0, types, types, self.strings.len() as u32] {
            bytes.extend(word.to_le_bytes());
        }
        bytes.extend(self.types);
        bytes.extend(self.strings);
        bytes
    }

    fn aggregate(&mut self, name: &str, is_union: bool, size: u32, members: &[Member]) {
        let has_bit_fields = members.iter().any(|member| member.bit_size != 0);
        self.fixed(name, if is_union { 5 } else { 4 }, members.len(), has_bit_fields, size);
        for member in members {
            let name = self.string(&member.name);
            self.words(&[name, member.ty.0, member.bit_size << 24 | member.bit_offset]);
        }
    }

    fn enumeration(&mut self, name: &str, size: u32, signed: bool, variants: &[(String, i64)]) {
        let is_wide = size > 4;
        self.fixed(name, if is_wide { 19 } else { 6 }, variants.len(), signed, size);
        for (name, value) in variants {
            let name = self.string(name);
            self.words(&[name, *value as u32]);
            if is_wide {
                self.word((*value >> 32) as u32);
            }
        }
    }

    fn fixed(&mut self, name: &str, kind: u32, count: usize, flag: bool, size_or_type: u32) {
        let name = self.string(name);
        self.words(&[name, u32::from(flag) << 31 | kind << 24 | count as u32 & 0xffff, size_or_type]);
    }

    fn string(&mut self, text: &str) -> u32 {
        if let Some(offset) = self.string_offsets.get(text) {
            return *offset;
        }
        if text.is_empty() && self.first_string > 0 {
            return 0;
        }
        let offset = self.first_string + self.strings.len() as u32;
        self.strings.extend(text.as_bytes());
        self.strings.push(0);
        self.string_offsets.insert(text.to_owned(), offset);
        offset
    }

    fn word(&mut self, word: u32) {
        self.types.extend(word.to_le_bytes());
    }

    fn words(&mut self, words: &[u32]) {
        for word in words {
            self.word(*word);
        }
    }
}
