//! What a probe in a program knows from the program's debug information: its arguments and types by name.

use super::calling_convention::{self, Location, STACK_POINTER, register};
use super::{Checker, conversion};
use crate::hir::{Access, AttachPoint, Expr, ExprKind, Place, Statement, StatementKind};
use crate::probe::Arguments;
use crate::types::{Space, Type, UINT8, UINT64};
use lancet_kernel::btf::NameKind;
use lancet_kernel::debug_info::{DebugInfo, Function, Types};
use lancet_kernel::{Executable, Symbol};
use lancet_manifest::Target;
use lancet_syntax::ast::{self, TagKind};
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;
use std::path::Path;
use std::rc::Rc;

/// Where in a program an attach point is.
struct Traced {
    executable: Rc<dyn Executable>,
    function: Symbol,
    /// Bytes from its start.
    offset: u64,
    /// The probe is at the function's return.
    at_return: bool,
}

/// A function or variable of the traced program, and where it is in a process.
pub struct ProgramSymbol {
    /// Bytes; 0 if not known.
    pub size: u64,
    /// Its address.
    pub address: ProgramAddress,
}

/// An address in the traced program.
pub enum ProgramAddress {
    /// The same in each process.
    Fixed(u64),
    /// So many bytes behind the instruction that the probe is at.
    FromInstruction(i64),
    /// So many bytes behind the start of the function whose return the probe is at.
    FromFunction(i64),
}

impl<'a> Checker<'a> {
    /// Whether the probe is in a program rather than in the kernel.
    pub(super) fn is_in_program(&self) -> bool {
        let first = self.facts.expansion.attach_points.first();
        first.is_some_and(|point| matches!(point.target, Target::UserFunction { .. } | Target::Usdt { .. }))
    }

    /// The only attach point of the body that is checked. A body that serves several is checked again for each: `None`.
    fn only_attach_point(&mut self) -> Option<AttachPoint> {
        self.facts.looks_at_arguments = true;
        match self.facts.expansion.attach_points.as_slice() {
            [point] => Some(point.clone()),
            _ => {
                self.inference.give_own_bodies(self.probe_index);
                None
            }
        }
    }

    /// What an attach point in a program means there.
    fn traced(&self, point: &AttachPoint) -> Option<Traced> {
        let (path, file_offset, at_return) = match &point.target {
            Target::UserFunction { path, file_offset, at_return } => (path, file_offset, *at_return),
            Target::Usdt { path, locations } => (path, &locations.first()?.file_offset, false),
            _ => return None,
        };
        let executable = self.kernel().executable(Path::new(path)).ok()?;
        let holds = |symbol: &&Symbol| {
            file_offset.checked_sub(symbol.file_offset).is_some_and(|within| within < symbol.size.max(1))
        };
        // Of several names for the place the one that was asked for.
        let of = |symbol: &&Symbol| point.name.ends_with(&symbol.name);
        let functions = || executable.functions().iter().filter(holds);
        let function = functions().find(of).or_else(|| functions().next())?.clone();
        let offset = file_offset - function.file_offset;
        Some(Traced { function, offset, at_return, executable })
    }

    /// The symbol of that name of the program that the probe is in; reports when there is none.
    pub fn program_symbol(&mut self, name: &str, span: Span) -> Option<ProgramSymbol> {
        if !self.is_in_program() {
            let provider = self.facts.provider().to_owned();
            let message = format!("a {provider} probe is in no program");
            self.report(
                Diagnostic::error(Code::NotHere, span, message).help("probes in programs are uprobe, uretprobe"),
            );
            return None;
        }
        let point = self.only_attach_point()?;
        let Some(traced) = self.traced(&point) else {
            let message = format!("{}: no symbol says which function this is", point.name);
            self.error(Code::NotHere, span, message);
            return None;
        };
        let Some(symbol) = traced.executable.symbol(name) else {
            let message = format!("the program of {} has no symbol {name}", point.name);
            self.report(Diagnostic::error(Code::BadArgument, span, message).help("see what there is with nm"));
            return None;
        };
        let instruction = traced.function.address.wrapping_add(if traced.at_return { 0 } else { traced.offset });
        let distance = symbol.address.wrapping_sub(instruction) as i64;
        let address = match traced.at_return {
            _ if traced.executable.is_fixed() => ProgramAddress::Fixed(symbol.address),
            false => ProgramAddress::FromInstruction(distance),
            true => ProgramAddress::FromFunction(distance),
        };
        Some(ProgramSymbol { size: symbol.size, address })
    }

