//! Captures of the running machine: all of its kernel, or the small one that the tests compile for.

use lancet_kernel::btf::NameKind;
use lancet_kernel::captured::{Capture, CapturedExecutable, Wanted, capture};
use lancet_kernel::{Symbol, Unavailable};

use super::LiveKernel;

/// All that there is to know of the running kernel, for compiling elsewhere.
pub fn running(kernel: &LiveKernel) -> Result<Capture, Unavailable> {
    capture(kernel, &Wanted::everything())
}

/// The tests' machine: a little of the running kernel, one that can do everything, and two programs that do not exist.
/// `cargo run -p lancet-runtime --example capture` writes it.
pub fn fixture(kernel: &LiveKernel) -> Result<Capture, Unavailable> {
    let mut captured = capture(kernel, &wanted())?;
    let features = &mut captured.features;
    features.kprobe = true;
    features.kprobe_multi = true;
    features.kprobe_session = true;
    features.fentry = true;
    captured.possible_cpus = 4;
    captured.executables = vec![
        executable("/bin/app", 0x40_0000, &["_ZN3app4pushEi", "compute", "handle_request", "main"]),
        executable("/lib/libapp.so", 0, &["app_close", "app_open", "app_read", "app_write"]),
    ];
    Ok(captured)
}

fn wanted() -> Wanted {
    let structs = [
        "cred",
        "dentry",
        "file",
        "inode",
        "iov_iter",
        "list_head",
        "mm_struct",
        "msghdr",
        "nsproxy",
        "path",
        "pt_regs",
        "qstr",
        "sock",
        "super_block",
        "task_struct",
        "vfsmount",
    ];
    let base_types =
        ["bool", "char", "gfp_t", "int", "loff_t", "long int", "pid_t", "size_t", "u32", "u64", "unsigned int"];
    let enums = ["bpf_map_type", "hrtimer_mode", "pid_type"];
    let named = |kind, names: &[&str]| -> Vec<(NameKind, String)> {
        names.iter().map(|name| (kind, (*name).to_owned())).collect()
    };
    let types = [named(NameKind::Struct, &structs), named(NameKind::Type, &base_types), named(NameKind::Enum, &enums)];
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let syscalls = ["openat", "read", "write", "getppid", "execve"];
    let ends = ["enter", "exit"].into_iter();
    let syscall_events = ends.flat_map(|end| syscalls.map(|name| ("syscalls".to_owned(), format!("sys_{end}_{name}"))));
    let scheduler = ["sched_switch", "sched_process_exec"].map(|event| ("sched".to_owned(), event.to_owned()));
    Wanted {
        types: Some(types.concat()),
        enumerators: owned(&["TCP_ESTABLISHED"]),
        pointers: 0,
        tracepoints: syscall_events.chain(scheduler).collect(),
        raw_tracepoints: owned(&["sched_switch", "sys_enter"]),
        functions: owned(&["do_nanosleep", "tcp_sendmsg", "vfs_open", "vfs_read", "vfs_write"]),
    }
}

/// Functions of 64 bytes each in one segment that starts 4 KiB into the file.
fn executable(path: &str, base: u64, names: &[&str]) -> CapturedExecutable {
    const START: u64 = 0x1000;
    const SIZE: u64 = 0x40;
    let places = (0..).map(|index| START + index * SIZE);
    let functions = names.iter().zip(places).map(|(name, file_offset)| Symbol {
        name: (*name).to_owned(),
        address: base + file_offset,
        file_offset,
        size: SIZE,
    });
    let functions: Vec<Symbol> = functions.collect();
    let segments = vec![(base + START, functions.len() as u64 * SIZE, START)];
    CapturedExecutable { path: path.into(), functions, segments }
}
