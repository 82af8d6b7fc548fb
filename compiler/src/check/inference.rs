//! What the rounds find out about variables and maps, and how two types become one.

use super::Checker;
use super::scope::Site;
use crate::hir::{Expr, ExprKind, LocalIndex, Map, MapContent, MapIndex, MapKind, Program};
use crate::settings::OLD_KEY_LIMIT;
use crate::types::{Space, Type};
use lancet_manifest::MapValue;
use lancet_syntax::ast::{self, Item};
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;
use rustc_hash::{FxHashMap, FxHashSet};
use std::collections::BTreeMap;
use std::rc::Rc;

/// What is known of variables and maps.
#[derive(Default)]
pub(super) struct Inference {
    /// Something was learned this round.
    pub(super) changed: bool,
    /// The names of probes meet other strings: they are strings too, and each attach point has a body of its own.
    pub(super) probe_is_text: bool,
    /// Probes of which each attach point has a body of its own, by their number in the script.
    own_bodies: FxHashSet<usize>,
    locals: FxHashMap<Site, Known>,
    /// Variables that are made as another name for a pointer and get another value later.
    no_aliases: FxHashSet<Site>,
    /// By name, so that indices are in byte order of names.
    pub(super) maps: BTreeMap<String, MapFacts>,
}

/// A type with how sure it is.
#[derive(Clone, Debug)]
struct Known {
    ty: Type,
    /// Only non-negative literals so far: an unsigned value makes it unsigned.
    literal: bool,
    /// Declared: never changes.
    declared: bool,
}

/// What is known of a map.
#[derive(Clone, Debug)]
pub struct MapFacts {
    /// Where it is first used.
    pub span: Span,
    /// Its key; `Some(None)` for a scalar map.
    pub key: Option<Option<Type>>,
    /// Where the key's shape was decided.
    pub key_span: Span,
    /// What it holds.
    pub content: Option<MapContent>,
    /// Where that was decided.
    pub content_span: Span,
    content_literal: bool,
    key_literal: bool,
    declared_type: bool,
    /// Some statement assigns it, whatever that comes to.
    pub(super) is_given_something: bool,
    kind: MapKind,
    max_entries: Option<u32>,
}

impl Inference {
    pub(super) fn start_round(&mut self) {
        self.changed = false;
    }

    /// Whether each attach point of a probe has a body of its own.
    pub(super) fn has_own_bodies(&self, probe: usize) -> bool {
        self.own_bodies.contains(&probe)
    }

    /// Gives each attach point of a probe a body of its own from the next round on.
    pub(super) fn give_own_bodies(&mut self, probe: usize) {
        self.changed |= self.own_bodies.insert(probe);
        // Bodies are numbered anew.
        self.locals.clear();
        self.no_aliases.clear();
    }

    /// Maps that are given only what depends on themselves, as in `@x = @x + 1`, hold numbers. True when there are such.
    pub(super) fn assume_numbers(&mut self) -> bool {
        let open = self.maps.values_mut().filter(|facts| facts.is_given_something && facts.content.is_none());
        let mut found = false;
        for facts in open {
            facts.content = Some(MapContent::Plain(crate::types::INT64));
            facts.content_literal = true;
            found = true;
        }
        found
    }

    /// Forgets what was learned of probe names as numbers.
    fn make_probes_text(&mut self) {
        self.probe_is_text = true;
        self.changed = true;
        self.locals.clear();
        for facts in self.maps.values_mut() {
            facts.key = facts.key.take().filter(|key| !key.as_ref().is_some_and(has_probe));
            facts.content =
                facts.content.take().filter(|content| !matches!(content, MapContent::Plain(ty) if has_probe(ty)));
        }
    }

    pub(super) fn local(&self, site: &Site) -> Option<Type> {
        self.locals.get(site).map(|known| known.ty.clone())
    }

    pub(super) fn is_no_alias(&self, site: &Site) -> bool {
        self.no_aliases.contains(site)
    }

    pub(super) fn is_no_alias_from_now_on(&mut self, site: Site) {
        self.changed |= self.no_aliases.insert(site);
    }

