//! C definitions of the script: layouts as the System V ABI has them.

use super::{TypeTable, constant, report};
use crate::types::{EnumType, FieldLayout, Layout, Space, StructLayouts, StructOrigin, StructRef, Type};
use lancet_syntax::ast::{CAggregate, CDeclaration, CDefinition, CDefinitionKind, CEnum, CType, TagKind};
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::{Diagnostic, Diagnostics};
use lancet_syntax::span::Span;
use std::rc::Rc;

/// The alignment of a definition whose members are being read.
const UNFINISHED: u32 = 0;

/// Types that a misspelt name may mean.
const COMMON_TYPES: &[&str] = &[
    "char", "short", "int", "long", "unsigned", "signed", "bool", "void", "float", "double", "size_t", "ssize_t",
    "pid_t", "u8", "u16", "u32", "u64", "s8", "s16", "s32", "s64", "int8_t", "int16_t", "int32_t", "int64_t",
    "uint8_t", "uint16_t", "uint32_t", "uint64_t", "__u8", "__u16", "__u32", "__u64", "__s8", "__s16", "__s32",
    "__s64",
];

impl TypeTable<'_> {
    /// Adds a definition of the script; a later one of the same name wins.
    pub fn define(&mut self, definition: &CDefinition, diagnostics: &mut Diagnostics) {
        match &definition.kind {
            CDefinitionKind::Aggregate(aggregate) => {
                self.aggregate(aggregate, diagnostics);
            }
            CDefinitionKind::Enum(definition) => {
                self.enumeration(definition, diagnostics);
            }
            CDefinitionKind::Typedef(declaration) => {
                let ty = self.declared_type(&declaration.ty, diagnostics);
                match (&declaration.name, ty) {
                    (Some(name), Some(ty)) => {
                        self.typedefs.insert(name.text.clone(), ty);
                    }
                    (name, _) => {
                        let what = name.as_ref().map_or("this typedef", |name| &name.text);
                        diagnostics.push(self.unknown(&declaration.ty, what, declaration.span));
                    }
                }
            }
        }
    }

    /// Adds a definition, or nothing when anything in it is not understood.
    pub fn define_if_possible(&mut self, definition: &CDefinition) {
        let mut diagnostics = Diagnostics::default();
        self.define(definition, &mut diagnostics);
        if !diagnostics.has_errors() {
            return;
        }
        match &definition.kind {
            CDefinitionKind::Aggregate(CAggregate { name: Some(name), is_union, .. }) => {
                self.tags.remove(&(*is_union, name.text.clone()));
            }
            CDefinitionKind::Typedef(CDeclaration { name: Some(name), .. }) => _ = self.typedefs.remove(&name.text),
            CDefinitionKind::Aggregate(_) | CDefinitionKind::Typedef(_) | CDefinitionKind::Enum(_) => {}
        }
    }

    /// Defines a struct or union; anonymous ones get a reference of their own.
    fn aggregate(&mut self, aggregate: &CAggregate, diagnostics: &mut Diagnostics) -> StructRef {
        let keyword = if aggregate.is_union { "union" } else { "struct" };
        let tag = aggregate.name.as_ref().map(|name| name.text.clone());
        let shown: Rc<str> = format!("{keyword} {}", tag.as_deref().unwrap_or("(anonymous)")).into();
        let Some(members) = &aggregate.members else {
            let opaque = StructRef { name: shown, origin: StructOrigin::Opaque };
            let Some(tag) = tag else { return opaque };
            return self.tags.entry((aggregate.is_union, tag)).or_insert(opaque).clone();
        };
        // The reference exists before the members, which may point to it.
        let index = self.definitions.len() as u32;
        self.definitions.push(Rc::new(Layout { size: 0, align: UNFINISHED, fields: Vec::new() }));
        let reference = StructRef { name: shown, origin: StructOrigin::Script(index) };
        if let Some(tag) = tag {
            self.tags.insert((aggregate.is_union, tag), reference.clone());
        }
        let layout = self.lay_out(aggregate, members, diagnostics);
        self.definitions[index as usize] = Rc::new(layout);
        reference
    }

    fn lay_out(&mut self, aggregate: &CAggregate, members: &[CDeclaration], diagnostics: &mut Diagnostics) -> Layout {
        let (mut end_bits, mut size_bits, mut align) = (0u64, 0u64, 1u32);
        let mut fields = Vec::new();
        for member in members {
            let Some(ty) = self.declared_type(&member.ty, diagnostics) else {
                let name = member.name.as_ref().map_or("a member", |name| &name.text);
                diagnostics.push(self.unknown(&member.ty, name, member.span));
                continue;
            };
            if matches!(&ty, Type::Struct(inner) if self.layout(inner).size == 0 && inner.origin == StructOrigin::Opaque)
            {
                report(diagnostics, Code::UnknownType, member.span, format!("{ty} is declared but not defined"));
            }
            let width =
                member.bits.as_ref().and_then(|expr| constant(expr, &|name| self.enumerator(name).map(|e| e.0)));
            if let Some(problem) = self.misplaced(member, &ty, width, &fields) {
                report(diagnostics, Code::BadCDefinition, member.span, problem);
                continue;
            }
            let natural = if aggregate.packed { 1 } else { ty.align(self).max(1) };
            let member_align = natural.max(member.aligned.unwrap_or(1));
            let bytes = u64::from(ty.size(self));
            let start = if aggregate.is_union { 0 } else { end_bits };
            let (offset, bits, end) = match width {
                Some(0) => {
                    end_bits = start.next_multiple_of(u64::from(member_align) * 8);
                    continue;
                }
                Some(width) => {
                    let unit = bytes.max(1) * 8;
                    let width = (width as u64).min(unit);
                    let first =
                        if start / unit == (start + width - 1) / unit { start } else { start.next_multiple_of(unit) };
                    let base = first / unit * unit;
                    (base / 8, Some(((first - base) as u8, width as u8)), first + width)
                }
                None => {
                    let offset = start.div_ceil(8).next_multiple_of(u64::from(member_align));
                    (offset, None, (offset + bytes) * 8)
                }
            };
            align = align.max(member_align);
            end_bits = end;
            size_bits = size_bits.max(end);
            let name = member.name.as_ref().map(|name| name.text.clone()).unwrap_or_default();
            if bits.is_none() || !name.is_empty() {
                fields.push(FieldLayout { name, offset: offset as u32, ty, bits });
            }
        }
        align = align.max(aggregate.aligned.unwrap_or(1));
        let size = (size_bits.div_ceil(8)).next_multiple_of(u64::from(align));
        Layout { size: u32::try_from(size).unwrap_or(u32::MAX), align, fields }
    }

    /// What C forbids of a member whose type is known.
    fn misplaced(
        &self,
        member: &CDeclaration,
        ty: &Type,
        width: Option<i64>,
        before: &[FieldLayout],
    ) -> Option<String> {
        let name = member.name.as_ref().map_or("", |name| &name.text);
        if !name.is_empty() && before.iter().any(|field| field.name == name) {
            return Some(format!("there is already a member {name}"));
        }
        if matches!(ty, Type::Struct(inner) if matches!(inner.origin, StructOrigin::Script(_)) && self.layout(inner).align == UNFINISHED)
        {
            return Some(format!("{ty} cannot contain itself; a pointer to it can"));
        }
        let most = i64::from(ty.size(self)) * 8;
        match width {
            Some(width) if !(0..=most).contains(&width) => {
                Some(format!("a bit field of {ty} has 0 to {most} bits, not {width}"))
            }
            _ => None,
        }
    }

    fn enumeration(&mut self, definition: &CEnum, diagnostics: &mut Diagnostics) -> Type {
        let mut next = 0i64;
        let mut variants = Vec::new();
        for (name, value) in &definition.variants {
            if let Some(expr) = value {
                let known = |wanted: &str| {
                    variants.iter().find(|(name, _): &&(String, i64)| name == wanted).map(|(_, value)| *value)
                };
                match constant(expr, &|name| known(name).or_else(|| self.enumerator(name).map(|found| found.0))) {
                    Some(value) => next = value,
                    None => report(
                        diagnostics,
                        Code::NotConstant,
                        expr.span,
                        format!("the value of {} is not a constant", name.text),
                    ),
                }
            }
            variants.push((name.text.clone(), next));
            next = next.wrapping_add(1);
        }
        let fits = |min: i64, max: i64| variants.iter().all(|(_, value)| (min..=max).contains(value));
        let signed = !fits(0, i64::MAX);
        let size = if fits(i64::from(i32::MIN), i64::from(u32::MAX)) { 4 } else { 8 };
        let name = definition.name.as_ref().map(|name| name.text.clone()).unwrap_or_default();
        let ty = Rc::new(EnumType { name: name.clone(), size, signed, variants });
        for (variant, value) in &ty.variants {
            self.enumerators.insert(variant.clone(), (*value, ty.clone()));
        }
        if !name.is_empty() {
            self.enums.insert(name, ty.clone());
        }
        Type::Enum(ty)
    }

    /// The type of a declaration; `None` when a name in it is unknown.
    /// What is wrong with a type that is not known, and which is near.
    fn unknown(&self, ty: &CType, what: &str, span: Span) -> Diagnostic {
        let mut innermost = ty;
        while let CType::Pointer(inner) | CType::Array(inner, _) = innermost {
            innermost = inner;
        }
        let CType::Named(name) = innermost else {
            return Diagnostic::error(Code::UnknownType, span, format!("the type of {what} is unknown"));
        };
        let own = self.typedefs.keys().map(String::as_str);
        let nearest = lancet_kernel::nearest(name, COMMON_TYPES.iter().copied().chain(own));
        Diagnostic::error(Code::UnknownType, span, format!("there is no type {name}")).help(match nearest {
            Some(nearest) => format!("did you mean {nearest}?"),
            None => "define it before, or include the header that does".to_owned(),
        })
    }

    fn declared_type(&mut self, ty: &CType, diagnostics: &mut Diagnostics) -> Option<Type> {
        Some(match ty {
            // Programs cannot compute with them; what is read are their bits, as for those of the kernel's BTF.
            CType::Named(name) if name == "float" => Type::Int { size: 4, signed: false },
            CType::Named(name) if name == "double" => Type::Int { size: 8, signed: false },
            CType::Named(name) => self.named(name)?,
            CType::Tagged(kind, name) => match (kind, self.tagged(*kind, name)) {
                (_, Some(ty)) => ty,
                (TagKind::Enum, None) => return None,
                (kind, None) => {
                    let keyword = if *kind == TagKind::Union { "union" } else { "struct" };
                    Type::Struct(StructRef { name: format!("{keyword} {name}").into(), origin: StructOrigin::Opaque })
                }
            },
            CType::Aggregate(aggregate) => Type::Struct(self.aggregate(aggregate, diagnostics)),
            CType::Enum(definition) => self.enumeration(definition, diagnostics),
            CType::Pointer(target) => match &**target {
                CType::Function => Type::Void.pointer(Space::Any),
                target => self.declared_type(target, diagnostics).unwrap_or(Type::Void).pointer(Space::Any),
            },
            CType::Array(element, length) => {
                let count = match length {
                    Some(expr) => {
                        let value = constant(expr, &|name| self.enumerator(name).map(|found| found.0));
                        match value.and_then(|value| u32::try_from(value).ok()) {
                            Some(count) => count,
                            None => {
                                let text = "the length of an array must be a constant that is not negative";
                                report(diagnostics, Code::NotConstant, expr.span, text.into());
                                0
                            }
                        }
                    }
                    None => 0,
                };
                if matches!(&**element, CType::Named(name) if name == "char") {
                    return Some(Type::String(count));
                }
                Type::Array(Box::new(self.declared_type(element, diagnostics)?), count)
            }
            CType::Function => Type::Void,
        })
    }
}
