//! C types by name: those the script defines, those of the kernel's BTF, and the language's own spellings.
//!
//! Invariant: looking a type up has no effect but caching; a damaged or cyclic definition gives an opaque type.

use crate::types::{EnumType, FieldLayout, Layout, Space, StructLayouts, StructOrigin, StructRef, Type};
use lancet_kernel::Kernel;
use lancet_kernel::btf::{self, NameKind, TypeId};
use lancet_kernel::debug_info::Types;
use lancet_syntax::ast::{self, TagKind};
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::{Diagnostic, Diagnostics};
use lancet_syntax::span::Span;
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use std::rc::Rc;

mod base;
mod script;

pub use base::base_type;

/// All C types of a compilation.
pub struct TypeTable<'k> {
    kernel: &'k dyn Kernel,
    tags: FxHashMap<(bool, String), StructRef>,
    definitions: Vec<Rc<Layout>>,
    enums: FxHashMap<String, Rc<EnumType>>,
    typedefs: FxHashMap<String, Type>,
    enumerators: FxHashMap<String, (i64, Rc<EnumType>)>,
    layouts: RefCell<FxHashMap<StructOrigin, Rc<Layout>>>,
    modules: RefCell<Vec<Module>>,
}

/// Types that are not the kernel's own.
#[derive(Clone)]
struct Module {
    types: Rc<dyn Types>,
    /// Where its pointers point to.
    space: Space,
}

impl<'k> TypeTable<'k> {
    /// The types of a kernel, before any definition of a script.
    pub fn new(kernel: &'k dyn Kernel) -> Self {
        Self {
            kernel,
            tags: FxHashMap::default(),
            definitions: Vec::new(),
            enums: FxHashMap::default(),
            typedefs: FxHashMap::default(),
            enumerators: FxHashMap::default(),
            layouts: RefCell::default(),
            modules: RefCell::default(),
        }
    }

    /// The type of a name without a tag: the language's and C's base types, typedefs of the script, types of the kernel.
    pub fn named(&self, name: &str) -> Option<Type> {
        if let Some(ty) = self.script_named(name) {
            return Some(ty);
        }
        let btf = self.kernel.btf()?;
        Some(self.btf_type(btf, btf.find(name, NameKind::Type)?, None))
    }

    /// `struct name`, `union name` or `enum name`.
    pub fn tagged(&self, kind: TagKind, name: &str) -> Option<Type> {
        match kind {
            TagKind::Struct | TagKind::Union => {
                let is_union = kind == TagKind::Union;
                if let Some(reference) = self.tags.get(&(is_union, name.to_owned())) {
                    let declared_only = reference.origin == StructOrigin::Opaque;
                    return match self.btf_tagged(is_union, name) {
                        Some(ty) if declared_only => Some(ty),
                        _ => Some(Type::Struct(reference.clone())),
                    };
                }
                self.btf_tagged(is_union, name)
            }
            TagKind::Enum => {
                if let Some(ty) = self.enums.get(name) {
                    return Some(Type::Enum(ty.clone()));
                }
                let btf = self.kernel.btf()?;
                Some(self.btf_type(btf, btf.find(name, NameKind::Enum)?, None))
            }
        }
    }

    /// An enumerator of the script or the kernel.
    pub fn enumerator(&self, name: &str) -> Option<(i64, Type)> {
        if let Some((value, ty)) = self.enumerators.get(name) {
            return Some((*value, Type::Enum(ty.clone())));
        }
        let btf = self.kernel.btf()?;
        let (id, value) = btf.enumerator(name)?;
        Some((value, self.btf_type(btf, id, None)))
    }

    /// The type of a BTF id of the kernel itself, pointers in kernel memory.
    pub fn kernel_type(&self, id: TypeId) -> Option<Type> {
        Some(self.btf_type(self.kernel.btf()?, id, None))
    }

    /// The number that types of a module or a program have in a [`StructOrigin::Module`]; their pointers point to `space`.
    pub fn module(&self, types: &Rc<dyn Types>, space: Space) -> u32 {
        let mut modules = self.modules.borrow_mut();
        let known = modules.iter().position(|known| Rc::ptr_eq(&known.types, types));
        known.unwrap_or_else(|| {
            modules.push(Module { types: types.clone(), space });
            modules.len() - 1
        }) as u32
    }

    /// The type of an id of a module.
    pub fn module_type(&self, module: u32, id: TypeId) -> Type {
        let known = self.modules.borrow().get(module as usize).cloned();
        known.map_or(Type::Void, |known| self.btf_type(&*known.types, id, Some(module)))
    }