    /// `args.name` of a function with debug information.
    pub(super) fn parameter(&mut self, name: &ast::Name, span: Span) -> Option<Expr> {
        let (function, locations, module) = self.function(span)?;
        let Some(index) = function.parameters.iter().position(|parameter| parameter.name == name.text) else {
            self.unknown_parameter(&function, name);
            return None;
        };
        let ty = self.types.module_type(module, function.parameters[index].ty);
        self.argument_at(&name.text, ty, &locations[index], span)
    }

    /// `args`: all arguments, by their names.
    pub(super) fn all_arguments(&mut self, span: Span) -> Option<Expr> {
        if let Arguments::Typed(arguments) = self.facts.expansion.arguments.clone() {
            self.facts.looks_at_arguments = true;
            return self.all_typed_arguments(&arguments, span);
        }
        // The probe is not there, which has been reported.
        if self.facts.expansion.arguments == Arguments::Unknown {
            return None;
        }
        if !self.is_in_program() || self.facts.expansion.arguments != Arguments::Entry {
            let provider = self.facts.provider().to_owned();
            let message = format!("args: a {provider} probe has no arguments as a whole");
            let help = match self.facts.expansion.arguments {
                Arguments::None => "tracepoints have args",
                _ => "name the fields: args.field",
            };
            self.report(Diagnostic::error(Code::NotHere, span, message).help(help));
            return None;
        }
        let (function, locations, module) = self.function(span)?;
        let (mut fields, mut values) = (Vec::new(), Vec::new());
        for (parameter, location) in function.parameters.iter().zip(&locations) {
            let ty = self.types.module_type(module, parameter.ty);
            values.push(self.argument_at(&parameter.name, ty.clone(), location, span)?);
            fields.push((parameter.name.clone(), ty));
        }
        if fields.is_empty() {
            self.report(Diagnostic::error(Code::NotHere, span, "args: the function has no arguments").help("use func"));
            return None;
        }
        Some(Expr { span, ty: Type::Record(fields.into()), kind: ExprKind::Aggregate(values) })
    }

    /// The traced function, where its parameters are, and the module of their types.
    fn function(&mut self, span: Span) -> Option<(Function, Vec<Location>, u32)> {
        let point = self.only_attach_point()?;
        let traced = self.traced(&point);
        let found = match &traced {
            Some(traced) => traced.executable.debug_info().map(|info| {
                let start = traced.function.address;
                (info.function(start, start + traced.offset), info, traced.offset)
            }),
            None => {
                self.no_arguments(&point, "no symbol says which function this is".into(), span);
                return None;
            }
        };
        match found {
            Ok((Some(function), info, offset)) => {
                let types: Rc<dyn Types> = info;
                let locations = calling_convention::locate(&function, &*types, offset == 0);
                Some((function, locations, self.types.module(&types, Space::User)))
            }
            Ok((None, ..)) => {
                self.no_arguments(&point, "its debug information does not describe this function".into(), span);
                None
            }
            Err(error) => {
                self.no_arguments(&point, error.message().to_owned(), span);
                None
            }
        }
    }

    fn no_arguments(&mut self, point: &AttachPoint, why: String, span: Span) {
        let message = format!("args: the arguments of {} are not known: {why}", point.name);
        self.report(
            Diagnostic::error(Code::NotHere, span, message)
                .help("use arg0, arg1, … with casts; or compile the program with -g, or install its debug symbols"),
        );
    }

    fn unknown_parameter(&mut self, function: &Function, name: &ast::Name) {
        let probe = self.facts.expansion.attach_points.first().map(|point| point.name.clone()).unwrap_or_default();
        let names: Vec<&str> = function.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        let message = format!("{probe} has no parameter {}", name.text);
        let diagnostic = Diagnostic::error(Code::UnknownField, name.span, message);
        self.report(match lancet_kernel::nearest(&name.text, names.iter().copied()) {
            Some(nearest) => diagnostic.help(format!("did you mean {nearest}?")),
            None if names.is_empty() => diagnostic.help("it has none"),
            None => diagnostic.help(format!("its parameters are {}", names.join(", "))),
        });
    }

