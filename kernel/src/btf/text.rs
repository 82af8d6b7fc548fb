//! BTF types as C text, laid out as libbpf's `btf_dump` does: declarations of arguments, definitions of structs and enums.
//!
//! Invariant: damaged and cyclic types end in an ellipsis; the text's length is bounded.

use super::{Btf, Member, Type, TypeId};
use rustc_hash::FxHashMap;
use std::cell::RefCell;
use std::fmt::Write;

/// Anonymous structs within each other, and pointers to pointers, deeper than any sane type has.
const DEPTH: usize = 32;

/// More text than any sane definition has.
const LENGTH: usize = 1 << 20;

impl Btf {
    /// A declaration of something of the type: `struct file *file`; without a name `struct file *`.
    pub fn declaration(&self, id: TypeId, name: &str) -> String {
        let mut text = String::new();
        Printer::new(self).declare(&mut text, id, name, 0, 0);
        text
    }

    /// The definition of a struct, union or enum, without `;` at its end; `None` for other types.
    pub fn definition(&self, id: TypeId) -> Option<String> {
        let mut text = String::new();
        match self.ty(id)? {
            Type::Aggregate { name, is_union, size, members } => {
                Printer::new(self).define(&mut text, &Aggregate { name, is_union, size, members }, 0, 0);
            }
            Type::Enum { name, variants, .. } => define_enum(&mut text, &name, &variants, 0),
            _ => return None,
        }
        Some(text)
    }
}

/// Prints types of one blob.
struct Printer<'b> {
    btf: &'b Btf,
    /// Alignments that are known; those being computed are 1, which ends cycles.
    alignments: RefCell<FxHashMap<TypeId, u64>>,
}

impl<'b> Printer<'b> {
    fn new(btf: &'b Btf) -> Self {
        Self { btf, alignments: RefCell::default() }
    }

    /// The declarator is built around `name` from the outermost type inwards.
    fn declare(&self, text: &mut String, id: TypeId, name: &str, level: usize, depth: usize) {
        let mut at = id;
        let mut declarator = name.to_owned();
        // `const` and its kin stand before a base type and behind a pointer; which one, shows when the target is known.
        let mut modifiers: Vec<String> = Vec::new();
        for _ in 0..DEPTH {
            match self.btf.ty(at) {
                Some(Type::Modifier(target)) => {
                    modifiers.push(self.modifier(at).to_owned());
                    at = target;
                }
                Some(Type::Tag { name, target }) => {
                    modifiers.push(format!("__attribute__((btf_type_tag(\"{name}\")))"));
                    at = target;
                }
                Some(Type::Pointer(target)) => {
                    let behind = std::mem::take(&mut modifiers).join(" ");
                    let apart = declarator.starts_with('(') || !(behind.is_empty() || declarator.is_empty());
                    let space = if apart { " " } else { "" };
                    let inside = matches!(self.btf.ty(target), Some(Type::Prototype { .. } | Type::Array { .. }));
                    let before = if behind.is_empty() { "" } else { " " };
                    declarator = format!("*{before}{behind}{space}{declarator}");
                    if inside {
                        declarator = format!("({declarator})");
                    }
                    at = target;
                }
                Some(Type::Array { element, count }) => {
                    declarator = format!("{declarator}[{count}]");
                    at = element;
                }
                Some(Type::Prototype { parameters, returns }) => {
                    declarator = format!("{declarator}({})", self.parameters_text(&parameters, depth));
                    at = returns;
                }
                base => {
                    for modifier in modifiers {
                        let _ = write!(text, "{modifier} ");
                    }
                    self.base(text, base, level, depth);
                    if !declarator.is_empty() {
                        let _ = write!(text, " {declarator}");
                    }
                    return;
                }
            }
        }
        text.push('…');
    }