    /// `struct name`, `union name` or `enum name`, if the script itself defines it.
    pub fn script_tagged(&self, kind: TagKind, name: &str) -> Option<Type> {
        match kind {
            TagKind::Struct | TagKind::Union => {
                let reference = self.tags.get(&(kind == TagKind::Union, name.to_owned()))?;
                (reference.origin != StructOrigin::Opaque).then(|| Type::Struct(reference.clone()))
            }
            TagKind::Enum => self.enums.get(name).cloned().map(Type::Enum),
        }
    }

    /// A type without a tag that the language or the script itself defines.
    pub fn script_named(&self, name: &str) -> Option<Type> {
        base_type(name).or_else(|| self.typedefs.get(name).cloned())
    }

    /// The type of a BTF id of the kernel (`vmlinux`) or of one of its modules.
    pub fn type_of_module(&self, module: &str, id: TypeId) -> Option<Type> {
        if module == "vmlinux" {
            return self.kernel_type(id);
        }
        let types: Rc<dyn Types> = self.kernel.module_btf(module)?;
        Some(self.module_type(self.module(&types, Space::Kernel), id))
    }

    /// Whether the field shares its memory, in a union within `reference`, with fields of other types.
    pub fn is_in_union(&self, reference: &StructRef, name: &str) -> bool {
        let layout = self.layout(reference);
        let alike = layout.fields.iter().all(|field| field.ty == layout.fields[0].ty);
        (reference.name.starts_with("union ") && !alike) || {
            let mut anonymous = layout.fields.iter().filter(|field| field.name.is_empty());
            !layout.fields.iter().any(|field| field.name == name)
                && anonymous.any(|field| match &field.ty {
                    Type::Struct(inner) => {
                        self.find_field(&self.layout(inner), name, 0).is_some() && self.is_in_union(inner, name)
                    }
                    _ => false,
                })
        }
    }

    /// Looks a field up, through anonymous members too; the offset is from the start of `reference`.
    pub fn field(&self, reference: &StructRef, name: &str) -> Option<FieldLayout> {
        self.find_field(&self.layout(reference), name, 0)
    }

    /// Names of all fields that [`TypeTable::field`] finds, for suggestions.
    pub fn field_names(&self, reference: &StructRef) -> Vec<String> {
        let mut names = Vec::new();
        for field in &self.layout(reference).fields {
            match &field.ty {
                Type::Struct(inner) if field.name.is_empty() => names.extend(self.field_names(inner)),
                _ => names.push(field.name.clone()),
            }
        }
        names
    }

    fn find_field(&self, layout: &Layout, name: &str, depth: u32) -> Option<FieldLayout> {
        if let Some(field) = layout.fields.iter().find(|field| field.name == name) {
            return Some(field.clone());
        }
        if depth > 16 {
            return None;
        }
        layout.fields.iter().filter(|field| field.name.is_empty()).find_map(|anonymous| {
            let Type::Struct(inner) = &anonymous.ty else { return None };
            let mut field = self.find_field(&self.layout(inner), name, depth + 1)?;
            field.offset += anonymous.offset;
            Some(field)
        })
    }

    fn btf_tagged(&self, is_union: bool, name: &str) -> Option<Type> {
        let btf = self.kernel.btf()?;
        let kind = if is_union { NameKind::Union } else { NameKind::Struct };
        Some(self.btf_type(btf, btf.find(name, kind)?, None))
    }

    /// A BTF type as a type of the language; `module` is the index of a module's BTF.
    fn btf_type(&self, btf: &dyn Types, id: TypeId, module: Option<u32>) -> Type {
        self.btf_type_nested(btf, id, module, 0)
    }

    fn btf_type_nested(&self, btf: &dyn Types, id: TypeId, module: Option<u32>, depth: u32) -> Type {
        let Some(ty) = btf.ty(id) else { return Type::Void };
        if depth > 64 {
            return Type::Void;
        }
        let nested = |target: TypeId| self.btf_type_nested(btf, target, module, depth + 1);
        match ty {
            btf::Type::Int { is_bool: true, .. } => Type::Bool,
            btf::Type::Int { size, signed, .. } => integer(size, signed),
            btf::Type::Float { size, .. } => integer(size, false),
            btf::Type::Pointer(target) => btf_pointer(btf, target, self.pointer_space(module), nested),
            btf::Type::Array { element, count } => match btf.resolve(element).and_then(|id| btf.ty(id)) {
                Some(btf::Type::Int { name, size: 1, .. }) if name == "char" => Type::String(count),
                _ => Type::Array(Box::new(nested(element)), count),
            },
            btf::Type::Aggregate { name, is_union, .. } => Type::Struct(StructRef {
                name: struct_name(is_union, &name),
                origin: match module {
                    Some(module) if btf.owns(id) => StructOrigin::Module(module, id),
                    _ => StructOrigin::Btf(id),
                },
            }),
            btf::Type::Enum { name, size, signed, variants } => {
                Type::Enum(Rc::new(EnumType { name, size: size as u8, signed, variants }))
            }
            btf::Type::Forward { name, is_union } => {
                Type::Struct(StructRef { name: struct_name(is_union, &name), origin: StructOrigin::Opaque })
            }
            btf::Type::Typedef { target, .. } | btf::Type::Modifier(target) | btf::Type::Tag { target, .. } => {
                nested(target)
            }
            btf::Type::Variable { target, .. } => nested(target),
            btf::Type::Void | btf::Type::Function { .. } | btf::Type::Prototype { .. } | btf::Type::Other => Type::Void,
        }
    }

