//! What the user set besides the script: configuration, parameters, permissions.
//!
//! A setting of the config block says here all there is to say about it: its name, default, range and effect. Environment
//! variables `BPFTRACE_NAME` and `LANCET_NAME` win over the config block.

use lancet_manifest::{self as manifest, MissingProbes, StackMode};
use lancet_syntax::ast::{self, ConfigValue, Item};
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::{Diagnostic, Diagnostics};
use lancet_syntax::literal;

/// Everything the user set.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The configuration.
    pub config: Config,
    /// `$1`, `$2` …
    pub parameters: Vec<String>,
    /// `--name=value` after `--`, for getopt().
    pub named: Vec<(String, Option<String>)>,
    /// The script is only checked: what the command line of a run gives is not missing.
    pub is_only_checked: bool,
    /// `--unsafe`.
    pub allow_unsafe: bool,
    /// The process of `-p`.
    pub pid: Option<u32>,
    /// A command was given with `-c`, or a process with `-p`.
    pub has_target: bool,
    /// One of these, or a process with `--dwarf-pid`, whose stacks can be unwound.
    pub unwinds: bool,
    /// `-k`: failed helpers are reported.
    pub report_helper_errors: bool,
    /// `-v`: what becomes of each probe's events is counted.
    pub account: bool,
    /// Which probes run.
    pub mode: Mode,
    /// Of those, only the ones whose name it matches; `begin` and `end` in any case.
    pub probe_filter: Option<regex_lite::Regex>,
    /// The tool runs outside the initial pid namespace.
    pub nested_pid_namespace: bool,
    /// How far loops go that a kernel without bpf_loop follows.
    pub rounds: Rounds,
}

/// How far a range of unknown length is walked on kernels whose verifier follows a loop round by round: without bpf_loop,
/// before 5.17. A longer one is an error at run time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rounds(pub u16);

impl Rounds {
    /// What is left to try when the verifier has had enough before that many rounds.
    pub fn fewer(self) -> Option<Self> {
        (self.0 > 15).then_some(Self(self.0 / 4))
    }
}

impl Default for Rounds {
    fn default() -> Self {
        Self(1000)
    }
}

/// Which probes of a script run.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Mode {
    /// All but tests and benchmarks.
    #[default]
    Trace,
    /// `test` probes, between `begin` and `end`.
    Test,
    /// `bench` probes, between `begin` and `end`.
    Bench,
}

impl Settings {
    /// The n-th parameter, from 1; `$0` does not exist.
    pub fn parameter(&self, number: u32) -> Option<&str> {
        self.parameters.get((number as usize).checked_sub(1)?).map(String::as_str)
    }
}

/// The configuration: limits of the compiler and settings of the runtime.
#[derive(Clone, Debug)]
pub struct Config {
    /// Longest string that str() takes, in bytes.
    pub max_strlen: u32,
    /// Capacity of maps that are not declared.
    pub max_map_keys: u32,
    /// Most probes that a script may attach to.
    pub max_probes: u32,
    /// Most BPF programs.
    pub max_bpf_progs: u32,
    /// Bytes of a value that stay on the BPF stack.
    pub on_stack_limit: u32,
    /// What happens when a script uses tseries().
    pub tseries: Unstable,
    /// What happens when a script uses dw_ustack.
    pub dw_ustack: Unstable,
    /// How stacks print.
    pub stack_mode: StackMode,
    /// What happens to probes that are not there.
    pub missing_probes: MissingProbes,
    /// What the kernel is told the programs' license is: one of [`LICENSES`].
    pub license: &'static str,
    /// Everything else is the runtime's.
    pub runtime: manifest::Config,
    /// Settings that are known to scripts but change nothing here: (name, value as written).
    others: Vec<(&'static str, String)>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            max_strlen: 1024,
            max_map_keys: 4096,
            max_probes: 1024,
            max_bpf_progs: 1024,
            on_stack_limit: 32,
            tseries: Unstable::Warn,
            dw_ustack: Unstable::Warn,
            stack_mode: StackMode::Bpftrace,
            missing_probes: MissingProbes::Error,
            license: LICENSES[0],
            runtime: manifest::Config::default(),
            others: Vec::new(),
        }
    }
}

/// What happens when a script uses something whose form may change.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Unstable {
    /// It is allowed.
    Enable,
    /// It is allowed, with a warning.
    #[default]
    Warn,
    /// It is refused.
    Error,
}

