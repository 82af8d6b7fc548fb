//! The running machine, whatever it is: what holds on each.

use std::path::Path;

use lancet_kernel::btf::{NameKind, Type};
use lancet_kernel::system_call::SystemCalls;
use lancet_kernel::{Kernel, Unavailable, Version};

use super::LiveKernel;

#[test]
fn the_machine_has_a_version_and_processors() {
    let kernel = LiveKernel::new();
    assert!(kernel.version() >= Version::new(4, 0), "{}", kernel.version());
    assert!(kernel.possible_cpus() >= 1);
    assert_eq!(kernel.features(), kernel.features());
}

#[test]
fn the_kernels_types() {
    let kernel = LiveKernel::new();
    let Some(btf) = kernel.btf() else { return };
    let task = btf.find("task_struct", NameKind::Struct).expect("every kernel has it");
    let Some(Type::Aggregate { size, members, .. }) = btf.ty(task) else { panic!("no struct") };
    assert!(members.len() > 50 && size > 1000);
    assert_eq!(btf.size_of(task), Some(size.into()));
    let comm = btf.member(task, "comm").expect("every task has a name");
    assert_eq!(btf.size_of(comm.ty), Some(16));
    assert_eq!(btf.find("no_such_struct_anywhere", NameKind::Struct), None);
    assert_eq!(btf.enumerator("BPF_MAP_TYPE_HASH").map(|found| found.1), Some(1));
}

#[test]
fn all_formats_are_understood() {
    let kernel = LiveKernel::new();
    // Without root there is nothing to read.
    let Ok(events) = kernel.tracepoints("*", "*") else { return };
    assert!(events.iter().any(|(category, event)| category == "sched" && event == "sched_switch"));
    for (category, event) in events {
        let format = kernel.tracepoint(&category, &event).unwrap_or_else(|why| panic!("{category}:{event}: {why:?}"));
        assert_eq!(format.fields[0].name, "common_type", "{category}:{event}");
    }
    assert!(matches!(kernel.tracepoint("sched", "no_such_event"), Err(Unavailable::Missing(_))));
    assert!(matches!(kernel.tracepoint("sched", "../sched/sched_switch"), Err(Unavailable::Missing(_))));
}

#[test]
fn all_events_of_system_calls_have_numbers() {
    let Ok(events) = LiveKernel::new().tracepoints("syscalls", "*") else { return };
    let calls = SystemCalls::x86_64();
    for (category, event) in events {
        assert!(calls.of_event(&category, &event).is_some(), "{category}:{event}");
    }
}

#[test]
fn functions_and_raw_tracepoints() {
    let kernel = LiveKernel::new();
    if kernel.btf().is_none() {
        return;
    }
    let names = |pattern: &str| -> Vec<String> {
        kernel.functions("*", pattern).expect("BTF tells").into_iter().map(|function| function.name).collect()
    };
    assert_eq!(names("vfs_read"), ["vfs_read"]);
    assert!(names("vfs_read*").contains(&"vfs_read".to_owned()));
    assert!(names("no_such_function_anywhere").is_empty());
    let raw = kernel.raw_tracepoints("sched_*").expect("BTF tells");
    assert!(raw.contains(&("vmlinux".to_owned(), "sched_switch".to_owned())));
}

#[test]
fn symbols_of_ourselves() {
    let kernel = LiveKernel::new();
    let executable = kernel.executable(Path::new("/proc/self/exe")).expect("we can read ourselves");
    let main = executable.function("main").expect("the C run-time calls it");
    assert_eq!(executable.file_offset(main.address), Some(main.file_offset));
    assert!(main.size > 0);
    assert_eq!(executable.file_offset(u64::MAX), None);
    assert!(executable.functions().is_sorted_by(|a, b| a.name <= b.name));
}

#[test]
fn targets_are_files_programs_or_libraries() {
    let kernel = LiveKernel::new();
    assert_eq!(kernel.executables("/proc/self/exe", None), Ok(vec!["/proc/self/exe".into()]));
    let shell = kernel.executables("ls", None).expect("on every PATH");
    assert!(shell[0].is_absolute());
    assert!(matches!(kernel.executables("/no/such/file", None), Err(Unavailable::Missing(_))));
    assert!(matches!(kernel.executables("no-such-program", None), Err(Unavailable::Missing(_))));
    assert!(matches!(kernel.executables("/proc/self/status", None), Err(Unavailable::Malformed(_))));
    assert!(matches!(kernel.executables("/proc/self", None), Err(Unavailable::Malformed(_))));
    assert!(matches!(kernel.executables("/dev/null", None), Err(Unavailable::Malformed(_))));
    assert_eq!(kernel.executables("/proc/sel[f]/ex?", None), Ok(vec!["/proc/self/exe".into()]));
}

#[test]
fn damaged_files_are_told_of() {
    let directory = std::env::temp_dir().join(format!("lancet-kernel-{}", std::process::id()));
    std::fs::create_dir_all(&directory).expect("a directory");
    let own = std::fs::read("/proc/self/exe").expect("we can read ourselves");
    for length in [4, 16, 63, 100] {
        let path = directory.join(format!("cut-{length}"));
        std::fs::write(&path, &own[..length]).expect("a file");
        assert!(matches!(LiveKernel::new().executable(&path), Err(Unavailable::Malformed(_))), "{length}");
    }
    std::fs::remove_dir_all(&directory).expect("our own directory");
}

#[test]
fn changed_files_are_never_a_panic() {
    let kernel = LiveKernel::new();
    let path = &kernel.executables("ls", None).expect("on every PATH")[0];
    let sound = std::fs::read(path).expect("a readable program");
    let mut state = 1u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for _ in 0..300 {
        let mut damaged = sound.clone();
        for _ in 0..8 {
            // The headers and the section table say where everything is.
            let near_start = random(2) == 0;
            let position = if near_start { random(1024) } else { sound.len() - 1 - random(2048) };
            damaged[position] = random(256) as u8;
        }
        if let Ok(tables) = super::executable::Tables::parse(&damaged) {
            assert!(tables.functions().iter().all(|symbol| !symbol.name.is_empty()));
        }
    }
}
