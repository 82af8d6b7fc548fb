//! Scripts of this repository, damaged: pieces are taken out, doubled, exchanged and put in from elsewhere. Whatever comes
//! of that, every part of the compiler ends in time, in bounded memory, and without a panic.

use crate::choices::Random;
use crate::compiler::{Compiler, prints};
use lancet_compiler::compile::Stage;
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// What one script may take, without optimization and on a busy machine.
const TIME: Duration = Duration::from_secs(30);

/// How much more memory the process may have used after a script than before.
const MEMORY: u64 = 1 << 20;

/// The file that holds the script that is tried: what it was when the process dies.
const CURRENT: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/mutation.bt");

/// Scripts to damage, in pieces.
pub struct Corpus {
    scripts: Vec<Vec<String>>,
}

impl Corpus {
    /// All scripts of the tests, the examples and the documentation.
    pub fn read() -> Corpus {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut files = Vec::new();
        for folder in ["tests/golden", "tests/kernel/cases", "bench", "examples", "stdlib", "docs"] {
            collect(&root.join(folder), &mut files);
        }
        files.sort();
        let mut scripts = Vec::new();
        for file in files {
            let Ok(text) = std::fs::read_to_string(&file) else { continue };
            match file.extension().and_then(|extension| extension.to_str()) {
                // What is expected of a script is not a part of it.
                Some("bt") => scripts.push(text.split("\n// --- ").next().unwrap_or_default().to_owned()),
                Some("md") => scripts.extend(text.split("```").skip(1).step_by(2).map(str::to_owned)),
                _ => {}
            }
        }
        Corpus { scripts: scripts.iter().map(|script| pieces(script)).filter(|pieces| !pieces.is_empty()).collect() }
    }

    pub fn len(&self) -> usize {
        self.scripts.len()
    }