    fn parameters_text(&self, parameters: &[(String, TypeId)], depth: usize) -> String {
        if parameters.is_empty() {
            return "void".to_owned();
        }
        if depth > DEPTH / 8 {
            return "…".to_owned();
        }
        let one = |(name, ty): &(String, TypeId)| match ty.0 {
            0 => "...".to_owned(),
            _ => {
                let mut text = String::new();
                self.declare(&mut text, *ty, name, 0, depth + 1);
                text
            }
        };
        parameters.iter().map(one).collect::<Vec<_>>().join(", ")
    }

    fn base(&self, text: &mut String, ty: Option<Type>, level: usize, depth: usize) {
        match ty {
            Some(Type::Void) => text.push_str("void"),
            Some(Type::Int { name, .. } | Type::Float { name, .. } | Type::Typedef { name, .. }) => {
                text.push_str(&name)
            }
            Some(Type::Aggregate { name, is_union, size, members }) if name.is_empty() => {
                self.define(text, &Aggregate { name, is_union, size, members }, level, depth + 1);
            }
            Some(Type::Aggregate { name, is_union, .. } | Type::Forward { name, is_union }) => {
                let _ = write!(text, "{} {name}", keyword(is_union));
            }
            Some(Type::Enum { name, variants, .. }) if name.is_empty() => define_enum(text, "", &variants, level),
            Some(Type::Enum { name, .. }) => {
                let _ = write!(text, "enum {name}");
            }
            _ => text.push('…'),
        }
    }

    fn define(&self, text: &mut String, aggregate: &Aggregate, level: usize, depth: usize) {
        text.push_str(keyword(aggregate.is_union));
        if !aggregate.name.is_empty() {
            let _ = write!(text, " {}", aggregate.name);
        }
        text.push_str(" {");
        let packed = self.is_packed(aggregate);
        let align = |ty| if packed { 1 } else { self.align_of(ty) };
        let (mut from, mut in_bit_fields, inner) = (0, false, level + 1);
        for member in &aggregate.members {
            if text.len() > LENGTH || depth > DEPTH {
                text.push('…');
                break;
            }
            let (to, is_bit_field) = (u64::from(member.bit_offset), member.bit_size > 0);
            let hole = Hole { from, to, align: align(member.ty), in_bit_fields: in_bit_fields && is_bit_field };
            padding(text, &hole, inner);
            let _ = write!(text, "\n{}", "\t".repeat(inner));
            self.declare(text, member.ty, &member.name, inner, depth);
            let bits = match member.bit_size {
                0 => self.btf.size_of(member.ty).unwrap_or(0).saturating_mul(8),
                bits => {
                    let _ = write!(text, ": {bits}");
                    bits.into()
                }
            };
            text.push(';');
            (from, in_bit_fields) = (to.saturating_add(bits), is_bit_field);
        }
        if !aggregate.is_union {
            let align = if packed { 1 } else { self.align(aggregate) };
            padding(text, &Hole { from, to: u64::from(aggregate.size) * 8, align, in_bit_fields: false }, inner);
        }
        if !aggregate.members.is_empty() || aggregate.size > 0 {
            let _ = write!(text, "\n{}", "\t".repeat(level));
        }
        text.push('}');
        if packed {
            text.push_str(" __attribute__((packed))");
        }
    }

    /// The compiler would place the members elsewhere.
    fn is_packed(&self, aggregate: &Aggregate) -> bool {
        let align = self.align(aggregate);
        let displaced = aggregate.members.iter().any(|member| self.is_displaced(member));
        displaced || u64::from(aggregate.size) % align != 0
    }

    /// Natural alignment in bytes of a struct; a packed one has 1.
    fn align(&self, aggregate: &Aggregate) -> u64 {
        let members = aggregate.members.iter();
        let align = members.clone().map(|member| self.align_of(member.ty)).max().unwrap_or(1);
        let displaced = members.clone().any(|member| self.is_displaced(member));
        if displaced || u64::from(aggregate.size) % align != 0 { 1 } else { align }
    }

