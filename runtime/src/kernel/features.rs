//! What the running kernel's BPF can do: by its version, and where distributions differ or port back, by what its BTF
//! lists. Cheap on purpose: on a recent kernel at most one pass over the BTF.

use std::path::Path;

use lancet_kernel::btf::{Btf, NameKind};
use lancet_kernel::{Features, Version};

use super::lockdown::Lockdown;
use super::tracefs::Tracefs;

/// Features of the running kernel, whose version, BTF and tracefs these are.
pub(super) fn of(version: Version, btf: Option<&Btf>, tracefs: Option<&Tracefs>) -> Features {
    let since = |major, minor| version >= Version::new(major, minor);
    // Helpers and attach types are enumerators in the kernel's BTF, so that ports back to older versions are seen.
    let listed =
        |major, minor, name: &str| since(major, minor) || btf.is_some_and(|btf| btf.enumerator(name).is_some());
    let defined = |name: &str| btf.is_some_and(|btf| btf.find(name, NameKind::Function).is_some());

    let kprobe = has_event_source("kprobe");
    // The attach function exists without CONFIG_FPROBE too, and then always refuses.
    let kprobe_multi = kprobe && listed(5, 18, "BPF_TRACE_KPROBE_MULTI") && defined("register_fprobe_ips");
    let uprobe_multi = has_event_source("uprobe") && listed(6, 6, "BPF_TRACE_UPROBE_MULTI");
    Features {
        atomic_fetch: since(5, 12),
        for_each_map_elem: listed(5, 13, "BPF_FUNC_for_each_map_elem"),
        attach_cookie: listed(5, 15, "BPF_FUNC_get_attach_cookie"),
        bpf_loop: listed(5, 17, "BPF_FUNC_loop"),
        current_task_btf: listed(5, 11, "BPF_FUNC_get_current_task_btf"),
        ktime_tai: listed(6, 1, "BPF_FUNC_ktime_get_tai_ns"),
        cpu_v4: since(6, 6),
        number_iterators: since(6, 4) || defined("bpf_iter_num_new"),
        kprobe_multi,
        kprobe_session: kprobe_multi && listed(6, 10, "BPF_TRACE_KPROBE_SESSION"),
        uprobe_multi,
        uprobe_session: uprobe_multi && listed(6, 13, "BPF_TRACE_UPROBE_SESSION"),
        // Trampolines hang on the function tracer: where its list of functions cannot be opened, they cannot be attached.
        fentry: since(5, 5) && btf.is_some() && tracefs.map_or(kprobe, |tracefs| tracefs.open_functions().is_ok()),
        kprobe,
        dynamic_hash_in_nmi: since(6, 1),
        func_ip: listed(5, 15, "BPF_FUNC_get_func_ip"),
        kfuncs: since(6, 0) && btf.is_some(),
        kernel_reads: Lockdown::of_machine() != Lockdown::Confidentiality,
    }
}

/// Whether perf knows this kind of event.
fn has_event_source(name: &str) -> bool {
    Path::new("/sys/bus/event_source/devices").join(name).exists()
}
