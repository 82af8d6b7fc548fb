//! Arguments and results that BTF describes: those of kernel functions, raw tracepoints and iterators.
//!
//! Programs find them as words of 8 bytes in their context; a struct of up to 16 bytes takes one or two. Types stay ids
//! here: what they are in the language is the checker's business.

use lancet_kernel::Kernel;
use lancet_kernel::btf::{Btf, NameKind, Type, TypeId};
use std::rc::Rc;

/// What the context of a program holds.
#[derive(Clone, Debug, PartialEq)]
pub struct BtfArguments {
    /// The module whose BTF the types are from; `vmlinux` for the kernel itself.
    pub module: Rc<str>,
    /// The arguments in order.
    pub arguments: Vec<BtfArgument>,
    /// The return value; `None` at entry and for functions that return nothing.
    pub result: Option<BtfArgument>,
    /// The probe is at a function's return.
    pub at_return: bool,
}

/// One argument.
#[derive(Clone, Debug, PartialEq)]
pub struct BtfArgument {
    /// Its name; `arg0` where BTF has none.
    pub name: String,
    /// Its type.
    pub ty: TypeId,
    /// Where it starts in the context.
    pub offset: u32,
}

/// Structs of more bytes are not passed in registers.
const LARGEST: u64 = 16;

impl BtfArguments {
    /// The arguments of a function and, at its return, its result. `Err` says why they cannot be had.
    pub fn of_function(btf: &Btf, module: &str, function: TypeId, at_return: bool) -> Result<Self, String> {
        let Some(Type::Function { prototype, .. }) = btf.ty(function) else { return Err(DAMAGED.to_owned()) };
        let Some(Type::Prototype { parameters, returns }) = btf.ty(prototype) else { return Err(DAMAGED.to_owned()) };
        let arguments = place(btf, &parameters)?;
        let end = end(btf, &arguments);
        let is_void = matches!(btf.resolve(returns).and_then(|id| btf.ty(id)), Some(Type::Void));
        let result = (at_return && !is_void).then(|| BtfArgument { name: "retval".into(), ty: returns, offset: end });
        if let Some(Type::Aggregate { .. }) = result.as_ref().and_then(|result| btf.ty(btf.resolve(result.ty)?)) {
            return Err("it returns a struct".to_owned());
        }
        Ok(Self { module: module.into(), arguments, result, at_return })
    }

    /// The arguments of a raw tracepoint; `None` where BTF does not know it.
    pub fn of_raw_tracepoint(btf: &Btf, module: &str, name: &str) -> Option<Self> {
        let parameters = trace_call(btf, name)?;
        // The first one is the tracer's own.
        let arguments = place(btf, parameters.get(1..)?).ok()?;
        Some(Self { module: module.into(), arguments, result: None, at_return: false })
    }

    /// The argument of that name.
    pub fn argument(&self, name: &str) -> Option<&BtfArgument> {
        self.arguments.iter().find(|argument| argument.name == name)
    }

    /// The words that the arguments take.
    pub fn words(&self, btf: &Btf) -> u32 {
        end(btf, &self.arguments) / 8
    }

    /// Declarations for listings: `struct task_struct * p`.
    pub fn declarations(&self, btf: &Btf) -> Vec<String> {
        let all = self.arguments.iter().chain(&self.result);
        all.map(|argument| format!("{} {}", btf.declaration(argument.ty, ""), argument.name)).collect()
    }
}

const DAMAGED: &str = "its type in the kernel's BTF is damaged";

/// The BTF of a module or of the kernel itself, for `with`.
pub(super) fn with_btf<T>(kernel: &dyn Kernel, module: &str, with: impl FnOnce(&Btf) -> Option<T>) -> Option<T> {
    match module {
        "vmlinux" => with(kernel.btf()?),
        _ => with(&*kernel.module_btf(module)?),
    }
}

/// Parameters of a tracepoint's handlers. Their typedef has no names; the function that calls them has.
fn trace_call(btf: &Btf, name: &str) -> Option<Vec<(String, TypeId)>> {
    let caller = ["__traceiter_", "__bpf_trace_"].iter().find_map(|prefix| {
        let function = btf.find(&format!("{prefix}{name}"), NameKind::Function)?;
        match btf.ty(function)? {
            Type::Function { prototype, .. } => Some(prototype),
            _ => None,
        }
    });
    let prototype = caller.or_else(|| {
        let handler = btf.resolve(btf.find(&format!("btf_trace_{name}"), NameKind::Type)?)?;
        match btf.ty(handler)? {
            Type::Pointer(prototype) => Some(prototype),
            _ => None,
        }
    })?;
    match btf.ty(prototype)? {
        Type::Prototype { parameters, .. } => Some(parameters),
        _ => None,
    }
}

fn place(btf: &Btf, parameters: &[(String, TypeId)]) -> Result<Vec<BtfArgument>, String> {
    let mut offset = 0;
    let mut placed = Vec::new();
    for (index, (name, ty)) in parameters.iter().enumerate() {
        if ty.0 == 0 {
            return Err("it takes a variable number of arguments".to_owned());
        }
        let name = if name.is_empty() { format!("arg{index}") } else { name.clone() };
        let size = size(btf, *ty).ok_or_else(|| format!("its argument {name} is of a type that is not passed"))?;
        placed.push(BtfArgument { name, ty: *ty, offset });
        offset += size;
    }
    Ok(placed)
}

fn end(btf: &Btf, arguments: &[BtfArgument]) -> u32 {
    arguments.last().map_or(0, |last| last.offset + size(btf, last.ty).unwrap_or(8))
}

/// Bytes that an argument takes in the context.
fn size(btf: &Btf, ty: TypeId) -> Option<u32> {
    if let Some(Type::Float { .. }) = btf.resolve(ty).and_then(|id| btf.ty(id)) {
        return None;
    }
    let size = btf.size_of(ty).filter(|size| *size <= LARGEST)?;
    Some((size as u32).next_multiple_of(8))
}
