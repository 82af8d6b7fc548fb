//! Written types as types.

use super::Checker;
use super::scope::MacroArgument;
use crate::hir;
use crate::types::{Space, Type, UINT64};
use lancet_kernel::btf::NameKind;
use lancet_syntax::ast::{Argument, Expr, ExprKind, TagKind, TypeExpr, TypeExprKind, TypeOrExpr};
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;

impl<'a> Checker<'a> {
    /// The type that is written; reports unknown names.
    pub fn written_type(&mut self, ty: &'a TypeExpr) -> Option<Type> {
        match &ty.kind {
            TypeExprKind::Named(name) => match self.macro_type(name) {
                Some(found) => found,
                None => self.named_type(name, ty.span),
            },
            TypeExprKind::Tagged(kind, name) => self.tagged_type(*kind, name, ty.span),
            TypeExprKind::Pointer(target) => Some(self.written_type(target)?.pointer(Space::Any)),
            TypeExprKind::Array(element, length) => {
                let count = match length {
                    Some(length) => self.array_length(length)?,
                    None => 0,
                };
                Some(match self.written_type(element)? {
                    Type::String(0) => Type::String(count),
                    Type::Buffer(0) => Type::Buffer(count),
                    Type::Inet => Type::Inet,
                    element => Type::Array(Box::new(element), count),
                })
            }
            TypeExprKind::Tuple(types) => {
                let types: Vec<_> = types.iter().map(|ty| self.written_type(ty)).collect::<Option<_>>()?;
                Some(Type::Tuple(types.into()))
            }
            TypeExprKind::Typeof(of) => self.type_of(of),
        }
    }

    /// The type of `typeof`, `sizeof`: a type, or the type of an expression that is not evaluated.
    pub fn type_of(&mut self, of: &'a TypeOrExpr) -> Option<Type> {
        match of {
            TypeOrExpr::Type(ty) => self.written_type(ty),
            TypeOrExpr::Expr(expr) => self.type_of_expression(expr),
        }
    }

    /// `typeinfo`: a record of literals, so that `comptime` can look at it. BTF ids are not given, as in bpftrace.
    pub(super) fn type_information(&mut self, of: &'a TypeOrExpr, span: Span) -> Option<hir::Expr> {
        let ty = self.type_of(of)?;
        let full = ty.to_string().replace(", ", ",");
        let values = vec![
            self.constant(0, UINT64, span),
            self.string(base_type(&ty).as_bytes(), span),
            self.string(full.as_bytes(), span),
        ];
        let names = ["btf_id", "base_type", "full_type"];
        let fields = names.iter().zip(&values).map(|(name, value)| ((*name).to_owned(), value.ty.clone())).collect();
        Some(hir::Expr { span, ty: Type::Record(fields), kind: hir::ExprKind::Aggregate(values) })
    }

    /// A bare word that is no variable may be a type's name.
    pub(super) fn type_of_expression(&mut self, expr: &'a Expr) -> Option<Type> {
        match &expr.kind {
            ExprKind::Identifier(name) => {
                if let Some(found) = self.macro_type(name) {
                    return found;
                }
                if let Some(ty) = self.named(name) {
                    return Some(ty);
                }
            }
            ExprKind::Typeof(of) => return self.type_of(of),
            // Of a map with keys, its name alone stands for the keys.
            ExprKind::Map(name) => {
                let name = self.map_name(name);
                if let Some(Some(key)) = self.map_facts(&name, expr.span).key.clone() {
                    return Some(key);
                }
            }
            _ => {}
        }
        self.expression(expr).map(|expr| expr.ty)
    }

    /// The type that a macro's parameter stands for: `None` when the name is no parameter.
    fn macro_type(&mut self, name: &str) -> Option<Option<Type>> {
        let Some(MacroArgument::Expression(argument)) = self.frames.get(self.frame)?.arguments.get(name).cloned()
        else {
            return None;
        };
        Some(self.in_caller(|checker| match argument {
            Argument::Type(ty) => checker.written_type(ty),
            Argument::Expr(expr) => checker.type_of_expression(expr),
        }))
    }

    fn named_type(&mut self, name: &str, span: Span) -> Option<Type> {
        let found = self.named(name);
        if found.is_none() {
            let known = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool", "string"];
            let mut diagnostic = Diagnostic::error(Code::UnknownType, span, format!("there is no type {name}"));
            if let Some(nearest) = lancet_kernel::nearest(name, known) {
                diagnostic = diagnostic.help(format!("did you mean {nearest}?"));
            } else {
                diagnostic = diagnostic.help("define it, or include the header that does");
            }
            self.report(diagnostic);
        }
        found
    }

    fn tagged_type(&mut self, kind: TagKind, name: &str, span: Span) -> Option<Type> {
        let found = self.tagged(kind, name);
        if found.is_none() {
            let keyword = match kind {
                TagKind::Struct => "struct",
                TagKind::Union => "union",
                TagKind::Enum => "enum",
            };
            let names = match kind {
                TagKind::Struct => NameKind::Struct,
                TagKind::Union => NameKind::Union,
                TagKind::Enum => NameKind::Enum,
            };
            let known = self.kernel().btf().into_iter().flat_map(|btf| btf.names(names)).map(|(_, name)| name);
            let help = match lancet_kernel::nearest(name, known) {
                Some(nearest) => format!("did you mean {keyword} {nearest}?"),
                None => "define it, or include the header that does".to_owned(),
            };
            self.report(
                Diagnostic::error(Code::UnknownType, span, format!("there is no {keyword} {name}"))
                    .primary("not defined by the script, nor known to this kernel")
                    .help(help),
            );
        }
        found
    }

    fn array_length(&mut self, length: &'a Expr) -> Option<u32> {
        let expr = self.expression(length)?;
        match expr.kind {
            crate::hir::ExprKind::Constant(value) if (0..=1 << 24).contains(&value) => Some(value as u32),
            _ => {
                self.error(Code::NotConstant, expr.span, "a length must be a literal that is not negative");
                None
            }
        }
    }
}

/// What kind of type it is, by bpftrace's words.
fn base_type(ty: &Type) -> &'static str {
    match ty {
        Type::Void => "void",
        Type::Int { .. } | Type::Enum(_) => "int",
        Type::Bool => "bool",
        Type::Pointer(..) => "pointer",
        Type::String(_) | Type::ProbeName => "string",
        Type::Buffer(_) => "buffer",
        Type::Inet => "inet",
        Type::Mac => "mac_address",
        Type::KernelSymbol => "ksym_t",
        Type::UserSymbol => "usym_t",
        Type::KernelStack(_) => "kstack",
        Type::UserStack(_) => "ustack",
        Type::Username => "username_t",
        Type::Timestamp(..) => "timestamp",
        Type::CgroupPath(_) => "cgroup_path_t",
        Type::Array(..) => "array",
        Type::Tuple(_) => "tuple",
        Type::Record(_) => "record",
        Type::Struct(_) => "c_type",
    }
}
