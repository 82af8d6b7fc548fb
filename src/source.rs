//! Where scripts and headers come from: the command line, standard input, files.

use lancet_syntax::preprocess::SourceLoader;
use lancet_syntax::span::FileId;
use std::io::Read;
use std::path::{Path, PathBuf};

/// A script's name for messages and its text.
pub struct Script {
    pub name: String,
    pub text: String,
}

/// Reads the script: `program` is the text of `-e`, else `file` names it (`-` for standard input).
pub fn read(program: Option<&str>, file: Option<&str>) -> Result<Script, String> {
    if let Some(text) = program {
        return Ok(Script { name: "stdin".into(), text: text.to_owned() });
    }
    let Some(file) = file else {
        return Err("nothing to do: give a script file, or a program with -e (see lancet --help)".into());
    };
    let (name, bytes) = if file == "-" {
        let mut bytes = Vec::new();
        std::io::stdin().read_to_end(&mut bytes).map_err(|error| format!("cannot read standard input: {error}"))?;
        ("stdin".to_owned(), bytes)
    } else {
        (file.to_owned(), std::fs::read(file).map_err(|error| format!("cannot read the script {file}: {}", reason(&error)))?)
    };
    let text = String::from_utf8(bytes)
        .map_err(|error| format!("{name}: not a script: byte {} is not UTF-8 text", error.utf8_error().valid_up_to()))?;
    Ok(Script { name, text })
}

/// The clause of an I/O error without its number.
pub fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((before, _)) => before.to_lowercase(),
        None => text,
    }
}

/// Finds headers in the directories of `-I`, beside the script, and in the system's own.
pub struct Headers {
    /// Directories of `-I`.
    pub directories: Vec<PathBuf>,
    /// Files of `--include`.
    pub includes: Vec<String>,
    /// The directory of the script.
    pub beside: PathBuf,
}

const SYSTEM: &[&str] = &["/usr/local/include", "/usr/include/x86_64-linux-gnu", "/usr/include"];

impl SourceLoader for Headers {
    fn load(&self, name: &str, angled: bool, _: FileId) -> Option<(String, String)> {
        let beside = (!angled).then_some(self.beside.as_path());
        let own = self.directories.iter().map(PathBuf::as_path);
        let candidates = beside.into_iter().chain(own).chain(SYSTEM.iter().map(Path::new));
        candidates.map(|directory| directory.join(name)).find_map(|path| {
            let bytes = std::fs::read(&path).ok()?;
            Some((path.display().to_string(), String::from_utf8_lossy(&bytes).into_owned()))
        })
    }

    fn prelude(&self) -> String {
        self.includes.iter().map(|file| format!("#include \"{file}\"\n")).collect()
    }
}
