//! What a case needs, judged on the kernel that runs right now.
//!
//! The same code answers on the development machine and inside a virtual machine. It looks, and tries the one system
//! call that tells whether BPF may be used at all; it changes nothing.

use std::path::Path;

use crate::case::Case;

/// Why the case cannot run here, or `None` when it can.
pub fn missing(case: &Case) -> Option<String> {
    if !case.unprivileged
        && let Some(reason) = bpf_refused()
    {
        return Some(reason);
    }
    case.needs.iter().find_map(|need| unmet(need))
}

/// The release of the running kernel, such as `6.12.117`.
pub fn kernel_release() -> String {
    std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned()
}

fn unmet(need: &str) -> Option<String> {
    let exists = |path: &str, reason: &str| (!Path::new(path).exists()).then(|| reason.to_owned());
    match need {
        "kprobe" => exists("/sys/bus/event_source/devices/kprobe", "the kernel has no kprobes"),
        "uprobe" => exists("/sys/bus/event_source/devices/uprobe", "the kernel has no uprobes"),
        "tracefs" => no_tracefs(),
        // Where tracefs is not mounted, nothing says that a kernel with tracefs is without them.
        "syscalls" if !Path::new("/sys/kernel/tracing/events").exists() => no_tracefs(),
        "syscalls" => exists("/sys/kernel/tracing/events/syscalls", "no tracepoints for system calls"),
        "btf" => exists("/sys/kernel/btf/vmlinux", "the kernel has no BTF"),
        "kernel-memory" => locked_down(),
        "python3" => exists("/usr/bin/python3", "python3 is not installed"),
        "unshare" => exists("/usr/bin/unshare", "unshare is not installed"),
        "binutils" => exists("/usr/bin/objcopy", "objcopy is not installed"),
        "compiler" => exists("/usr/bin/gcc", "gcc is not installed"),
        // That of the small systems in virtual machines knows none.
        "bounding-sets" => exists("/usr/bin/setpriv", "setpriv of util-linux is not installed"),
        "gcc" => exists(crate::programs::marker(), "the test programs could not be built"),
        _ => match need.strip_prefix("kernel>=") {
            Some(wanted) if version(&kernel_release()) < version(wanted) => {
                Some(format!("needs kernel {wanted} or newer"))
            }
            Some(_) => None,
            None => Some(format!("unknown need `{need}`")),
        },
    }
}

/// lancet needs no mount of it.
fn no_tracefs() -> Option<String> {
    let known = std::fs::read_to_string("/proc/filesystems").unwrap_or_default();
    (!known.lines().any(|line| line.ends_with("\ttracefs"))).then(|| "the kernel has no tracefs".to_owned())
}

/// Whether programs may read no kernel memory (kernel_lockdown(7)).
fn locked_down() -> Option<String> {
    let level = std::fs::read_to_string("/sys/kernel/security/lockdown").unwrap_or_default();
    level.contains("[confidentiality]").then(|| "the kernel is locked down: its memory is not read".to_owned())
}

fn version(text: &str) -> (u32, u32) {
    let mut numbers = text.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

fn effective_user() -> u32 {
    // SAFETY: geteuid takes nothing and cannot fail.
    unsafe { libc::geteuid() }
}

/// Creates a one-element BPF array and closes it: root in a container often lacks the right to.
fn bpf_refused() -> Option<String> {
    const MAP_CREATE: libc::c_long = 0;
    const ARRAY: u32 = 2;
    if effective_user() != 0 {
        return Some("needs root".to_owned());
    }
    let attributes: [u32; 18] = std::array::from_fn(|index| [ARRAY, 4, 4, 1].get(index).copied().unwrap_or(0));
    // SAFETY: the attributes are 72 readable bytes, zero beyond the four fields of MAP_CREATE that are set.
    let fd = unsafe { libc::syscall(libc::SYS_bpf, MAP_CREATE, attributes.as_ptr(), size_of_val(&attributes)) };
    match i32::try_from(fd) {
        Ok(fd) if fd >= 0 => {
            // SAFETY: the descriptor was just created and is used nowhere else.
            unsafe { libc::close(fd) };
            None
        }
        _ => Some(format!("the kernel refuses BPF here: {}", std::io::Error::last_os_error())),
    }
}
