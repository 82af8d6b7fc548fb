//! Sessions: a `kprobe` and the `kretprobe` behind it, of the same functions, are one program and one link (Linux 6.10),
//! which attaches in half the time. The program asks the kernel which of the two it is run for.

use super::Lowerer;
use crate::hir::{Probe, ProbeProgram};
use crate::ir::{BinaryOp, Instruction};
use lancet_kernel::btf::NameKind;
use lancet_manifest::Target;

/// bool bpf_session_is_return(void *ctx), which takes nothing before Linux 7.0.
const IS_RETURN: &str = "bpf_session_is_return";

/// The start and the return of the same functions.
pub(super) struct Session<'a> {
    start: (&'a Probe, &'a ProbeProgram),
    at_return: (&'a Probe, &'a ProbeProgram),
    function: u32,
}

impl<'a> Lowerer<'a> {
    /// Whether two probes are one program.
    pub(super) fn as_session(&self, probe: &'a Probe, next: &'a Probe) -> Option<Session<'a>> {
        let ([start], [at_return]) = (probe.programs.as_slice(), next.programs.as_slice()) else { return None };
        let are_kprobes = start.section == "kprobe.multi" && at_return.section == "kretprobe.multi";
        let is_session = are_kprobes && functions(start).eq(functions(at_return));
        if !is_session || !self.target.features.kprobe_session {
            return None;
        }
        let function = self.target.kernel.btf()?.find(IS_RETURN, NameKind::Function)?.0;
        Some(Session { start: (probe, start), at_return: (next, at_return), function })
    }

    pub(super) fn session(&mut self, session: Session<'a>) {
        let Session { start: (probe, start), at_return: (next, at_return), function } = session;
        let symbol = self.symbol(start);
        let first = self.describe(start, &symbol);
        let first_return = self.describe(at_return, &symbol);
        // One program has the attach points of both.
        if let Some(returns) = self.manifest.programs.pop()
            && let Some(program) = self.manifest.programs.last_mut()
        {
            program.attachments.extend(returns.attachments);
            program.session = true;
        }
        self.begin(symbol, "kprobe.session".to_owned(), probe.span);
        let context = self.value(Instruction::Context);
        let arguments = vec![context];
        let answer = self.value(Instruction::CallKernel { name: IS_RETURN.to_owned(), btf_id: function, arguments });
        // Of a bool the other bits may be anything.
        let one = self.constant(1);
        let is_return = self.binary(BinaryOp::And, answer, one);
        let (second, before) = (self.builder.block(), self.builder.block());
        self.builder.branch(is_return, second, before);
        self.builder.seal(second);
        self.builder.seal(before);
        self.builder.switch_to(before);
        self.first_probe = first;
        self.whole_action(probe, start);
        self.builder.switch_to(second);
        self.builder.set_span(next.span);
        self.first_probe = first_return;
        self.behind_cookie = first_return - first;
        self.whole_action(next, at_return);
        self.behind_cookie = 0;
        self.end();
    }
}

fn functions(part: &ProbeProgram) -> impl Iterator<Item = &str> {
    part.attach_points.iter().filter_map(|point| match &point.target {
        Target::KernelFunction { function, .. } => Some(function.as_str()),
        _ => None,
    })
}
