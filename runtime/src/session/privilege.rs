//! Which capabilities the process has, and which of those that loading takes it lacks.
//!
//! What a single kind of probe takes beyond them is said where it is attached.

const SYS_ADMIN: u32 = 21;
const PERFMON: u32 = 38;
const BPF: u32 = 39;

/// The capabilities that loading takes and the process does not have in effect, in words; `None` when it has them all.
pub fn missing() -> Option<&'static str> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    missing_of(effective.and_then(|hex| u64::from_str_radix(hex.trim(), 16).ok()).unwrap_or(0))
}

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
}
