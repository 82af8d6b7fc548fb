//! Builds the test programs: `tests/programs/*.c` become programs in cargo's folder for test data.
//!
//! They keep their symbols and frame pointers and call what they seem to call, so that scripts can name functions and
//! walk stacks; a line `// flags:` in a source adds to the compiler's flags. A program newer than its source is left alone.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the programs lie inside a virtual machine.
pub const IN_GUEST: &str = "/programs";

/// Builds what is missing or old and returns the folder.
pub fn build() -> Result<PathBuf, String> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let (sources, fixtures) = (tests.join("programs"), tests.join("fixtures"));
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("programs");
    std::fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let entries = std::fs::read_dir(&sources).map_err(|error| format!("{}: {error}", sources.display()))?;
    for source in
        entries.flatten().map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "c"))
    {
        let program = folder.join(source.file_stem().unwrap_or_default());
        if !newer(&program, &source) {
            compile(&source, &program)?;
        }
    }
    // A machine that none of those is on which the tests run.
    let (machine, copy) = (fixtures.join("kernel.capture"), folder.join("kernel.capture"));
    if !newer(&copy, &machine) {
        std::fs::copy(&machine, &copy).map_err(|error| format!("{}: {error}", machine.display()))?;
    }
    Ok(folder)
}

/// A file that exists where the test programs were built.
pub fn marker() -> &'static str {
    if Path::new(IN_GUEST).exists() {
        "/programs/stack"
    } else {
        concat!(env!("CARGO_TARGET_TMPDIR"), "/programs/stack")
    }
}

fn compile(source: &Path, program: &Path) -> Result<(), String> {
    let flags = ["-O1", "-g", "-fno-omit-frame-pointer", "-fno-optimize-sibling-calls", "-fno-builtin", "-o"];
    let text = std::fs::read_to_string(source).map_err(|error| format!("{}: {error}", source.display()))?;
    let more = text.lines().find_map(|line| line.strip_prefix("// flags: ")).unwrap_or("");
    let output = Command::new("gcc").args(flags).arg(program).arg(source).args(more.split_whitespace()).output();
    match output {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("{}: {}", source.display(), String::from_utf8_lossy(&output.stderr))),
        Err(error) => Err(format!("gcc cannot be run: {error}")),
    }
}

fn newer(program: &Path, source: &Path) -> bool {
    let modified = |path: &Path| std::fs::metadata(path).and_then(|data| data.modified()).ok();
    modified(program).zip(modified(source)).is_some_and(|(program, source)| program >= source)
}
