//! Measures what starting costs: CPU time, memory, and the size of the program.

use crate::measure::{End, Session, Tool, compared, in_turn};
use std::path::Path;

const RUNS: usize = 11;

/// Scripts that end before anything is attached, or with their first event.
const AT_ONCE: &[(&str, &str)] = &[
    ("begin, exit", "BEGIN { exit(); }"),
    ("profile, exit", "BEGIN { exit(); } profile:hz:99 { @[comm] = count(); }"),
    (
        "three maps, exit",
        "BEGIN { exit(); } rawtracepoint:sched_switch { @a = count(); @b[pid] = hist(nsecs); @c[comm] = stats(cpu); }",
    ),
];

/// Scripts that run until Ctrl-C: CPU time until their probes are attached.
const ATTACHED: &[(&str, &str)] = &[
    ("count", "tracepoint:syscalls:sys_enter_getppid { @ = count(); }"),
    ("count by comm", "tracepoint:syscalls:sys_enter_getppid { @[comm] = count(); }"),
    ("openat", "tracepoint:syscalls:sys_enter_openat { printf(\"%s %s\\n\", comm, str(args.filename)); }"),
];

/// Prints the table.
pub fn run(tools: &[Tool]) {
    println!("{:18} {:>26} {:>26} {:>22}", "", "CPU ms", "peak memory MiB", "maps MiB");
    for (name, script) in AT_ONCE {
        report(name, in_turn(tools, RUNS, |tool| Ok((Session::start(tool, &["-e", script])?.finish()?, 0.0))));
    }
    for (name, script) in ATTACHED {
        report(name, in_turn(tools, RUNS, |tool| attach(tool, &["-e", script])));
    }
    let long = long_script();
    report("32 probes", in_turn(tools, RUNS, |tool| attach(tool, &["-e", &long])));
    for path in std::env::var("SCRIPTS").unwrap_or_default().split_whitespace() {
        let name = Path::new(path).file_name().and_then(|name| name.to_str()).unwrap_or(path);
        report(name, in_turn(tools, RUNS, |tool| attach(tool, &[path])));
    }
    println!("\nCPU time is that until the probes are attached; of scripts that exit, all of it.");
    for tool in tools {
        println!("size of {}: {:.1} MiB (without libraries)", tool.path.display(), size(&tool.path));
    }
}

fn attach(tool: &Tool, arguments: &[&str]) -> Result<(End, f64), String> {
    let session = Session::attach_with(tool, arguments)?;
    let (cpu_ms, held) = (session.cpu_ms(), session.held());
    let end = session.stop();
    Ok((End { cpu_ms, ..end }, held.map_bytes as f64 / 1048576.0))
}

fn report(name: &str, rows: Result<Vec<Vec<(End, f64)>>, String>) {
    match rows {
        Ok(rows) => println!(
            "{name:18} {:>26} {:>26} {:>22}",
            compared(&rows, |(end, _)| end.cpu_ms),
            compared(&rows, |(end, _)| end.peak_mib),
            if rows.iter().flatten().any(|(_, maps)| *maps > 0.0) {
                compared(&rows, |(_, maps)| *maps)
            } else {
                String::new()
            },
        ),
        Err(error) => println!("{name:18} {error}"),
    }
}

/// Latency, sizes and failures of sixteen system calls.
fn long_script() -> String {
    let calls = [
        "read",
        "write",
        "pread64",
        "pwrite64",
        "readv",
        "writev",
        "recvfrom",
        "sendto",
        "recvmsg",
        "sendmsg",
        "getdents64",
        "splice",
        "sendfile64",
        "copy_file_range",
        "preadv",
        "pwritev",
    ];
    let probes = calls.iter().map(|call| {
        format!(
            r#"
tracepoint:syscalls:sys_enter_{call} / pid != 0 / {{
  @at_{call}[tid] = nsecs;
  @calls["{call}", comm] = count();
}}
tracepoint:syscalls:sys_exit_{call} / @at_{call}[tid] / {{
  $us = (nsecs - @at_{call}[tid]) / 1000;
  if (args.ret >= 0) {{
    @bytes["{call}"] = sum(args.ret);
    @size_{call} = hist(args.ret);
    if ($us > 100000) {{
      printf("%-16s %-6d %-10s %d\n", comm, pid, "{call}", args.ret);
    }}
  }} else {{
    @failed["{call}", -args.ret] = count();
  }}
  @us_{call} = hist($us);
  delete(@at_{call}[tid]);
}}
"#
        )
    });
    probes.collect()
}

fn size(program: &Path) -> f64 {
    std::fs::metadata(program).map_or(f64::NAN, |data| data.len() as f64 / 1048576.0)
}
