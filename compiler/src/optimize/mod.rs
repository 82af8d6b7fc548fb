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
    /// Whether blocks or the edges between them may change.
    changes_flow: bool,
    /// Whether it leaves nothing that it would find itself if it ran again.
    is_thorough: bool,
}

impl Pass {
    const fn new(name: &'static str, run: fn(&mut Function, &Surroundings) -> bool, kind: Kind) -> Self {
        Self { name, run, kind, changes_flow: false, is_thorough: false }
    }

    const fn changing_flow(self) -> Self {
        Self { changes_flow: true, ..self }
    }

    const fn thorough(self) -> Self {
        Self { is_thorough: true, ..self }
    }
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
    Pass::new("simplify_control_flow", simplify_control_flow::run, Kind::Cleanup).changing_flow().thorough(),
    Pass::new("simplify_parameters", simplify_parameters::run, Kind::Counts).thorough(),
    Pass::new("fold_addresses", fold_addresses::run, Kind::Values),
    Pass::new("fold_constants", fold_constants::run, Kind::Values).thorough(),
    Pass::new("simplify_algebra", simplify_algebra::run, Kind::Values),
    Pass::new("narrow_extensions", narrow_extensions::run, Kind::Values),
    Pass::new("number_values", number_values::run, Kind::Values).thorough(),
    Pass::new("forward_loads", forward_loads::run, Kind::Values),
    Pass::new("merge_lookups", merge_lookups::run, Kind::Values),
    Pass::new("reuse_loads", reuse_loads::run, Kind::Values),
    Pass::new("follow_decisions", follow_decisions::run, Kind::Values).changing_flow(),
    Pass::new("thread_jumps", thread_jumps::run, Kind::Counts).changing_flow(),
    DEAD_STORES,
    Pass::new("eliminate_dead_code", eliminate_dead_code::run, Kind::Cleanup).thorough(),
    Pass::new("unify_slots", unify_slots::run, Kind::Counts).thorough(),
];

/// Once behind those. Where one of them has changed something, there are stores that nobody needs any more.
const STORE_PASSES: &[Pass] = &[
    Pass::new("reuse_slots", reuse_slots::run, Kind::Values),
    Pass::new("widen_stores", widen_stores::run, Kind::Values),
];
const DEAD_STORES: Pass = Pass::new("eliminate_dead_stores", eliminate_dead_stores::run, Kind::Counts);

/// Once at the end, for the code generator.
const FINAL_PASSES: &[Pass] = &[
    Pass::new("fuse_branches", fuse_branches::run, Kind::Values),
    Pass::new("sink_constants", sink_constants::run, Kind::Values),
    Pass::new("eliminate_dead_code", eliminate_dead_code::run, Kind::Cleanup),
    Pass::new("compact", compact::run, Kind::Values).changing_flow(),
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
            pending[index] &= !pass.is_thorough;
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
        let compact = Pass::new("compact", compact::run, Kind::Cleanup).changing_flow();
        run_pass(&compact, module, function, &mut Analyses::default());
    }
    Some(())
}

/// `analyses` are of the function as it is, and forgotten when it is no longer so.
fn run_pass(pass: &Pass, module: &mut Module, function: FunctionId, analyses: &mut Analyses) -> bool {
    let surroundings = Surroundings { maps: &module.maps, analyses };
    let changed = (pass.run)(&mut module.functions[function], &surroundings);
    if changed {
        analyses.forget(pass.changes_flow);
    }
    if cfg!(debug_assertions) {
        verify::assert_valid_function(module, function, pass.name);
        analyses.assert_valid(&module.functions[function], pass.name);
    }
    changed
}
