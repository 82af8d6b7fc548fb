//! Many events of system calls in one program: what `tracepoint:syscalls:sys_enter_*` becomes.
//!
//! The kernel's events of single calls all hang on two raw tracepoints, `sys_enter` and `sys_exit`. A program on one of
//! these that looks at the call's number does for all of them, and it is attached and detached at once, where the kernel
//! waits up to 80 ms for each event. It costs a little at every system call, traced or not: so only several events are
//! served like this, by one program for all that have the same action.
//!
//! Invariant: an action cannot tell the difference. What shows the event itself, the context and the kernel's stack, keeps
//! the events; but older kernels hand the registers of the process to programs on these events, from which there is no way
//! to the kernel's stack: there a single event is served like this too when its action takes that stack.

use super::{Arguments, Expansion, ProbeFacts};
use crate::ctypes::TypeTable;
use crate::hir::{AttachPoint, ContextKind, ProbeProgram};
use crate::types::Type;
use lancet_kernel::Version;
use lancet_kernel::system_call::{Moment, SystemCalls};
use lancet_kernel::tracepoint::{FieldStorage, TracepointField};
use lancet_manifest::Target;
use lancet_syntax::ast::TagKind;

/// Fewer events are attached one by one.
const FEWEST: usize = 4;

/// Since this version, or an earlier one, programs on events of system calls can take the kernel's stack.
const WITH_STACK: Version = Version::new(6, 12);

/// Where the number of the call is in the record (`struct syscall_trace_enter`).
pub(crate) const NUMBER_OFFSET: i64 = 8;
/// Where the arguments, or the result, start.
pub(crate) const VALUES_OFFSET: i64 = 16;

/// Replaces events of system calls in an action's programs by programs for many.
pub fn serve_many(
    programs: Vec<ProbeProgram>,
    facts: &ProbeFacts,
    types: &TypeTable<'_>,
    version: Version,
) -> Vec<ProbeProgram> {
    let fewest = match (facts.takes_kernel_stack, version < WITH_STACK) {
        (true, true) => 1,
        (true, false) => return programs,
        (false, _) => FEWEST,
    };
    let is_event =
        |point: &AttachPoint| matches!(&point.target, Target::Tracepoint { category, .. } if category == "syscalls");
    let count = programs.iter().flat_map(|program| &program.attach_points).filter(|point| is_event(point)).count();
    if count < fewest || !can_serve(facts) {
        return programs;
    }
    let Some(status) = status_of_tasks(types) else { return programs };
    let calls = SystemCalls::x86_64();
    let (mut enter, mut exit) = (Vec::new(), Vec::new());
    for point in programs.iter().flat_map(|program| &program.attach_points) {
        match served(point, &calls) {
            Some((Moment::Enter, point)) => enter.push(point),
            Some((Moment::Exit, point)) => exit.push(point),
            None => {}
        }
    }
    let many = [(Moment::Enter, enter), (Moment::Exit, exit)].into_iter().filter(|(_, points)| points.len() >= fewest);
    let many: Vec<ProbeProgram> = many.map(|(moment, points)| program(moment, points, status)).collect();
    let is_served = |point: &AttachPoint| {
        let moment = served(point, &calls).map(|(moment, _)| moment);
        many.iter()
            .any(|program| Some(program.context) == moment.map(|moment| ContextKind::SystemCall { moment, status }))
    };
    let mut rest = programs;
    rest.iter_mut().for_each(|program| program.attach_points.retain(|point| !is_served(point)));
    rest.retain(|program| !program.attach_points.is_empty());
    rest.into_iter().chain(many).collect()
}

/// Whether the registers have all that the action looks at.
fn can_serve(facts: &ProbeFacts) -> bool {
    let Arguments::Tracepoint { format, .. } = &facts.expansion.arguments else { return false };
    let mut fields = facts.fields.iter().map(|name| format.field(name));
    !facts.looks_at_arguments && !facts.needs_own_event && fields.all(|field| field.is_some_and(is_plain))
}

/// The number, an argument, or the result: not what newer kernels read from the memory of the process.
fn is_plain(field: &TracepointField) -> bool {
    let offset = i64::from(field.offset);
    let is_number = offset == NUMBER_OFFSET && field.size == 4;
    let is_value = (0..6).any(|index| offset == VALUES_OFFSET + 8 * index) && field.size == 8;
    field.storage == FieldStorage::Scalar && (is_number || is_value)
}

fn served(point: &AttachPoint, calls: &SystemCalls) -> Option<(Moment, AttachPoint)> {
    let Target::Tracepoint { category, event } = &point.target else { return None };
    let (moment, number) = calls.of_event(category, event)?;
    let target = Target::SystemCall { at_exit: moment == Moment::Exit, number };
    Some((moment, AttachPoint { target, ..point.clone() }))
}

fn program(moment: Moment, attach_points: Vec<AttachPoint>, status: u32) -> ProbeProgram {
    ProbeProgram {
        section: "raw_tp".to_owned(),
        context: ContextKind::SystemCall { moment, status },
        attach_points,
        multi: true,
    }
}

/// Where a task says whether it is in a system call of 32 bits, which has no event.
fn status_of_tasks(types: &TypeTable<'_>) -> Option<u32> {
    let Some(Type::Struct(task)) = types.tagged(TagKind::Struct, "task_struct") else { return None };
    let info = types.field(&task, "thread_info")?;
    let Type::Struct(of_thread) = &info.ty else { return None };
    let status = types.field(of_thread, "status")?;
    Some(info.offset + status.offset)
}

/// Whether an action that looks at these fields of one expansion sees the same in another.
pub fn see_the_same(fields: &[String], one: &Expansion, other: &Expansion) -> bool {
    match (&one.arguments, &other.arguments) {
        (
            Arguments::Tracepoint { format: one, space: one_space },
            Arguments::Tracepoint { format: other, space: other_space },
        ) => one_space == other_space && fields.iter().all(|name| one.field(name) == other.field(name)),
        _ => fields.is_empty(),
    }
}
