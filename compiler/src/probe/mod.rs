//! Probe types: what an attach point's text means on the target, one file each.
//!
//! [`expand`] turns the attach points of one probe of the script into [`Expansion`]s: groups of attach points that see the
//! same arguments, so that one typed body serves each group. Adding a probe type is a file here, a line in `PROVIDERS`,
//! and a file in the runtime's `attach/`.

mod bpf_program;
mod btf_argument;
mod event;
mod fentry;
mod iter;
mod kprobe;
mod list;
mod rawtracepoint;
mod special;
pub(crate) mod system_call;
mod timer;
mod tracepoint;
mod types;
mod uprobe;
pub mod usdt;

pub use btf_argument::{BtfArgument, BtfArguments};
use list::Query;
pub use list::{Listed, Listing, list};

use crate::check::Environment;
use crate::hir::{AttachPoint, ContextKind, ProbeProgram};
use crate::settings::{Mode, Settings};
use crate::types::Space;
use lancet_kernel::Unavailable;
use lancet_kernel::btf::TypeId;
use lancet_kernel::tracepoint::TracepointFormat;
use lancet_manifest::{MissingProbes, Target};
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::{Diagnostic, Diagnostics, Severity};
use lancet_syntax::span::Span;
use std::rc::Rc;

/// All probe types.
static PROVIDERS: &[&dyn Provider] = &[
    &special::Begin,
    &special::End,
    &special::SelfSignal,
    &special::Test,
    &special::Bench,
    &timer::Interval,
    &timer::Profile,
    &event::Software,
    &event::Hardware,
    &event::Watchpoint,
    &tracepoint::Tracepoint,
    &rawtracepoint::RawTracepoint,
    &fentry::Fentry,
    &fentry::Fexit,
    &iter::Iter,
    &kprobe::Kprobe,
    &kprobe::Kretprobe,
    &uprobe::Uprobe,
    &uprobe::Uretprobe,
    &usdt::Usdt,
];

/// Names of probe types that have been replaced; other aliases are short forms.
const OLD_SPELLINGS: &[&str] = &["BEGIN", "END", "kfunc", "kretfunc"];

/// A probe type.
trait Provider: Sync {
    /// Its name as `probetype` says it.
    fn name(&self) -> &'static str;

    /// Other spellings.
    fn aliases(&self) -> &'static [&'static str];

    /// How an attach point is written: `tracepoint:category:event`.
    fn usage(&self) -> &'static str;

    /// What the attach point means here.
    fn expand(&self, cx: &mut Cx<'_>) -> Result<Vec<Expansion>, Refused>;

    /// The probes there are that match the parts behind the provider; missing parts match anything. Types without a list
    /// of probes have none.
    fn list(&self, _query: &Query<'_>) -> Vec<Listed> {
        Vec::new()
    }
}

/// Attach points that see the same arguments.
#[derive(Clone, Debug, Default)]
pub struct Expansion {
    section: &'static str,
    multi_section: Option<&'static str>,
    context: Option<ContextKind>,
    /// What the arguments are.
    pub arguments: Arguments,
    /// Where plain integers of this probe point to when used as addresses.
    pub space: Option<Space>,
    /// The attach points.
    pub attach_points: Vec<AttachPoint>,
    /// There are none, and the script says that this is right (`missing_probes`).
    pub allowed: bool,
    /// The provider, of which there is no attach point.
    missing: Option<&'static str>,
}

/// What the arguments of a probe are.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Arguments {
    /// None.
    #[default]
    None,
    /// The registers at a function's entry: `arg0` … `arg9`.
    Entry,
    /// The registers at a function's return: `retval`.
    Return,
    /// A tracepoint's record: `args.field`.
    Tracepoint {
        /// Its fields.
        format: Rc<TracepointFormat>,
        /// Pointers in it are to user memory (system calls).
        space: Space,
    },
    /// An array of u64: `arg0` ….
    Raw,
    /// What the notes of a USDT probe say: `arg0` ….
    Usdt(Rc<usdt::UsdtArguments>),
    /// Arguments that the kernel's BTF describes: `args.name`.
    Typed(Rc<BtfArguments>),
    /// An iterator's context, a struct of the kernel: `ctx.name`.
    Iterator(TypeId),
    /// The probe is not there, which has been reported: what its action does with its arguments cannot be judged.
    Unknown,
}

