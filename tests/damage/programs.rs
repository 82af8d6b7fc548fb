//! Damaged files of programs: a thousand changes to each of several kinds, asked for all that scripts ask of programs:
//! their functions with parameters, the layouts of their types, their lines, their USDT probes.
//!
//! Invariant: an answer or an error, in time, within [`MEMORY`]; what asks for more ends the process. The file that did it
//! is then found in the directory of the test.

use super::{CHANGES, Damaged, Random, compiled_against, fixture, in_time};
use lancet_compiler::probe;
use lancet_runtime::kernel::LiveKernel;
use object::{Object, ObjectSection};
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// What the process may have of its own, so that no damaged number makes it ask for more.
const MEMORY: u64 = 1 << 30;

/// What scripts ask of a program, `PATH` standing for it. Each is compiled alone, since one mistake hides others.
const SCRIPTS: [&str; 4] = [
    r#"
uprobe:PATH:walk { print(*args.tree); print(args.tree.name); @[str(args.tree.name.text)] = args.tree.grid[1][2]; }
uretprobe:PATH:walk { printf("%d\n", retval); }
"#,
    r#"
uprobe:PATH:look {
    $tree = args.tree;
    printf("%s %d %d\n", str(args.label), $tree.left.right.color, $tree.low);
    print((sizeof(struct tree), offsetof(struct tree, compare)));
    print(args);
}
"#,
    r#"
uprobe:PATH@damage.c:20 { @line = count(); }
uprobe:PATH:w* { @start = count(); }
uprobe:PATH:look+1 { print(uaddr("sink")); }
"#,
    "usdt:PATH:shop:opened { print((arg0, arg1, arg2)); }",
];

#[test]
fn the_scripts_compile_for_sound_programs() {
    let directory = directory("sound");
    let packaged = directory.join("packaged");
    fs::create_dir_all(&packaged).expect("a directory");
    let subjects = [
        (&directory, "plain.elf", bytes_of("damage-plain.elf")),
        (&directory, "compressed.elf", bytes_of("damage-compressed.elf")),
        (&directory, "damage.dwo", bytes_of("damage.dwo")),
        (&directory, "split.elf", bytes_of("damage-split.elf")),
        (&packaged, "split.elf.dwp", bytes_of("damage-split.elf.dwp")),
        (&packaged, "split.elf", bytes_of("damage-split.elf")),
        (&directory, "archive.zip", archive("lib/plain.elf", &bytes_of("damage-plain.elf"))),
    ];
    for (directory, name, bytes) in subjects {
        fs::write(directory.join(name), bytes).expect("a file");
        let program = match name.rsplit_once('.') {
            Some((_, "elf")) => directory.join(name),
            Some((_, "zip")) => directory.join(format!("{name}!/lib/plain.elf")),
            _ => continue,
        };
        for number in 0..SCRIPTS.len() {
            let output = compile(&program, number);
            let messages: Vec<&str> = output.diagnostics.iter().map(|found| found.message.as_str()).collect();
            assert!(output.object.is_some(), "{} {number}: {messages:?}", program.display());
        }
    }
    fs::remove_dir_all(directory).expect("our own directory");
}

#[test]
fn a_named_pipe_is_not_waited_for() {
    let directory = directory("pipe");
    let pipe = directory.join("pipe");
    let name = std::ffi::CString::new(pipe.to_string_lossy().as_bytes()).expect("a path");
    // SAFETY: the name ends with a zero.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    for number in 0..SCRIPTS.len() {
        let output = in_time(0, || compile(&pipe, number));
        assert!(output.diagnostics.iter().any(|found| found.message.contains("no regular file")));
    }
    fs::remove_dir_all(directory).expect("our own directory");
}

#[test]
fn changed_programs() {
    let subject = Subject { directory: "plain", changed: "program.elf", target: "program.elf", sound: &[] };
    subject.is_survived(&bytes_of("damage-plain.elf"));
}

#[test]
fn changed_programs_with_compressed_debug_information() {
    let subject = Subject { directory: "compressed", changed: "program.elf", target: "program.elf", sound: &[] };
    subject.is_survived(&bytes_of("damage-compressed.elf"));
}

#[test]
fn changed_split_debug_information() {
    let sound = [("split.elf", bytes_of("damage-split.elf"))];
    let subject = Subject { directory: "split", changed: "damage.dwo", target: "split.elf", sound: &sound };
    subject.is_survived(&bytes_of("damage.dwo"));
    let subject = Subject { directory: "package", changed: "split.elf.dwp", target: "split.elf", sound: &sound };
    subject.is_survived(&bytes_of("damage-split.elf.dwp"));
}

#[test]
fn changed_archives() {
    let subject =
        Subject { directory: "archive", changed: "archive.zip", target: "archive.zip!/lib/plain.elf", sound: &[] };
    subject.is_survived(&archive("lib/plain.elf", &bytes_of("damage-plain.elf")));
}

