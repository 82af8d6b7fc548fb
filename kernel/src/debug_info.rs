//! What debug information says of a program: its functions' parameters, its types, the code of its source lines.
//!
//! Invariant: types have the form of BTF and are told one at a time, so that a program with a gigabyte of debug
//! information costs no more than what a script asks about. Ids are only meaningful with the information they come from.

mod spelling;

use crate::btf::{self, Btf, NameKind, TypeId};

pub use spelling::{spell, spell_declaration};

/// Where types come from: BTF, or the debug information of a program.
pub trait Types {
    /// One type; `None` for ids that do not exist and damaged descriptions.
    fn ty(&self, id: TypeId) -> Option<btf::Type>;

    /// Whether the type is its own rather than that of a base that it continues.
    fn owns(&self, _id: TypeId) -> bool {
        true
    }

    /// The type behind typedefs, modifiers and type tags.
    fn resolve(&self, id: TypeId) -> Option<TypeId> {
        let mut id = id;
        // More in a row than any sane type has: a cycle in damaged data.
        for _ in 0..64 {
            match self.ty(id)? {
                btf::Type::Typedef { target, .. } | btf::Type::Modifier(target) | btf::Type::Tag { target, .. } => {
                    id = target;
                }
                _ => return Some(id),
            }
        }
        None
    }

    /// The type behind typedefs, modifiers and type tags, decoded.
    fn resolved(&self, id: TypeId) -> Option<btf::Type> {
        self.ty(self.resolve(id)?)
    }
}

impl Types for Btf {
    fn ty(&self, id: TypeId) -> Option<btf::Type> {
        Btf::ty(self, id)
    }

    fn owns(&self, id: TypeId) -> bool {
        id.0 >= self.first_id()
    }

    fn resolve(&self, id: TypeId) -> Option<TypeId> {
        Btf::resolve(self, id)
    }
}

/// The debug information of an executable or library. Addresses are those of its symbol table.
pub trait DebugInfo: Types {
    /// The function whose code starts at the address `start`; the places of its parameters are those at `at`.
    fn function(&self, start: u64, at: u64) -> Option<Function>;

    /// A struct, union, enum or typedef of that name. Names mean different things in different source files: what the file
    /// of the function at `near` says comes first.
    fn find(&self, kind: NameKind, name: &str, near: Option<u64>) -> Option<TypeId>;

    /// The addresses of the code that a line of a source file became, sorted: of each of its pieces, wherever they went.
    fn line(&self, file: &str, line: u32, column: Option<u32>) -> Result<Vec<u64>, UnknownLine>;
}

/// A function as its debug information describes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Function {
    /// Its parameters in order.
    pub parameters: Vec<Parameter>,
    /// What it returns.
    pub returns: TypeId,
    /// The caller says where to put what it returns, however small: a C++ object with a destructor.
    pub returns_in_memory: bool,
}

/// A parameter of a function.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parameter {
    /// Its name; empty if it has none.
    pub name: String,
    /// Its type.
    pub ty: TypeId,
    /// Where its value is, if the debug information says so; at the start of the function it is otherwise where the calling
    /// convention puts it.
    pub place: Option<Place>,
}

/// Where a value is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// In the register that DWARF numbers so (System V AMD64 ABI, figure 3.36).
    Register(u16),
    /// In memory, so many bytes above what the stack pointer is at the start of the function.
    Stack(i64),
    /// In memory, at the address that the register holds.
    Behind(u16),
    /// In memory, at an address that was passed in its place: a C++ object with a destructor.
    Reference,
    /// Nowhere: the compiler found that the function does not need it.
    Removed,
}

/// Why a source line has no code.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum UnknownLine {
    /// The program has no source file of that name.
    File,
    /// The file has no code in that line; lines before and after it that have some.
    Line(Option<u32>, Option<u32>),
    /// The line has code, but not at that column; columns that have some.
    Column(Vec<u32>),
}
