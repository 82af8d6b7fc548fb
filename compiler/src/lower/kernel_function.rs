//! Functions of the kernel that programs call where it lets them. That is tried out, once for each kind of program.

use super::Lowerer;
use crate::ir::{Instruction, Value};
use lancet_kernel::btf::NameKind;

/// What was found out of a function.
pub(super) struct Known {
    name: &'static str,
    /// The part of the section's name that says what kind of program it is.
    kind: String,
    callee: Option<u32>,
}

impl Lowerer<'_> {
    /// The function's number, where the kernel has it and this program may call it.
    pub(super) fn kernel_function(&mut self, name: &'static str) -> Option<u32> {
        let section = &self.part.filter(|_| self.target.features.kfuncs)?.section;
        let kind = section.split(['.', '/']).next().unwrap_or(section);
        if let Some(known) = self.kernel_functions.iter().find(|known| known.name == name && known.kind == kind) {
            return known.callee;
        }
        let kernel = self.target.kernel;
        let function = kernel.btf().and_then(|btf| btf.find(name, NameKind::Function));
        let callee = function.filter(|_| kernel.may_call(name, section)).map(|function| function.0);
        self.kernel_functions.push(Known { name, kind: kind.to_owned(), callee });
        callee
    }

    /// Calls it.
    pub(super) fn call_kernel(&mut self, name: &str, btf_id: u32, arguments: Vec<Value>) -> Value {
        self.value(Instruction::CallKernel { name: name.to_owned(), btf_id, arguments })
    }
}
