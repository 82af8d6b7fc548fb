//! Syntax tree to typed tree: names, types, sizes, address spaces.
//!
//! Types of variables and maps are inferred over the whole script: all probes are checked again and again, each time with
//! the types that the round before found, until nothing changes; diagnostics and the tree of the last round count.
//! Invariant: `None` from a check method means that something was reported, or that a type is not known *yet* and another
//! round will come.

mod alias;
mod argument;
mod assignment;
mod call;
pub mod calling_convention;
mod constant;
mod conversion;
mod debug_info;
mod doubt;
mod expression;
mod field;
mod inference;
mod literal;
mod macros;
mod map;
mod operator;
mod scope;
mod statement;
mod type_expression;
mod typed;
mod usdt;

pub use constant::is_literal;
pub use debug_info::{ProgramAddress, ProgramSymbol};
pub use inference::MapFacts;
pub use literal::is_written_integer;

use crate::builtin::Builtin;
use crate::ctypes::TypeTable;
use crate::hir;
use crate::library::LibraryFile;
use crate::option::ScriptOption;
use crate::probe::system_call::{see_the_same, serve_many};
use crate::probe::{Arguments, Expansion, ProbeFacts};
use crate::settings::Settings;
use crate::types::Type;
use inference::Inference;
use lancet_kernel::Kernel;
use lancet_syntax::ast::{self, Item};
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::{Diagnostic, Diagnostics};
use lancet_syntax::span::{FileId, Span};
use rustc_hash::{FxHashMap, FxHashSet};
use scope::Frame;

/// What a check needs to know besides the script.
pub struct Environment<'a> {
    /// The machine that the script is compiled for.
    pub kernel: &'a dyn Kernel,
    /// Builtins by name and alias.
    pub builtins: &'a Registry,
    /// Functions that are written in the language.
    pub library: &'a [LibraryFile],
    /// The first source file of theirs; the files behind it are theirs too.
    pub library_start: Option<FileId>,
    /// Configuration, parameters, permissions.
    pub settings: &'a Settings,
}

/// All builtins by name.
pub struct Registry {
    by_name: FxHashMap<&'static str, &'static dyn Builtin>,
}

impl Registry {
    /// Indexes builtins by their names and aliases.
    pub fn new(all: &[&'static dyn Builtin]) -> Self {
        let mut by_name = FxHashMap::with_capacity_and_hasher(2 * all.len(), Default::default());
        for builtin in all {
            let signature = builtin.signature();
            by_name.insert(signature.name, *builtin);
            by_name.extend(signature.aliases.iter().map(|alias| (*alias, *builtin)));
        }
        Self { by_name }
    }

    /// The builtin of that name.
    pub fn get(&self, name: &str) -> Option<&'static dyn Builtin> {
        self.by_name.get(name).copied()
    }

    /// All names, for suggestions.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.by_name.keys().copied()
    }
}

/// Checks a script. Definitions in C are already in `types`.
pub fn check(
    program: &ast::Program,
    environment: &Environment<'_>,
    types: &TypeTable<'_>,
    diagnostics: &mut Diagnostics,
) -> hir::Program {
    let mut checker = Checker::new(program, environment, types);
    checker.declare_maps(program);
    let expansions: Vec<(&ast::Probe, Vec<Expansion>)> =
        probes(program).map(|probe| (probe, crate::probe::expand(probe, environment, &mut checker.lasting))).collect();
    let missing = |expansion: &Expansion| expansion.arguments == Arguments::Unknown && !expansion.allowed;
    let lacks_probes = expansions.iter().any(|(_, expansions): &(_, Vec<Expansion>)| expansions.iter().any(missing));
    // A lattice of widening types is low; the bound only guards against a mistake of ours.
    for _ in 0..MOST_ROUNDS {
        checker.start_round();
        let probes = checker.round(&expansions);
        if !checker.inference.changed && (lacks_probes || !checker.inference.assume_numbers()) {
            let options = std::mem::take(&mut checker.options);
            let mut program = hir::Program { probes, maps: Vec::new(), options };
            checker.finish_maps(&mut program);
            for diagnostic in checker.lasting.iter().chain(checker.diagnostics.iter()) {
                diagnostics.push(diagnostic.clone());
            }
            return program;
        }
    }
    let message = "the types of the script's variables and maps depend on each other in too long a chain";
    diagnostics.push(
        Diagnostic::error(Code::TypeMismatch, probes_span(&expansions), message)
            .help("declare some of them: let $x: uint64, let @m: uint64"),
    );
    hir::Program::default()
}

