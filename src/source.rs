//! Where scripts and headers come from: the command line, standard input, files.

use lancet_compiler::import::Importer;
use lancet_syntax::preprocess::SourceLoader;
use lancet_syntax::span::FileId;
use std::cell::RefCell;
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
        (
            file.to_owned(),
            std::fs::read(file).map_err(|error| format!("cannot read the script {file}: {}", reason(&error)))?,
        )
    };
    // A byte that is no UTF-8 in a string or comment is shown as such; a file with NULs is no script at all.
    match bytes.iter().position(|byte| *byte == 0) {
        Some(at) => Err(format!("{name}: not a script: byte {at} is NUL")),
        None => Ok(Script { name, text: String::from_utf8_lossy(&bytes).into_owned() }),
    }
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
    /// Names of the language, which headers may not define anew.
    pub reserved: Vec<&'static str>,
    /// Directories of the headers found so far, latest first: headers include their neighbours.
    pub seen: RefCell<Vec<PathBuf>>,
}

const SYSTEM: &[&str] = &["/usr/local/include", "/usr/include/x86_64-linux-gnu", "/usr/include"];

impl SourceLoader for Headers {
    fn is_reserved(&self, name: &str) -> bool {
        self.reserved.contains(&name)
    }

    fn load(&self, name: &str, angled: bool, _: FileId) -> Option<(String, String)> {
        let seen = self.seen.borrow().clone();
        let beside = seen.iter().map(PathBuf::as_path).chain([self.beside.as_path()]).filter(|_| !angled);
        let own = self.directories.iter().map(PathBuf::as_path);
        let candidates = beside.chain(own).chain(SYSTEM.iter().map(Path::new));
        let found = candidates.map(|directory| directory.join(name)).find_map(|path| {
            let bytes = std::fs::read(&path).ok()?;
            Some((path, String::from_utf8_lossy(&bytes).into_owned()))
        });
        let Some((path, text)) = found else { return own_header(name, angled) };
        if let Some(directory) = path.parent() {
            self.seen.borrow_mut().insert(0, directory.to_owned());
        }
        Some((path.display().to_string(), text))
    }

    fn prelude(&self) -> String {
        self.includes.iter().map(|file| format!("#include \"{file}\"\n")).collect()
    }
}

/// Folders of the kernel's own headers, whose types its BTF has.
const KERNEL: &[&str] =
    &["linux/", "net/", "uapi/", "asm/", "asm-generic/", "trace/", "generated/", "crypto/", "kernel/"];
/// Headers of the C library that are commonly included for their constants.
const LIBRARY: &[&str] = &["sys/socket.h", "netinet/in.h", "errno.h", "fcntl.h", "signal.h", "sys/types.h", "stdint.h"];

/// Headers of the C compiler: what they define is built in.
const COMPILER: &[&str] = &["stddef.h", "stdarg.h", "stdbool.h", "limits.h", "float.h"];

/// What stands for a header that this machine lacks: constants; the types are in the kernel's BTF.
fn own_header(name: &str, angled: bool) -> Option<(String, String)> {
    let of_kernel =
        KERNEL.iter().any(|folder| name.starts_with(folder)) && Path::new("/sys/kernel/btf/vmlinux").exists();
    if angled && COMPILER.contains(&name) {
        return Some((format!("/usr/include/lancet/{name}"), String::new()));
    }
    let known = angled && (of_kernel || LIBRARY.contains(&name));
    known.then(|| ("/usr/include/lancet/constants.h".to_owned(), lancet_stdlib::CONSTANTS.to_owned()))
}

/// Imports files of this machine, relative to the file that imports them.
pub struct Files;

impl Importer for Files {
    fn import(&self, path: &str, from: &str) -> Result<Vec<(String, String)>, String> {
        let beside = Path::new(from).parent().unwrap_or(Path::new("."));
        let path = if Path::new(path).is_absolute() { PathBuf::from(path) } else { beside.join(path) };
        let metadata = std::fs::metadata(&path).map_err(|error| reason(&error))?;
        let directory = if metadata.is_dir() { path.clone() } else { path.parent().unwrap_or(beside).to_owned() };
        refuse_world_writable(&directory)?;
        if !metadata.is_dir() {
            return Ok(vec![read_import(&path)?]);
        }
        let mut files: Vec<PathBuf> = std::fs::read_dir(&path)
            .map_err(|error| reason(&error))?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|file| file.extension().is_some_and(|extension| extension == "bt" || extension == "h"))
            .collect();
        files.sort();
        files.iter().map(|file| read_import(file)).collect()
    }
}

/// Anybody could put a file there, which would then run with our privileges.
fn refuse_world_writable(directory: &Path) -> Result<(), String> {
    use std::os::unix::fs::PermissionsExt;
    let shown = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
    let metadata = std::fs::metadata(shown).map_err(|error| reason(&error))?;
    let mode = metadata.permissions().mode();
    if mode & 0o002 != 0 && mode & 0o1000 == 0 {
        return Err(format!("everybody may write to {}", shown.display()));
    }
    Ok(())
}

fn read_import(path: &Path) -> Result<(String, String), String> {
    let bytes = std::fs::read(path).map_err(|error| format!("{}: {}", path.display(), reason(&error)))?;
    let text = String::from_utf8(bytes).map_err(|_| format!("{} is not UTF-8 text", path.display()))?;
    Ok((path.display().to_string(), text))
}