    pub(super) fn declare_local(&mut self, site: &Site, ty: Type) {
        let known = Known { ty, literal: false, declared: true };
        let before = self.locals.insert(site.clone(), known.clone());
        self.changed |= before.is_none_or(|before| before.ty != known.ty);
    }
}

impl<'a> Checker<'a> {
    /// A value of type `ty` goes to the variable; `literal` says that it is a non-negative literal. Gives the variable's
    /// type; `None` when they do not agree.
    pub(super) fn learn_local(&mut self, index: LocalIndex, ty: &Type, literal: bool) -> Option<Type> {
        let key = self.sites[index.0 as usize].clone();
        let known = match self.inference.locals.get(&key) {
            None => Known { ty: ty.clone(), literal, declared: false },
            Some(known) if known.declared => return fits_declared(&known.ty, ty).then(|| known.ty.clone()),
            Some(known) => Known {
                ty: match merge_flexible(&known.ty, known.literal, ty, literal) {
                    Some(merged) => merged,
                    None if meets_probe(&known.ty, ty) => {
                        self.inference.make_probes_text();
                        return None;
                    }
                    None => return None,
                },
                literal: known.literal && literal,
                declared: false,
            },
        };
        let ty = known.ty.clone();
        let is_new = |before: &Known| before.ty != ty || before.literal != known.literal;
        let changed = self.inference.locals.get(&key).is_none_or(is_new);
        self.inference.changed |= changed;
        self.inference.locals.insert(key, known);
        self.locals[index.0 as usize].ty = ty.clone();
        Some(ty)
    }

    /// A text is needed where a value of this type is. True when that is the name of a probe: from the next round on it is
    /// text, and there is nothing to say in this one.
    pub fn wants_text(&mut self, ty: &Type) -> bool {
        let is_name = *ty == Type::ProbeName;
        if is_name {
            self.inference.make_probes_text();
        }
        is_name
    }

    /// Whether a variable or map is read that nothing but non-negative literals is assigned to.
    pub(super) fn holds_literal(&self, expr: &Expr) -> bool {
        match &expr.kind {
            ExprKind::Local(index) => {
                let known = self.inference.locals.get(&self.sites[index.0 as usize]);
                known.is_some_and(|known| known.literal && !known.declared)
            }
            ExprKind::MapRead(index, _) => {
                let mut maps = self.inference.maps.values();
                maps.nth(index.0 as usize).is_some_and(|facts| facts.content_literal && !facts.declared_type)
            }
            _ => false,
        }
    }

    /// The map of that name, known or new.
    pub(super) fn map_facts(&mut self, name: &str, span: Span) -> &mut MapFacts {
        if !self.inference.maps.contains_key(name) {
            self.inference.changed = true;
            self.inference.maps.insert(name.to_owned(), MapFacts::new(span));
        }
        match self.inference.maps.get_mut(name) {
            Some(facts) => facts,
            None => unreachable!("the map has just been put in"),
        }
    }

    /// The index of a map that is known.
    pub(super) fn map_index(&self, name: &str) -> MapIndex {
        let position = self.inference.maps.keys().position(|known| known == name);
        MapIndex(position.unwrap_or_default() as u32)
    }

    /// The facts of a map by index.
    pub fn map_by_index(&self, index: MapIndex) -> Option<(&str, &MapFacts)> {
        self.inference.maps.iter().nth(index.0 as usize).map(|(name, facts)| (name.as_str(), facts))
    }

