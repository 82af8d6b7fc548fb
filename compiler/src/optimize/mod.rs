//! From a module to one that does the same with less.
//!
//! Each pass is a file and says there what it does; all keep the contract of [`crate::ir`], which is checked after each
//! pass in debug builds. What may never change: the order of calls that write, of ring-buffer operations, of accesses
//! through pointers to memory that others share; and the shape of null checks, which the kernel's verifier wants to see as
//! a branch on the pointer.

mod arithmetic;
mod compact;
mod eliminate_dead_code;
mod eliminate_dead_stores;
mod fold_addresses;
mod fold_constants;
mod follow_decisions;
mod forward_loads;
mod fuse_branches;
mod merge_lookups;
mod narrow_extensions;
mod number_values;
mod rewrite;
mod simplify_algebra;
mod simplify_control_flow;
mod simplify_parameters;
mod sink_constants;
mod slot_contents;
mod substitution;
mod surroundings;
mod thread_jumps;
mod unify_slots;

#[cfg(test)]
mod interpreter;
#[cfg(test)]
mod tests;

use crate::ir::{Function, FunctionId, Module, verify};
use surroundings::{Analyses, Surroundings};

/// A pass: changes a function and says whether it did.
struct Pass {
    name: &'static str,
    run: fn(&mut Function, &Surroundings) -> bool,
}

/// Repeated until nothing changes.
const PASSES: &[Pass] = &[
    Pass { name: "simplify_control_flow", run: simplify_control_flow::run },
    Pass { name: "simplify_parameters", run: simplify_parameters::run },
    Pass { name: "fold_addresses", run: fold_addresses::run },
    Pass { name: "fold_constants", run: fold_constants::run },
    Pass { name: "simplify_algebra", run: simplify_algebra::run },
    Pass { name: "narrow_extensions", run: narrow_extensions::run },
    Pass { name: "number_values", run: number_values::run },
    Pass { name: "forward_loads", run: forward_loads::run },
    Pass { name: "merge_lookups", run: merge_lookups::run },
    Pass { name: "follow_decisions", run: follow_decisions::run },
    Pass { name: "thread_jumps", run: thread_jumps::run },
    Pass { name: "eliminate_dead_stores", run: eliminate_dead_stores::run },
    Pass { name: "eliminate_dead_code", run: eliminate_dead_code::run },
    Pass { name: "unify_slots", run: unify_slots::run },
];

/// Once at the end, for the code generator.
const FINAL_PASSES: &[Pass] = &[
    Pass { name: "fuse_branches", run: fuse_branches::run },
    Pass { name: "sink_constants", run: sink_constants::run },
    Pass { name: "eliminate_dead_code", run: eliminate_dead_code::run },
    Pass { name: "compact", run: compact::run },
];

/// More rounds have not been seen to change anything; the limit is for passes that undo each other's work.
const MAX_ROUNDS: usize = 10;

/// Optimizes all functions of a module.
pub fn run(module: &mut Module) {
    for function in module.functions.keys() {
        repeat_passes(module, function);
        for pass in FINAL_PASSES {
            run_pass(pass, module, function, &mut Analyses::default());
        }
    }
}

/// Runs the passes in turn until all of them have found nothing to change since the last change.
fn repeat_passes(module: &mut Module, function: FunctionId) {
    let mut without_change = 0;
    let mut analyses = Analyses::default();
    for pass in PASSES.iter().cycle().take(MAX_ROUNDS * PASSES.len()) {
        without_change = if run_pass(pass, module, function, &mut analyses) { 0 } else { without_change + 1 };
        if without_change == PASSES.len() {
            break;
        }
    }
}

/// Runs the pass of that name and numbers what is left afresh; `None` if there is none. For tests of single passes.
pub fn run_by_name(name: &str, module: &mut Module) -> Option<()> {
    let pass = PASSES.iter().chain(FINAL_PASSES).find(|pass| pass.name == name)?;
    for function in module.functions.keys() {
        run_pass(pass, module, function, &mut Analyses::default());
        let compact = Pass { name: "compact", run: compact::run };
        run_pass(&compact, module, function, &mut Analyses::default());
    }
    Some(())
}

/// `analyses` are of the function as it is, and forgotten when it is no longer so.
fn run_pass(pass: &Pass, module: &mut Module, function: FunctionId, analyses: &mut Analyses) -> bool {
    let surroundings = Surroundings { maps: &module.maps, analyses };
    let changed = (pass.run)(&mut module.functions[function], &surroundings);
    if changed {
        *analyses = Analyses::default();
    }
    if cfg!(debug_assertions) {
        verify::assert_valid_function(module, function, pass.name);
    }
    changed
}