    fn is_displaced(&self, member: &Member) -> bool {
        member.bit_size == 0 && u64::from(member.bit_offset) % (self.align_of(member.ty) * 8) != 0
    }

    fn align_of(&self, id: TypeId) -> u64 {
        let mut id = self.btf.resolve(id);
        for _ in 0..DEPTH {
            match id.and_then(|id| self.btf.ty(id)) {
                Some(Type::Array { element, .. }) => id = self.btf.resolve(element),
                _ => break,
            }
        }
        let Some(id) = id else { return 1 };
        if let Some(known) = self.alignments.borrow().get(&id) {
            return *known;
        }
        self.alignments.borrow_mut().insert(id, 1);
        let align = match self.btf.ty(id) {
            Some(Type::Pointer(_)) => 8,
            Some(Type::Int { size, .. } | Type::Float { size, .. } | Type::Enum { size, .. }) => {
                u64::from(size.clamp(1, 8).next_power_of_two())
            }
            Some(Type::Aggregate { name, is_union, size, members }) => {
                self.align(&Aggregate { name, is_union, size, members })
            }
            _ => 1,
        };
        self.alignments.borrow_mut().insert(id, align);
        align
    }

    /// Which modifier a record is: `const`, `volatile` or `restrict`.
    fn modifier(&self, id: TypeId) -> &'static str {
        self.btf.record(id).map_or("const", |(_, record)| record.modifier())
    }
}

/// A struct or union that is being printed.
struct Aggregate {
    name: String,
    is_union: bool,
    size: u32,
    members: Vec<Member>,
}

fn keyword(is_union: bool) -> &'static str {
    if is_union { "union" } else { "struct" }
}

fn define_enum(text: &mut String, name: &str, variants: &[(String, i64)], level: usize) {
    text.push_str("enum");
    if !name.is_empty() {
        let _ = write!(text, " {name}");
    }
    text.push_str(" {");
    for (name, value) in variants {
        let _ = write!(text, "\n{}{name} = {value},", "\t".repeat(level + 1));
    }
    let _ = write!(text, "\n{}}}", "\t".repeat(level));
}

/// A hole between members, in bits.
struct Hole {
    from: u64,
    to: u64,
    /// Alignment in bytes of what comes behind.
    align: u64,
    /// Between two bit fields.
    in_bit_fields: bool,
}

/// Bit fields without names for what the alignment of the next member does not explain.
fn padding(text: &mut String, hole: &Hole, level: usize) {
    const TYPES: [(&str, u64); 4] = [("long", 64), ("int", 32), ("short", 16), ("char", 8)];
    let Hole { mut from, to, align, in_bit_fields } = *hole;
    if from >= to {
        return;
    }
    let mut line = |ty: &str, bits: u64| {
        let _ = write!(text, "\n{}{ty}: {bits};", "\t".repeat(level));
    };
    // The largest type whose boundary lies in the hole.
    let (ty, bits) = TYPES.into_iter().find(|(_, bits)| from.next_multiple_of(*bits) <= to).unwrap_or(TYPES[3]);
    let boundary = from.next_multiple_of(bits);
    if boundary > from && boundary <= to {
        let natural = from.next_multiple_of((align * 8).max(1));
        let unexplained = boundary == to && natural != boundary;
        let swallowed = boundary != to && to - boundary <= boundary - from;
        if in_bit_fields || unexplained || swallowed {
            line(ty, if in_bit_fields { boundary - from } else { 0 });
        }
        from = boundary;
    }
    for _ in 0..((to - from) / bits).min(LENGTH as u64 / 64) {
        line(ty, bits);
        from += bits;
    }
    let rest = to - from;
    if rest > 0 && rest < bits {
        let smallest = TYPES.into_iter().rev().find(|(_, bits)| *bits >= rest);
        line(smallest.map_or("long", |(ty, _)| ty), rest);
    }
}
