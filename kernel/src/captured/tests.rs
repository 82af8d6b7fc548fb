//! A capture is a machine of its own: the same answers for what was wanted, none for the rest.

use std::path::Path;

use super::{Capture, CapturedKernel, Wanted, capture};
use crate::btf::{NameKind, Type};
use crate::{Kernel, Unavailable};

const FIXTURE: &[u8] = include_bytes!("../../../tests/fixtures/kernel.capture");

fn fixture() -> CapturedKernel {
    CapturedKernel::from_bytes(FIXTURE).expect("the fixture is sound")
}

#[test]
fn the_fixture_has_what_tests_need() {
    let kernel = fixture();
    let btf = kernel.btf().expect("types");
    for name in ["task_struct", "file", "path", "dentry", "qstr", "sock", "list_head"] {
        let id = btf.find(name, NameKind::Struct).unwrap_or_else(|| panic!("{name}"));
        assert!(matches!(btf.ty(id), Some(Type::Aggregate { .. })), "{name}");
    }
    let task = btf.find("task_struct", NameKind::Struct).expect("a struct");
    let comm = btf.member(task, "comm").expect("a member");
    assert_eq!(btf.size_of(comm.ty), Some(16));
    for name in ["vfs_read", "vfs_write", "vfs_open", "tcp_sendmsg", "do_nanosleep"] {
        assert_eq!(kernel.functions("*", name).map(|found| found.len()), Ok(1), "{name}");
        let Some(Type::Function { prototype, .. }) = btf.find(name, NameKind::Function).and_then(|id| btf.ty(id))
        else {
            panic!("{name} has no type");
        };
        assert!(matches!(btf.ty(prototype), Some(Type::Prototype { .. })), "{name}");
    }
    assert_eq!(btf.enumerator("TCP_ESTABLISHED").map(|found| found.1), Some(1));
    assert_eq!(kernel.raw_tracepoints("*").map(|found| found.len()), Ok(2));
    let exec = kernel.tracepoint("sched", "sched_process_exec").expect("a tracepoint");
    assert!(exec.field("filename").is_some());
    assert!(kernel.features().kprobe);
    assert_eq!(kernel.tracepoints("syscalls", "sys_enter_open*").map(|found| found.len()), Ok(1));
}

#[test]
fn fictional_programs() {
    let kernel = fixture();
    for target in ["/bin/app", "app", "/bin/ap*"] {
        assert!(kernel.executables(target, None).expect(target).contains(&"/bin/app".into()), "{target}");
    }
    assert_eq!(kernel.executables("libapp", None), Ok(vec!["/lib/libapp.so".into()]));
    assert!(matches!(kernel.executables("/bin/none", None), Err(Unavailable::Missing(_))));
    let app = kernel.executable(Path::new("/bin/app")).expect("it was captured");
    let main = app.function("main").expect("programs have it");
    assert_eq!(app.file_offset(main.address), Some(main.file_offset));
}

#[test]
fn a_capture_can_be_captured() {
    let kernel = fixture();
    let wanted = Wanted {
        types: Some(vec![(NameKind::Struct, "path".into())]),
        tracepoints: vec![("sched".into(), "*".into())],
        functions: vec!["vfs_read".into()],
        ..Wanted::default()
    };
    let captured = capture(&kernel, &wanted).expect("all of it is there");
    let again = CapturedKernel::new(Capture::from_bytes(&captured.to_bytes()).expect("sound")).expect("sound");
    let btf = again.btf().expect("types");
    let path = btf.find("path", NameKind::Struct).expect("wanted");
    assert_eq!(btf.size_of(path), Some(16));
    let dentry = btf.find("dentry", NameKind::Struct).and_then(|id| btf.ty(id));
    assert!(matches!(dentry, Some(Type::Forward { .. })), "a pointer away: {dentry:?}");
    assert_eq!(again.functions("vmlinux", "*").map(|found| found.len()), Ok(1));
    assert_eq!(again.tracepoints("*", "*"), kernel.tracepoints("sched", "*"));
    let unknown = Wanted { functions: vec!["no_such_function".into()], ..Wanted::default() };
    assert!(matches!(capture(&kernel, &unknown), Err(Unavailable::Missing(_))));
}

#[test]
fn damaged_files_are_refused() {
    assert!(Capture::from_bytes(b"").is_err());
    assert!(Capture::from_bytes(b"something else").is_err());
    assert!(Capture::from_bytes(&FIXTURE[..FIXTURE.len() / 2]).is_err());
}