impl Unstable {
    fn parse(text: &str) -> Result<Self, &'static str> {
        Ok(match text {
            "enable" | "true" | "1" => Self::Enable,
            "warn" => Self::Warn,
            "error" | "false" | "0" => Self::Error,
            _ => return Err("enable, warn or error"),
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Enable => "enable",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}

/// A setting's value as `config.name` gives it.
#[derive(Clone, PartialEq, Debug)]
pub enum Shown {
    /// A number.
    Number(i64),
    /// true or false.
    Bool(bool),
    /// A word.
    Text(String),
}

/// How a setting is read and written.
struct Setting {
    name: &'static str,
    set: fn(&mut Config, &str) -> Result<(), &'static str>,
    show: fn(&Config) -> Shown,
}

macro_rules! number {
    ($name:ident) => {
        number!($name, 0, "a number that is not negative")
    };
    ($name:ident, $least:literal, $wanted:literal) => {
        Setting {
            name: stringify!($name),
            set: |config, text| {
                config.$name = parse_number(text)
                    .and_then(|value| u32::try_from(value).ok())
                    .filter(|value| ($least..).contains(value))
                    .ok_or($wanted)?;
                Ok(())
            },
            show: |config| Shown::Number(i64::from(config.$name)),
        }
    };
}

macro_rules! switch {
    ($name:literal, $($field:ident).+) => {
        Setting {
            name: $name,
            set: |config, text| {
                config.$($field).+ = parse_bool(text).ok_or("true or false")?;
                Ok(())
            },
            show: |config| Shown::Bool(config.$($field).+),
        }
    };
}

/// Scripts may set these; nothing here depends on them, but what makes no sense is told.
macro_rules! ignored {
    ($name:literal) => {
        ignored!($name, "")
    };
    ($name:literal, $default:literal) => {
        ignored!($name, $default, |_| Ok(()))
    };
    ($name:literal, $default:literal, $check:expr) => {
        Setting {
            name: $name,
            set: |config, text| {
                let check: fn(&str) -> Result<(), &'static str> = $check;
                check(text)?;
                config.others.retain(|(name, _)| *name != $name);
                config.others.push(($name, text.to_owned()));
                Ok(())
            },
            show: |config| {
                let set = config.others.iter().find(|(name, _)| *name == $name);
                shown_text(set.map_or($default, |(_, value)| value))
            },
        }
    };
}

static SETTINGS: &[Setting] = &[
    number!(max_strlen),
    number!(max_map_keys, 1, "a number of at least 1"),
    number!(max_probes),
    number!(max_bpf_progs),
    Setting {
        name: "max_cat_bytes",
        set: |config, text| {
            let bytes = parse_number(text).and_then(|value| value.try_into().ok());
            config.runtime.max_cat_bytes = bytes.ok_or("a number of bytes")?;
            Ok(())
        },
        show: |config| Shown::Number(config.runtime.max_cat_bytes as i64),
    },
    number!(on_stack_limit),
    Setting {
        name: "perf_rb_pages",
        set: |config, text| {
            config.runtime.ring_buffer_pages =
                parse_number(text).and_then(|value| u32::try_from(value).ok()).ok_or("a number of pages")?;
            Ok(())
        },
        show: |config| Shown::Number(i64::from(config.runtime.ring_buffer_pages)),
    },
    Setting {
        name: "stack_mode",
        set: |config, text| {
            config.stack_mode = parse_stack_mode(text).ok_or("bpftrace, perf, raw or build_id")?;
            Ok(())
        },
        show: |config| Shown::Text(stack_mode_name(config.stack_mode).into()),
    },
    Setting {
        name: "missing_probes",
        set: |config, text| {
            config.missing_probes = match text {
                "error" => MissingProbes::Error,
                "warn" => MissingProbes::Warn,
                "ignore" => MissingProbes::Ignore,
                _ => return Err("error, warn or ignore"),
            };
            config.runtime.missing_probes = config.missing_probes;
            Ok(())
        },
        show: |config| {
            Shown::Text(
                match config.missing_probes {
                    MissingProbes::Error => "error",
                    MissingProbes::Warn => "warn",
                    MissingProbes::Ignore => "ignore",
                }
                .into(),
            )
        },
    },
    Setting {
        name: "str_trunc_trailer",
        set: |config, text| {
            config.runtime.str_trunc_trailer = text.to_owned();
            Ok(())
        },
        show: |config| Shown::Text(config.runtime.str_trunc_trailer.clone()),
    },
    switch!("print_maps_on_exit", runtime.print_maps_on_exit),
    switch!("lazy_symbolication", runtime.lazy_symbolication),
    switch!("cpp_demangle", runtime.demangle),
    switch!("show_debug_info", runtime.show_debug_info),
    ignored!("cache_user_symbols", "", |text| match text {
        "PER_PID" | "PER_PROGRAM" | "NONE" | "0" | "1" => Ok(()),
        _ => Err("PER_PID, PER_PROGRAM or NONE"),
    }),
    Setting {
        name: "license",
        set: |config, text| match LICENSES.iter().find(|license| **license == text) {
            Some(license) => {
                config.license = license;
                Ok(())
            }
            None => Err("GPL, GPL v2, GPL and additional rights, Dual BSD/GPL, Dual MIT/GPL or Dual MPL/GPL"),
        },
        show: |config| Shown::Text(config.license.to_owned()),
    },
    ignored!("log_size", "1000000", |text| parse_number(text).map(drop).ok_or("a number")),
    ignored!("max_type_res_iterations"),
    ignored!("max_ast_nodes"),
    ignored!("unstable_import"),
    ignored!("unstable_import_statement", "enable"),
    Setting {
        name: "unstable_dw_ustack",
        set: |config, text| Unstable::parse(text).map(|unstable| config.dw_ustack = unstable),
        show: |config| Shown::Text(config.dw_ustack.name().into()),
    },
    ignored!("unstable_map_decl"),
    Setting {
        name: "unstable_tseries",
        set: |config, text| Unstable::parse(text).map(|unstable| config.tseries = unstable),
        show: |config| Shown::Text(config.tseries.name().into()),
    },
    ignored!("unstable_addr"),
    ignored!("unstable_typeinfo", "enable", |text| Unstable::parse(text).map(drop)),
    ignored!("unstable_macro"),
    ignored!("use_blazesym", "true", |text| parse_bool(text).map(drop).ok_or("true or false")),
    ignored!("vmlinux"),
    ignored!("btf"),
    ignored!("debug_output"),
    ignored!("verify_llvm_ir"),
    ignored!("no_cpp_demangle"),
];

/// The settings that `config` has as fields, in its order.
const RECORD: &[&str] = &[
    "cpp_demangle",
    "lazy_symbolication",
    "print_maps_on_exit",
    "use_blazesym",
    "show_debug_info",
    "log_size",
    "max_bpf_progs",
    "max_cat_bytes",
    "max_map_keys",
    "max_probes",
    "max_strlen",
    "on_stack_limit",
    "perf_rb_pages",
    "str_trunc_trailer",
    "unstable_import_statement",
    "unstable_tseries",
    "unstable_typeinfo",
    "unstable_dw_ustack",
    "missing_probes",
    "stack_mode",
    "license",
];

/// The licenses to which the kernel lends all its helpers (include/linux/license.h), the usual one first.
pub const LICENSES: &[&str] =
    &["GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL"];

/// The most bytes of a key that kernels before 5.11 take (MAX_BPF_STACK).
pub const OLD_KEY_LIMIT: u32 = 512;

impl Config {
    /// Lowers defaults that the kernel's limits do not allow: before 5.11 the key of a map has at most
    /// [`OLD_KEY_LIMIT`] bytes, and a string is the commonest key.
    pub fn fit(&mut self, version: lancet_kernel::Version) {
        if version < lancet_kernel::Version::new(5, 11) {
            self.max_strlen = self.max_strlen.min(OLD_KEY_LIMIT);
        }
    }

    /// Takes the config block of a script, then the environment, which wins.
    pub fn read(&mut self, program: &ast::Program, environment: &[(String, String)], diagnostics: &mut Diagnostics) {
        for item in &program.items {
            let Item::Config(block) = item else { continue };
            for setting in &block.settings {
                let text = match &setting.value {
                    ConfigValue::Integer(value) => value.to_string(),
                    ConfigValue::Bool(value) => value.to_string(),
                    ConfigValue::String(bytes) => String::from_utf8_lossy(bytes).into_owned(),
                    ConfigValue::Word(word) => word.clone(),
                };
                match find(&setting.name.text) {
                    Some(known) => {
                        if let Err(wanted) = (known.set)(self, &text) {
                            let message = format!("{} takes {wanted}, not {text}", known.name);
                            diagnostics.push(Diagnostic::error(Code::BadConfig, setting.value_span, message));
                        }
                    }
                    None => {
                        let names = SETTINGS.iter().map(|setting| setting.name);
                        let message = format!("there is no setting {}", setting.name.text);
                        let mut diagnostic = Diagnostic::error(Code::BadConfig, setting.name.span, message);
                        if let Some(nearest) = lancet_kernel::nearest(&setting.name.text, names) {
                            diagnostic = diagnostic.help(format!("did you mean {nearest}?"));
                        }
                        diagnostics.push(diagnostic);
                    }
                }
            }
        }
        self.read_environment(environment);
    }

    fn read_environment(&mut self, environment: &[(String, String)]) {
        for (name, value) in environment {
            let Some(bare) = name.strip_prefix("BPFTRACE_").or_else(|| name.strip_prefix("LANCET_")) else { continue };
            if let Some(known) = find(bare) {
                // A wrong value in the environment is reported by the command line, which knows where it comes from.
                let _ = (known.set)(self, value);
            }
        }
    }

    /// The first wrong value of a known variable in the environment: (name, what it takes).
    pub fn check_environment(environment: &[(String, String)]) -> Option<(&str, &'static str)> {
        environment.iter().find_map(|(name, value)| {
            let bare = name.strip_prefix("BPFTRACE_").or_else(|| name.strip_prefix("LANCET_"))?;
            let wanted = (find(bare)?.set)(&mut Config::default(), value).err()?;
            Some((name.as_str(), wanted))
        })
    }

    /// Whether an environment variable of that name sets something.
    pub fn is_variable(name: &str) -> bool {
        name.strip_prefix("BPFTRACE_").or_else(|| name.strip_prefix("LANCET_")).is_some_and(|bare| find(bare).is_some())
    }

    /// Names and values of all settings, as `config` shows them.
    pub fn record(&self) -> impl Iterator<Item = (&'static str, Shown)> {
        RECORD.iter().filter_map(|name| Some((*name, (find(name)?.show)(self))))
    }
}

/// A setting that is kept as text only.
fn shown_text(text: &str) -> Shown {
    match (text, parse_number(text)) {
        ("true", _) => Shown::Bool(true),
        ("false", _) => Shown::Bool(false),
        (_, Some(number)) => Shown::Number(number),
        (text, None) => Shown::Text(text.to_owned()),
    }
}

/// A setting by name, in any case, with or without the prefix of environment variables.
fn find(name: &str) -> Option<&'static Setting> {
    let name = name.to_ascii_lowercase();
    let name = name.strip_prefix("bpftrace_").unwrap_or(&name);
    SETTINGS.iter().find(|setting| setting.name == name)
}

/// A number of 64 bits as literals are written, with an optional sign: `0x10`, `1e6`, `-5`. Durations are none.
pub fn parse_number(text: &str) -> Option<i64> {
    if literal::is_duration(text) { None } else { parse_duration(text) }
}

/// A number or a duration, in nanoseconds: `10ms`.
pub fn parse_duration(text: &str) -> Option<i64> {
    parse_literal(text).map(|number| number.bits)
}

/// A number that the user gave to a script.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Given {
    /// Its 64 bits.
    pub bits: i64,
    /// True when it is larger than the largest signed number.
    pub unsigned: bool,
}

/// A number or duration as literals are written, with an optional sign.
pub fn parse_literal(text: &str) -> Option<Given> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let magnitude = literal::integer(digits).ok()?.value;
    let bits = magnitude as i64;
    if negative {
        return Some(Given { bits: bits.wrapping_neg(), unsigned: false });
    }
    Some(Given { bits, unsigned: bits < 0 })
}

/// `true`, `1`, `false`, `0`.
pub fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "true" => Some(true),
        "0" | "false" => Some(false),
        _ => None,
    }
}

/// The name of a stack mode.
pub fn parse_stack_mode(text: &str) -> Option<StackMode> {
    match text {
        "bpftrace" => Some(StackMode::Bpftrace),
        "perf" => Some(StackMode::Perf),
        "raw" => Some(StackMode::Raw),
        "build_id" => Some(StackMode::BuildId),
        _ => None,
    }
}

/// How a stack mode is written.
pub fn stack_mode_name(mode: StackMode) -> &'static str {
    match mode {
        StackMode::Bpftrace => "bpftrace",
        StackMode::Perf => "perf",
        StackMode::Raw => "raw",
        StackMode::BuildId => "build_id",
    }
}
