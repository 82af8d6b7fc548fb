//! Damaged descriptions of the kernel: a thousand changes to its types, and a thousand to the format of a tracepoint, each
//! compiled against; and in `programs` the same for the files of programs. The compiler gives a program or an error, in
//! time; it never panics. The changes are the same in every run.

use lancet_compiler::compile::{Input, Output, compile};
use lancet_compiler::import::NoImports;
use lancet_compiler::probe;
use lancet_compiler::settings::Settings;
use lancet_kernel::btf::Btf;
use lancet_kernel::captured::CapturedKernel;
use lancet_kernel::tracepoint::TracepointFormat;
use lancet_kernel::{Executable, Features, Kernel, KernelFunction, Unavailable, UsdtNote, Version};
use lancet_runtime::kernel::LiveKernel;
use lancet_syntax::preprocess::NoIncludes;
use lancet_syntax::span::SourceMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

mod programs;

const CHANGES: u64 = 1000;

/// What one compilation may take, on a busy machine and without optimization; it takes some ten milliseconds.
const TIME: Duration = Duration::from_secs(20);

/// Follows pointers, nested and anonymous members, arrays, bit fields, enums, results, and looks names up.
const TYPED: &str = r#"
fentry:vfs_read {
    $f = args.file;
    @[args.file.f_inode.i_ino, str($f.f_path.dentry.d_name.name)] = args.count;
    printf("%d %s\n", curtask.in_execve, curtask.comm);
    printf("%d %d\n", sizeof(struct sock), offsetof(struct sock, __sk_common.skc_state));
    print(args);
    print($f.f_path);
}
fexit:vfs_* { @r = sum((int64)retval); }
kprobe:vfs_open { @p = ((struct path *)arg0)->dentry; @q[TCP_ESTABLISHED] = count(); }
"#;

const TRACEPOINT: &str = r#"
tracepoint:sched:sched_process_exec {
    printf("%s %d %d\n", str(args.filename), args.pid, args.old_pid);
    @[args.common_type, args.args[5]] = count();
    print(args.comm);
}
"#;

#[test]
fn the_scripts_compile_against_sound_descriptions() {
    let sound = fixture();
    let format = Damaged { sound: &sound, btf: None, format: Some(FORMAT.to_owned()), programs: None };
    for (kernel, script) in [(&sound as &dyn Kernel, TYPED), (&format, TRACEPOINT)] {
        let output = compiled_against(kernel, script);
        let messages: Vec<&str> = output.diagnostics.iter().map(|diagnostic| diagnostic.message.as_str()).collect();
        assert!(output.object.is_some(), "{messages:?}");
    }
}

#[test]
fn changed_types() {
    let sound = fixture();
    let bytes = sound.btf().expect("types").bytes().to_vec();
    let mut compiled = 0;
    for seed in 0..CHANGES {
        let mut random = Random(seed);
        let mut changed = bytes.clone();
        for _ in 0..=random.below(6) {
            // Half of the changes hit the start, where most of the types are that the script names.
            let length = if random.below(2) == 0 { changed.len() } else { changed.len() / 8 };
            let position = random.below(length);
            changed[position] = random.below(256) as u8;
        }
        if random.below(20) == 0 {
            changed.truncate(random.below(changed.len()));
        }
        let btf = Btf::parse(Rc::new(changed), None).ok();
        let kernel = Damaged { sound: &sound, btf, format: None, programs: None };
        compiled += u64::from(in_time(seed, || compiled_against(&kernel, TYPED).object.is_some()));
        if seed % 8 == 0 {
            let pattern = "struct *,union *,enum *,iter:*,fexit:vfs_*,rawtracepoint:*";
            in_time(seed, || probe::list(pattern, &kernel, None, true).probes.len());
        }
    }
    assert!(compiled > 0, "some changes hit nothing that the script names");
}

#[test]
fn changed_formats() {
    let sound = fixture();
    let mut compiled = 0;
    for seed in 0..CHANGES {
        let mut random = Random(seed);
        let mut changed = FORMAT.as_bytes().to_vec();
        for _ in 0..=random.below(4) {
            let position = random.below(changed.len());
            match random.below(4) {
                0 => changed[position] = random.below(256) as u8,
                1 => changed[position] = b"0123456789;:[]*_ \t-"[random.below(19)],
                2 => drop(changed.remove(position)),
                _ => changed.insert(position, b"9[;"[random.below(3)]),
            }
        }
        let format = String::from_utf8_lossy(&changed).into_owned();
        let kernel = Damaged { sound: &sound, btf: None, format: Some(format), programs: None };
        compiled += u64::from(in_time(seed, || compiled_against(&kernel, TRACEPOINT).object.is_some()));
    }
    assert!(compiled > CHANGES / 10, "only {compiled} compiled: the changes are too coarse to test anything");
}

