//! The whole pipeline in one screen: script text to object file.

use crate::builtin::Builtin;
use crate::check::{self, Environment, Registry};
use crate::codegen::{InstructionSet, Limit};
use crate::ctypes::TypeTable;
use crate::hir::AttachPoint;
use crate::import::{self, Importer};
use crate::library::{self, LibraryFile};
use crate::option::ScriptOption;
use crate::settings::{Mode, Settings};
use crate::{codegen, elf, hir, locked_down, lower, optimize};
use lancet_kernel::Kernel;
use lancet_manifest::{Dropped, Manifest, Target};
use lancet_syntax::ast::{Item, Program};
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::{Diagnostic, Diagnostics};
use lancet_syntax::preprocess::SourceLoader;
use lancet_syntax::span::{FileId, SourceMap, Span};

/// What a compilation works on.
pub struct Input<'a> {
    /// The machine to compile for.
    pub kernel: &'a dyn Kernel,
    /// The builtins of the language.
    pub builtins: &'a [&'static dyn Builtin],
    /// Its functions that are written in the language itself.
    pub library: &'a [LibraryFile],
    /// What the user set; the script's config block is added to it.
    pub settings: Settings,
    /// Environment variables that set configuration: name and value.
    pub environment: &'a [(String, String)],
    /// Finds included files.
    pub loader: &'a dyn SourceLoader,
    /// Finds imported files.
    pub importer: &'a dyn Importer,
    /// The stages whose data is wanted as text.
    pub dumps: &'a [Stage],
    /// Makes a section of the caller's own for the object file, when all files have been read.
    pub section: &'a dyn Fn() -> Option<Section>,
}

/// A section of an object file that is not the compiler's.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Section {
    /// Its name.
    pub name: &'static str,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// A stage of the pipeline, as `-d` names it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stage {
    /// Tokens of the script.
    Tokens,
    /// The syntax tree, as the printer writes it.
    Ast,
    /// The typed tree.
    Hir,
    /// The optimized intermediate representation.
    Ir,
    /// Machine instructions with virtual registers.
    Vcode,
    /// eBPF instructions.
    Insns,
    /// The object file's contents.
    Object,
}

impl Stage {
    /// All stages in order, with the name and a description for users.
    pub const ALL: &'static [(Stage, &'static str, &'static str)] = &[
        (Stage::Tokens, "tokens", "the tokens of the script"),
        (Stage::Ast, "ast", "the syntax tree in canonical layout"),
        (Stage::Hir, "hir", "the typed tree"),
        (Stage::Ir, "ir", "the optimized intermediate representation (SSA)"),
        (Stage::Vcode, "vcode", "machine instructions before register allocation"),
        (Stage::Insns, "insns", "eBPF instructions"),
        (Stage::Object, "object", "sections, maps and symbols of the object file"),
    ];

    /// The stage of that name.
    pub fn parse(name: &str) -> Option<Stage> {
        Self::ALL.iter().find(|(_, known, _)| *known == name).map(|(stage, ..)| *stage)
    }
}

/// What a compilation gives.
#[derive(Debug, Default)]
pub struct Output {
    /// The object file; absent after errors.
    pub object: Option<Vec<u8>>,
    /// What the manifest in it says.
    pub manifest: Manifest,
    /// The options that the script reads, as far as they are known after errors.
    pub options: Vec<ScriptOption>,
    /// The wanted stages as text, as far as the pipeline came.
    pub dumps: Vec<(Stage, String)>,
    /// Everything found.
    pub diagnostics: Diagnostics,
}

/// Compiles the script in `file`.
pub fn compile(sources: &mut SourceMap, file: FileId, input: Input<'_>) -> Output {
    let mut output = Output::default();
    let mut dump = Dump { wanted: input.dumps, texts: Vec::new() };
    output.object = pipeline(sources, file, input, &mut dump, &mut output);
    output.dumps = dump.texts;
    output
}

