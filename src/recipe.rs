//! What an object file was compiled from and for, in a section of its own: with it `lancet run` compiles the script anew on a
//! machine for which the file is not, where structs, tracepoints and features are others.
//!
//! Invariant: compiling again reads no file but the programs that are traced: the script, headers and imports are in here.

use crate::source::Script;
use lancet_compiler::import::Importer;
use lancet_kernel::Kernel;
use lancet_manifest::{Manifest, Target};
use lancet_syntax::preprocess::SourceLoader;
use lancet_syntax::span::FileId;
use object::{Object, ObjectSection};
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::os::unix::fs::MetadataExt;

/// The ELF section.
pub const SECTION: &str = ".lancet.source";

/// The version of its format; a file with another cannot be compiled anew.
const VERSION: u32 = 1;

/// Everything that a compilation was given.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Recipe {
    version: u32,
    /// [`Kernel::identity`] and [`Kernel::possible_cpus`] of the machine that the file is for.
    machine: (String, u32),
    /// Seconds since 1970 when the programs of that machine were looked at; 0 if they were not.
    seen: i64,
    /// The script's name and text.
    script: (String, String),
    /// What the command line defines and includes.
    prelude: String,
    /// Headers in the order they were included.
    headers: Vec<Header>,
    /// All imports.
    imports: Vec<Import>,
    /// What the user set.
    pub choices: Choices,
}

/// A file's name and text.
type File = (String, String);

/// A name, whether it stood in angle brackets, and what was found.
type Header = ((String, bool), Option<File>);

/// A path, the file that imports it, and what was found.
type Import = ((String, String), Result<Vec<File>, String>);

/// What the user of `lancet build` set.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Choices {
    /// Environment variables of the configuration.
    pub environment: Vec<(String, String)>,
    /// `$1`, `$2` …
    pub parameters: Vec<String>,
    /// `--name=value`.
    pub named: Vec<(String, Option<String>)>,
    /// `--unsafe`.
    pub allow_unsafe: bool,
    /// `--probe-filter`.
    pub probe_filter: Option<String>,
    /// `--no-feature`.
    pub no_feature: Vec<String>,
    /// `--debuginfo`.
    pub debuginfo: Vec<String>,
}

impl Recipe {
    /// The recipe in an object file, if there is one that can be followed.
    pub fn of(object: &[u8]) -> Option<Self> {
        let file = object::File::parse(object).ok()?;
        let recipe: Self = postcard::from_bytes(file.section_by_name(SECTION)?.data().ok()?).ok()?;
        (recipe.version == VERSION).then_some(recipe)
    }

    /// The script.
    pub fn script(&self) -> Script {
        Script { name: self.script.0.clone(), text: self.script.1.clone() }
    }

    /// Whether the object file is for this machine as it is now: the same kernel, and programs that have not changed since.
    pub fn is_for(&self, kernel: &dyn Kernel, manifest: &Manifest) -> bool {
        let targets = manifest.programs.iter().flat_map(|program| &program.attachments);
        let files = targets.filter_map(|attachment| match &attachment.target {
            Target::UserFunction { path, .. } | Target::Usdt { path, .. } => Some(path.as_str()),
            _ => None,
        });
        self.knows(kernel, files)
    }

    fn knows<'a>(&self, kernel: &dyn Kernel, mut programs: impl Iterator<Item = &'a str>) -> bool {
        self.machine == (kernel.identity().to_owned(), kernel.possible_cpus())
            && programs.all(|path| std::fs::metadata(path).is_ok_and(|file| file.ctime() < self.seen))
    }

    /// What it was built for, for users.
    pub fn machine(&self) -> &str {
        // "Linux version 6.1.0-50-amd64 (…": what comes after the release is the builder's.
        let words: Vec<&str> = self.machine.0.split_whitespace().take(3).collect();
        if let ["Linux", "version", release] = words[..] { release } else { "another machine" }
    }
}

/// Reads files for a compilation and keeps what it was given.
pub struct Recorder<'a> {
    loader: &'a dyn SourceLoader,
    importer: &'a dyn Importer,
    recipe: RefCell<Recipe>,
}

impl<'a> Recorder<'a> {
    /// Nothing is read yet. `looks_here` says that the file is for the machine that it is built on.
    pub fn new(
        script: &Script,
        loader: &'a dyn SourceLoader,
        importer: &'a dyn Importer,
        kernel: &dyn Kernel,
        looks_here: bool,
        choices: Choices,
    ) -> Self {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let now = now.ok().and_then(|now| i64::try_from(now.as_secs()).ok()).unwrap_or_default();
        let recipe = Recipe {
            version: VERSION,
            machine: (kernel.identity().to_owned(), kernel.possible_cpus()),
            seen: if looks_here { now } else { 0 },
            script: (script.name.clone(), script.text.clone()),
            prelude: loader.prelude(),
            choices,
            ..Recipe::default()
        };
        Self { loader, importer, recipe: RefCell::new(recipe) }
    }