    /// A damaged script, the same for the same seed.
    pub fn damaged(&self, seed: u64) -> String {
        let mut random = Random::new(seed);
        let mut script = self.some(&mut random).clone();
        for _ in 0..1 + random.below(5) {
            self.damage(&mut script, &mut random);
        }
        let mut bytes = script.concat().into_bytes();
        for _ in 0..random.below(6).saturating_sub(3) {
            let place = random.below(bytes.len());
            match random.below(3) {
                _ if bytes.is_empty() => {}
                0 => bytes[place] = random.below(256) as u8,
                1 => bytes.insert(place, SIGNS[random.below(SIGNS.len())]),
                _ => drop(bytes.remove(place)),
            }
        }
        bytes.truncate(20_000);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn damage(&self, script: &mut Vec<String>, random: &mut Random) {
        let start = random.below(script.len() + 1);
        let length = match random.below(3) {
            0 => 1,
            1 => 1 + random.below(8),
            _ => random.below(script.len() / 2 + 1),
        };
        let end = (start + length).min(script.len());
        match random.below(8) {
            0 => drop(script.drain(start..end)),
            1 => {
                let copies = if random.below(10) == 0 { 40 } else { 1 + random.below(3) };
                let doubled = vec![script[start..end].to_vec(); copies].concat();
                script.splice(start..start, doubled.into_iter().take(4000));
            }
            2 => {
                let moved: Vec<String> = script.drain(start..end).collect();
                let place = random.below(script.len() + 1);
                script.splice(place..place, moved);
            }
            // The start of one and the end of another.
            3 => {
                let other = self.some(random);
                script.truncate(start);
                script.extend_from_slice(&other[random.below(other.len())..]);
            }
            4 => {
                let other = self.some(random);
                let from = random.below(other.len());
                let to = (from + 1 + random.below(30)).min(other.len());
                script.splice(start..end, other[from..to].iter().cloned());
            }
            5 => drop(script.splice(start..end, [SPECIAL[random.below(SPECIAL.len())].to_owned()])),
            _ => {
                let other = self.some(random);
                let piece = other[random.below(other.len())].clone();
                let end = (start + random.below(2)).min(script.len());
                script.splice(start..end, [piece]);
            }
        }
    }

    fn some(&self, random: &mut Random) -> &Vec<String> {
        &self.scripts[random.below(self.scripts.len())]
    }
}

/// Bytes that begin, end or part something.
const SIGNS: &[u8] = b"\"'/{}()[]\\#@$%\n\0;:*";

/// What mistakes are made of.
const SPECIAL: &[&str] = &[
    "{",
    "}",
    "(",
    ")",
    "[",
    "]",
    "\"",
    "'",
    "/",
    "/*",
    "*/",
    "//",
    "\\",
    "\n#define A A(",
    "\n#if 1\n",
    "\n#endif\n",
    "@",
    "$",
    ";",
    ":",
    ",",
    "..",
    "=",
    "++",
    "struct",
    "if",
    "else",
    "0x",
    "1e",
    "1e99",
    "18446744073709551616",
    "é",
    "\u{feff}",
    "\r\n",
    "-1",
    "0",
    "*",
    "&",
    "->",
    ".",
    ".0",
    "(uint8)",
    "(int8[4])",
    "sizeof(",
    "%s",
    "%",
    "unroll",
    "while (1) {",
    "for ($i : 0..",
    "macro a(b) { a(b) }",
    "import \"x\"",
    "config = {",
    "let @a = hash(",
    "curtask",
    "args",
    "*",
    "comptime",
];

/// Tries damaged scripts for so long, beginning with a seed. Gives how many there were, or what is wrong with one.
pub fn run(corpus: Corpus, first: u64, count: Option<u64>, duration: Duration) -> Result<u64, String> {
    let (asked, scripts) = mpsc::channel::<String>();
    let (answered, answers) = mpsc::channel();
    let thread = std::thread::Builder::new().stack_size(8 << 20);
    let worker = thread.spawn(move || {
        let compiler = Compiler::new();
        // Nobody listens any more after a script that took too long.
        while let Ok(script) = scripts.recv()
            && answered.send(survives(&compiler, &script)).is_ok()
        {}
    });
    worker.map_err(|error| error.to_string())?;
    let mut tried = |script: &str| -> Result<(), String> {
        let _ = std::fs::write(CURRENT, script);
        let before = most_memory();
        asked.send(script.to_owned()).map_err(|error| error.to_string())?;
        answers.recv_timeout(TIME).map_err(|_| "does not end in time".to_owned())??;
        let more = most_memory().saturating_sub(before);
        if more > MEMORY { Err(format!("takes {more} KiB of memory")) } else { Ok(()) }
    };
    let start = Instant::now();
    for seed in first.. {
        let script = corpus.damaged(seed);
        if let Err(problem) = tried(&script) {
            let shorter =
                if problem.starts_with("does not end") { script } else { shorter(script, &problem, &mut tried) };
            return Err(format!("seed {seed}:\n{shorter}\n{problem}"));
        }
        if count.map_or(start.elapsed() > duration, |count| seed - first + 1 >= count) {
            return Ok(seed - first + 1);
        }
    }
    Ok(0)
}

/// Everything that is done with a script.
fn survives(compiler: &Compiler, script: &str) -> Result<(), String> {
    let all: Vec<Stage> = Stage::ALL.iter().map(|(stage, ..)| *stage).collect();
    compiler.output(script, &all)?;
    match prints(script) {
        Err(problem) if problem.starts_with("does not parse") => Ok(()),
        other => other,
    }
}

/// A shorter script with the same problem, found in some seconds.
fn shorter(script: String, problem: &str, tried: &mut dyn FnMut(&str) -> Result<(), String>) -> String {
    let start = Instant::now();
    let kind = |problem: &str| problem.chars().take(60).collect::<String>();
    let wanted = kind(problem);
    let mut best = pieces(&script);
    let mut length = best.len().div_ceil(2);
    while length > 0 && start.elapsed() < TIME {
        let mut at = 0;
        let mut shortened = false;
        while at < best.len() {
            let end = (at + length).min(best.len());
            let candidate = [&best[..at], &best[end..]].concat();
            if tried(&candidate.concat()).is_err_and(|problem| kind(&problem) == wanted) {
                best = candidate;
                shortened = true;
            } else {
                at = end;
            }
        }
        length = if length == 1 && shortened { 1 } else { length / 2 };
    }
    best.concat()
}

/// The text in words, numbers, spaces and signs.
fn pieces(text: &str) -> Vec<String> {
    let class = |character: char| match character {
        _ if character.is_alphanumeric() || character == '_' => 0,
        ' ' => 1,
        _ => 2,
    };
    let mut pieces = Vec::<String>::new();
    let mut last = 2;
    for character in text.chars() {
        let class = class(character);
        match pieces.last_mut() {
            Some(piece) if class == last && class < 2 => piece.push(character),
            _ => pieces.push(character.to_string()),
        }
        last = class;
    }
    pieces
}

/// The most memory that this process ever had, in KiB.
fn most_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn collect(folder: &Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
}