/// What is known of the probe being checked, and what its action looked at.
#[derive(Clone, Debug)]
pub struct ProbeFacts {
    /// Arguments and attach points.
    pub expansion: Expansion,
    /// Kind of context.
    pub context: ContextKind,
    /// Where plain integers point to.
    pub default_space: Space,
    /// The action used something that differs between expansions.
    pub looks_at_arguments: bool,
    /// The fields of a tracepoint's record that the action looks at, which may be the same in several.
    pub fields: Vec<String>,
    /// The action sees which event its program is attached to.
    pub needs_own_event: bool,
    /// The action takes the kernel's stack, where it sees that too.
    pub takes_kernel_stack: bool,
    /// The action follows pointers by the types that the verifier knows.
    pub follows_types: bool,
    /// The action used `probe`, which differs between attach points.
    pub looks_at_probe: bool,
}

impl Default for ProbeFacts {
    fn default() -> Self {
        Self::new(&Expansion::default())
    }
}

impl ProbeFacts {
    /// Nothing looked at yet.
    pub fn new(expansion: &Expansion) -> Self {
        Self {
            expansion: expansion.clone(),
            context: expansion.context.unwrap_or(ContextKind::None),
            default_space: expansion.space.unwrap_or(Space::Any),
            looks_at_arguments: false,
            fields: Vec::new(),
            needs_own_event: false,
            takes_kernel_stack: false,
            follows_types: false,
            looks_at_probe: false,
        }
    }

    /// The provider of the first attach point, `special` for begin.
    pub fn provider(&self) -> &str {
        self.expansion.attach_points.first().map_or("", |point| &point.provider)
    }

    /// The provider as users write it: `begin`, which the `probetype` of such a probe does not say.
    pub fn written_provider(&self) -> &str {
        let first = self.expansion.attach_points.first();
        first.map_or(self.expansion.missing.unwrap_or_default(), |point| {
            if point.provider == special::PROVIDER { &point.name } else { &point.provider }
        })
    }
}

impl Expansion {
    /// The same, for each attach point alone.
    pub fn split(&self) -> Vec<Expansion> {
        let alone = |point: &AttachPoint| Expansion { attach_points: vec![point.clone()], ..self.clone() };
        self.attach_points.iter().map(alone).collect()
    }

    /// The ELF section of its programs.
    pub fn section(&self) -> &'static str {
        self.multi_section.unwrap_or(self.section)
    }

    /// The program for one attach point. Where the verifier is to know types, libbpf finds what they are the types of
    /// through the section's name.
    fn program(&self, point: &AttachPoint, follows_types: bool) -> ProbeProgram {
        let (section, context) = match &point.target {
            Target::RawTracepoint { name } if follows_types => (format!("tp_btf/{name}"), ContextKind::TypedArguments),
            Target::Trampoline { function } => (format!("{}/{function}", self.section), ContextKind::TypedArguments),
            Target::BpfFunction { .. } => (self.section.to_owned(), ContextKind::TypedArguments),
            Target::Iterator { name, .. } => (format!("iter/{name}"), self.context.unwrap_or(ContextKind::None)),
            _ => {
                let section = self.section().to_owned();
                (section, self.context.unwrap_or(ContextKind::None))
            }
        };
        ProbeProgram { section, context, attach_points: vec![point.clone()], multi: self.multi_section.is_some() }
    }
}

/// The programs of an action that serves all expansions: one for each kind of program, or with `separate` one for each
/// attach point, and with `follows_types` one for each type of arguments.
pub fn merge(expansions: &[&Expansion], separate: bool, follows_types: bool) -> Vec<ProbeProgram> {
    let mut programs: Vec<ProbeProgram> = Vec::new();
    for expansion in expansions {
        let runs_alone = matches!(expansion.context, Some(ContextKind::None | ContextKind::Iterator { .. }));
        for point in &expansion.attach_points {
            let program = expansion.program(point, follows_types);
            // What it attaches to is said when it is loaded.
            let runs_alone = runs_alone || matches!(point.target, Target::BpfFunction { .. });
            let same = |known: &&mut ProbeProgram| {
                (&known.section, known.context, known.multi) == (&program.section, program.context, program.multi)
            };
            match programs.iter_mut().find(same) {
                Some(known) if !separate && !runs_alone => known.attach_points.push(point.clone()),
                _ => programs.push(program),
            }
        }
    }
    programs
}

