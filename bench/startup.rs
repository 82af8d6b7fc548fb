//! Measures what starting costs: CPU time, memory, and the size of the program.
//!
//!     cargo bench --bench startup                    lancet alone
//!     RIVAL=bpftrace cargo bench --bench startup     beside another program that takes the same arguments
//!
//! Runs of the two alternate, and a ratio is the median of the pairs. CPU time is user and system time of the process,
//! which a busy machine disturbs less than wall time. Nothing is asserted: these are figures to look at.

use std::io::Error;
use std::mem::MaybeUninit;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const RUNS: usize = 21;

/// What is run: a name and a script.
const SCRIPTS: &[(&str, &str)] = &[
    ("begin, exit", "BEGIN { exit(); }"),
    ("profile, exit", "BEGIN { exit(); } profile:hz:99 { @[comm] = count(); }"),
    (
        "openat, exit",
        "BEGIN { exit(); } tracepoint:syscalls:sys_enter_openat { printf(\"%s %s\\n\", comm, str(args.filename)); }",
    ),
    (
        "three maps, exit",
        "BEGIN { exit(); } rawtracepoint:sched_switch { @a = count(); @b[pid] = hist(nsecs); @c[comm] = stats(cpu); }",
    ),
];

fn main() {
    let lancet = PathBuf::from(env!("CARGO_BIN_EXE_lancet"));
    let rival = std::env::var("RIVAL").ok().filter(|name| !name.is_empty()).and_then(|name| find(&name));
    println!("{:18} {:>22} {:>22}", "", "CPU ms (user+system)", "peak memory MiB");
    for (name, script) in SCRIPTS {
        match measure(&lancet, rival.as_deref(), script) {
            Ok(pairs) => print_row(name, &pairs),
            Err(error) => println!("{name:18} {error}"),
        }
    }
    println!(
        "\nsize of the program: lancet {:.1} MiB{}",
        size(&lancet),
        rival.map_or(String::new(), |rival| {
            format!(", {} {:.1} MiB (without its libraries)", rival.display(), size(&rival))
        })
    );
}

/// One run.
#[derive(Clone, Copy)]
struct Cost {
    cpu_ms: f64,
    peak_mib: f64,
}

fn measure(lancet: &Path, rival: Option<&Path>, script: &str) -> Result<Vec<(Cost, Option<Cost>)>, String> {
    run(lancet, script)?;
    rival.map(|rival| run(rival, script)).transpose()?;
    (0..RUNS).map(|_| Ok((run(lancet, script)?, rival.map(|rival| run(rival, script)).transpose()?))).collect()
}

fn run(program: &Path, script: &str) -> Result<Cost, String> {
    let child = Command::new(program).args(["-e", script]).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let child = child.map_err(|error| format!("{}: {error}", program.display()))?;
    let pid = libc::pid_t::try_from(child.id()).map_err(|error| error.to_string())?;
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    let mut status = 0;
    // SAFETY: both pointers are to writable memory of the right type, and the child is waited for only here.
    if unsafe { libc::wait4(pid, &mut status, 0, usage.as_mut_ptr()) } < 0 {
        return Err(Error::last_os_error().to_string());
    }
    if status != 0 {
        return Err(format!("{} fails on: {script}", program.display()));
    }
    // SAFETY: wait4 succeeded, and all-zero bytes are a valid rusage anyway.
    let usage = unsafe { usage.assume_init() };
    let ms = |time: libc::timeval| time.tv_sec as f64 * 1e3 + time.tv_usec as f64 / 1e3;
    Ok(Cost { cpu_ms: ms(usage.ru_utime) + ms(usage.ru_stime), peak_mib: usage.ru_maxrss as f64 / 1024.0 })
}

fn print_row(name: &str, pairs: &[(Cost, Option<Cost>)]) {
    let column = |value: fn(&Cost) -> f64| {
        let ours = median(pairs.iter().map(|(ours, _)| value(ours)).collect());
        let theirs: Vec<(f64, f64)> =
            pairs.iter().filter_map(|(ours, theirs)| Some((value(ours), value(theirs.as_ref()?)))).collect();
        if theirs.is_empty() {
            return format!("{ours:.1}");
        }
        let ratio = median(theirs.iter().map(|(ours, theirs)| theirs / ours).collect());
        format!("{ours:.1} / {:.1} = 1/{ratio:.1}", median(theirs.iter().map(|(_, theirs)| *theirs).collect()))
    };
    println!("{name:18} {:>22} {:>22}", column(|cost| cost.cpu_ms), column(|cost| cost.peak_mib));
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn size(program: &Path) -> f64 {
    std::fs::metadata(program).map_or(f64::NAN, |data| data.len() as f64 / 1048576.0)
}

fn find(name: &str) -> Option<PathBuf> {
    if name.contains('/') {
        return Some(PathBuf::from(name));
    }
    let found =
        std::env::split_paths(&std::env::var_os("PATH")?).map(|folder| folder.join(name)).find(|path| path.is_file());
    if found.is_none() {
        println!("no program {name} in PATH: measuring lancet alone");
    }
    found
}