/// A file that is changed, the program that scripts name, and the sound files beside it.
struct Subject<'a> {
    directory: &'a str,
    changed: &'a str,
    target: &'a str,
    sound: &'a [(&'a str, Vec<u8>)],
}

impl Subject<'_> {
    fn is_survived(&self, whole: &[u8]) {
        limit_memory();
        let directory = directory(self.directory);
        for (name, bytes) in self.sound {
            fs::write(directory.join(name), bytes).expect("a file");
        }
        let (changed, program) = (directory.join(self.changed), directory.join(self.target));
        let parts = parts(whole);
        let mut compiled = 0;
        for seed in 0..CHANGES {
            fs::write(&changed, damaged(whole, &parts, seed)).expect("a file");
            compiled += u64::from(in_time(seed, || {
                let kernel = machine();
                let pattern = format!("uprobe:{0}:*,uretprobe:{0}:w*,usdt:{0}:*", program.display());
                probe::list(&pattern, &kernel, None, true);
                compile(&program, seed as usize % SCRIPTS.len()).object.is_some()
            }));
        }
        assert!(compiled > CHANGES / 20, "only {compiled} compiled: the changes are too coarse to test anything");
        assert!(compiled < CHANGES, "no change hits anything");
        fs::remove_dir_all(directory).expect("our own directory");
    }
}

fn compile(program: &Path, number: usize) -> lancet_compiler::compile::Output {
    compiled_against(&machine(), &SCRIPTS[number].replace("PATH", &program.to_string_lossy()))
}

/// The fixture, but with the programs of this machine.
fn machine() -> Damaged<'static> {
    thread_local!(static SOUND: &'static lancet_kernel::captured::CapturedKernel = Box::leak(Box::new(fixture())));
    Damaged { sound: SOUND.with(|sound| *sound), btf: None, format: None, programs: Some(LiveKernel::new()) }
}

/// The parts of a file: its header, its sections, and the table of them at the end.
fn parts(whole: &[u8]) -> Vec<Range<usize>> {
    let ends = [0..64.min(whole.len()), whole.len().saturating_sub(1024)..whole.len()];
    let Ok(file) = object::File::parse(whole) else {
        return ends.into_iter().chain(std::iter::once(0..whole.len())).collect();
    };
    let ranges = file.sections().filter_map(|section| section.file_range());
    let sections = ranges.map(|(start, size)| start as usize..(start + size) as usize);
    ends.into_iter().chain(sections).filter(|part| !part.is_empty()).collect()
}

/// A file with a few changes, each in a part of it: other bytes, numbers at the edge of what fits, pieces from elsewhere.
fn damaged(whole: &[u8], parts: &[Range<usize>], seed: u64) -> Vec<u8> {
    const EDGES: [u64; 8] = [0, 1, 0x7f, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0, i64::MAX as u64, u64::MAX];
    let mut random = Random(seed);
    let mut bytes = whole.to_vec();
    for _ in 0..=random.below(4) {
        let part = &parts[random.below(parts.len())];
        let at = part.start + random.below(part.len());
        let room = (bytes.len() - at).min(1 << random.below(4));
        match random.below(4) {
            0 => bytes[at] = random.below(256) as u8,
            1 => bytes[at] ^= 1 << random.below(8),
            2 => bytes[at..at + room].copy_from_slice(&EDGES[random.below(EDGES.len())].to_le_bytes()[..room]),
            _ => {
                let from = random.below(bytes.len() - room);
                bytes.copy_within(from..from + room, at);
            }
        }
    }
    if random.below(20) == 0 {
        bytes.truncate(random.below(whole.len()));
    }
    bytes
}

/// A zip archive with one member that is stored as it is.
fn archive(name: &str, content: &[u8]) -> Vec<u8> {
    let (name_length, size) = ((name.len() as u16).to_le_bytes(), (content.len() as u32).to_le_bytes());
    let mut bytes = [b"PK\x03\x04", &[0; 22][..], &name_length, &[0, 0], name.as_bytes(), content].concat();
    let directory = (bytes.len() as u32).to_le_bytes();
    bytes.extend([b"PK\x01\x02", &[0; 16][..], &size, &size, &name_length, &[0; 16], name.as_bytes()].concat());
    bytes.extend([b"PK\x05\x06", &[0; 4][..], &[1, 0, 1, 0], &[0; 4], &directory, &[0; 2]].concat());
    bytes
}

fn bytes_of(fixture: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(fixture);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn directory(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("damage-{}-{name}", std::process::id()));
    fs::create_dir_all(&directory).expect("a directory");
    directory
}

fn limit_memory() {
    let limit = libc::rlimit { rlim_cur: MEMORY, rlim_max: MEMORY };
    // SAFETY: the call only reads what it is given.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_DATA, &limit) }, 0);
}
