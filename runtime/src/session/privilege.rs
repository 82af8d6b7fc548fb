//! Which capabilities the process has, which of those that loading takes it lacks, and how it gives them up.
//!
//! What a single kind of probe takes beyond them is said where it is attached.

use super::error::RuntimeError;
use super::user_symbols;
use crate::kernel::version;
use lancet_kernel::Version;
use lancet_manifest::Manifest;
use std::ptr;

const DAC_READ_SEARCH: u32 = 2;
const KILL: u32 = 5;
const SYS_PTRACE: u32 = 19;
const SYS_ADMIN: u32 = 21;
const SYSLOG: u32 = 34;
const PERFMON: u32 = 38;
const BPF: u32 = 39;

/// Why the process may not load programs, and what to do about it; `None` if nothing that is known stands against it.
pub fn refusal() -> Option<String> {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    refusal_of(
        &read("/proc/self/status"),
        &read("/proc/self/uid_map"),
        &read("/proc/sys/kernel/unprivileged_bpf_disabled"),
    )
}

/// The same from the texts of the files that tell it.
fn refusal_of(status: &str, user_map: &str, unprivileged_disabled: &str) -> Option<String> {
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let effective = effective.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or(0);
    if let Some(missing) = missing_of(effective) {
        let closed = match unprivileged_disabled.trim() {
            setting @ ("1" | "2") if effective >> BPF & 1 == 0 => {
                format!(", and kernel.unprivileged_bpf_disabled={setting} closes eBPF to users without CAP_BPF")
            }
            _ => String::new(),
        };
        return Some(format!("{missing}{closed}; run as root, or with those capabilities"));
    }
    // Of the first namespace the map is one line, for all users.
    let is_nested = !user_map.trim().is_empty() && !user_map.trim_end().ends_with("4294967295");
    is_nested.then(|| {
        "root of a user namespace is not root of the machine; run outside of the container, or in one that has the user \
         namespace of the machine"
            .to_owned()
    })
}

/// The capabilities that loading takes and the process does not have in effect, in words; `None` when it has them all.
fn missing_of(effective: u64) -> Option<&'static str> {
    let has = |capability: u32| effective >> capability & 1 == 1;
    match (has(BPF), has(PERFMON)) {
        _ if has(SYS_ADMIN) => None,
        (true, true) => None,
        (true, false) => Some("CAP_PERFMON is missing"),
        (false, true) => Some("CAP_BPF is missing"),
        (false, false) => Some("CAP_BPF and CAP_PERFMON are missing"),
    }
}

/// Gives up what reading events does not take: root becomes the user who called sudo, or nobody, and of the capabilities
/// those stay that showing symbols takes, if the script does.
pub fn give_up(manifest: &Manifest, has_command: bool) -> Result<(), RuntimeError> {
    let failed = || RuntimeError::system("privileges cannot be given up");
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u32>().ok()).filter(|id| *id != 0);
    let (user, group) = (number("SUDO_UID").unwrap_or(NOBODY), number("SUDO_GID").unwrap_or(NOBODY));
    let kept = kept(manifest, has_command, version::running());
    // SAFETY: the calls take numbers, and a list of no groups.
    unsafe {
        if libc::prctl(libc::PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 {
            return Err(failed());
        }
        if libc::geteuid() == 0
            && (libc::setgroups(0, ptr::null()) != 0
                || libc::setresgid(group, group, group) != 0
                || libc::setresuid(user, user, user) != 0)
        {
            return Err(failed());
        }
        // Another user may not look at its own process otherwise.
        libc::prctl(libc::PR_SET_DUMPABLE, 1, 0, 0, 0);
    }
    set_capabilities(kept).then_some(()).ok_or_else(failed)?;
    // SAFETY: takes numbers.
    match unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } {
        0 => Ok(()),
        _ => Err(failed()),
    }
}

/// The user and group that own nothing.
const NOBODY: u32 = 65534;

/// The capabilities that are needed to the end: to show names of the kernel and of processes, to end a command. Before Linux 5.19 maps are closed to who has none.
fn kept(manifest: &Manifest, has_command: bool, version: Version) -> u64 {
    let mut kept = 1 << SYSLOG;
    if has_command {
        kept |= 1 << KILL;
    }
    if user_symbols::are_used(manifest) {
        kept |= 1 << SYS_PTRACE | 1 << DAC_READ_SEARCH;
    }
    if version < Version::new(5, 19) {
        kept |= 1 << BPF | 1 << PERFMON;
    }
    kept
}

/// Keeps those of the capabilities that the process has (capset(2), version 3: two words of 32 bits).
fn set_capabilities(wanted: u64) -> bool {
    #[repr(C)]
    struct Header {
        version: u32,
        process: i32,
    }
    #[repr(C)]
    #[derive(Clone, Copy, Default)]
    struct Data {
        effective: u32,
        permitted: u32,
        inheritable: u32,
    }
    const VERSION_3: u32 = 0x2008_0522;
    let header = Header { version: VERSION_3, process: 0 };
    let mut data = [Data::default(); 2];
    // SAFETY: the kernel reads the header and writes, then reads, two structures.
    unsafe {
        if libc::syscall(libc::SYS_capget, &raw const header, data.as_mut_ptr()) != 0 {
            return false;
        }
        for (data, wanted) in data.iter_mut().zip([wanted as u32, (wanted >> 32) as u32]) {
            let kept = data.permitted & wanted;
            *data = Data { effective: kept, permitted: kept, inheritable: 0 };
        }
        libc::syscall(libc::SYS_capset, &raw const header, data.as_ptr()) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named() {
        assert_eq!(missing_of(1 << BPF | 1 << PERFMON), None);
        assert_eq!(missing_of(1 << SYS_ADMIN), None);
        assert_eq!(missing_of(1 << BPF), Some("CAP_PERFMON is missing"));
        assert_eq!(missing_of(1 << PERFMON), Some("CAP_BPF is missing"));
        assert_eq!(missing_of(0), Some("CAP_BPF and CAP_PERFMON are missing"));
    }

    #[test]
    fn a_refusal_names_the_setting_that_is_in_the_way() {
        let refusal = |capabilities: u64, user_map, setting| {
            refusal_of(&format!("Name:\tlancet\nCapEff:\t{capabilities:016x}\n"), user_map, setting)
        };
        let everybody = "         0          0 4294967295\n";
        let without = refusal(0, everybody, "2\n").unwrap();
        assert!(
            without.starts_with("CAP_BPF and CAP_PERFMON are missing, and kernel.unprivileged_bpf_disabled=2"),
            "{without}"
        );
        let open = refusal(0, everybody, "0\n").unwrap();
        assert_eq!(open, "CAP_BPF and CAP_PERFMON are missing; run as root, or with those capabilities");
        let half = refusal(1 << BPF, everybody, "1\n").unwrap();
        assert_eq!(half, "CAP_PERFMON is missing; run as root, or with those capabilities");
        assert_eq!(refusal(1 << SYS_ADMIN, everybody, "1\n"), None);
        let nested = refusal(u64::MAX, "         0       1000          1\n", "2\n").unwrap();
        assert!(nested.contains("user namespace"), "{nested}");
    }
}