    /// The value of an argument.
    fn argument_at(&mut self, name: &str, ty: Type, location: &Location, span: Span) -> Option<Expr> {
        let why = match location {
            Location::Stack(offset) => {
                let pointer = Box::new(register(STACK_POINTER, span));
                let pointer = Box::new(Expr { span, ty: ty.clone().pointer(Space::User), kind: pointer.kind });
                let kind = ExprKind::Load { pointer, offset: *offset, access: Access::User, bits: None };
                return Some(Expr { span, ty, kind });
            }
            Location::Behind(address) => {
                let pointer = ty.clone().pointer(Space::User);
                let pointer = Box::new(self.argument_at(name, pointer, address, span)?);
                let kind = ExprKind::Load { pointer, offset: 0, access: Access::User, bits: None };
                return Some(Expr { span, ty, kind });
            }
            Location::Registers(registers) if ty.is_scalar() => {
                let value = register(registers.first().copied().unwrap_or_default(), span);
                return Some(match ty {
                    // Of a bool only the low byte counts.
                    Type::Bool => conversion::convert(conversion::convert(value, UINT8), Type::Bool),
                    Type::Pointer(..) => Expr { ty, ..value },
                    ty => conversion::convert(value, ty),
                });
            }
            Location::Registers(registers) => return Some(self.put_together(registers, ty, span)),
            Location::Vector => "it is a floating-point number, in a register that probes cannot read",
            Location::Removed => "the compiler left it out, since the function does not need it",
            Location::Unknown => "where it is at this instruction is not known; it is at the start of the function",
        };
        let message = format!("args.{name} cannot be read: {why}");
        self.report(Diagnostic::error(Code::NotHere, span, message).help("probes read integer registers and memory"));
        None
    }

    /// A small struct that was passed in registers: they are put together in a variable.
    fn put_together(&mut self, registers: &[i64], ty: Type, span: Span) -> Expr {
        let words: Vec<Expr> = registers.iter().map(|offset| register(*offset, span)).collect();
        let tuple = Type::Tuple(words.iter().map(|_| UINT64).collect());
        let local = self.temporary("argument", span, Some(tuple.clone()));
        let value = Expr { span, ty: tuple.clone(), kind: ExprKind::Aggregate(words) };
        let assign = Statement { span, kind: StatementKind::Assign(Place::Local(local), value) };
        let bytes = Box::new(Expr { span, ty: tuple, kind: ExprKind::Local(local) });
        let whole = Box::new(Expr { span, ty: ty.clone(), kind: ExprKind::Reinterpret(bytes) });
        Expr { span, ty, kind: ExprKind::Block(vec![assign], whole) }
    }

    /// `struct name`, `union name` or `enum name` where the probe is: of the script, of the traced program, of the kernel.
    pub(super) fn tagged(&mut self, kind: TagKind, name: &str) -> Option<Type> {
        let wanted = match kind {
            TagKind::Struct => NameKind::Struct,
            TagKind::Union => NameKind::Union,
            TagKind::Enum => NameKind::Enum,
        };
        let own = self.types.script_tagged(kind, name);
        own.or_else(|| self.program_type(wanted, name)).or_else(|| self.types.tagged(kind, name))
    }

    /// A type without a tag where the probe is.
    pub(super) fn named(&mut self, name: &str) -> Option<Type> {
        let own = self.types.script_named(name);
        own.or_else(|| self.program_type(NameKind::Type, name)).or_else(|| self.types.named(name))
    }

    /// A type of the program that the probe is in.
    fn program_type(&mut self, kind: NameKind, name: &str) -> Option<Type> {
        if !self.is_in_program() {
            return None;
        }
        let points = &self.facts.expansion.attach_points;
        let path = |point: &AttachPoint| match &point.target {
            Target::UserFunction { path, .. } | Target::Usdt { path, .. } => Some(path.clone()),
            _ => None,
        };
        let first = points.first()?.clone();
        let is_one_program = points.iter().all(|point| path(point) == path(&first));
        if !is_one_program {
            self.only_attach_point()?;
        }
        // Another probe of the script may be in another program.
        self.facts.looks_at_arguments = true;
        let traced = self.traced(&first)?;
        let info: Rc<dyn DebugInfo> = traced.executable.debug_info().ok()?;
        let id = info.find(kind, name, Some(traced.function.address))?;
        let types: Rc<dyn Types> = info;
        let module = self.types.module(&types, Space::User);
        Some(self.types.module_type(module, id))
    }
}