    fn pointer_space(&self, module: Option<u32>) -> Space {
        let modules = self.modules.borrow();
        module.and_then(|module| modules.get(module as usize)).map_or(Space::Kernel, |module| module.space)
    }

    fn btf_layout(&self, btf: &dyn Types, id: TypeId, module: Option<u32>) -> Layout {
        let Some(btf::Type::Aggregate { size, members, .. }) = btf.ty(id) else {
            return Layout { size: 0, align: 1, fields: Vec::new() };
        };
        let fields = members
            .into_iter()
            .map(|member| {
                let ty = self.btf_type(btf, member.ty, module);
                let (offset, bits) = place_bits(member.bit_offset, member.bit_size, ty.size(self));
                FieldLayout { name: member.name, offset, ty, bits }
            })
            .collect();
        Layout { size, align: 8.min(size.max(1)).next_power_of_two().min(8), fields }
    }
}

impl StructLayouts for TypeTable<'_> {
    fn layout(&self, reference: &StructRef) -> Rc<Layout> {
        if let StructOrigin::Script(index) = reference.origin {
            return self.definitions[index as usize].clone();
        }
        if let Some(layout) = self.layouts.borrow().get(&reference.origin) {
            return layout.clone();
        }
        let layout = match reference.origin {
            StructOrigin::Btf(id) => self.kernel.btf().map(|btf| self.btf_layout(btf, id, None)),
            StructOrigin::Module(module, id) => {
                let btf = self.modules.borrow().get(module as usize).cloned();
                btf.map(|btf| self.btf_layout(&*btf.types, id, Some(module)))
            }
            StructOrigin::Script(_) | StructOrigin::Opaque => None,
        };
        let layout = Rc::new(layout.unwrap_or(Layout { size: 0, align: 1, fields: Vec::new() }));
        self.layouts.borrow_mut().insert(reference.origin, layout.clone());
        layout
    }
}

/// A pointer's target, with the `user` and `percpu` tags that may stand between.
fn btf_pointer(btf: &dyn Types, target: TypeId, space: Space, nested: impl Fn(TypeId) -> Type) -> Type {
    let mut space = space;
    let mut at = target;
    // As many as any sane type has: damaged types may go round in circles.
    for _ in 0..64 {
        match btf.ty(at) {
            Some(btf::Type::Tag { name, target }) => {
                if name == "user" {
                    space = Space::User;
                }
                at = target;
            }
            Some(btf::Type::Typedef { target, .. }) => at = target,
            _ => break,
        }
    }
    match btf.resolve(at).and_then(|id| btf.ty(id)) {
        Some(btf::Type::Int { name, size: 1, .. }) if name == "char" => {
            Type::Int { size: 1, signed: true }.pointer(space)
        }
        _ => nested(target).pointer(space),
    }
}

/// Byte offset of the integer that holds a bit field, and its place there; `size` is that of the declared type.
fn place_bits(bit_offset: u32, bit_size: u32, size: u32) -> (u32, Option<(u8, u8)>) {
    if bit_size == 0 || size == 0 {
        return (bit_offset / 8, None);
    }
    let unit = size * 8;
    let start = bit_offset / unit * unit;
    (start / 8, Some(((bit_offset - start) as u8, bit_size as u8)))
}

fn integer(size: u32, signed: bool) -> Type {
    match size {
        1 | 2 | 4 | 8 => Type::Int { size: size as u8, signed },
        bytes => Type::Array(Box::new(crate::types::UINT8), bytes),
    }
}

fn struct_name(is_union: bool, name: &str) -> Rc<str> {
    let keyword = if is_union { "union" } else { "struct" };
    if name.is_empty() { format!("{keyword} (anonymous)").into() } else { format!("{keyword} {name}").into() }
}

/// Adds an error about a C definition.
fn report(diagnostics: &mut Diagnostics, code: Code, span: Span, message: String) {
    diagnostics.push(Diagnostic::error(code, span, message));
}

/// A constant expression of C definitions: array lengths, bit widths, enumerator values.
pub(crate) fn constant(expr: &ast::Expr, enumerator: &dyn Fn(&str) -> Option<i64>) -> Option<i64> {
    base::constant(expr, enumerator)
}
