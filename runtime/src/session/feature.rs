//! What libbpf asks about the kernel, answered from its version.
//!
//! libbpf tries features out by loading small programs and types: twenty system calls, a fifth of what a one-line script
//! takes to start. The linker hands its question, `feat_supported` of src/features.c, to the function here (`--wrap` in
//! build.rs). What the kernel's version does not promise libbpf still tries out, so features that a distribution has carried
//! back are found.
//!
//! One answer is better than libbpf's: on a kernel that is locked down for confidentiality it finds no
//! bpf_probe_read_kernel, takes the kernel for one before 5.5, and turns the helpers that read user memory, which are still
//! permitted, into bpf_probe_read, which is not.

use crate::kernel::version;
use lancet_kernel::Version;
use std::ffi::{c_int, c_void};

/// By number in libbpf 1.7's `enum kern_feature_id` (src/libbpf_internal.h): since when every kernel has it.
const SINCE: [Option<Version>; 22] = {
    let mut since = [None; 22];
    since[0] = Some(Version::new(4, 15)); // PROG_NAME
    since[1] = Some(Version::new(5, 2)); // GLOBAL_DATA
    since[2] = Some(Version::new(4, 18)); // BTF
    since[3] = Some(Version::new(5, 0)); // BTF_FUNC
    since[4] = Some(Version::new(5, 2)); // BTF_DATASEC
    since[5] = Some(Version::new(5, 6)); // BTF_GLOBAL_FUNC
    since[6] = Some(Version::new(5, 5)); // ARRAY_MMAP
    since[7] = Some(Version::new(4, 17)); // EXP_ATTACH_TYPE
    since[8] = Some(Version::new(5, 5)); // PROBE_READ_KERN
    since[11] = Some(Version::new(5, 13)); // BTF_FLOAT
    since[12] = Some(Version::new(5, 15)); // PERF_LINK
    since[13] = Some(Version::new(5, 16)); // BTF_DECL_TAG
    since[14] = Some(Version::new(5, 17)); // BTF_TYPE_TAG
    since[15] = Some(Version::new(5, 11)); // MEMCG_ACCOUNT
    since[16] = Some(Version::new(5, 15)); // BPF_COOKIE
    since[17] = Some(Version::new(6, 0)); // BTF_ENUM64
    since[20] = Some(Version::new(6, 8)); // ARG_CTX_TAG
    since[21] = Some(Version::new(6, 12)); // BTF_QMARK_DATASEC
    since
};

/// PROG_BIND_MAP, by which libbpf ties read-only data to every program, used or not: a system call for each that nobody needs.
const UNWANTED: c_int = 9;

unsafe extern "C" {
    /// libbpf's own: tries a feature out, once.
    fn __real_feat_supported(cache: *mut c_void, feature: c_int) -> bool;
}

/// What libbpf calls instead of its `feat_supported`. It hands over a cache of answers of its own, or null.
// SAFETY: no other function has this name; the linker makes it up from that of libbpf's.
#[unsafe(no_mangle)]
extern "C" fn __wrap_feat_supported(cache: *mut c_void, feature: c_int) -> bool {
    // SAFETY: both come from libbpf as its function wants them.
    feature != UNWANTED && (is_promised(feature) || unsafe { __real_feat_supported(cache, feature) })
}

fn is_promised(feature: c_int) -> bool {
    let since = usize::try_from(feature).ok().and_then(|number| SINCE.get(number).copied().flatten());
    since.is_some_and(|since| version::running() >= since)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Needs root, as trying features out does; without, libbpf finds none.
    #[test]
    fn what_is_promised_is_there() {
        // SAFETY: takes nothing.
        if unsafe { libc::geteuid() } != 0 {
            return;
        }
        let missing: Vec<c_int> = (0..SINCE.len() as c_int)
            // SAFETY: the numbers are libbpf's, and without a cache it takes its own.
            .filter(|feature| {
                is_promised(*feature) && !unsafe { __real_feat_supported(std::ptr::null_mut(), *feature) }
            })
            .collect();
        assert_eq!(missing, [0; 0]);
    }
}