/// Each round learns at least one type more; a script that needs so many is a strange one.
const MOST_ROUNDS: usize = 200;

/// After so many rounds strings that are joined have the length that strings have where nothing says another.
const GROWING_ROUNDS: usize = 6;

/// The place of the first probe, for findings about the whole script.
fn probes_span(expansions: &[(&ast::Probe, Vec<Expansion>)]) -> Span {
    expansions.first().map(|(probe, _)| probe.span).unwrap_or_default()
}

fn probes(program: &ast::Program) -> impl Iterator<Item = &ast::Probe> {
    program.items.iter().filter_map(|item| match item {
        Item::Probe(probe) => Some(probe),
        _ => None,
    })
}

/// The state of a check; builtins see it through its public methods.
pub struct Checker<'a> {
    environment: &'a Environment<'a>,
    types: &'a TypeTable<'a>,
    macros: FxHashMap<&'a str, Vec<&'a ast::Macro>>,
    /// Findings that do not depend on types: made once.
    lasting: Diagnostics,
    /// Findings of this round.
    diagnostics: Diagnostics,
    inference: Inference,
    rounds: usize,
    /// A text is checked that only the tool reads, such as a format: `max_strlen`, a limit of what programs hold, is none for it.
    outside: bool,
    /// Scopes: the probe's own, and one frame for each macro that is being expanded.
    frames: Vec<Frame<'a>>,
    frame: usize,
    locals: Vec<hir::Local>,
    /// Where each of them is made.
    sites: Vec<scope::Site>,
    /// Those of which it is said what is wrong.
    given_up: FxHashSet<hir::LocalIndex>,
    /// Those that are another name for a pointer.
    aliases: FxHashMap<hir::LocalIndex, alias::Alias>,
    facts: ProbeFacts,
    /// The probe of the script that is checked, and the body of it: some have several.
    probe_index: usize,
    probe_number: usize,
    loops: u32,
    /// Options that getopt() reads.
    options: Vec<ScriptOption>,
    /// Some probes are not there and need not be: what is assigned in them was perhaps not seen.
    leaves_out_probes: bool,
}

impl<'a> Checker<'a> {
    fn new(program: &'a ast::Program, environment: &'a Environment<'a>, types: &'a TypeTable<'a>) -> Self {
        let mut checker = Self {
            environment,
            types,
            macros: FxHashMap::default(),
            lasting: Diagnostics::default(),
            diagnostics: Diagnostics::default(),
            inference: Inference::default(),
            rounds: 0,
            outside: false,
            frames: Vec::new(),
            frame: 0,
            locals: Vec::new(),
            sites: Vec::new(),
            given_up: FxHashSet::default(),
            aliases: FxHashMap::default(),
            facts: ProbeFacts::default(),
            probe_index: 0,
            probe_number: 0,
            loops: 0,
            options: Vec::new(),
            leaves_out_probes: false,
        };
        checker.collect_macros(program);
        checker
    }

    fn start_round(&mut self) {
        self.diagnostics = Diagnostics::default();
        self.inference.start_round();
        self.rounds += 1;
        self.probe_number = 0;
    }

    /// Whether types that grow with each round, as that of a string to which more is joined in a loop, have to settle.
    pub fn is_settling(&self) -> bool {
        self.rounds > GROWING_ROUNDS
    }

