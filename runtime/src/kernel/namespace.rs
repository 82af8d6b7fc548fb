//! The pid namespace that this tool runs in.

/// Inode of the initial pid namespace (PROC_PID_INIT_INO of include/linux/proc_ns.h).
const INITIAL: &str = "pid:[4026531836]";

/// True when process ids seen here differ from the kernel's own.
pub fn in_nested_pid_namespace() -> bool {
    std::fs::read_link("/proc/self/ns/pid").is_ok_and(|link| link.as_os_str() != INITIAL)
}
