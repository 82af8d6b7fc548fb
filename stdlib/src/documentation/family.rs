//! The families of functions, in the order of the documentation, with an example for each function.
//!
//! A function that stands in no family is documented all the same, in the last one.

/// Functions that belong together.
pub struct Family {
    /// The name of its page: lower case, one word or several with hyphens.
    pub page: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// What they have in common.
    pub introduction: &'static str,
    /// Its functions.
    pub entries: &'static [Entry],
}

/// A function, or several that are alike.
pub struct Entry {
    /// Their names.
    pub names: &'static [&'static str],
    /// A script that uses them.
    pub example: &'static str,
    /// Whether the example compiles for any machine; others ask for something that only some have.
    pub anywhere: bool,
}

const fn entry(names: &'static [&'static str], example: &'static str) -> Entry {
    Entry { names, example, anywhere: true }
}

const fn on_some_machines(names: &'static [&'static str], example: &'static str) -> Entry {
    Entry { names, example, anywhere: false }
}

/// All families.
pub static FAMILIES: &[Family] = &[
    Family {
        page: "processes",
        title: "Processes, threads and users",
        introduction: "Who is running when a probe fires. Numbers of processes and threads are those of the pid namespace that lancet runs in, unless another is asked for.",
        entries: &[
            entry(&["pid"], "tracepoint:sched:sched_switch { @[pid, pid(init)] = count(); }"),
            entry(&["tid"], "tracepoint:sched:sched_switch /tid != pid/ { @threads[pid] = count(); }"),
            entry(&["ppid"], "tracepoint:syscalls:sys_enter_execve { printf(\"%d, started by %d\\n\", pid, ppid); }"),
            entry(
                &["leader_tid"],
                "tracepoint:sched:sched_switch { @[leader_tid, leader_tid(curtask.real_parent)] = count(); }",
            ),
            on_some_machines(&["comm"], "tracepoint:syscalls:sys_enter_read { @[comm, comm(ppid)] = count(); }"),
            entry(&["pcomm"], "tracepoint:syscalls:sys_enter_execve { printf(\"%s starts a program\\n\", pcomm); }"),
            entry(&["leader_comm"], "tracepoint:sched:sched_switch { @[leader_comm, comm] = count(); }"),
            entry(&["uid"], "tracepoint:syscalls:sys_enter_openat /uid == 0/ { @opened_by_root = count(); }"),
            entry(&["gid"], "tracepoint:syscalls:sys_enter_openat { @[gid] = count(); }"),
            entry(
                &["username"],
                "tracepoint:syscalls:sys_enter_execve { printf(\"%s runs a program\\n\", username); }",
            ),
            entry(&["cpid"], "tracepoint:syscalls:sys_enter_read /pid == cpid/ { @reads = count(); }"),
            entry(&["has_cpid"], "begin { if (!has_cpid) { printf(\"start a command with -c\\n\"); exit(1); } }"),
            entry(&["curtask"], "tracepoint:sched:sched_switch { @[curtask.parent.comm] = count(); }"),
            entry(&["cgroup"], "tracepoint:syscalls:sys_enter_openat { @[cgroup_path(cgroup)] = count(); }"),
            on_some_machines(
                &["cgroupid"],
                "tracepoint:syscalls:sys_enter_openat /cgroup == cgroupid(\"/sys/fs/cgroup/system.slice\")/ { @ = count(); }",
            ),
            entry(
                &["cgroup_path"],
                "tracepoint:syscalls:sys_enter_openat { @[cgroup_path(cgroup, \"unified\")] = count(); }",
            ),
            entry(&["usermode"], "profile:hz:99 { @[usermode ? \"program\" : \"kernel\"] = count(); }"),
        ],
    },
    Family {
        page: "time",
        title: "Time",
        introduction: "Clocks, and times as text. Durations are numbers of nanoseconds; literals may say their unit: 10ms.",
        entries: &[
            entry(
                &["nsecs"],
                "kprobe:vfs_read { @start[tid] = nsecs; } kretprobe:vfs_read /has_key(@start, tid)/ { @ = hist(nsecs - @start[tid]); delete(@start, tid); }",
            ),
            entry(
                &["elapsed"],
                "tracepoint:syscalls:sys_enter_execve { printf(\"%d ms: %s\\n\", elapsed / 1ms, str(args.filename)); }",
            ),
            entry(&["jiffies"], "interval:s:1 { print(jiffies); }"),
            entry(
                &["time"],
                "interval:s:1 { time(\"%H:%M:%S \"); print(@reads); } tracepoint:syscalls:sys_enter_read { @reads = count(); }",
            ),
            entry(
                &["strftime"],
                "tracepoint:syscalls:sys_enter_execve { printf(\"%s %s\\n\", strftime(\"%H:%M:%S.%f\", nsecs), comm); }",
            ),
        ],
    },
    Family {
        page: "probes",
        title: "The probe and what it sees",
        introduction: "Which probe fired, and the arguments, results and registers of the code that is traced. Probes with described arguments have them by name as `args.NAME`.",
        entries: &[
            entry(&["probe"], "tracepoint:syscalls:sys_enter_* { @[probe] = count(); }"),
            entry(&["probetype"], "begin { print(probetype); }"),
            entry(&["func"], "kprobe:vfs_* { @[func] = count(); }"),
            entry(
                &["arg0", "arg1", "arg2", "arg3", "arg4", "arg5", "arg6", "arg7", "arg8", "arg9"],
                "kprobe:vfs_read { @requested = hist(arg2); }",
            ),
            entry(
                &["sarg0", "sarg1", "sarg2", "sarg3", "sarg4", "sarg5", "sarg6", "sarg7", "sarg8", "sarg9"],
                "uprobe:/bin/app:compute { printf(\"%d\\n\", sarg0); }",
            ),
            entry(&["retval"], "kretprobe:vfs_read /(int64)retval < 0/ { @errors[strerror(retval)] = count(); }"),
            entry(&["reg"], "kprobe:vfs_read { print(ksym(reg(\"ip\"))); }"),
            on_some_machines(&["ctx"], "iter:task { print(ctx.task.comm); }"),
        ],
    },
    Family {
        page: "memory",
        title: "Memory, addresses and stacks",
        introduction: "What lies behind addresses, and the names that go with them. Memory that cannot be read gives zeros or an empty string; `-k` tells of it.",
        entries: &[
            entry(&["str"], "tracepoint:syscalls:sys_enter_openat { printf(\"%s %s\\n\", comm, str(args.filename)); }"),
            entry(&["buf"], "tracepoint:syscalls:sys_enter_write { printf(\"%r\\n\", buf(args.buf, args.count)); }"),
            entry(&["kptr"], "kprobe:vfs_read { $file = (struct file *)kptr(arg0); print($file.f_flags); }"),
            entry(&["uptr"], "kprobe:vfs_read { printf(\"%d\\n\", *uptr((uint8 *)arg1)); }"),
            on_some_machines(&["kaddr"], "interval:s:1 { print(*kptr((uint64 *)kaddr(\"avenrun\"))); }"),
            on_some_machines(&["percpu_kaddr"], "interval:s:1 { print(*percpu_kaddr(\"process_counts\", 0)); }"),
            on_some_machines(
                &["uaddr"],
                "uprobe:/bin/bash:readline { printf(\"%s\\n\", str(*uaddr(\"ps1_prompt\"))); }",
            ),
            entry(&["ksym"], "kprobe:do_nanosleep { @[ksym(reg(\"ip\"))] = count(); }"),
            entry(&["usym"], "uprobe:/bin/app:compute { @[usym(reg(\"ip\"))] = count(); }"),
            entry(&["kstack"], "kprobe:vfs_read { @[kstack(5)] = count(); }"),
            entry(&["ustack"], "profile:hz:99 { @[ustack(perf, 10)] = count(); }"),
            entry(
                &["dw_ustack"],
                "config = { unstable_dw_ustack = enable } profile:hz:99 { @[dw_ustack(perf, 10)] = count(); }",
            ),
            entry(&["path"], "fentry:vfs_open { print(path(args.path)); }"),
        ],
    },
    Family {
        page: "strings",
        title: "Strings and bytes",
        introduction: "Strings end at their first NUL and are compared with `==`. Numbers of the kernel's interface have names that are strings too.",
        entries: &[
            entry(&["strlen"], "tracepoint:syscalls:sys_enter_openat { @ = hist(strlen(str(args.filename))); }"),
            entry(&["strcap"], "begin { print(strcap(comm)); }"),
            entry(
                &["strncmp"],
                "tracepoint:syscalls:sys_enter_openat /strncmp(str(args.filename), \"/proc/\", 6) == 0/ { @ = count(); }",
            ),
            entry(
                &["strcontains"],
                "tracepoint:syscalls:sys_enter_openat /strcontains(str(args.filename), \"passwd\")/ { @[comm] = count(); }",
            ),
            entry(&["strstr"], "begin { print(strstr(\"a needle\", \"needle\")); }"),
            entry(&["str_concat"], "begin { print(str_concat(comm, \"!\")); }"),
            entry(&["memcmp"], "begin { $a = (1, 2); $b = (1, 3); print(memcmp($a, $b, 8)); }"),
            entry(
                &["strerror"],
                "tracepoint:syscalls:sys_exit_openat /args.ret < 0/ { @[strerror(args.ret)] = count(); }",
            ),
            entry(&["signal_name"], "begin { $signal = 9; print(signal_name($signal)); }"),
            entry(&["syscall_name"], "rawtracepoint:sys_enter { @[syscall_name(arg1)] = count(); }"),
        ],
    },
    Family {
        page: "network",
        title: "Network",
        introduction: "Addresses of the network as text and as bytes, sockets, and the order of bytes.",
        entries: &[
            entry(&["ntop"], "begin { print(ntop(0x0100007f)); }"),
            entry(&["pton"], "begin { print(ntop(pton(\"::1\"))); }"),
            on_some_machines(&["macaddr"], "fentry:dev_queue_xmit { @[macaddr(args.skb.dev.dev_addr)] = count(); }"),
            entry(&["bswap"], "begin { printf(\"%x\\n\", bswap((uint16)0x1234)); }"),
            on_some_machines(
                &["skboutput"],
                "fentry:dev_queue_xmit { _ = skboutput(\"sent.pcap\", args.skb, args.skb.len, 14); }",
            ),
            entry(&["socket_cookie"], "fentry:tcp_sendmsg { @sent[socket_cookie(args.sk)] = sum(args.size); }"),
        ],
    },
    Family {
        page: "output",
        title: "Output",
        introduction: "What a script prints. Values are copied when the probe fires; formatting happens afterwards, outside of the kernel.",
        entries: &[
            entry(&["printf"], "tracepoint:sched:sched_switch { printf(\"%-16s %5d\\n\", comm, pid); }"),
            entry(
                &["print"],
                "interval:s:5 { print(@reads, 10); clear(@reads); } tracepoint:syscalls:sys_enter_read { @reads[comm] = count(); }",
            ),
            entry(&["errorf"], "begin { errorf(\"something is wrong: %d\", 5); }"),
            entry(&["warnf"], "begin { warnf(\"something is odd: %d\", 5); }"),
            entry(&["cat"], "tracepoint:syscalls:sys_enter_execve { cat(\"/proc/%d/status\", pid); }"),
            entry(&["join"], "tracepoint:syscalls:sys_enter_execve { join(args.argv, \" \"); }"),
            entry(&["system"], "tracepoint:syscalls:sys_enter_execve { system(\"ps -p %d\", pid); }"),
            entry(&["exit"], "interval:s:10 { exit(0); }"),
        ],
    },
    Family {
        page: "maps",
        title: "Maps",
        introduction: "What is done with a map as a whole, or with one of its keys. clear() and zero() happen when their record is read, after what was sent before.",
        entries: &[
            entry(
                &["delete"],
                "tracepoint:sched:sched_switch { @seen[pid] = 1; if (delete(@seen, 0)) { @idle = count(); } }",
            ),
            entry(
                &["has_key"],
                "kprobe:vfs_read { @start[tid] = nsecs; } kretprobe:vfs_read /has_key(@start, tid)/ { @ = count(); }",
            ),
            entry(
                &["find"],
                "kprobe:vfs_read { @start[tid] = nsecs; } kretprobe:vfs_read { let $start; if (find(@start, tid, $start)) { @ = hist(nsecs - $start); } }",
            ),
            entry(&["len"], "interval:s:1 { print(len(@pids)); } tracepoint:sched:sched_switch { @pids[pid] = 1; }"),
            entry(
                &["clear"],
                "interval:s:1 { print(@); clear(@); } tracepoint:sched:sched_switch { @[comm] = count(); }",
            ),
            entry(
                &["zero"],
                "interval:s:1 { print(@); zero(@); } tracepoint:sched:sched_switch { @[comm] = count(); }",
            ),
        ],
    },
    Family {
        page: "aggregations",
        title: "Aggregations",
        introduction: "What a map makes of the values that are assigned to it. Each CPU counts for itself, so nothing is lost and nobody waits; the values are put together when they are read.",
        entries: &[
            entry(&["count"], "tracepoint:syscalls:sys_enter_* { @[probe] = count(); }"),
            entry(&["sum"], "tracepoint:syscalls:sys_enter_read { @bytes[comm] = sum(args.count); }"),
            entry(&["avg"], "tracepoint:syscalls:sys_enter_read { @[comm] = avg(args.count); }"),
            entry(&["min"], "tracepoint:syscalls:sys_enter_read { @[comm] = min(args.count); }"),
            entry(&["max"], "tracepoint:syscalls:sys_enter_read { @[comm] = max(args.count); }"),
            entry(&["stats"], "tracepoint:syscalls:sys_enter_read { @[comm] = stats(args.count); }"),
            entry(&["hist"], "tracepoint:syscalls:sys_enter_read { @[comm] = hist(args.count, 2); }"),
            entry(&["lhist"], "tracepoint:syscalls:sys_enter_read { @ = lhist(args.count, 0, 1000, 100); }"),
            entry(
                &["tseries"],
                "config = { unstable_tseries = enable } interval:ms:100 { @ = tseries(rand % 10, 1s, 20, \"max\"); }",
            ),
        ],
    },
    Family {
        page: "machine",
        title: "The machine and the run",
        introduction: "The CPU that runs the probe, what the kernel can do, and what the user set.",
        entries: &[
            entry(&["cpu"], "profile:hz:99 { @[cpu] = count(); }"),
            entry(&["ncpus"], "begin { printf(\"%d CPUs\\n\", ncpus); }"),
            entry(&["numaid"], "profile:hz:99 { @[numaid] = count(); }"),
            entry(&["rand"], "interval:ms:10 { @ = lhist(rand % 10, 0, 10, 1); }"),
            entry(&["kfunc_exist"], "begin { print(kfunc_exist(\"bpf_task_from_pid\")); }"),
            entry(&["kfunc_allowed"], "interval:s:1 { if (kfunc_allowed(\"bpf_task_from_pid\")) { print(1); } }"),
            entry(&["config"], "begin { printf(\"strings have at most %d bytes\\n\", config.max_strlen); }"),
            entry(&["getopt"], "begin { $limit = getopt(\"limit\", 10, \"how many\"); print($limit); }"),
        ],
    },
    Family {
        page: "checks",
        title: "Types and checks",
        introduction: "Questions about types are answered when the script is compiled, and code that is then known not to run is not even checked. Macros use them to take arguments of several types.",
        entries: &[
            entry(&["sizeof"], "begin { print((sizeof(uint64), sizeof(struct path), sizeof(comm))); }"),
            entry(&["offsetof"], "begin { print(offsetof(struct path, dentry)); }"),
            entry(&["typeof"], "begin { let $last : typeof(nsecs) = 0; print((typeof(pid))$last); }"),
            entry(
                &["typeinfo"],
                "begin { if comptime (typeinfo(comm).base_type == \"string\") { print(typeinfo(pid)); } }",
            ),
            entry(&["is_str"], "begin { print(is_str(comm)); }"),
            entry(&["is_integer"], "begin { print(is_integer(pid)); }"),
            entry(&["is_unsigned_integer"], "begin { print(is_unsigned_integer(pid)); }"),
            entry(&["is_ptr"], "begin { print(is_ptr(curtask)); }"),
            entry(&["is_array"], "begin { print(is_array(curtask.comm)); }"),
            entry(&["is_scalar"], "begin { @a[1] = 1; @b = 1; print((is_scalar(@a), is_scalar(@b))); }"),
            entry(&["is_literal"], "begin { print(is_literal(5)); }"),
            entry(&["is_err"], "kretprobe:vfs_open { if (is_err(retval)) { print(strerror(retval)); } }"),
            entry(&["assert"], "begin { assert(ncpus > 0, \"there must be a CPU\"); }"),
            entry(&["static_assert"], "begin { static_assert(sizeof(uint64) == 8, \"a uint64 has 8 bytes\"); }"),
            entry(
                &["fail"],
                "macro text(x) { if (!is_str(x)) { fail(\"text() takes a string\"); } print(x); } begin { text(\"a\"); }",
            ),
        ],
    },
    Family {
        page: "changes",
        title: "Changing what is traced",
        introduction: "These need `--unsafe`: they change what the traced program or the kernel does. system() in [Output](output.md) is one of them.",
        entries: &[
            entry(&["signal"], "uprobe:/bin/app:compute { signal(\"SIGSTOP\"); }"),
            entry(&["signal_thread"], "uprobe:/bin/app:compute { signal_thread(10); }"),
            entry(&["override"], "kprobe:vfs_read /comm == \"victim\"/ { override(-5); }"),
            entry(&["write_user"], "uprobe:/bin/app:compute { $new = \"other\"; print(write_user(arg0, $new, 6)); }"),
        ],
    },
];