    /// The map is used with this key (`None`: without). Reports when that does not agree with its other uses.
    pub(super) fn learn_key(&mut self, name: &str, key: Option<&Type>, literal: bool, span: Span) -> Option<()> {
        let key = key.map(key_type);
        let facts = self.map_facts(name, span);
        let merged = match (&facts.key, &key) {
            (None, _) => {
                facts.key_span = span;
                facts.key_literal = literal;
                Some(key.clone())
            }
            (Some(None), None) => Some(None),
            (Some(Some(known)), Some(new)) => merge_flexible(known, facts.key_literal, new, literal).map(Some),
            _ => None,
        };
        let Some(merged) = merged else {
            let known = facts.key.clone().flatten();
            if let (Some(known), Some(new)) = (&known, &key)
                && meets_probe(known, new)
            {
                self.inference.make_probes_text();
                return None;
            }
            let facts = self.map_facts(name, span);
            let place = facts.key_span;
            self.key_mismatch(name, known.as_ref(), key.as_ref(), place, span);
            return None;
        };
        facts.key_literal &= literal;
        if facts.key.as_ref() != Some(&merged) {
            facts.key = Some(merged);
            self.inference.changed = true;
        }
        Some(())
    }

    fn key_mismatch(&mut self, name: &str, known: Option<&Type>, new: Option<&Type>, place: Span, span: Span) {
        let describe = |key: Option<&Type>| match key {
            None => "without a key".to_owned(),
            Some(Type::Tuple(types)) => format!("with {} keys {}", types.len(), Type::Tuple(types.clone())),
            Some(ty) => format!("with a key of type {ty}"),
        };
        let message = format!("@{name} is used {} here, but {} elsewhere", describe(new), describe(known));
        self.report(
            Diagnostic::error(Code::BadKey, span, message)
                .primary(describe(new))
                .label(place, describe(known))
                .help("a map has one shape of key in the whole script; use two maps"),
        );
    }

    /// A value goes to the map. Gives what the map holds; reports when that does not agree.
    pub(super) fn learn_content(
        &mut self,
        name: &str,
        content: MapContent,
        literal: bool,
        span: Span,
    ) -> Option<MapContent> {
        let facts = self.map_facts(name, span);
        let merged = match (&facts.content, &content) {
            (None, _) => {
                facts.content_span = span;
                facts.content_literal = literal;
                Some(content.clone())
            }
            (Some(MapContent::Plain(known)), MapContent::Plain(new)) if facts.declared_type => {
                is_assignable(known, new).then(|| MapContent::Plain(known.clone()))
            }
            (Some(MapContent::Plain(known)), MapContent::Plain(new)) => {
                merge_flexible(known, facts.content_literal, new, literal).map(MapContent::Plain)
            }
            (Some(MapContent::Aggregation(known)), MapContent::Aggregation(new)) => {
                merge_aggregations(known, new).map(MapContent::Aggregation)
            }
            _ => None,
        };
        let Some(merged) = merged else {
            if let (Some(MapContent::Plain(known)), MapContent::Plain(new)) = (&facts.content, &content)
                && meets_probe(known, new)
            {
                self.inference.make_probes_text();
                return None;
            }
            let facts = self.map_facts(name, span);
            let known = facts.content.clone().map(|content| describe_content(&content)).unwrap_or_default();
            let place = facts.content_span;
            let new = describe_content(&content);
            let message = format!("@{name} holds {known}, but is given {new} here");
            self.report(
                Diagnostic::error(Code::TypeMismatch, span, message)
                    .primary(new)
                    .label(place, known)
                    .help("use another map for another type of value"),
            );
            return None;
        };
        let is_literal = facts.content_literal && literal;
        let changed = facts.content.as_ref() != Some(&merged) || is_literal != facts.content_literal;
        facts.content_literal = is_literal;
        facts.content = Some(merged.clone());
        self.inference.changed |= changed;
        Some(merged)
    }

