//! Whether the kernel is locked down (kernel_lockdown(7)), and what to say of a refusal that comes from that. Root is refused
//! too, so no capability helps; nothing here decides what is tried.

/// How much the kernel keeps from everybody.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Lockdown {
    /// Nothing, or it does not say.
    Off,
    /// It may not be changed: no program writes to the memory of processes.
    Integrity,
    /// Neither may it be read: no kernel memory, no tracefs, no kprobes.
    Confidentiality,
}

impl Lockdown {
    /// That of the running kernel; where securityfs is not mounted, nothing is known.
    pub(crate) fn of_machine() -> Self {
        Self::parse(&std::fs::read_to_string("/sys/kernel/security/lockdown").unwrap_or_default())
    }

    /// What may stand in root's way; of others, that they are not root explains more.
    pub(crate) fn met_by_root() -> Self {
        // SAFETY: geteuid takes nothing and cannot fail.
        if unsafe { libc::geteuid() } == 0 { Self::of_machine() } else { Self::Off }
    }

    /// `none [integrity] confidentiality`: the level in brackets holds.
    fn parse(text: &str) -> Self {
        let level = text.split('[').nth(1).and_then(|rest| rest.split(']').next());
        match level {
            Some("integrity") => Self::Integrity,
            Some("confidentiality") => Self::Confidentiality,
            _ => Self::Off,
        }
    }

    /// Why tracefs, a probe of the kernel or a program that reads it was refused, if lockdown is why.
    pub(crate) fn explains_denial(self) -> Option<&'static str> {
        match self {
            Self::Off | Self::Integrity => None,
            Self::Confidentiality => Some(
                "the kernel is locked down (confidentiality), which keeps its memory, tracefs and kprobes even from root; boot \
                 with lockdown=integrity, or without",
            ),
        }
    }

    /// Why the verifier knows no helper that reads or writes memory, if lockdown is why. `log` is what the verifier says.
    pub(crate) fn explains_log(self, log: &str) -> Option<&'static str> {
        let line = log.lines().find(|line| line.contains("cannot use helper") || line.contains("unknown func"))?;
        match self {
            Self::Off => None,
            Self::Integrity | Self::Confidentiality if line.contains("bpf_probe_write_user") => Some(
                "the kernel is locked down, which keeps programs from writing to the memory of processes; boot without lockdown",
            ),
            Self::Integrity => None,
            Self::Confidentiality if line.contains("bpf_probe_read") => self.explains_denial(),
            Self::Confidentiality => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_stands_in_brackets() {
        assert_eq!(Lockdown::parse("[none] integrity confidentiality\n"), Lockdown::Off);
        assert_eq!(Lockdown::parse("none [integrity] confidentiality\n"), Lockdown::Integrity);
        assert_eq!(Lockdown::parse("none integrity [confidentiality]\n"), Lockdown::Confidentiality);
        assert_eq!(Lockdown::parse(""), Lockdown::Off);
    }

    #[test]
    fn only_what_lockdown_forbids_is_put_down_to_it() {
        let reads = "12: (85) call bpf_probe_read_kernel#113\nprogram of this type cannot use helper bpf_probe_read_kernel#113\n";
        assert!(Lockdown::Confidentiality.explains_log(reads).is_some_and(|text| text.contains("(confidentiality)")));
        assert_eq!(Lockdown::Integrity.explains_log(reads), None);
        assert_eq!(Lockdown::Off.explains_log(reads), None);
        assert_eq!(Lockdown::Confidentiality.explains_log("R1 invalid mem access 'scalar'"), None);
        let writes = "unknown func bpf_probe_write_user#36";
        assert!(Lockdown::Integrity.explains_log(writes).is_some());
    }
}