fn pipeline(
    sources: &mut SourceMap,
    file: FileId,
    input: Input<'_>,
    dump: &mut Dump<'_>,
    output: &mut Output,
) -> Option<Vec<u8>> {
    let Output { manifest, diagnostics, options, .. } = output;
    dump_source(sources, file, dump);
    let program = lancet_syntax::parse_expanded(sources, file, input.loader, diagnostics);
    let mut program = import::resolve(program, sources, input.importer, input.loader, diagnostics);
    let library_start = library::add_used(&mut program, sources, input.library, diagnostics);
    require_probe(&program, file, diagnostics);
    if diagnostics.has_errors() {
        return None;
    }
    let mut settings = input.settings;
    settings.config.fit(input.kernel.version());
    settings.config.read(&program, input.environment, diagnostics);
    let registry = Registry::new(input.builtins);
    let environment = Environment {
        kernel: input.kernel,
        builtins: &registry,
        library: input.library,
        library_start,
        settings: &settings,
    };
    let mut types = TypeTable::new(input.kernel);
    for item in &program.items {
        if let Item::CDefinition(definition) = item {
            // Of the system's headers what cannot be used is left out; BTF may have it.
            if sources.file(definition.span.file).name.starts_with("/usr/") {
                types.define_if_possible(definition);
            } else {
                types.define(definition, diagnostics);
            }
        }
    }
    let first = first_probe(&program).unwrap_or(Span::new(file, 0, 0));
    let checked = check::check(&program, &environment, &types, diagnostics);
    // What is not needed any more makes room for what comes.
    drop(program);
    let program = checked;
    options.clone_from(&program.options);
    dump.add(Stage::Hir, || hir::print(&program));
    if diagnostics.has_errors() {
        return None;
    }
    if !runs_anything(&program, settings.mode) {
        diagnostics.push(nothing_left(first, &settings));
        return None;
    }
    let probes = attach_points(&program).count();
    if probes > settings.config.max_probes as usize {
        diagnostics.push(too_many_probes(first, probes, &settings));
        return None;
    }
    let features = input.kernel.features();
    let target = lower::Target {
        features,
        structs: &types,
        sources,
        possible_cpus: input.kernel.possible_cpus(),
        settings: &settings,
        kernel: input.kernel,
    };
    let (mut module, lowered) = lower::lower(&program, &target);
    drop(program);
    *manifest = lowered;
    optimize::run(&mut module);
    if !features.kernel_reads {
        locked_down::avoid_kernel_reads(&mut module).into_iter().for_each(|diagnostic| diagnostics.push(diagnostic));
        if diagnostics.has_errors() {
            return None;
        }
    }
    dump.add(Stage::Ir, || module.to_string());
    let set = if features.cpu_v4 { InstructionSet::V4 } else { InstructionSet::V3 };
    let wanted = codegen::Options { set, keeps_vcode: input.dumps.contains(&Stage::Vcode) };
    let code = match codegen::compile(&module, target.possible_cpus, wanted) {
        Ok(code) => code,
        Err(too_large) => {
            diagnostics.push(report_too_large(too_large));
            return None;
        }
    };
    manifest.dropped = code.scratch.as_ref().filter(|_| !code.dropped.is_empty()).map(|map| Dropped {
        symbol: map.symbol.clone(),
        elements: code.dropped.clone(),
        offset: codegen::DROPPED,
    });
    dump.add(Stage::Vcode, || code.print_vcode());
    dump.add(Stage::Insns, || code.print_instructions());
    let sections = elf::Sections { manifest: &manifest.encode(), other: (input.section)() };
    let object = elf::write(&code, &module, &sections, sources, settings.config.license);
    dump.add(Stage::Object, || elf::describe(&object));
    Some(object)
}

