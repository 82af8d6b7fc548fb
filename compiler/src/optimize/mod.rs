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
mod reuse_loads;
mod reuse_slots;
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
mod widen_stores;

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
    kind: Kind,
}

/// What a pass has to do with others.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It finds other values, and minds every change.
    Values,
    /// It finds other values, and minds too when something only goes: it counts uses, accesses or instructions.
    Counts,
    /// The same, and all that it does is to let something go that nothing depends on, or to join blocks.
    Cleanup,
}

/// Repeated until nothing changes.
const PASSES: &[Pass] = &[
    Pass { name: "simplify_control_flow", run: simplify_control_flow::run, kind: Kind::Cleanup },
    Pass { name: "simplify_parameters", run: simplify_parameters::run, kind: Kind::Counts },
    Pass { name: "fold_addresses", run: fold_addresses::run, kind: Kind::Values },
    Pass { name: "fold_constants", run: fold_constants::run, kind: Kind::Values },
    Pass { name: "simplify_algebra", run: simplify_algebra::run, kind: Kind::Values },
    Pass { name: "narrow_extensions", run: narrow_extensions::run, kind: Kind::Values },
    Pass { name: "number_values", run: number_values::run, kind: Kind::Values },
    Pass { name: "forward_loads", run: forward_loads::run, kind: Kind::Values },
    Pass { name: "merge_lookups", run: merge_lookups::run, kind: Kind::Values },
    Pass { name: "reuse_loads", run: reuse_loads::run, kind: Kind::Values },
    Pass { name: "follow_decisions", run: follow_decisions::run, kind: Kind::Values },
    Pass { name: "thread_jumps", run: thread_jumps::run, kind: Kind::Counts },
    DEAD_STORES,
    Pass { name: "eliminate_dead_code", run: eliminate_dead_code::run, kind: Kind::Cleanup },
    Pass { name: "unify_slots", run: unify_slots::run, kind: Kind::Counts },
];

/// Once behind those. Where one of them has changed something, there are stores that nobody needs any more.
const STORE_PASSES: &[Pass] = &[
    Pass { name: "reuse_slots", run: reuse_slots::run, kind: Kind::Values },
    Pass { name: "widen_stores", run: widen_stores::run, kind: Kind::Values },
];
const DEAD_STORES: Pass = Pass { name: "eliminate_dead_stores", run: eliminate_dead_stores::run, kind: Kind::Counts };

/// Once at the end, for the code generator.
const FINAL_PASSES: &[Pass] = &[
    Pass { name: "fuse_branches", run: fuse_branches::run, kind: Kind::Values },
    Pass { name: "sink_constants", run: sink_constants::run, kind: Kind::Values },
    Pass { name: "eliminate_dead_code", run: eliminate_dead_code::run, kind: Kind::Cleanup },
    Pass { name: "compact", run: compact::run, kind: Kind::Values },
];

/// More rounds have not been seen to change anything; the limit is for passes that undo each other's work.
const MAX_ROUNDS: usize = 10;

/// Optimizes all functions of a module.
pub fn run(module: &mut Module) {
    for function in module.functions.keys() {
        let mut analyses = repeat_passes(module, function);
        let run = |changed, pass| run_pass(pass, module, function, &mut analyses) | changed;
        if STORE_PASSES.iter().fold(false, run) {
            run_pass(&DEAD_STORES, module, function, &mut analyses);
        }
        for pass in FINAL_PASSES {
            run_pass(pass, module, function, &mut analyses);
        }
    }
}

/// Runs the passes in turn until none of them minds what has changed since it ran; gives what is known of the outcome.
fn repeat_passes(module: &mut Module, function: FunctionId) -> Analyses {
    let mut pending = [true; PASSES.len()];
    let mut analyses = Analyses::default();
    for _ in 0..MAX_ROUNDS {
        for (index, pass) in PASSES.iter().enumerate() {
            if !std::mem::take(&mut pending[index]) || !run_pass(pass, module, function, &mut analyses) {
                continue;
            }
            for (pending, other) in pending.iter_mut().zip(PASSES) {
                *pending |= pass.kind != Kind::Cleanup || other.kind != Kind::Values;
            }
        }
        if !pending.contains(&true) {
            break;
        }
    }
    analyses
}

/// Runs the pass of that name and numbers what is left afresh; `None` if there is none. For tests of single passes.
pub fn run_by_name(name: &str, module: &mut Module) -> Option<()> {
    let pass = PASSES.iter().chain(STORE_PASSES).chain(FINAL_PASSES).find(|pass| pass.name == name)?;
    for function in module.functions.keys() {
        run_pass(pass, module, function, &mut Analyses::default());
        let compact = Pass { name: "compact", run: compact::run, kind: Kind::Cleanup };
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
