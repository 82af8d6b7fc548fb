//! Reads of processes' memory on a kernel that is locked down for confidentiality (kernel_lockdown(7)).
//!
//! libbpf tries whether the kernel has bpf_probe_read_kernel, finds that it has not, takes the kernel for one before 5.5, and
//! turns the helpers that read user memory, which are still permitted, into bpf_probe_read, which is not. Here they are
//! turned back, in objects that read nothing but user memory: of others the kernel says what it forbids.

use super::error::RuntimeError;
use crate::kernel::lockdown::Lockdown;
use lancet_manifest::Manifest;
use libbpf_sys as sys;
use object::{Object, ObjectSection, SectionKind};
use std::io;

/// `bpf_probe_read` and what it stands for.
const READ: (i32, i32) = (4, 112);
/// `bpf_probe_read_str` and what it stands for.
const READ_STR: (i32, i32) = (45, 114);
/// `bpf_probe_read_kernel` and `bpf_probe_read_kernel_str`.
const KERNEL_READS: [i32; 2] = [113, 115];

/// BPF_JMP | BPF_CALL (include/uapi/linux/bpf_common.h).
const CALL: u8 = 0x85;

/// Whether libbpf will take user reads for what they are not, in this object file.
pub(super) fn are_mistaken(object: &[u8]) -> bool {
    Lockdown::of_machine() == Lockdown::Confidentiality && reads_only_processes(object)
}

fn reads_only_processes(object: &[u8]) -> bool {
    let Ok(file) = object::File::parse(object) else { return false };
    let code = file.sections().filter(|section| section.kind() == SectionKind::Text);
    code.filter_map(|section| section.data().ok()).all(|bytes| !reads_the_kernel(bytes))
}

/// Whether code calls a helper that needs the kernel's memory.
fn reads_the_kernel(code: &[u8]) -> bool {
    code.chunks_exact(8).any(|instruction| {
        let [CALL, 0, _, _, number @ ..] = instruction else { return false };
        let helper = number.try_into().map_or(0, i32::from_le_bytes);
        KERNEL_READS.contains(&helper) || helper == READ.0 || helper == READ_STR.0
    })
}

/// Turns them back in an object that libbpf has prepared and not yet loaded.
pub(super) fn restore(object: *mut sys::bpf_object, manifest: &Manifest) -> Result<(), RuntimeError> {
    for program in &manifest.programs {
        let name = super::load::c_string(&program.symbol)?;
        // SAFETY: the object is open; the name ends with NUL.
        let found = unsafe { sys::bpf_object__find_program_by_name(object, name.as_ptr()) };
        if found.is_null() {
            continue;
        }
        // SAFETY: the program is of the open object, whose instructions are that many.
        let mut instructions = unsafe {
            let first = sys::bpf_program__insns(found);
            std::slice::from_raw_parts(first, sys::bpf_program__insn_cnt(found) as usize).to_vec()
        };
        for instruction in &mut instructions {
            if instruction.code == CALL && instruction.src_reg() == 0 {
                instruction.imm = meant(instruction.imm);
            }
        }
        // SAFETY: the program is not loaded yet; libbpf copies the instructions.
        let result = unsafe { sys::bpf_program__set_insns(found, instructions.as_mut_ptr(), instructions.len() as _) };
        if result < 0 {
            return Err(RuntimeError::Load { reason: io::Error::from_raw_os_error(-result), detail: String::new() });
        }
    }
    Ok(())
}

fn meant(helper: i32) -> i32 {
    [READ, READ_STR].into_iter().find(|(taken, _)| *taken == helper).map_or(helper, |(_, meant)| meant)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(helper: u8) -> [u8; 8] {
        [CALL, 0, 0, 0, helper, 0, 0, 0]
    }

    #[test]
    fn only_helpers_that_read_the_kernel_stand_in_the_way() {
        let user = [call(112), call(114), call(14)].concat();
        assert!(!reads_the_kernel(&user));
        for helper in [4, 45, 113, 115] {
            assert!(reads_the_kernel(&[user.as_slice(), &call(helper)].concat()), "{helper}");
        }
        // A function of the script with that number, not a helper.
        assert!(!reads_the_kernel(&[CALL, 0x10, 0, 0, 113, 0, 0, 0]));
    }

    #[test]
    fn what_libbpf_took_for_old_spellings_is_turned_back() {
        assert_eq!([4, 45, 1, 112].map(meant), [112, 114, 1, 112]);
    }
}
