//! The BPF programs that are loaded: their functions, as far as trampolines reach them.
//!
//! Source: the kernel's include/uapi/linux/bpf.h (`BPF_PROG_GET_NEXT_ID`, `struct bpf_prog_info`).

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::rc::Rc;

use lancet_kernel::btf::{Btf, TypeId};
use lancet_kernel::{BpfFunction, Unavailable, wildcard_matches};
use libbpf_sys as sys;

/// The functions whose names match, of one program or of all, in the order in which the programs were loaded.
pub(super) fn functions(program: Option<u32>, pattern: &str) -> Result<Vec<BpfFunction>, Unavailable> {
    let programs = match program {
        Some(id) => vec![id],
        None => {
            all_programs().map_err(|error| Unavailable::Denied(format!("BPF programs cannot be listed: {error}")))?
        }
    };
    let mut found = Vec::new();
    for program in programs {
        let names = names(program).unwrap_or_default().into_iter().filter(|name| wildcard_matches(pattern, name));
        found.extend(names.map(|name| BpfFunction { program, name }));
    }
    Ok(found)
}

/// A descriptor of a loaded program.
pub(crate) fn open(program: u32) -> io::Result<OwnedFd> {
    // SAFETY: takes a number, gives a descriptor that is ours.
    owned(unsafe { sys::bpf_prog_get_fd_by_id(program) })
}

fn all_programs() -> io::Result<Vec<u32>> {
    let mut programs = Vec::new();
    let mut last = 0;
    loop {
        let mut next = 0;
        // SAFETY: writes a number behind the pointer.
        match unsafe { sys::bpf_prog_get_next_id(last, &mut next) } {
            0 => programs.push(next),
            error if -error == libc::ENOENT => return Ok(programs),
            error => return Err(io::Error::from_raw_os_error(-error)),
        }
        last = next;
    }
}

/// The names of a program's functions, its own first; none where there are no types or it is itself for tracing.
fn names(program: u32) -> Option<Vec<String>> {
    let descriptor = open(program).ok()?;
    let counted = information(&descriptor, &mut [])?;
    // The kernel does not let programs of these types be traced in turn.
    let is_tracing = [sys::BPF_PROG_TYPE_TRACING, sys::BPF_PROG_TYPE_EXT].contains(&counted.type_);
    if is_tracing || counted.btf_id == 0 {
        return None;
    }
    let mut functions = vec![sys::bpf_func_info::default(); counted.nr_func_info as usize];
    information(&descriptor, &mut functions)?;
    let btf = types(counted.btf_id)?;
    Some(functions.iter().filter_map(|function| Some(btf.name_of(TypeId(function.type_id))?.to_owned())).collect())
}

/// What the kernel says of a program; the types of its functions are written to `functions`.
fn information(descriptor: &OwnedFd, functions: &mut [sys::bpf_func_info]) -> Option<sys::bpf_prog_info> {
    let mut information = sys::bpf_prog_info {
        nr_func_info: functions.len() as u32,
        func_info_rec_size: size_of::<sys::bpf_func_info>() as u32,
        func_info: functions.as_mut_ptr() as u64,
        ..Default::default()
    };
    if functions.is_empty() {
        (information.func_info, information.func_info_rec_size) = (0, 0);
    }
    let mut size = size_of::<sys::bpf_prog_info>() as u32;
    let pointer: *mut sys::bpf_prog_info = &mut information;
    // SAFETY: the structure has the size that is told, and has room for as many functions as it says.
    let result = unsafe { sys::bpf_obj_get_info_by_fd(descriptor.as_raw_fd(), pointer.cast(), &mut size) };
    (result == 0).then_some(information)
}

/// A BTF object that the kernel has.
fn types(id: u32) -> Option<Btf> {
    // SAFETY: takes a number, gives a descriptor that is ours.
    let descriptor = owned(unsafe { sys::bpf_btf_get_fd_by_id(id) }).ok()?;
    let read = |bytes: &mut [u8]| {
        let mut information =
            sys::bpf_btf_info { btf: bytes.as_mut_ptr() as u64, btf_size: bytes.len() as u32, ..Default::default() };
        let mut size = size_of::<sys::bpf_btf_info>() as u32;
        let pointer: *mut sys::bpf_btf_info = &mut information;
        // SAFETY: the structure has the size that is told, and says how many bytes there is room for.
        let result = unsafe { sys::bpf_obj_get_info_by_fd(descriptor.as_raw_fd(), pointer.cast(), &mut size) };
        (result == 0).then_some(information.btf_size as usize)
    };
    let mut bytes = vec![0; read(&mut [])?];
    read(&mut bytes)?;
    Btf::parse(Rc::new(bytes), None).ok()
}

fn owned(descriptor: i32) -> io::Result<OwnedFd> {
    match descriptor {
        // SAFETY: the kernel gave it to us just now.
        0.. => Ok(unsafe { OwnedFd::from_raw_fd(descriptor) }),
        error => Err(io::Error::from_raw_os_error(-error)),
    }
}
