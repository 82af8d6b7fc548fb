//! Measures many probes: CPU time and wall time until they are attached, memory, and Ctrl-C to the prompt.

use crate::measure::{Session, Tool, compared, in_turn};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// Another program can take a minute for each.
const RUNS: usize = 3;
const FUNCTIONS: usize = 1000;

/// One run.
struct Cost {
    ready_ms: f64,
    ready_cpu_ms: f64,
    stop_ms: f64,
    peak_mib: f64,
}

/// Prints the table.
pub fn run(tools: &[Tool]) {
    let folder = std::env::temp_dir().join(format!("lancet-bench-functions-{}", std::process::id()));
    println!(
        "{:30} {:>24} {:>24} {:>24} {:>22}",
        "", "CPU ms to attach", "ms to attach", "Ctrl-C to the end ms", "peak memory MiB"
    );
    let mut scripts = vec![
        ("sys_enter_s*".to_owned(), "tracepoint:syscalls:sys_enter_s* { @ = count(); }".to_owned()),
        ("sys_enter_*, by probe".to_owned(), "tracepoint:syscalls:sys_enter_* { @[probe] = count(); }".to_owned()),
        (
            "sys_exit_*, by result".to_owned(),
            "tracepoint:syscalls:sys_exit_* { @[probe] = hist(args.ret); }".to_owned(),
        ),
        ("sched:*".to_owned(), "tracepoint:sched:* { @ = count(); }".to_owned()),
    ];
    match functions(&folder) {
        Ok(program) => {
            let program = program.display();
            scripts.push((
                "98 uprobes".to_owned(),
                format!("uprobe:{program}:fn_1*,uprobe:{program}:fn_9 {{ @ = count(); }}"),
            ));
            scripts.push((format!("{FUNCTIONS} uprobes"), format!("uprobe:{program}:fn_* {{ @[probe] = count(); }}")));
            scripts
                .extend([10, 100, 300].map(|count| (format!("{count} actions"), actions(&program.to_string(), count))));
        }
        Err(error) => println!("no uprobes: {error}"),
    }
    for (name, script) in scripts {
        match in_turn(tools, RUNS, |tool| measure(tool, &script)) {
            Ok(rows) => println!(
                "{name:30} {:>24} {:>24} {:>24} {:>22}",
                compared(&rows, |cost| cost.ready_cpu_ms),
                compared(&rows, |cost| cost.ready_ms),
                compared(&rows, |cost| cost.stop_ms),
                compared(&rows, |cost| cost.peak_mib)
            ),
            Err(error) => println!("{name:30} {error}"),
        }
    }
    let _ = std::fs::remove_dir_all(folder);
}

fn measure(tool: &Tool, script: &str) -> Result<Cost, String> {
    let start = Instant::now();
    let session = Session::attach(tool, script)?;
    let (ready_ms, ready_cpu_ms) = (start.elapsed().as_secs_f64() * 1e3, session.cpu_ms());
    let end = session.stop();
    Ok(Cost { ready_ms, ready_cpu_ms, stop_ms: end.wall_ms, peak_mib: end.peak_mib })
}

/// A program that has nothing but functions; nobody runs it.
pub fn functions(folder: &Path) -> Result<PathBuf, String> {
    std::fs::create_dir_all(folder).map_err(|error| error.to_string())?;
    let (source, program) = (folder.join("many.c"), folder.join("many"));
    let mut text = String::new();
    for number in 0..FUNCTIONS {
        let _ = writeln!(text, "__attribute__((noinline)) int fn_{number}(int x) {{ return x * {number} + 3; }}");
    }
    text += "int main(void) { return fn_0(0); }\n";
    std::fs::write(&source, text).map_err(|error| error.to_string())?;
    let built = Command::new("cc").args(["-O1", "-o"]).arg(&program).arg(&source).status();
    match built {
        Ok(status) if status.success() => Ok(program),
        Ok(status) => Err(format!("cc: {status}")),
        Err(error) => Err(format!("cc: {error}")),
    }
}

/// As many probes with an action each.
pub fn actions(program: &str, count: usize) -> String {
    (0..count)
        .map(|number| format!("uprobe:{program}:fn_{number} {{ @m{}[comm] = sum({number}); }}\n", number % 10))
        .collect()
}
