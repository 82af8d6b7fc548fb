//! A behaviour case: one `.bt` file becomes a `Case`.
//!
//! The script is the file itself, so every case runs as it is. Lines that start with `//@` say how lancet is started
//! and what the kernel must offer; sections at the end, in comments too, hold the expected output. `README.md` beside
//! this file lists them. An unknown directive or section is an error, so a slip of the pen never weakens a case.
//! Nothing is run here.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// One behaviour case.
pub struct Case {
    /// Folder and file name without the ending: `maps/count`.
    pub name: String,
    /// The file.
    pub file: PathBuf,
    /// The script text, with its directives and without its expectations.
    pub script: String,
    /// What the kernel or machine must offer, see `need`.
    pub needs: Vec<String>,
    /// True when it passes without root.
    pub unprivileged: bool,
    /// How lancet is started.
    pub start: Start,
    /// A process that runs before lancet starts; `{background}` is its process id.
    pub background: Option<String>,
    /// A shell line that runs once lancet has attached its probes.
    pub workload: Option<String>,
    /// Send SIGINT once the workload has ended.
    pub interrupt: bool,
    /// The expected exit code.
    pub exit: i32,
    /// How long it may take on a real machine.
    pub timeout: Duration,
    /// What must be seen, by section.
    pub expected: Vec<Expected>,
}

/// How lancet is started.
pub enum Start {
    /// `lancet FLAGS SCRIPT ARGS`, all words already split.
    Script {
        /// Words before the script's name.
        flags: Vec<String>,
        /// Words after it.
        arguments: Vec<String>,
    },
    /// A shell line in which `lancet` is the program under test and `$SCRIPT` the script's name.
    Shell(String),
}

/// One section of expectations.
pub struct Expected {
    /// Where to look.
    pub stream: Stream,
    /// How to compare.
    pub mode: Mode,
    /// Lines, which may hold placeholders.
    pub lines: Vec<String>,
}

/// Where an expectation looks.
#[derive(Clone, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// A file that lancet wrote into its working directory.
    File(String),
}

/// How an expectation compares.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// All lines, in order.
    Whole,
    /// These lines in this order, others may stand between them.
    Contains,
    /// All lines, in any order.
    AnyOrder,
    /// None of these lines.
    Lacks,
}

impl Case {
    /// Reads one case; the error says what is wrong with the file.
    fn parse(name: String, file: PathBuf, text: &str) -> Result<Case, String> {
        let (script, sections) = match text.find("// --- ") {
            Some(at) => text.split_at(at),
            None => (text, ""),
        };
        let mut directives = directives(script)?;
        let mut take = |key: &str| directives.remove(key);
        let words = |text: Option<String>| split_words(&text.unwrap_or_default());
        let (flags, arguments) = (take("flags"), take("args"));
        let (command, shell) = (take("command"), take("run"));
        let start = match shell {
            Some(_) if flags.is_some() || arguments.is_some() || command.is_some() => {
                return Err("`run` says everything: flags, args and command do not go with it".into());
            }
            Some(line) => Start::Shell(line),
            None => {
                let mut flags = words(flags)?;
                flags.extend(command.into_iter().flat_map(|command| ["-c".to_owned(), command]));
                Start::Script { flags, arguments: words(arguments)? }
            }
        };
        let case = Case {
            name,
            file,
            script: script.to_owned(),
            needs: take("needs").map(|all| all.split_whitespace().map(str::to_owned).collect()).unwrap_or_default(),
            unprivileged: take("unprivileged").is_some(),
            start,
            background: take("background"),
            workload: take("workload"),
            interrupt: take("interrupt").is_some(),
            exit: number(take("exit"), 0)?,
            timeout: Duration::from_secs(number(take("timeout"), 10)?),
            expected: sections_of(sections)?,
        };
        match directives.keys().next() {
            Some(key) => Err(format!("unknown directive `{key}`")),
            None => Ok(case),
        }
    }
}

/// Reads every `.bt` file below a directory, ordered by name.
pub fn load(directory: &Path) -> Result<Vec<Case>, String> {
    let mut cases = Vec::new();
    let areas = std::fs::read_dir(directory).map_err(|error| format!("{}: {error}", directory.display()))?;
    for area in areas.flatten().filter(|area| area.path().is_dir()) {
        let files = std::fs::read_dir(area.path()).map_err(|error| format!("{}: {error}", area.path().display()))?;
        for path in
            files.flatten().map(|file| file.path()).filter(|path| path.extension().is_some_and(|end| end == "bt"))
        {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            let name = format!("{}/{stem}", area.file_name().to_string_lossy());
            let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            let case = Case::parse(name, path.clone(), &text);
            cases.push(case.map_err(|error| format!("{}: {error}", path.display()))?);
        }
    }
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(cases)
}

/// The `//@ key: value` lines; a repeated key continues its value on a new line.
fn directives(script: &str) -> Result<BTreeMap<String, String>, String> {
    let mut found = BTreeMap::<String, String>::new();
    for line in script.lines().filter_map(|line| line.strip_prefix("//@")) {
        let (key, value) = line.split_once(':').unwrap_or((line, ""));
        let (key, value) = (key.trim().to_owned(), value.trim());
        if key.is_empty() {
            return Err(format!("empty directive `//@{line}`"));
        }
        found.entry(key).and_modify(|all| all.extend(["\n", value])).or_insert_with(|| value.to_owned());
    }
    Ok(found)
}

fn number<T: std::str::FromStr>(text: Option<String>, otherwise: T) -> Result<T, String> {
    text.map_or(Ok(otherwise), |text| text.parse().map_err(|_| format!("`{text}` is no number")))
}

/// The `// --- stdout ---` sections with their lines.
fn sections_of(text: &str) -> Result<Vec<Expected>, String> {
    let mut found = Vec::<Expected>::new();
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("// --- ") {
            let title = title.strip_suffix(" ---").ok_or_else(|| format!("unfinished section `{line}`"))?;
            let (stream, mode) = section_title(title)?;
            found.push(Expected { stream, mode, lines: Vec::new() });
        } else {
            let body =
                line.strip_prefix("//").ok_or_else(|| format!("`{line}` after the first section is no comment"))?;
            let body = body.strip_prefix(' ').unwrap_or(body);
            found.last_mut().ok_or("text before the first section")?.lines.push(body.to_owned());
        }
    }
    Ok(found)
}

fn section_title(title: &str) -> Result<(Stream, Mode), String> {
    let mut words: Vec<&str> = title.split(' ').collect();
    let stream = match words.remove(0) {
        "stdout" => Stream::Stdout,
        "stderr" => Stream::Stderr,
        "file" if !words.is_empty() => Stream::File(words.remove(0).to_owned()),
        _ => return Err(format!("unknown section `{title}`")),
    };
    let mode = match words[..] {
        [] => Mode::Whole,
        ["contains"] => Mode::Contains,
        ["in", "any", "order"] => Mode::AnyOrder,
        ["lacks"] => Mode::Lacks,
        _ => return Err(format!("unknown section `{title}`")),
    };
    Ok((stream, mode))
}

/// Splits words as a shell does with plain, single-quoted and double-quoted text.
fn split_words(text: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None::<char>);
    for character in text.chars() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => word.get_or_insert_default().push(character),
            (None, '\'' | '"') => {
                quote = Some(character);
                word.get_or_insert_default();
            }
            (None, _) if character.is_whitespace() => words.extend(word.take()),
            (None, _) => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    if quote.is_some() { Err(format!("unclosed quote in `{text}`")) } else { Ok(words) }
}