    /// The section's bytes, once everything is read.
    pub fn bytes(&self) -> Vec<u8> {
        // Writing to memory cannot fail, and no type here refuses to be written.
        postcard::to_stdvec(&*self.recipe.borrow()).unwrap_or_default()
    }
}

impl SourceLoader for Recorder<'_> {
    fn load(&self, name: &str, angled: bool, from: FileId) -> Option<(String, String)> {
        let loaded = self.loader.load(name, angled, from);
        self.recipe.borrow_mut().headers.push(((name.to_owned(), angled), loaded.clone()));
        loaded
    }

    fn prelude(&self) -> String {
        self.loader.prelude()
    }

    fn is_reserved(&self, name: &str) -> bool {
        self.loader.is_reserved(name)
    }
}

impl Importer for Recorder<'_> {
    fn import(&self, path: &str, from: &str) -> Result<Vec<(String, String)>, String> {
        let imported = self.importer.import(path, from);
        self.recipe.borrow_mut().imports.push(((path.to_owned(), from.to_owned()), imported.clone()));
        imported
    }
}

/// Gives a compilation the files of a recipe.
pub struct Replay {
    prelude: String,
    reserved: Vec<&'static str>,
    /// What was not asked for yet; the last answer for a name stays.
    headers: RefCell<Vec<Header>>,
    imports: Vec<Import>,
}

impl Replay {
    /// The files of that recipe; `reserved` are names of the language.
    pub fn new(recipe: &Recipe, reserved: Vec<&'static str>) -> Self {
        Self {
            prelude: recipe.prelude.clone(),
            reserved,
            headers: RefCell::new(recipe.headers.clone()),
            imports: recipe.imports.clone(),
        }
    }
}

impl SourceLoader for Replay {
    fn load(&self, name: &str, angled: bool, _: FileId) -> Option<(String, String)> {
        let mut headers = self.headers.borrow_mut();
        let is_wanted = |(key, _): &Header| key.0 == name && key.1 == angled;
        let first = headers.iter().position(is_wanted)?;
        let is_last = headers.iter().skip(first + 1).all(|header| !is_wanted(header));
        if is_last { headers[first].1.clone() } else { headers.remove(first).1 }
    }

    fn prelude(&self) -> String {
        self.prelude.clone()
    }

    fn is_reserved(&self, name: &str) -> bool {
        self.reserved.contains(&name)
    }
}

impl Importer for Replay {
    fn import(&self, path: &str, from: &str) -> Result<Vec<(String, String)>, String> {
        let known = self.imports.iter().find(|(key, _)| key.0 == path && key.1 == from);
        known.map_or_else(|| Err(format!("{path} is not in the object file")), |(_, files)| files.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lancet_kernel::captured::CapturedKernel;

    fn kernel() -> CapturedKernel {
        CapturedKernel::from_bytes(include_bytes!("../tests/fixtures/kernel.capture")).expect("the fixture is sound")
    }

    fn recipe(machine: &str, seen: i64) -> Recipe {
        Recipe { version: VERSION, machine: (machine.to_owned(), 4), seen, ..Recipe::default() }
    }

    #[test]
    fn programs_that_changed_since_are_others() {
        let own = std::env::current_exe().expect("a test has a file").display().to_string();
        assert!(recipe("", i64::MAX).knows(&kernel(), [own.as_str()].into_iter()));
        assert!(!recipe("", 1).knows(&kernel(), [own.as_str()].into_iter()));
        assert!(!recipe("", i64::MAX).knows(&kernel(), ["/no/such/program"].into_iter()));
        assert!(!recipe("another kernel", i64::MAX).knows(&kernel(), [own.as_str()].into_iter()));
    }

    #[test]
    fn a_header_that_changes_between_inclusions_is_given_in_turn() {
        let file = |text: &str| Some(("x.h".to_owned(), text.to_owned()));
        let key = ("x.h".to_owned(), false);
        let headers = vec![(key.clone(), file("first")), (key, file("second"))];
        let replay = Replay::new(&Recipe { headers, ..Recipe::default() }, Vec::new());
        let load = || replay.load("x.h", false, FileId(0)).map(|(_, text)| text);
        assert_eq!([load(), load(), load()].map(Option::unwrap_or_default), ["first", "second", "second"]);
        assert_eq!(replay.load("x.h", true, FileId(0)), None);
    }
}