    /// Takes note of `let @m = kind(n)` before any probe.
    pub(super) fn declare_maps(&mut self, program: &'a ast::Program) {
        for item in &program.items {
            let Item::MapDeclaration(declaration) = item else { continue };
            let name = declaration.map.text.as_str();
            if let Some(known) = self.inference.maps.get(name) {
                let place = known.span;
                self.lasting.push(
                    Diagnostic::error(Code::Duplicate, declaration.map.span, format!("@{name} is declared twice"))
                        .label(place, "first here"),
                );
                continue;
            }
            let mut facts = MapFacts::new(declaration.map.span);
            if let Some((kind, arguments)) = &declaration.kind {
                facts.kind = match kind.text.as_str() {
                    "hash" => MapKind::Hash,
                    "lruhash" => MapKind::LruHash,
                    "percpuhash" => MapKind::PerCpuHash,
                    "percpulruhash" => MapKind::LruPerCpuHash,
                    other => {
                        let nearest = lancet_kernel::nearest(other, ["hash", "lruhash", "percpuhash", "percpulruhash"]);
                        let message = format!("there is no map type {other}");
                        let help = nearest.map_or_else(
                            || "map types are hash, lruhash, percpuhash and percpulruhash".to_owned(),
                            |nearest| format!("did you mean {nearest}?"),
                        );
                        self.lasting.push(Diagnostic::error(Code::UnknownType, kind.span, message).help(help));
                        MapKind::Hash
                    }
                };
                facts.max_entries = self.declared_entries(name, kind, arguments);
            }
            self.inference.maps.insert(name.to_owned(), facts);
            if let Some(ty) = &declaration.ty
                && let Some(ty) = self.written_type(ty)
                && let Some(facts) = self.inference.maps.get_mut(name)
            {
                facts.content = Some(MapContent::Plain(ty));
                facts.declared_type = true;
            }
        }
    }

    fn declared_entries(&mut self, name: &str, kind: &ast::Name, arguments: &[ast::Expr]) -> Option<u32> {
        let [argument] = arguments else {
            let message = format!("{}() takes one argument, the number of keys", kind.text);
            self.lasting.push(Diagnostic::error(Code::BadArgumentCount, kind.span, message));
            return None;
        };
        match crate::ctypes::constant(argument, &|_| None).map(u32::try_from) {
            Some(Ok(entries)) if entries > 0 => Some(entries),
            _ => {
                let message = format!("the number of keys of @{name} must be a literal of at least 1");
                self.lasting.push(Diagnostic::error(Code::BadArgument, argument.span, message));
                None
            }
        }
    }

    /// Moves what is known of the maps into the program; a map that is used but never given a value is an error.
    pub(super) fn finish_maps(&mut self, program: &mut Program) {
        let default_entries = self.settings().config.max_map_keys;
        let maps = std::mem::take(&mut self.inference.maps);
        let assigned = maps.iter().filter(|(_, facts)| facts.content.is_some()).map(|(name, _)| name.clone());
        let assigned: Vec<String> = assigned.collect();
        let all_else_is_right = !self.diagnostics.has_errors() && !self.lasting.has_errors() && !self.leaves_out_probes;
        // What is given something that nothing tells the type of is not the map to look at.
        let is_read_only = |facts: &MapFacts| facts.content.is_none() && facts.is_used() && !facts.is_given_something;
        let some_are_read_only = maps.values().any(is_read_only);
        for (name, facts) in maps {
            let is_at_fault = !some_are_read_only || is_read_only(&facts);
            let content = facts.content.clone().unwrap_or_else(|| {
                let used = facts.is_used();
                if used && all_else_is_right && is_at_fault {
                    self.diagnostics.push(never_assigned(&name, facts.span, &assigned));
                }
                if !used {
                    let message = format!("Unused map: @{name}");
                    self.diagnostics.push(Diagnostic::warning(Code::Unused, facts.span, message));
                }
                MapContent::Plain(crate::types::INT64)
            });
            if let Some(Some(key)) = &facts.key {
                self.check_key_size(&name, key, facts.key_span);
            }
            program.maps.push(Map {
                name,
                key: facts.key.flatten(),
                value: content,
                kind: facts.kind,
                max_entries: facts.max_entries.unwrap_or(default_entries),
                span: facts.span,
            });
        }
    }

    /// Kernels before 5.11 take keys of up to 512 bytes (MAX_BPF_STACK).
    fn check_key_size(&mut self, name: &str, key: &Type, span: Span) {
        let (size, version) = (self.size_of(key), self.kernel().version());
        if size > OLD_KEY_LIMIT && version < lancet_kernel::Version::new(5, 11) {
            let message = format!("the key of @{name} has {size} bytes; more than {OLD_KEY_LIMIT} need kernel 5.11");
            self.report(Diagnostic::error(Code::NotOnThisKernel, span, message).help(format!(
                "this is {version}: shorten its strings, with str(p, 64) or config = {{ max_strlen = 64 }}"
            )));
        }
    }
}

