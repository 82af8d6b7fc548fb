//! `skboutput(path, skb, length, offset)`: packets into a file that tcpdump reads.

use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::Expr;
use lancet_compiler::ir::Address;
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::{INT64, Type};
use lancet_manifest::Action;
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;

pub(crate) struct SkbOutput;

static SIGNATURE: Signature = Signature {
    name: "skboutput",
    aliases: &[],
    min: 4,
    max: 4,
    usage: "skboutput(\"file.pcap\", args.skb, length, offset)",
    summary: "Writes the first bytes of a packet to a pcap file of raw IP packets, without those before the offset (14 leaves out the Ethernet header); in fentry and fexit probes. 0, or a negative error number.",
    is_unsafe: false,
};

impl Builtin for SkbOutput {
    fn signature(&'static self) -> &'static Signature {
        &SIGNATURE
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        checker.facts().looks_at_arguments = true;
        let provider = checker.facts().written_provider().to_owned();
        if !matches!(provider.as_str(), "fentry" | "fexit") {
            let message = format!("skboutput(): the kernel does not allow it in a {provider} probe");
            checker.report(Diagnostic::error(Code::NotHere, span, message).help("use it in fentry or fexit"));
            return None;
        }
        let path = checker.text_argument(&arguments[0], "the file of skboutput()")?;
        let packet = checker.tracked_argument(&arguments[1])?;
        let is_packet = |ty: &Type| {
            let Type::Pointer(target, _) = ty else { return false };
            matches!(&**target, Type::Struct(reference) if &*reference.name == "struct sk_buff")
        };
        if !is_packet(&packet.ty) {
            let message = format!("skboutput() takes a pointer to a struct sk_buff, not {}", packet.ty);
            checker.error(Code::BadArgument, packet.span, message);
            return None;
        }
        let length = checker.integer_argument(&arguments[2], "the length in skboutput()")?;
        let offset = checker.constant_argument(&arguments[3], "the offset in skboutput()")?;
        let Ok(offset) = u32::try_from(offset) else {
            checker.error(Code::BadArgument, span, format!("skboutput(): the offset {offset} is out of range"));
            return None;
        };
        let action = Extra::Action(Action::Packet { path, offset });
        Some(Call::expr(self, INT64, span, vec![packet, length], action))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, _: &Type, _: Option<Address>) -> Operand {
        let Extra::Action(action) = &call.extra else { return Operand::Void };
        let packet = lowerer.scalar(&call.arguments[0]);
        let length = lowerer.scalar(&call.arguments[1]);
        Operand::Scalar(lowerer.send_packet(action.clone(), packet, length, call.span))
    }

    fn has_effect(&self) -> bool {
        true
    }
}
