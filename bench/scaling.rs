//! Measures what grows: probes, keys of a map, events. Twice as many should cost no more than twice as much.

use crate::attach::{actions, functions};
use crate::events::{Call, make};
use crate::measure::{End, Session, Tool, compared, in_turn};

const RUNS: usize = 3;
const PROBES: [usize; 4] = [10, 100, 300, 1000];
/// Functions of the program that one wildcard finds.
const MATCHED: [(usize, &str); 4] = [(10, "fn_?"), (100, "fn_1??"), (300, "fn_[1-3]??"), (1000, "fn_*")];
const KEYS: [u64; 4] = [1_000, 10_000, 100_000, 1_000_000];
const EVENTS: [u64; 4] = [10_000, 100_000, 1_000_000, 10_000_000];

/// Prints the table.
pub fn run(tools: &[Tool]) {
    let folder = std::env::temp_dir().join(format!("lancet-bench-scaling-{}", std::process::id()));
    println!("{:40} {:>24} {:>24} {:>22}", "", "CPU ms", "ms", "peak memory MiB");
    match functions(&folder) {
        Ok(program) => {
            let program = program.display().to_string();
            for count in PROBES {
                let script = folder.join("script.bt");
                let written = std::fs::write(&script, actions(&program, count));
                row(&format!("{count} probes, each with its action"), tools, |tool| {
                    written.as_ref().map_err(|error| error.to_string())?;
                    probes(tool, &[&script.display().to_string()])
                });
            }
            for (count, pattern) in MATCHED {
                let script = format!("uprobe:{program}:{pattern} {{ @[probe] = count(); }}");
                row(&format!("{count} probes, one wildcard"), tools, |tool| probes(tool, &["-e", &script]));
            }
        }
        Err(error) => println!("no probes: {error}"),
    }
    let _ = std::fs::remove_dir_all(folder);
    for (what, print) in [("printed at the end", ""), ("print(@, 10)", "end { print(@, 10); clear(@); }")] {
        for count in KEYS {
            row(&format!("{count} keys, {what}"), tools, |tool| keys(tool, count, print));
        }
    }
    for (what, action) in [("counted", "@ = count();"), ("printed", "printf(\"%d %s\\n\", pid, comm);")] {
        for count in EVENTS {
            row(&format!("{count} events, {what}"), tools, |tool| events(tool, count, action));
        }
    }
}

fn row(name: &str, tools: &[Tool], measure: impl FnMut(&Tool) -> Result<End, String>) {
    match in_turn(tools, RUNS, measure) {
        Ok(rows) => println!(
            "{name:40} {:>24} {:>24} {:>22}",
            compared(&rows, |end| end.cpu_ms),
            compared(&rows, |end| end.wall_ms),
            compared(&rows, |end| end.peak_mib)
        ),
        Err(error) => println!("{name:40} {error}"),
    }
}

/// From the start to the prompt, with nothing traced.
fn probes(tool: &Tool, arguments: &[&str]) -> Result<End, String> {
    let before = std::time::Instant::now();
    let end = Session::attach_with(tool, arguments)?.stop();
    Ok(End { wall_ms: before.elapsed().as_secs_f64() * 1e3, ..end })
}

/// From Ctrl-C to the prompt.
fn keys(tool: &Tool, count: u64, print: &str) -> Result<End, String> {
    let script = format!(
        "config = {{ max_map_keys = {} }} begin {{ for ($i : 0..{count}) {{ @[$i] = $i; }} }} {print}",
        2 * count
    );
    let session = Session::attach(tool, &script)?;
    let before = session.cpu_ms();
    let end = session.stop();
    Ok(End { cpu_ms: (end.cpu_ms - before).max(0.0), ..end })
}

/// From the first event to the prompt.
fn events(tool: &Tool, count: u64, action: &str) -> Result<End, String> {
    let own = std::process::id();
    let script = format!("tracepoint:syscalls:sys_enter_getppid / pid == {own} / {{ {action} }}");
    let session = Session::attach(tool, &script)?;
    let (before, started) = (session.cpu_ms(), std::time::Instant::now());
    make(Call::Getppid, count);
    let end = session.stop();
    Ok(End { cpu_ms: end.cpu_ms - before, wall_ms: started.elapsed().as_secs_f64() * 1e3, ..end })
}
