//! What only trying tells: whether the kernel lets programs of a type call one of its functions.
//!
//! The program that is tried is never right, so that it is never loaded; the verifier's log says whether the call itself
//! was the reason.

use libbpf_sys as sys;
use std::ffi::CStr;
use std::ptr;

/// Whether a program in that ELF section may call the kernel's function with that BTF id.
pub(super) fn may_call(function: u32, section: &str) -> bool {
    let Some(program_type) = program_type(section) else { return false };
    let log = log_of_refusal(program_type, function);
    // Before its arguments are looked at, the verifier asks whether the function may be called at all.
    !log.is_empty() && !log.contains("is not allowed") && !log.contains("is not supported") && !log.contains("invalid")
}

/// The type of the programs in an ELF section; `None` where none is tried.
fn program_type(section: &str) -> Option<sys::bpf_prog_type> {
    let name = section.split(['.', '/']).next().unwrap_or(section);
    Some(match name {
        "kprobe" | "kretprobe" | "uprobe" | "uretprobe" | "ksyscall" | "usdt" => sys::BPF_PROG_TYPE_KPROBE,
        "tracepoint" | "tp" => sys::BPF_PROG_TYPE_TRACEPOINT,
        "raw_tp" | "raw_tracepoint" => sys::BPF_PROG_TYPE_RAW_TRACEPOINT,
        "perf_event" => sys::BPF_PROG_TYPE_PERF_EVENT,
        // All that the kernel lets system call programs call it lets trampolines call.
        "fentry" | "fexit" | "fmod_ret" | "iter" | "tp_btf" => sys::BPF_PROG_TYPE_SYSCALL,
        _ => return None,
    })
}

/// What the verifier says of `call function; exit`, whose arguments are not set.
fn log_of_refusal(program_type: sys::bpf_prog_type, function: u32) -> String {
    const CALL: u64 = 0x85;
    const KERNEL_FUNCTION: u64 = 2 << 12;
    const EXIT: u64 = 0x95;
    let program = [CALL | KERNEL_FUNCTION | u64::from(function) << 32, EXIT];
    let mut log = vec![0u8; 1 << 16];
    let mut options = sys::bpf_prog_load_opts {
        sz: size_of::<sys::bpf_prog_load_opts>() as sys::size_t,
        log_level: 1,
        log_size: log.len() as u32,
        log_buf: log.as_mut_ptr().cast(),
        // A system call program may sleep; it must say so.
        prog_flags: if program_type == sys::BPF_PROG_TYPE_SYSCALL { sys::BPF_F_SLEEPABLE } else { 0 },
        ..Default::default()
    };
    // SAFETY: all pointers are to memory that lives through the call; the kernel writes no more than `log_size` bytes.
    let fd = unsafe {
        sys::bpf_prog_load(
            program_type,
            ptr::null(),
            c"GPL".as_ptr(),
            program.as_ptr().cast(),
            program.len() as sys::size_t,
            &mut options,
        )
    };
    if fd >= 0 {
        // SAFETY: the descriptor is ours.
        unsafe { libc::close(fd) };
        return "loaded".to_owned();
    }
    CStr::from_bytes_until_nul(&log).map(|log| log.to_string_lossy().into_owned()).unwrap_or_default()
}
