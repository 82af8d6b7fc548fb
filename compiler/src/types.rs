//! The language's types, their sizes and layouts.
//!
//! Invariant: a type says how many bytes a value has and how they read; `lower::value_type` gives the same layout to the
//! runtime. Structs are named by reference and looked up in the [`crate::ctypes::TypeTable`], since they may be recursive.

use lancet_kernel::btf::TypeId;
use lancet_manifest::{Clock, StackMode};
use std::fmt;
use std::rc::Rc;

/// A type of the language.
#[derive(Clone, PartialEq, Debug)]
pub enum Type {
    /// No value.
    Void,
    /// An integer of 1, 2, 4 or 8 bytes.
    Int {
        /// Bytes.
        size: u8,
        /// Two's complement.
        signed: bool,
    },
    /// true or false, one byte.
    Bool,
    /// A C enum.
    Enum(Rc<EnumType>),
    /// A pointer.
    Pointer(Box<Type>, Space),
    /// Bytes up to the first NUL; capacity in bytes with NUL.
    String(u32),
    /// u32 length and this many bytes.
    Buffer(u32),
    /// An IP address.
    Inet,
    /// A MAC address.
    Mac,
    /// A kernel address to be shown as symbol.
    KernelSymbol,
    /// A user address and its process.
    UserSymbol,
    /// A kernel stack trace.
    KernelStack(StackType),
    /// A user stack trace.
    UserStack(StackType),
    /// A user id to be shown as name.
    Username,
    /// Nanoseconds to be shown by strftime.
    Timestamp(Clock, Rc<str>),
    /// A cgroup id to be shown as path (below hierarchies matching the filter).
    CgroupPath(Rc<str>),
    /// The full name of the probe that fired.
    ProbeName,
    /// Elements of one type.
    Array(Box<Type>, u32),
    /// Unnamed fields.
    Tuple(Rc<[Type]>),
    /// Named fields.
    Record(Rc<[(String, Type)]>),
    /// A C struct or union.
    Struct(StructRef),
}

/// Which memory a pointer points into.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Space {
    /// Not known: kernel or user, told apart by the address.
    Any,
    /// Kernel memory.
    Kernel,
    /// The traced process's memory.
    User,
    /// The program's own memory: variables and map values.
    Bpf,
    /// The program's context.
    Trusted,
    /// Kernel memory behind a pointer whose type the verifier knows: loads are direct, and null reads as zero. Only
    /// arguments and what direct loads through them give are in it; anything else that is done with such a pointer
    /// takes its number first.
    Typed,
}

/// How a stack trace is taken and shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StackType {
    /// Format.
    pub mode: StackMode,
    /// Number of frames at most.
    pub limit: u32,
}

/// A C enum.
#[derive(Clone, PartialEq, Debug)]
pub struct EnumType {
    /// Tag; may be empty.
    pub name: String,
    /// Bytes.
    pub size: u8,
    /// Two's complement.
    pub signed: bool,
    /// Enumerators.
    pub variants: Vec<(String, i64)>,
}

/// Which struct or union.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct StructRef {
    /// Printed name: `struct task_struct`, or `struct (anonymous)`.
    pub name: Rc<str>,
    /// Where its definition is.
    pub origin: StructOrigin,
}

/// Where a struct's definition is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum StructOrigin {
    /// Defined by the script (or its headers): index in the type table.
    Script(u32),
    /// In the kernel's BTF.
    Btf(TypeId),
    /// In the BTF of the n-th module that the compilation opened.
    Module(u32, TypeId),
    /// Declared but not defined: only pointers to it make sense.
    Opaque,
}

/// One field of an aggregate: where it is and what it is.
#[derive(Clone, PartialEq, Debug)]
pub struct FieldLayout {
    /// Name; empty in tuples and for anonymous members.
    pub name: String,
    /// Byte offset.
    pub offset: u32,
    /// Type.
    pub ty: Type,
    /// A bit field: first bit within the integer at `offset`, width.
    pub bits: Option<(u8, u8)>,
}

/// The layout of a struct, union, tuple or record.
#[derive(Clone, PartialEq, Debug)]
pub struct Layout {
    /// Bytes with padding.
    pub size: u32,
    /// Alignment in bytes.
    pub align: u32,
    /// The fields in order.
    pub fields: Vec<FieldLayout>,
}

/// int64.
pub const INT64: Type = Type::Int { size: 8, signed: true };
/// uint64.
pub const UINT64: Type = Type::Int { size: 8, signed: false };
/// uint32.
pub const UINT32: Type = Type::Int { size: 4, signed: false };
/// uint8.
pub const UINT8: Type = Type::Int { size: 1, signed: false };

impl Type {
    /// A pointer to `self`.
    pub fn pointer(self, space: Space) -> Type {
        Type::Pointer(Box::new(self), space)
    }

    /// True when a value is one register: integers, bools, enums, pointers and everything shown by number.
    pub fn is_scalar(&self) -> bool {
        match self {
            Type::Int { .. }
            | Type::Bool
            | Type::Enum(_)
            | Type::Pointer(..)
            | Type::KernelSymbol
            | Type::Username
            | Type::Timestamp(..)
            | Type::CgroupPath(_)
            | Type::ProbeName => true,
            Type::Void
            | Type::String(_)
            | Type::Buffer(_)
            | Type::Inet
            | Type::Mac
            | Type::UserSymbol
            | Type::KernelStack(_)
            | Type::UserStack(_)
            | Type::Array(..)
            | Type::Tuple(_)
            | Type::Record(_)
            | Type::Struct(_) => false,
        }
    }

