//! `fentry`, `fexit` and typed raw tracepoints: libbpf finds the target through the program's section name.

use super::link::{Link, describe, with_cookie};
use super::{Attaching, Reason};
use libbpf_sys as sys;

/// To what the program was loaded for.
pub fn attach(attaching: Attaching) -> Result<Link, Reason> {
    let link = with_cookie(attaching.cookie(), |cookie| {
        let options = sys::bpf_trace_opts { sz: size_of::<sys::bpf_trace_opts>() as _, cookie };
        // SAFETY: the program is loaded; the options are valid for the call.
        Link::new(unsafe { sys::bpf_program__attach_trace_opts(attaching.program, &options) })
    });
    link.map_err(|error| match error.raw_os_error() {
        Some(libc::EBUSY) => {
            "the function tracer does not reach it, or something else has changed it (livepatch, ftrace): try kprobe"
                .into()
        }
        Some(libc::E2BIG) => "too many programs are attached to that function: use kprobe".into(),
        _ => describe(&error),
    })
}

/// Why the verifier does not let a program attach to its target, if that is what its message is about.
pub fn refused(message: &str) -> Option<Reason> {
    if message.contains("__noreturn functions") {
        return Some("the function never returns: use fentry".into());
    }
    let denied = message.contains("Attaching tracing programs to function") && message.contains("is rejected");
    denied.then(|| "the kernel's own BPF code runs this function, so that it may not be traced: try kprobe".into())
}

#[cfg(test)]
mod tests {
    use super::refused;

    #[test]
    fn targets_are_told_from_mistakes() {
        assert!(refused("Attaching fexit/fmod_ret to __noreturn functions is rejected.").is_some());
        assert!(refused("Attaching tracing programs to function 'migrate_disable' is rejected.").is_some());
        assert_eq!(refused("invalid bpf_context access off=8 size=8"), None);
    }
}
