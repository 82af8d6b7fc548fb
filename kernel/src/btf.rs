//! The BPF Type Format (kernel Documentation/bpf/btf.rst), read lazily: nothing is decoded before it is asked for.
//!
//! Invariant: damaged input gives `None` or an error, never a panic; a type id is only meaningful with its [`Btf`].

use std::rc::Rc;

/// The id of a type; 0 is `void`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct TypeId(pub u32);

/// The bytes of a BTF blob: owned, or mapped by the runtime.
pub type Bytes = Rc<dyn AsRef<[u8]>>;

/// One decoded type. Names are empty for anonymous types.
#[derive(Clone, PartialEq, Debug)]
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