const FORMAT: &str = "name: sched_process_exec
ID: 300
format:
\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;
\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;
\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;
\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;

\tfield:__data_loc char[] filename;\toffset:8;\tsize:4;\tsigned:0;
\tfield:pid_t pid;\toffset:12;\tsize:4;\tsigned:1;
\tfield:pid_t old_pid;\toffset:16;\tsize:4;\tsigned:1;
\tfield:char comm[16];\toffset:20;\tsize:16;\tsigned:0;
\tfield:unsigned long args[6];\toffset:40;\tsize:48;\tsigned:0;

print fmt: \"filename=%s\", __get_str(filename)
";

fn fixture() -> CapturedKernel {
    let bytes = include_bytes!("../fixtures/kernel.capture");
    CapturedKernel::from_bytes(bytes).expect("the fixture is sound")
}

fn in_time<T>(seed: u64, run: impl FnOnce() -> T) -> T {
    let start = Instant::now();
    let result = run();
    assert!(start.elapsed() < TIME, "change {seed} takes {:?}", start.elapsed());
    result
}

fn compiled_against(kernel: &dyn Kernel, script: &str) -> Output {
    let mut sources = SourceMap::default();
    let file = sources.add("script.bt", script.to_owned());
    let builtins = lancet_stdlib::all();
    let input = Input {
        kernel,
        library: lancet_stdlib::LIBRARY,
        builtins: &builtins,
        settings: Settings::default(),
        environment: &[],
        loader: &NoIncludes,
        importer: &NoImports,
        dumps: &[],
        section: &|| None,
    };
    compile(&mut sources, file, input)
}

/// A linear congruential generator: the same numbers everywhere.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }
}

/// A sound machine but for its types or a format, or the files of its programs.
struct Damaged<'a> {
    sound: &'a CapturedKernel,
    btf: Option<Btf>,
    format: Option<String>,
    programs: Option<LiveKernel>,
}

impl Kernel for Damaged<'_> {
    fn version(&self) -> Version {
        self.sound.version()
    }

    fn identity(&self) -> &str {
        self.sound.identity()
    }

    fn features(&self) -> &Features {
        self.sound.features()
    }

    fn possible_cpus(&self) -> u32 {
        self.sound.possible_cpus()
    }

    fn btf(&self) -> Option<&Btf> {
        if self.format.is_some() || self.programs.is_some() { self.sound.btf() } else { self.btf.as_ref() }
    }

    fn module_btf(&self, module: &str) -> Option<Rc<Btf>> {
        self.sound.module_btf(module)
    }

    fn tracepoint(&self, category: &str, event: &str) -> Result<TracepointFormat, Unavailable> {
        match &self.format {
            Some(text) => TracepointFormat::parse(text).ok_or(Unavailable::Malformed("damaged".to_owned())),
            None => self.sound.tracepoint(category, event),
        }
    }

    fn tracepoints(&self, category: &str, event: &str) -> Result<Vec<(String, String)>, Unavailable> {
        self.sound.tracepoints(category, event)
    }

    fn raw_tracepoints(&self, pattern: &str) -> Result<Vec<(String, String)>, Unavailable> {
        self.sound.raw_tracepoints(pattern)
    }

    fn functions(&self, module: &str, pattern: &str) -> Result<Vec<KernelFunction>, Unavailable> {
        self.sound.functions(module, pattern)
    }

    fn symbol_address(&self, name: &str) -> Option<u64> {
        self.sound.symbol_address(name)
    }

    fn executables(&self, target: &str, pid: Option<u32>) -> Result<Vec<PathBuf>, Unavailable> {
        self.with_programs().executables(target, pid)
    }

    fn executable(&self, path: &Path) -> Result<Rc<dyn Executable>, Unavailable> {
        self.with_programs().executable(path)
    }

    fn usdt_notes(&self, path: &Path) -> Result<Vec<UsdtNote>, Unavailable> {
        self.with_programs().usdt_notes(path)
    }
}

impl Damaged<'_> {
    fn with_programs(&self) -> &dyn Kernel {
        match &self.programs {
            Some(live) => live,
            None => self.sound,
        }
    }
}