    /// True for integers, bools and enums: what arithmetic takes.
    pub fn is_integer(&self) -> bool {
        matches!(self, Type::Int { .. } | Type::Bool | Type::Enum(_))
    }

    /// True for signed integers and enums.
    pub fn is_signed(&self) -> bool {
        match self {
            Type::Int { signed, .. } => *signed,
            Type::Enum(ty) => ty.signed,
            _ => false,
        }
    }

    /// Fields of a tuple or record with their offsets; each is aligned to its own alignment.
    pub fn aggregate_layout(&self, structs: &dyn StructLayouts) -> Option<Layout> {
        match self {
            Type::Tuple(types) => Some(lay_out(types.iter().map(|ty| (String::new(), ty.clone())), structs)),
            Type::Record(fields) => Some(lay_out(fields.iter().cloned(), structs)),
            Type::Struct(reference) => Some((*structs.layout(reference)).clone()),
            _ => None,
        }
    }

    /// Bytes of a value in memory.
    pub fn size(&self, structs: &dyn StructLayouts) -> u32 {
        match self {
            Type::Void => 0,
            Type::Int { size, .. } => u32::from(*size),
            Type::Bool => 1,
            Type::Enum(ty) => u32::from(ty.size),
            Type::Mac => 6,
            Type::Pointer(..)
            | Type::KernelSymbol
            | Type::Username
            | Type::Timestamp(..)
            | Type::CgroupPath(_)
            | Type::ProbeName => 8,
            Type::UserSymbol | Type::KernelStack(_) | Type::UserStack(_) => 16,
            Type::String(size) => *size,
            Type::Buffer(capacity) => 4 + capacity,
            Type::Inet => 24,
            Type::Array(element, count) => element.size(structs).saturating_mul(*count),
            Type::Tuple(_) | Type::Record(_) => self.aggregate_layout(structs).map_or(0, |layout| layout.size),
            Type::Struct(reference) => structs.layout(reference).size,
        }
    }

    /// Alignment of a value in memory.
    pub fn align(&self, structs: &dyn StructLayouts) -> u32 {
        match self {
            Type::Void | Type::String(_) | Type::Mac => 1,
            Type::Buffer(_) => 4,
            Type::Array(element, _) => element.align(structs),
            Type::Inet | Type::UserSymbol | Type::KernelStack(_) | Type::UserStack(_) => 8,
            Type::Tuple(_) | Type::Record(_) => self.aggregate_layout(structs).map_or(1, |layout| layout.align),
            Type::Struct(reference) => structs.layout(reference).align,
            scalar => scalar.size(structs).clamp(1, 8),
        }
    }
}

/// Gives the layouts of structs.
pub trait StructLayouts {
    /// The layout; empty (size 0) for opaque structs.
    fn layout(&self, reference: &StructRef) -> Rc<Layout>;
}

fn lay_out(fields: impl Iterator<Item = (String, Type)>, structs: &dyn StructLayouts) -> Layout {
    let (mut offset, mut align) = (0u32, 1u32);
    let fields = fields
        .map(|(name, ty)| {
            let field_align = ty.align(structs).max(1);
            align = align.max(field_align);
            let start = offset.next_multiple_of(field_align);
            offset = start.saturating_add(ty.size(structs));
            FieldLayout { name, offset: start, ty, bits: None }
        })
        .collect();
    Layout { size: offset.next_multiple_of(align), align, fields }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Void => f.write_str("void"),
            Type::Int { size, signed } => write!(f, "{}int{}", if *signed { "" } else { "u" }, u32::from(*size) * 8),
            Type::Bool => f.write_str("bool"),
            Type::Enum(ty) => write!(f, "enum {}", ty.name),
            Type::Pointer(target, _) => write!(f, "{target} *"),
            Type::String(size) => write!(f, "string[{size}]"),
            Type::Buffer(capacity) => write!(f, "buffer[{capacity}]"),
            Type::Inet => f.write_str("inet"),
            Type::Mac => f.write_str("mac_address"),
            Type::KernelSymbol => f.write_str("ksym"),
            Type::UserSymbol => f.write_str("usym"),
            Type::KernelStack(_) => f.write_str("kstack"),
            Type::UserStack(_) => f.write_str("ustack"),
            Type::Username => f.write_str("username"),
            Type::Timestamp(..) => f.write_str("timestamp"),
            Type::CgroupPath(_) => f.write_str("cgroup_path"),
            Type::ProbeName => f.write_str("probe"),
            Type::Array(element, count) => write!(f, "{element}[{count}]"),
            Type::Tuple(types) => {
                f.write_str("(")?;
                for (i, ty) in types.iter().enumerate() {
                    write!(f, "{}{ty}", if i > 0 { ", " } else { "" })?;
                }
                f.write_str(")")
            }
            Type::Record(fields) => {
                f.write_str("(")?;
                for (i, (name, ty)) in fields.iter().enumerate() {
                    write!(f, "{}{name}: {ty}", if i > 0 { ", " } else { "" })?;
                }
                f.write_str(")")
            }
            Type::Struct(reference) => f.write_str(&reference.name),
        }
    }
}
