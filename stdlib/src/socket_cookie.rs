//! `socket_cookie(sk)`: the number by which the kernel knows a socket for life.

use lancet_compiler::builtin::{Builtin, Call, Extra, Operand, Signature};
use lancet_compiler::check::Checker;
use lancet_compiler::hir::Expr;
use lancet_compiler::ir::{Address, Helper};
use lancet_compiler::lower::Lowerer;
use lancet_compiler::types::{Type, UINT64};
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;

pub(crate) struct SocketCookie;

static SIGNATURE: Signature = Signature {
    name: "socket_cookie",
    aliases: &[],
    min: 1,
    max: 1,
    usage: "socket_cookie(args.sk)",
    summary: "The cookie of a struct sock in the arguments of fentry and fexit probes: a number that stays the same while the socket lives; 0 for a null pointer.",
    is_unsafe: false,
};

impl Builtin for SocketCookie {
    fn signature(&'static self) -> &'static Signature {
        &SIGNATURE
    }

    fn check<'a>(&'static self, checker: &mut Checker<'a>, arguments: &'a [ast::Argument], span: Span) -> Option<Expr> {
        checker.facts().looks_at_arguments = true;
        let provider = checker.facts().written_provider().to_owned();
        if !matches!(provider.as_str(), "fentry" | "fexit") {
            let message = format!("socket_cookie(): the kernel does not allow it in a {provider} probe");
            checker.report(Diagnostic::error(Code::NotHere, span, message).help("use it in fentry or fexit"));
            return None;
        }
        let socket = checker.tracked_argument(&arguments[0])?;
        if !matches!(socket.ty, Type::Pointer(..)) {
            let message = format!("socket_cookie() takes a pointer to a struct sock, not {}", socket.ty);
            checker.error(Code::BadArgument, socket.span, message);
            return None;
        }
        Some(Call::expr(self, UINT64, span, vec![socket], Extra::None))
    }

    fn lower(&self, lowerer: &mut Lowerer<'_>, call: &Call, _: &Type, _: Option<Address>) -> Operand {
        let socket = lowerer.scalar(&call.arguments[0]);
        let cookie = |lowerer: &mut Lowerer<'_>| lowerer.call(Helper::GET_SOCKET_COOKIE, &[socket]);
        Operand::Scalar(lowerer.choose(socket, cookie, |lowerer| lowerer.constant(0)))
    }
}
