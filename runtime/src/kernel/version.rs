//! What uname and /sys say about the machine: kernel version and possible CPUs.

use std::fs;
use std::sync::OnceLock;

use lancet_kernel::Version;

/// The running kernel's version; 0.0 when it does not say, which has no features.
pub(crate) fn running() -> Version {
    static RUNNING: OnceLock<Version> = OnceLock::new();
    *RUNNING.get_or_init(|| {
        let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
        parse(&release).unwrap_or(Version::new(0, 0))
    })
}

/// What tells this machine from others, and from itself before it was last started, when the kernel's addresses and ids were
/// others: the kernel's version, who built it with what and when, and the boot.
pub(super) fn identity() -> String {
    let text = |path| fs::read_to_string(path).unwrap_or_default();
    format!("{}; boot {}", text("/proc/version").trim(), text("/proc/sys/kernel/random/boot_id").trim())
}

/// The number of CPUs that may ever come online: one more than the highest number.
pub(super) fn possible_cpus() -> u32 {
    let text = fs::read_to_string("/sys/devices/system/cpu/possible").unwrap_or_default();
    highest(&text).map_or(1, |highest| highest.saturating_add(1))
}

/// The first two numbers of a release such as `6.1.0-50-cloud-amd64` (Debian's third number is not the kernel's) or
/// `6.18-rc3`.
fn parse(release: &str) -> Option<Version> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some(Version::new(numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// The highest number of a list such as `0-3,8-11`.
fn highest(list: &str) -> Option<u32> {
    list.trim().rsplit([',', '-']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_of_distributions() {
        for (release, version) in [
            ("6.18.44-fc-v669\n", Some(Version::new(6, 18))),
            ("6.1.0-50-cloud-amd64", Some(Version::new(6, 1))),
            ("7.2-rc3", Some(Version::new(7, 2))),
            ("5.14.0-503.el9.x86_64", Some(Version::new(5, 14))),
            ("linux", None),
        ] {
            assert_eq!(parse(release), version, "{release}");
        }
    }

    #[test]
    fn lists_of_cpus() {
        assert_eq!(highest("0\n"), Some(0));
        assert_eq!(highest("0-3,8-11\n"), Some(11));
        assert_eq!(highest(""), None);
    }
}