/// Expands the attach points of a probe; reports those that mean nothing here.
pub fn expand(probe: &ast::Probe, environment: &Environment<'_>, diagnostics: &mut Diagnostics) -> Vec<Expansion> {
    let mut expansions = Vec::new();
    let mut unmatched = Vec::new();
    let earlier_errors = diagnostics.errors();
    for point in &probe.attach_points {
        let mut cx = Cx { environment, parts: Vec::new(), point, diagnostics, unmatched: &mut unmatched };
        if let Some(found) = cx.expand() {
            expansions.extend(found);
        }
    }
    for mut diagnostic in unmatched {
        if !expansions.is_empty() {
            diagnostic.severity = Severity::Note;
        }
        diagnostics.push(diagnostic);
    }
    if expansions.is_empty() {
        // The action is checked all the same, as far as that is possible: it says what its maps hold.
        let context = Some(ContextKind::Registers);
        let allowed = diagnostics.errors() == earlier_errors;
        let first = probe.attach_points.first().and_then(|point| point.parts.first());
        let missing = first.and_then(|name| find(&name.text)).map(Provider::name);
        return vec![Expansion { context, arguments: Arguments::Unknown, allowed, missing, ..Expansion::default() }];
    }
    leave_out(&mut expansions, environment.settings);
    let count: usize = expansions.iter().map(|expansion| expansion.attach_points.len()).sum();
    let limit = environment.settings.config.max_probes as usize;
    if count > limit {
        let message = format!("this matches {count} probes; max_probes is {limit}");
        diagnostics.push(
            Diagnostic::error(Code::TooManyProbes, probe.attach_points[0].span, message)
                .help(format!("narrow the pattern, or raise it: config = {{ max_probes = {count} }}")),
        );
    }
    expansions
}

/// Drops what the command line does not want to run.
fn leave_out(expansions: &mut Vec<Expansion>, settings: &Settings) {
    for expansion in expansions.iter_mut() {
        expansion.attach_points.retain(|point| is_wanted(point, settings));
    }
    expansions.retain(|expansion| !expansion.attach_points.is_empty());
}

/// Tests and benchmarks run in their own mode only, where other probes do not. The filter spares `begin` and `end`.
fn is_wanted(point: &AttachPoint, settings: &Settings) -> bool {
    let filtered = || settings.probe_filter.as_ref().is_none_or(|filter| filter.is_match(&point.name));
    match (&point.target, settings.mode) {
        (Target::Test { .. }, mode) => mode == Mode::Test && filtered(),
        (Target::Bench { .. }, mode) => mode == Mode::Bench && filtered(),
        (Target::Begin | Target::End, _) => true,
        (_, mode) => mode == Mode::Trace && filtered(),
    }
}

/// Why an attach point cannot be expanded.
enum Refused {
    /// Nothing of that name: subject to the setting `missing_probes`.
    Missing(Box<Diagnostic>),
    /// The text or the machine does not allow it.
    Wrong(Box<Diagnostic>),
}

/// One attach point being expanded.
struct Cx<'a> {
    environment: &'a Environment<'a>,
    /// The parts after the provider, parameters inserted.
    parts: Vec<String>,
    point: &'a ast::AttachPoint,
    diagnostics: &'a mut Diagnostics,
    /// What is said of patterns that match nothing: they are mistakes only where the whole probe has no attach point.
    unmatched: &'a mut Vec<Diagnostic>,
}