impl MapFacts {
    /// A declaration alone does no harm.
    fn is_used(&self) -> bool {
        self.key.is_some() || self.max_entries.is_none()
    }

    fn new(span: Span) -> Self {
        Self {
            span,
            key: None,
            key_span: span,
            content: None,
            content_span: span,
            content_literal: false,
            key_literal: false,
            declared_type: false,
            is_given_something: false,
            kind: MapKind::Hash,
            max_entries: None,
        }
    }
}

fn describe_content(content: &MapContent) -> String {
    match content {
        MapContent::Plain(ty) => format!("a value of type {ty}"),
        MapContent::Aggregation(value) => match value {
            MapValue::Plain(_) => "a value".into(),
            MapValue::Count => "a count()".into(),
            MapValue::Sum { .. } => "a sum()".into(),
            MapValue::Min { .. } => "a min()".into(),
            MapValue::Max { .. } => "a max()".into(),
            MapValue::Average { .. } => "an avg()".into(),
            MapValue::Stats { .. } => "a stats()".into(),
            MapValue::Histogram { bits: 0 } => "a hist()".to_owned(),
            MapValue::Histogram { bits } => format!("a hist() with {bits} bits"),
            MapValue::LinearHistogram { min, max, step } => format!("an lhist() from {min} to {max} by {step}"),
            MapValue::TimeSeries { .. } => "a tseries()".into(),
        },
    }
}

/// A key of one integer is kept in 8 bytes.
fn key_type(ty: &Type) -> Type {
    match ty {
        Type::Int { signed, .. } => Type::Int { size: 8, signed: *signed },
        other => other.clone(),
    }
}

/// Aggregations of one kind; signedness widens to signed.
fn merge_aggregations(a: &MapValue, b: &MapValue) -> Option<MapValue> {
    use MapValue as V;
    Some(match (a, b) {
        (V::Sum { signed: x }, V::Sum { signed: y }) => V::Sum { signed: *x || *y },
        (V::Min { signed: x }, V::Min { signed: y }) => V::Min { signed: *x || *y },
        (V::Max { signed: x }, V::Max { signed: y }) => V::Max { signed: *x || *y },
        (V::Average { signed: x }, V::Average { signed: y }) => V::Average { signed: *x || *y },
        (V::Stats { signed: x }, V::Stats { signed: y }) => V::Stats { signed: *x || *y },
        _ if a == b => a.clone(),
        _ => return None,
    })
}

/// Merges where one side may be a non-negative literal, which takes the other's signedness.
pub(super) fn merge_flexible(a: &Type, a_literal: bool, b: &Type, b_literal: bool) -> Option<Type> {
    match (a, b) {
        (Type::Int { signed: true, .. }, Type::Int { signed: false, .. }) if a_literal => {
            Some(Type::Int { size: 8, signed: false })
        }
        (Type::Int { signed: false, .. }, Type::Int { signed: true, .. }) if b_literal => {
            Some(Type::Int { size: 8, signed: false })
        }
        _ => merge(a, b),
    }
}

/// True when a probe's name stands where the other has a string.
pub(super) fn meets_probe(a: &Type, b: &Type) -> bool {
    match (a, b) {
        (Type::ProbeName, Type::String(_)) | (Type::String(_), Type::ProbeName) => true,
        (Type::Tuple(x), Type::Tuple(y)) => x.iter().zip(y.iter()).any(|(x, y)| meets_probe(x, y)),
        _ => false,
    }
}

fn has_probe(ty: &Type) -> bool {
    match ty {
        Type::ProbeName => true,
        Type::Tuple(types) => types.iter().any(has_probe),
        _ => false,
    }
}