    /// Checks all probes once.
    fn round(&mut self, expansions: &[(&'a ast::Probe, Vec<Expansion>)]) -> Vec<hir::Probe> {
        let mut probes = Vec::new();
        for (number, (probe, expansions)) in expansions.iter().enumerate() {
            self.probe_index = number;
            let split;
            let expansions = if self.inference.probe_is_text || self.inference.has_own_bodies(number) {
                split = expansions.iter().flat_map(Expansion::split).collect();
                &split
            } else {
                expansions
            };
            let cookies = self.environment.kernel.features().attach_cookie;
            // Most actions do not look at what differs between attach points: then one body serves them all.
            let mut left: Vec<&Expansion> = expansions.iter().collect();
            while let [expansion, ..] = left[..] {
                let Some(mut checked) = self.needed_probe(probe, expansion) else {
                    left.remove(0);
                    continue;
                };
                let is_served = |other: &&Expansion| {
                    let served = !self.facts.looks_at_arguments && see_the_same(&self.facts.fields, expansion, other);
                    served || std::ptr::eq(*other, expansion)
                };
                let (served, others) = left.into_iter().partition::<Vec<_>, _>(is_served);
                left = others;
                let separate = self.facts.looks_at_probe && !cookies;
                let programs = crate::probe::merge(&served, separate, self.facts.follows_types);
                checked.programs = serve_many(programs, &self.facts, self.types, self.kernel().version());
                probes.push(checked);
            }
        }
        probes
    }

    /// Checks a probe; one that need not be there may be meant for another kernel, with other types, and is left out.
    fn needed_probe(&mut self, probe: &'a ast::Probe, expansion: &Expansion) -> Option<hir::Probe> {
        let earlier = expansion.allowed.then(|| self.diagnostics.clone());
        let checked = self.probe(probe, expansion)?;
        let Some(earlier) = earlier else { return Some(checked) };
        self.leaves_out_probes = true;
        self.diagnostics = earlier;
        None
    }

    fn probe(&mut self, probe: &'a ast::Probe, expansion: &Expansion) -> Option<hir::Probe> {
        self.facts = ProbeFacts::new(expansion);
        self.frames = vec![Frame::default()];
        self.frame = 0;
        self.locals = Vec::new();
        self.sites = Vec::new();
        self.given_up.clear();
        self.aliases.clear();
        self.loops = 0;
        let predicate = probe.predicate.as_ref().and_then(|predicate| self.condition(predicate));
        let body = self.block_statements(&probe.body);
        self.probe_number += 1;
        let locals = std::mem::take(&mut self.locals);
        self.doubt_variables(&locals);
        Some(hir::Probe { span: probe.span, programs: Vec::new(), locals, predicate, body })
    }

    /// Reports an error; more can be said through the builder's methods by way of [`Checker::report`].
    pub fn error(&mut self, code: Code, span: Span, message: impl Into<String>) {
        self.report(Diagnostic::error(code, span, message));
    }

    /// Reports a finding; what stands in the library is found where the script calls it.
    pub fn report(&mut self, mut diagnostic: Diagnostic) {
        diagnostic.span = self.place(diagnostic.span);
        diagnostic.labels.retain(|label| !self.is_in_library(label.span));
        self.diagnostics.push(diagnostic);
    }

    /// What is known of the probe that is being checked.
    pub fn facts(&mut self) -> &mut ProbeFacts {
        &mut self.facts
    }

    /// Configuration, parameters, permissions.
    pub fn settings(&self) -> &'a Settings {
        self.environment.settings
    }

    /// The machine.
    pub fn kernel(&self) -> &'a dyn Kernel {
        self.environment.kernel
    }

    /// The full name of the probe as a string, where the script mixes it with other strings.
    pub fn probe_text(&mut self) -> Option<String> {
        if !self.inference.probe_is_text {
            return None;
        }
        self.facts.looks_at_arguments = true;
        self.facts.expansion.attach_points.first().map(|point| point.name.clone())
    }

    /// C types.
    pub fn types(&self) -> &'a TypeTable<'a> {
        self.types
    }

    /// Bytes of a type.
    pub fn size_of(&self, ty: &Type) -> u32 {
        ty.size(self.types)
    }
}
