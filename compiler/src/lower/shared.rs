//! Functions that several places of a program call. They are global functions to the kernel (BTF_FUNC_GLOBAL, 5.6): its
//! verifier walks through each once, whatever is known where it is called.

use super::Lowerer;
use crate::hir;
use crate::ir::{FunctionBuilder, FunctionKind, Instruction, Terminator, Value};

impl Lowerer<'_> {
    /// Whether the probe has more than one aggregation of that name.
    pub fn repeats(&self, aggregation: &str) -> bool {
        self.probe.is_some_and(|probe| hir::aggregations(aggregation, probe) > 1)
    }

    /// What the function of that name makes of a number. `body` makes the function where it is not there yet; it must give
    /// the same function each time.
    pub fn call_shared(&mut self, name: &str, number: Value, body: impl FnOnce(&mut Self, Value) -> Value) -> Value {
        let known = self.shared.iter().find(|(known, _)| known == name).map(|(_, function)| *function);
        let function = known.unwrap_or_else(|| {
            let mut builder = FunctionBuilder::new(name, FunctionKind::Subprogram, 1);
            builder.set_span(self.builder.span());
            let outer = std::mem::replace(&mut self.builder, builder);
            let parameter = self.builder.parameter(0);
            let result = body(self, parameter);
            self.builder.terminate(Terminator::Return(result));
            let built = std::mem::replace(&mut self.builder, outer);
            let function = self.module.functions.push(built.finish());
            self.shared.push((name.to_owned(), function));
            function
        });
        self.value(Instruction::CallFunction(function, vec![number]))
    }
}