fn dump_source(sources: &SourceMap, file: FileId, dump: &mut Dump<'_>) {
    let mut ignored = Diagnostics::default();
    dump.add(Stage::Tokens, || {
        let text = &sources.file(file).text;
        let lexed = lancet_syntax::lexer::lex(text, file, &mut ignored);
        lancet_syntax::token::print(&lexed.tokens, sources)
    });
    dump.add(Stage::Ast, || {
        let mut ignored = Diagnostics::default();
        let program = lancet_syntax::parse(sources, file, &mut ignored);
        lancet_syntax::printer::print(&program, sources)
    });
}

fn report_too_large(too_large: codegen::TooLarge) -> Diagnostic {
    let diagnostic = Diagnostic::error(Code::NotOnThisKernel, too_large.span, "the probe is too large for a kernel");
    match too_large.limit {
        Limit::Branch(distance) => diagnostic
            .primary(format!("this branches over {} instructions, 32767 are possible", distance.unsigned_abs()))
            .help("use a loop for what is repeated, or several probes"),
        Limit::Stack(bytes) => diagnostic
            .primary(format!("this keeps values of {bytes} bytes at once, 512 are possible"))
            .help("use fewer variables at a time, or keep them in maps"),
    }
}

/// A script without a probe does nothing: it is a mistake, unless something else is wrong already.
fn require_probe(program: &Program, file: FileId, diagnostics: &mut Diagnostics) {
    let has_probe = program.items.iter().any(|item| matches!(item, Item::Probe(_)));
    if !has_probe && !diagnostics.has_errors() {
        diagnostics.push(
            Diagnostic::error(Code::EmptyProgram, Span::new(file, 0, 0), "the script has no probe")
                .help("write for example: begin { printf(\"hello\\n\"); }"),
        );
    }
}

fn first_probe(program: &Program) -> Option<Span> {
    program.items.iter().find_map(|item| match item {
        Item::Probe(probe) => probe.attach_points.first().map(|point| point.span),
        _ => None,
    })
}

/// Whether there is what the mode is for: beside tests and benchmarks, `begin` and `end` are nothing.
fn runs_anything(program: &hir::Program, mode: Mode) -> bool {
    match mode {
        Mode::Trace => !program.probes.is_empty(),
        Mode::Test | Mode::Bench => {
            attach_points(program).any(|point| matches!(point.target, Target::Test { .. } | Target::Bench { .. }))
        }
    }
}

fn attach_points(program: &hir::Program) -> impl Iterator<Item = &AttachPoint> {
    let programs = program.probes.iter().flat_map(|probe| &probe.programs);
    programs.flat_map(|program| &program.attach_points)
}

/// A script whose probes together are more than may be.
fn too_many_probes(first: Span, count: usize, settings: &Settings) -> Diagnostic {
    let message = format!("the script has {count} probes; max_probes is {}", settings.config.max_probes);
    Diagnostic::error(Code::TooManyProbes, first, message)
        .help(format!("raise it: config = {{ max_probes = {count} }}"))
}

/// A script of which nothing is to run.
fn nothing_left(first: Span, settings: &Settings) -> Diagnostic {
    let message = match (&settings.probe_filter, settings.mode) {
        (Some(filter), _) => format!("no probe of the script matches --probe-filter {filter}"),
        (None, Mode::Test) => "the script has no test probe".to_owned(),
        (None, Mode::Bench) => "the script has no bench probe".to_owned(),
        (None, Mode::Trace) => "nothing of this script can be attached".to_owned(),
    };
    Diagnostic::error(Code::EmptyProgram, first, message).help(
        "test probes run with --test, bench probes with --bench; missing probes may be left out by missing_probes",
    )
}

/// Collects the stages that are wanted.
struct Dump<'a> {
    wanted: &'a [Stage],
    texts: Vec<(Stage, String)>,
}

impl Dump<'_> {
    fn add(&mut self, stage: Stage, text: impl FnOnce() -> String) {
        if self.wanted.contains(&stage) {
            self.texts.push((stage, text()));
        }
    }
}
