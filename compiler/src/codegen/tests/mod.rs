//! Functions are built, compiled and run on a small machine: results are what the intermediate representation promises.

mod arithmetic;
mod assembly;
mod machine;
mod memory;

use super::{InstructionSet, Options};
use crate::ir::{Function, FunctionBuilder, FunctionKind, Module, Terminator, Value};

/// Builds a function of `parameters` parameters that returns what `body` makes, and runs it.
fn run(parameters: &[u64], body: impl FnOnce(&mut FunctionBuilder) -> Value) -> u64 {
    let mut builder = FunctionBuilder::new("f", FunctionKind::Subprogram, parameters.len());
    let result = body(&mut builder);
    builder.terminate(Terminator::Return(result));
    run_function(builder.finish(), parameters, &[])
}

/// Runs a function while the elements in `taken` of its scratch map belong to others.
fn run_function(function: Function, parameters: &[u64], taken: &[usize]) -> u64 {
    let mut module = Module::default();
    module.functions.push(function);
    let results = [InstructionSet::V3, InstructionSet::V4].map(|set| {
        let code = super::compile(&module, 2, Options { set, keeps_vcode: false }).expect("test functions are small");
        machine::run(&code.functions[0].insns, parameters, taken)
    });
    assert_eq!(results[0], results[1], "the instruction sets differ");
    results[0]
}