/// The type that holds values of both.
pub(super) fn merge(a: &Type, b: &Type) -> Option<Type> {
    if a == b {
        return Some(a.clone());
    }
    Some(match (a, b) {
        (Type::Int { size: x, signed: s }, Type::Int { size: y, signed: t }) => merge_integers((*x, *s), (*y, *t)),
        (Type::Enum(_), Type::Int { .. }) => merge(&enum_integer(a), b)?,
        (Type::Int { .. }, Type::Enum(_)) => merge(a, &enum_integer(b))?,
        (Type::Enum(_), Type::Enum(_)) => merge(&enum_integer(a), &enum_integer(b))?,
        (Type::String(x), Type::String(y)) => Type::String(*x.max(y)),
        (Type::Buffer(x), Type::Buffer(y)) => Type::Buffer(*x.max(y)),
        (Type::Tuple(x), Type::Tuple(y)) if x.len() == y.len() => {
            Type::Tuple(x.iter().zip(y.iter()).map(|(x, y)| merge(x, y)).collect::<Option<Rc<[Type]>>>()?)
        }
        (Type::Record(x), Type::Record(y)) if x.len() == y.len() => {
            let field = |(name, ty): &(String, Type)| {
                let (_, other) = y.iter().find(|(other, _)| other == name)?;
                Some((name.clone(), merge(ty, other)?))
            };
            Type::Record(x.iter().map(field).collect::<Option<Rc<[(String, Type)]>>>()?)
        }
        (Type::Array(x, n), Type::Array(y, m)) if n == m => Type::Array(Box::new(merge(x, y)?), *n),
        (Type::Pointer(x, s), Type::Pointer(y, t)) => {
            let space = if s == t { *s } else { Space::Any };
            match (&**x, &**y) {
                (x, y) if x == y => x.clone().pointer(space),
                (Type::Void, other) | (other, Type::Void) => other.clone().pointer(space),
                _ => return None,
            }
        }
        _ => return None,
    })
}

fn merge_integers((x, s): (u8, bool), (y, t): (u8, bool)) -> Type {
    let size = x.max(y);
    match (s, t) {
        (true, true) => Type::Int { size, signed: true },
        (false, false) => Type::Int { size, signed: false },
        _ => {
            let (signed, unsigned) = if s { (x, y) } else { (y, x) };
            let size = if signed > unsigned { signed } else { (unsigned * 2).min(8) };
            Type::Int { size, signed: true }
        }
    }
}

/// The integer type below an enum.
pub(super) fn enum_integer(ty: &Type) -> Type {
    match ty {
        Type::Enum(ty) => Type::Int { size: ty.size, signed: ty.signed },
        other => other.clone(),
    }
}

/// True when a value of type `from` may go to a place declared as `to`; integers are converted, strings cut.
pub(super) fn is_assignable(to: &Type, from: &Type) -> bool {
    match (to, from) {
        (to, from) if to.is_integer() && from.is_integer() => true,
        (Type::Pointer(..), Type::Pointer(..)) => true,
        (Type::String(_), Type::String(_)) | (Type::Buffer(_), Type::Buffer(_)) => true,
        (Type::Tuple(x), Type::Tuple(y)) => {
            x.len() == y.len() && x.iter().zip(y.iter()).all(|(x, y)| is_assignable(x, y))
        }
        _ => merge(to, from).is_some(),
    }
}

/// The same for a variable that was declared with its type: nothing is cut, and truth is no number.
fn fits_declared(to: &Type, from: &Type) -> bool {
    match (to, from) {
        (Type::Bool, other) | (other, Type::Bool) => *other == Type::Bool,
        (Type::String(room), Type::String(size)) => size <= room,
        _ => is_assignable(to, from),
    }
}

fn never_assigned(name: &str, span: Span, assigned: &[String]) -> Diagnostic {
    let help = match lancet_kernel::nearest(name, assigned.iter().map(String::as_str)) {
        Some(nearest) => format!("did you mean @{nearest}?"),
        None => "assign it in some probe, or correct its name".to_owned(),
    };
    Diagnostic::error(Code::UnknownMap, span, format!("nothing assigns @{name}")).primary("read here").help(help)
}
