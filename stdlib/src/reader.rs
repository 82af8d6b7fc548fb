//! Builtins that read one number: from a helper, or from what the runtime wrote before attaching.

use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::Expr;
use lancet_compiler::ir::{Address, BinaryOp, Comparison, Helper, Value};
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::{Type, UINT32, UINT64};
use lancet_manifest::InitialValue;
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;

/// A number that the machine knows.
pub(crate) struct Reader {
    signature: Signature,
    ty: fn() -> Type,
    read: fn(&mut Lowerer<'_>) -> Value,
}

const fn signature(name: &'static str, usage: &'static str, summary: &'static str) -> Signature {
    Signature { name, aliases: &[], min: 0, max: 0, usage, summary, is_unsafe: false }
}

fn uint32() -> Type {
    UINT32
}

fn uint64() -> Type {
    UINT64
}

/// The high or low half of a helper's result.
fn half(lowerer: &mut Lowerer<'_>, helper: Helper, high: bool) -> Value {
    let both = lowerer.call(helper, &[]);
    if high {
        let bits = lowerer.constant(32);
        return lowerer.binary(BinaryOp::ShiftRight, both, bits);
    }
    let mask = lowerer.constant(0xffff_ffff);
    lowerer.binary(BinaryOp::And, both, mask)
}

/// The user id of the current process.
pub(crate) fn user_id(lowerer: &mut Lowerer<'_>) -> Value {
    half(lowerer, Helper::GET_CURRENT_UID_GID, false)
}

pub(crate) static ALL: &[Reader] = &[
    Reader { signature: signature("uid", "uid", "User id of the current process."), ty: uint32, read: user_id },
    Reader {
        signature: signature("gid", "gid", "Group id of the current process."),
        ty: uint32,
        read: |lowerer| half(lowerer, Helper::GET_CURRENT_UID_GID, true),
    },
    Reader {
        signature: Signature {
            aliases: &["bpf_get_smp_processor_id"],
            ..signature("cpu", "cpu", "Number of the CPU that runs the probe.")
        },
        ty: uint32,
        read: |lowerer| lowerer.call(Helper::GET_SMP_PROCESSOR_ID, &[]),
    },
    Reader {
        signature: signature("numaid", "numaid", "NUMA node of the CPU that runs the probe."),
        ty: uint32,
        read: |lowerer| lowerer.call(Helper::GET_NUMA_NODE_ID, &[]),
    },
    Reader {
        signature: signature("ncpus", "ncpus", "Number of CPUs that the kernel can have."),
        ty: uint64,
        read: |lowerer| {
            let count = lowerer.possible_cpus();
            lowerer.constant(i64::from(count))
        },
    },
    Reader {
        signature: signature("elapsed", "elapsed", "Nanoseconds since tracing began."),
        ty: uint64,
        read: |lowerer| {
            let now = lowerer.call(Helper::KTIME_GET_NS, &[]);
            let start = lowerer.initial(InitialValue::StartTime);
            lowerer.binary(BinaryOp::Sub, now, start)
        },
    },
    Reader {
        signature: signature("rand", "rand", "A random number of 32 bits."),
        ty: uint32,
        read: |lowerer| lowerer.call(Helper::GET_PRANDOM_U32, &[]),
    },
    Reader {
        signature: signature("cgroup", "cgroup", "Id of the current process's cgroup (version 2)."),
        ty: uint64,
        read: |lowerer| lowerer.call(Helper::GET_CURRENT_CGROUP_ID, &[]),
    },
    Reader {
        signature: signature("jiffies", "jiffies", "The kernel's timer ticks since boot."),
        ty: uint64,
        read: |lowerer| lowerer.call(Helper::JIFFIES64, &[]),
    },
    Reader {
        signature: signature("has_cpid", "has_cpid", "True when there is a command of -c (or a process of -p)."),
        ty: || Type::Bool,
        read: |lowerer| {
            let process = lowerer.initial(InitialValue::TargetProcess);
            let none = lowerer.constant(0);
            lowerer.compare(Comparison::NotEqual, process, none)
        },
    },
    Reader {
        signature: signature("cpid", "cpid", "Process id of the command of -c (or process of -p); 0 without."),
        ty: uint32,
        read: |lowerer| lowerer.initial(InitialValue::TargetProcess),
    },
];

impl Builtin for Reader {
    fn signature(&'static self) -> &'static Signature {
        &self.signature
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, _: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let settings = checker.settings();
        if self.signature.name == "cpid" && !settings.has_target && !settings.is_only_checked {
            let message = "cpid is 0: there is no command and no process";
            checker.report(Diagnostic::warning(Code::Suspicious, span, message).help("give one with -c or -p"));
        }
        Some(Call::expr(self, (self.ty)(), span, Vec::new(), Extra::None))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, _: &Call, _: &Type, _: Option<Address>) -> Operand {
        Operand::Scalar((self.read)(lowerer))
    }
}
