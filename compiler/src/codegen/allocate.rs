//! Registers, by regalloc2: ten of them, r1-r5 lost in calls.

use super::vcode::{VCode, preg};
use regalloc2::{Algorithm, Ctx, MachineEnv, Output, PRegSet, RegallocOptions};

/// Allocates the registers of one function after the other, in the memory that the last one took.
pub(super) struct Allocator {
    env: MachineEnv,
    options: RegallocOptions,
    memory: Ctx,
}

impl Allocator {
    pub(super) fn new() -> Self {
        let all = (0..=9).fold(PRegSet::empty(), |set, number| set.with(preg(number)));
        let env = MachineEnv {
            preferred_regs_by_class: [all, PRegSet::empty(), PRegSet::empty()],
            non_preferred_regs_by_class: [PRegSet::empty(); 3],
            scratch_by_class: [None; 3],
            fixed_stack_slots: Vec::new(),
        };
        let options =
            RegallocOptions { verbose_log: false, validate_ssa: cfg!(debug_assertions), algorithm: Algorithm::Ion };
        Self { env, options, memory: Ctx::default() }
    }

    /// Assigns registers and spill slots. A failure is a mistake of ours.
    pub(super) fn allocate(&mut self, code: &VCode, name: &str) -> &Output {
        if let Err(error) = regalloc2::run_with_ctx(code, &self.env, &self.options, &mut self.memory) {
            panic!("register allocation of {name}: {error:?}\n{code}");
        }
        if cfg!(debug_assertions) {
            check(code, &self.env, self.output(), name);
        }
        self.output()
    }

    /// What the last allocation gave.
    pub(super) fn output(&self) -> &Output {
        &self.memory.output
    }
}

fn check(code: &VCode, env: &MachineEnv, output: &Output, name: &str) {
    let mut checker = regalloc2::checker::Checker::new(code, env);
    checker.prepare(output);
    if let Err(errors) = checker.run() {
        panic!("register allocation of {name} is wrong: {errors:?}\n{code}");
    }
}