impl Cx<'_> {
    fn expand(&mut self) -> Option<Vec<Expansion>> {
        let point = self.point;
        let first = point.parts.first()?;
        // A parameter may be several parts: `$1` for `interval:ms:1`.
        let text = self.with_parameters(&first.text);
        let mut words = text.split(':').map(str::to_owned);
        let name = ast::Name { span: first.span, text: words.next().unwrap_or_default() };
        let name = &name;
        let Some(provider) = find(&name.text) else {
            self.unknown_provider(name);
            return None;
        };
        if OLD_SPELLINGS.contains(&name.text.as_str()) {
            let message = format!("{} is an old spelling", name.text);
            let help = format!("write {}", provider.name());
            self.diagnostics.push(Diagnostic::note(Code::OldSpelling, name.span, message).help(help));
        }
        self.parts = words.chain(point.parts[1..].iter().map(|part| self.with_parameters(&part.text))).collect();
        match provider.expand(self) {
            Ok(found) => Some(found),
            Err(Refused::Wrong(diagnostic)) => {
                let diagnostic = match diagnostic.help {
                    Some(_) => *diagnostic,
                    None => diagnostic.help(format!("write {}", provider.usage())),
                };
                self.diagnostics.push(diagnostic);
                None
            }
            Err(Refused::Missing(mut diagnostic)) => {
                match self.environment.settings.config.missing_probes {
                    MissingProbes::Error if self.parts.iter().any(|part| is_pattern(part)) => {
                        self.unmatched.push(*diagnostic);
                        return None;
                    }
                    MissingProbes::Error => {}
                    MissingProbes::Warn => diagnostic.severity = Severity::Warning,
                    MissingProbes::Ignore => return None,
                }
                self.diagnostics.push(*diagnostic);
                None
            }
        }
    }

    fn unknown_provider(&mut self, name: &ast::Name) {
        let (message, help) = unknown_type(&name.text);
        let mut diagnostic = Diagnostic::error(Code::UnknownProvider, name.span, message);
        if let Some(help) = help {
            diagnostic = diagnostic.help(help);
        }
        self.diagnostics.push(diagnostic);
    }

    /// Replaces `$1` by the parameter, anywhere in the part.
    fn with_parameters(&self, text: &str) -> String {
        let Some((before, after)) = text.split_once('$') else { return text.to_owned() };
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let Ok(number) = after[..digits].parse::<u32>() else { return text.to_owned() };
        let value = self.environment.settings.parameter(number).unwrap_or("0");
        format!("{before}{value}{}", self.with_parameters(&after[digits..]))
    }

    /// The whole attach point's place.
    fn span(&self) -> Span {
        self.point.span
    }

    /// An attach point of this text.
    fn attach_point(&self, provider: &str, name: String, target: Target) -> AttachPoint {
        AttachPoint { name, provider: provider.to_owned(), target, span: self.span() }
    }

    fn wrong(&self, code: Code, message: impl Into<String>) -> Refused {
        Refused::Wrong(Box::new(Diagnostic::error(code, self.span(), message)))
    }

    fn wrong_help(&self, code: Code, message: impl Into<String>, help: impl Into<String>) -> Refused {
        Refused::Wrong(Box::new(Diagnostic::error(code, self.span(), message).help(help)))
    }

    /// No such probe; with the nearest of the names there are.
    fn missing(&self, message: String, nearest: Option<String>) -> Refused {
        let diagnostic = Diagnostic::error(Code::NoSuchProbe, self.span(), message);
        Refused::Missing(Box::new(match nearest {
            Some(nearest) => diagnostic.help(format!("did you mean {nearest}?")),
            None => diagnostic.help("see what there is with lancet -l"),
        }))
    }

    /// No such probe; with what to do.
    fn missing_help(&self, message: String, help: &str) -> Refused {
        Refused::Missing(Box::new(Diagnostic::error(Code::NoSuchProbe, self.span(), message).help(help)))
    }

    /// Something of the machine could not be read.
    fn unavailable(&self, what: &str, error: &Unavailable) -> Refused {
        let message = format!("{what}: {}", error.message());
        match error {
            Unavailable::Missing(_) => self.missing(message, None),
            Unavailable::Denied(_) | Unavailable::Malformed(_) => {
                self.wrong_help(Code::NoSuchProbe, message, "nothing was attached")
            }
        }
    }

    /// The kernel has no such probes at all: subject to `missing_probes` too.
    fn not_on_this_kernel(&self, message: String, help: &str) -> Refused {
        Refused::Missing(Box::new(Diagnostic::error(Code::NotOnThisKernel, self.span(), message).help(help)))
    }

    /// Exactly `n` parts after the provider.
    fn exactly(&self, n: usize) -> Result<(), Refused> {
        if self.parts.len() == n {
            return Ok(());
        }
        let message = match n {
            0 => "this probe takes no argument".to_owned(),
            _ => format!("this probe takes {n} parts, not {}", self.parts.len()),
        };
        Err(self.wrong(Code::BadAttachPoint, message))
    }
}

/// The provider of that name or alias.
fn find(name: &str) -> Option<&'static dyn Provider> {
    PROVIDERS.iter().copied().find(|provider| is_called(*provider, name))
}

/// Names count in any case, as bpftrace has it; of the aliases, short forms do not.
fn is_called(provider: &dyn Provider, name: &str) -> bool {
    provider.name().eq_ignore_ascii_case(name) || provider.aliases().contains(&name)
}

/// What to say of a probe type that there is not, and what may be meant.
fn unknown_type(name: &str) -> (String, Option<String>) {
    let names = PROVIDERS.iter().map(|provider| provider.name());
    let nearest = lancet_kernel::nearest(name, names);
    (format!("there is no probe type {name}"), nearest.map(|nearest| format!("did you mean {nearest}?")))
}

/// True when the text has wildcards.
fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}
