//! `--info`: what this kernel and this build can do, as text or one JSON object.

use lancet_kernel::Kernel;
use std::io::Write;

/// A group of answers: its title and the lines.
type Section = (&'static str, Vec<(&'static str, String)>);

/// Prints all there is to tell.
pub fn print(kernel: &dyn Kernel, json: bool) {
    let sections = sections(kernel);
    let text = if json { as_json(&sections) } else { as_text(&sections) };
    // A reader that has seen enough is no error.
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

fn sections(kernel: &dyn Kernel) -> Vec<Section> {
    let features = kernel.features();
    let yes = |can: bool| if can { "yes" } else { "no" }.to_owned();
    let has_type = |name: &str| {
        let btf = kernel.btf();
        btf.is_some_and(|btf| btf.find(name, lancet_kernel::btf::NameKind::Function).is_some())
    };
    vec![
        (
            "System",
            vec![
                ("kernel", kernel.version().to_string()),
                ("architecture", std::env::consts::ARCH.to_owned()),
                ("possible CPUs", kernel.possible_cpus().to_string()),
            ],
        ),
        (
            "Build",
            vec![("version", env!("CARGO_PKG_VERSION").to_owned()), ("dwarf", yes(true)), ("symbolization", yes(true))],
        ),
        (
            "Kernel helpers",
            vec![
                ("get_func_ip", yes(features.func_ip)),
                ("get_attach_cookie", yes(features.attach_cookie)),
                ("get_current_task_btf", yes(features.current_task_btf)),
                ("get_tai_ns", yes(features.ktime_tai)),
                ("for_each_map_elem", yes(features.for_each_map_elem)),
                ("loop", yes(features.bpf_loop)),
                ("probe_read_kernel", yes(features.kernel_reads)),
            ],
        ),
        (
            "Kernel features",
            vec![
                ("btf", yes(kernel.btf().is_some())),
                ("kfuncs", yes(features.kfuncs)),
                ("atomic fetch", yes(features.atomic_fetch)),
                ("instruction set v4", yes(features.cpu_v4)),
            ],
        ),
        (
            "Probe types",
            vec![
                ("kprobe", yes(features.kprobe)),
                ("kprobe_multi", yes(features.kprobe_multi)),
                ("kprobe_session", yes(features.kprobe_session)),
                ("uprobe_multi", yes(features.uprobe_multi)),
                ("uprobe_session", yes(features.uprobe_session)),
                ("fentry", yes(features.fentry)),
                ("iter", yes(has_type("bpf_iter_task"))),
            ],
        ),
    ]
}

fn as_text(sections: &[Section]) -> String {
    let mut text = String::new();
    for (title, lines) in sections {
        text.push_str(&format!("{title}\n"));
        for (name, value) in lines {
            text.push_str(&format!("  {name}: {value}\n"));
        }
        text.push('\n');
    }
    text
}

/// Names and values are words of ours: nothing in them needs escapes.
fn as_json(sections: &[Section]) -> String {
    let key = |name: &str| name.to_lowercase().replace(' ', "_");
    let objects: Vec<String> = sections
        .iter()
        .map(|(title, lines)| {
            let members: Vec<String> =
                lines.iter().map(|(name, value)| format!("\"{}\": \"{value}\"", key(name))).collect();
            format!("\"{}\": {{{}}}", key(title), members.join(", "))
        })
        .collect();
    format!("{{{}}}\n", objects.join(", "))
}
