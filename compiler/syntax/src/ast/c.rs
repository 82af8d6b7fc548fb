//! The part of the tree that is C: structs, unions, enums, typedefs.
//!
//! Invariant: types are as written; sizes and offsets are not known here.

use super::{Expr, Name};
use crate::span::Span;

/// A definition in C.
#[derive(Clone, Debug, PartialEq)]
pub struct CDefinition {
    /// The whole definition without its semicolon.
    pub span: Span,
    /// What is defined.
    pub kind: CDefinitionKind,
}

/// What a C definition defines.
#[derive(Clone, Debug, PartialEq)]
pub enum CDefinitionKind {
    /// `struct name { … }` or `union name { … }`.
    Aggregate(CAggregate),
    /// `enum name { … }`; the name may be absent.
    Enum(CEnum),
    /// `typedef declarator`: the declared name is the new type.
    Typedef(CDeclaration),
}

/// A C struct or union with its members.
#[derive(Clone, Debug, PartialEq)]
pub struct CAggregate {
    /// The keyword to the closing brace.
    pub span: Span,
    /// True for a union.
    pub is_union: bool,
    /// The tag, absent for anonymous ones.
    pub name: Option<Name>,
    /// Members in order; `None` for a forward declaration (`struct x;`).
    pub members: Option<Vec<CDeclaration>>,
    /// `__attribute__((packed))`.
    pub packed: bool,
    /// `__attribute__((aligned(n)))`, in bytes.
    pub aligned: Option<u32>,
}

/// A C enumeration.
#[derive(Clone, Debug, PartialEq)]
pub struct CEnum {
    /// The keyword to the closing brace.
    pub span: Span,
    /// The tag, absent for anonymous ones.
    pub name: Option<Name>,
    /// The enumerators with their values, if written.
    pub variants: Vec<(Name, Option<Expr>)>,
}

/// One declared member or typedef: a base type, a shape, a name.
#[derive(Clone, Debug, PartialEq)]
pub struct CDeclaration {
    /// The whole declaration.
    pub span: Span,
    /// The name; absent for anonymous members and unnamed bit fields.
    pub name: Option<Name>,
    /// The complete type, pointers and arrays applied.
    pub ty: CType,
    /// Width in bits of a bit field.
    pub bits: Option<Expr>,
    /// `__attribute__((aligned(n)))` of the member, in bytes.
    pub aligned: Option<u32>,
}

/// A C type as written.
#[derive(Clone, Debug, PartialEq)]
pub enum CType {
    /// A name or several words in their normal order: `unsigned long`, `u32`, `void`.
    Named(String),
    /// `struct tag`, `union tag` or `enum tag`.
    Tagged(TagKind, String),
    /// A struct or union defined in place.
    Aggregate(Box<CAggregate>),
    /// An enum defined in place.
    Enum(Box<CEnum>),
    /// A pointer.
    Pointer(Box<CType>),
    /// An array; no length for a flexible one.
    Array(Box<CType>, Option<Box<Expr>>),
    /// A function (only behind a pointer); its signature does not matter for layout.
    Function,
}

/// Which tag name space a C tag is written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TagKind {
    /// `struct`.
    Struct,
    /// `union`.
    Union,
    /// `enum`.
    Enum,
}
