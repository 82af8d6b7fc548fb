//! `comm`: the name of the current thread; `comm(pid)`: that of another process.

use crate::kernel_function::{function_id, may_call};
use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::{Expr, ExprKind};
use lancet_compiler::ir::{Address, Helper, Instruction, Value};
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::{INT64, Type};
use lancet_kernel::Version;
use lancet_kernel::btf::NameKind;
use lancet_manifest::Action;
use lancet_syntax::ast::{self, TagKind};
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;

pub(crate) struct Comm;

/// TASK_COMM_LEN of the kernel (include/linux/sched.h).
const LENGTH: u32 = 16;

static SIGNATURE: Signature = Signature {
    name: "comm",
    aliases: &[],
    min: 0,
    max: 1,
    usage: "comm or comm(pid)",
    summary: "The name of the current thread, at most 15 bytes, or of the process with that number (kernel 6.12).",
    is_unsafe: false,
};

impl Builtin for Comm {
    fn signature(&'static self) -> &'static Signature {
        &SIGNATURE
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        let arguments = match arguments.first() {
            None => of_own_task(checker, span),
            Some(process) => of_process(checker, process, span)?,
        };
        Some(Call::expr(self, Type::String(LENGTH), span, arguments, Extra::None))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, _: &Type, into: Option<Address>) -> Operand {
        let to = into.unwrap_or_else(|| Address::Slot(lowerer.slot(LENGTH, 8, "comm"), 0));
        if let [offset] = call.arguments.as_slice() {
            read_own_task(lowerer, constant(offset) as i32, to);
            return Operand::Memory(to);
        }
        lowerer.push(Instruction::Zero { address: to, size: LENGTH });
        let address = lowerer.address_of(to);
        if let [process, offset, from_number, release] = call.arguments.as_slice() {
            let process = lowerer.scalar(process);
            let find = call_kernel(from_number, process);
            let task = lowerer.value(find);
            lowerer.if_else(
                task,
                |lowerer| {
                    let from = lowerer.add_constant(task, constant(offset));
                    let length = lowerer.constant(i64::from(LENGTH));
                    let result = lowerer.call(Helper::PROBE_READ_KERNEL_STR, &[address, length, from]);
                    lowerer.helper_error(Helper::PROBE_READ_KERNEL_STR, result, call.span);
                    lowerer.value(call_kernel(release, task));
                },
                |lowerer| {
                    lowerer.push(Instruction::StoreBytes { address: to, bytes: b"N/A".to_vec() });
                    let message = "comm(): there is no process with that number".to_owned();
                    let location = lowerer.location(call.span);
                    lowerer.emit(Action::RuntimeError { message, location }, &[]);
                },
            );
            return Operand::Memory(to);
        }
        let length = lowerer.constant(i64::from(LENGTH));
        lowerer.call(Helper::GET_CURRENT_COMM, &[address, length]);
        Operand::Memory(to)
    }

    fn fills_in_place(&self) -> bool {
        true
    }
}

/// Since this version the kernel keeps the names of tasks zero behind their NUL.
const PADDED: Version = Version::new(5, 17);

/// The offset of a task's name where it can be read from there, which costs a quarter of what the helper does.
fn of_own_task(checker: &Checker<'_>, span: Span) -> Vec<Expr> {
    let kernel = checker.kernel();
    if !kernel.features().current_task_btf || kernel.version() < PADDED {
        return Vec::new();
    }
    let offset = kernel.btf().and_then(|btf| {
        let task = btf.find("task_struct", NameKind::Struct)?;
        Some(btf.member(task, "comm")?.bit_offset / 8)
    });
    let number = |offset| Expr { span, ty: INT64, kind: ExprKind::Constant(i64::from(offset)) };
    offset.map(number).into_iter().collect()
}

/// Loads the name from the current task, by words that are aligned where they are stored.
fn read_own_task(lowerer: &mut Lowerer<'_>, offset: i32, to: Address) {
    let task = lowerer.call(Helper::GET_CURRENT_TASK_BTF, &[]);
    let words = [0, 8].map(|at| lowerer.load8(Address::Pointer(task, offset + at)));
    for (at, word) in [0, 8].into_iter().zip(words) {
        let place = lowerer.offset_address(to, at as u32);
        lowerer.store8(place, word);
    }
}

/// The functions of the kernel that find a process by its number in some pid namespace, and let go of it.
const FROM_OWN_NUMBER: &str = "bpf_task_from_vpid";
const FROM_INITIAL_NUMBER: &str = "bpf_task_from_pid";
const RELEASE: &str = "bpf_task_release";

/// The process's number, the offset of a task's name, and the functions that find the task and let go of it.
fn of_process<'a>(checker: &mut Checker<'a>, process: &'a ast::Argument, span: Span) -> Option<Vec<Expr>> {
    let process = checker.integer_argument(process, "the process in comm()")?;
    let find = if checker.settings().nested_pid_namespace && may_call(checker, FROM_OWN_NUMBER) {
        FROM_OWN_NUMBER
    } else {
        FROM_INITIAL_NUMBER
    };
    let offset = match checker.types().tagged(TagKind::Struct, "task_struct") {
        Some(Type::Struct(task)) => checker.types().field(&task, "comm").map(|field| i64::from(field.offset)),
        _ => None,
    };
    let functions = [find, RELEASE].map(|name| may_call(checker, name).then(|| function_id(checker, name)).flatten());
    let (Some(offset), [Some(find), Some(release)]) = (offset, functions) else {
        let provider = checker.facts().written_provider().to_owned();
        let message = format!("comm(pid): on this kernel a {provider} probe cannot look at other processes");
        let help = "kernel 6.12 and newer allow it in tracepoint, profile and interval probes";
        checker.report(Diagnostic::error(Code::NotOnThisKernel, span, message).help(help));
        return None;
    };
    let number = |value: i64| Expr { span, ty: INT64, kind: ExprKind::Constant(value) };
    Some(vec![process, number(offset), number(i64::from(find)), number(i64::from(release))])
}

fn call_kernel(function: &Expr, argument: Value) -> Instruction {
    Instruction::CallKernel { name: String::new(), btf_id: constant(function) as u32, arguments: vec![argument] }
}

fn constant(expr: &Expr) -> i64 {
    match expr.kind {
        ExprKind::Constant(value) => value,
        _ => 0,
    }
}
