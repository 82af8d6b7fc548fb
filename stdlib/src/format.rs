//! Format strings of the printf family: text into pieces, checked against the arguments.

use lancet_compiler::builtin::Operand;
use lancet_compiler::check::Checker;
use lancet_compiler::hir::Expr;
use lancet_compiler::types::Type;
use lancet_manifest::{Conversion, ConversionKind, Format, Piece};
use lancet_syntax::ast;
use lancet_syntax::code::Code;
use lancet_syntax::diagnostic::Diagnostic;
use lancet_syntax::span::Span;

/// Checks the format and its arguments: `arguments[0]` is the format.
pub(crate) fn check<'a>(
    checker: &mut Checker<'a>,
    function: &str,
    arguments: &'a [ast::Argument],
    span: Span,
) -> Option<(Format, Vec<Expr>)> {
    let text = checker.bytes_argument(&arguments[0], &format!("the format of {function}()"));
    let values: Vec<Option<Expr>> = arguments[1..].iter().map(|argument| checker.argument(argument)).collect();
    let (bytes, text_span) = text?;
    let format = match parse(&bytes) {
        Ok((format, unknown)) => {
            for sign in unknown {
                let message = format!("{sign} is not a conversion: it is printed as it is");
                let warning = Diagnostic::warning(Code::BadFormat, text_span, message);
                checker.report(warning.help("a percent sign is written %%"));
            }
            format
        }
        Err(message) => {
            checker.report(Diagnostic::error(Code::BadFormat, span, message).label(text_span, "the format"));
            return None;
        }
    };
    let wanted = format.pieces.iter().filter(|piece| matches!(piece, Piece::Conversion(_))).count();
    if wanted != values.len() {
        let plural = |n: usize| if n == 1 { "" } else { "s" };
        let message = format!(
            "{function}: the format has {wanted} conversion{}, but there {} {} argument{}",
            plural(wanted),
            if values.len() == 1 { "is" } else { "are" },
            values.len(),
            plural(values.len())
        );
        checker.report(Diagnostic::error(Code::BadFormat, span, message).label(text_span, "the format"));
        return None;
    }
    let values: Vec<Expr> = values.into_iter().collect::<Option<_>>()?;
    let conversions = format.pieces.iter().filter_map(|piece| match piece {
        Piece::Conversion(conversion) => Some(conversion),
        Piece::Text(_) => None,
    });
    let mut fits = true;
    for (conversion, value) in conversions.zip(&values) {
        if let Some(message) = mismatch(conversion, &value.ty) {
            checker.report(Diagnostic::error(Code::BadFormat, span, message).label(value.span, value.ty.to_string()));
            fits = false;
        }
    }
    fits.then_some((format, values))
}

/// Why the conversion does not take a value of the type.
fn mismatch(conversion: &Conversion, ty: &Type) -> Option<String> {
    let number = ty.is_integer() || matches!(ty, Type::Pointer(..));
    match conversion.kind {
        ConversionKind::Signed
        | ConversionKind::Unsigned
        | ConversionKind::Octal
        | ConversionKind::Hex
        | ConversionKind::UpperHex
        | ConversionKind::AllocationFlags
        | ConversionKind::Character => {
            let shown_by_number =
                matches!(ty, Type::KernelSymbol | Type::Username | Type::Timestamp(..) | Type::CgroupPath(_));
            (!number && !shown_by_number).then(|| format!("this conversion takes an integer, not {ty}; use %s"))
        }
        ConversionKind::Pointer => {
            (!number && *ty != Type::KernelSymbol).then(|| format!("%p takes a pointer or an integer, not {ty}"))
        }
        ConversionKind::Text => (*ty == Type::Void).then(|| "%s takes a value".to_owned()),
        ConversionKind::Escaped | ConversionKind::EscapedHex | ConversionKind::HexDump => {
            (!matches!(ty, Type::Buffer(_))).then(|| format!("%r takes a buffer, not {ty}; make one with buf()"))
        }
    }
}

/// Parses a format as C has it (ISO C 7.23.6.1), with `%r`, `%rx`, `%rh` for buffers. A percent sign before anything that is
/// no conversion is text: those are listed.
pub(crate) fn parse(bytes: &[u8]) -> Result<(Format, Vec<String>), String> {
    let mut unknown = Vec::new();
    let mut pieces = Vec::new();
    let mut text = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] != b'%' {
            text.push(bytes[at]);
            at += 1;
        } else if bytes.get(at + 1) == Some(&b'%') {
            text.push(b'%');
            at += 2;
        } else if let Some((conversion, length)) = conversion(&bytes[at + 1..])? {
            if !text.is_empty() {
                pieces.push(Piece::Text(std::mem::take(&mut text)));
            }
            pieces.push(Piece::Conversion(conversion));
            at += 1 + length;
        } else {
            let next = bytes.get(at + 1).filter(|byte| byte.is_ascii_graphic());
            unknown.push(next.map_or("a percent sign alone".to_owned(), |byte| format!("%{}", char::from(*byte))));
            text.push(b'%');
            at += 1;
        }
    }
    if !text.is_empty() {
        pieces.push(Piece::Text(text));
    }
    Ok((Format { pieces }, unknown))
}

/// One conversion behind its `%`, and how many bytes it takes; `None` when it is none.
fn conversion(bytes: &[u8]) -> Result<Option<(Conversion, usize)>, String> {
    let mut conversion = Conversion {
        left: false,
        zero: false,
        plus: false,
        space: false,
        alternate: false,
        width: None,
        precision: None,
        integer_size: 4,
        kind: ConversionKind::Signed,
    };
    let mut at = 0;
    while let Some(flag) = bytes.get(at) {
        match flag {
            b'-' => conversion.left = true,
            b'0' => conversion.zero = true,
            b'+' => conversion.plus = true,
            b' ' => conversion.space = true,
            b'#' => conversion.alternate = true,
            _ => break,
        }
        at += 1;
    }
    conversion.width = number(bytes, &mut at)?;
    if bytes.get(at) == Some(&b'.') {
        at += 1;
        conversion.precision = Some(number(bytes, &mut at)?.unwrap_or(0));
    }
    let rest = &bytes[at..];
    let (size, modifier) = match rest {
        [b'h', b'h', ..] => (1, 2),
        [b'h', ..] => (2, 1),
        [b'l', b'l', ..] => (8, 2),
        [b'l' | b'L' | b'j' | b'z' | b't', ..] => (8, 1),
        _ => (4, 0),
    };
    conversion.integer_size = size;
    at += modifier;
    let (kind, letters) = match &bytes[at..] {
        [b'd' | b'i', ..] => (ConversionKind::Signed, 1),
        [b'u', ..] => (ConversionKind::Unsigned, 1),
        [b'o', ..] => (ConversionKind::Octal, 1),
        [b'x', ..] => (ConversionKind::Hex, 1),
        [b'X', ..] => (ConversionKind::UpperHex, 1),
        [b'c', ..] => (ConversionKind::Character, 1),
        [b'p', ..] => (ConversionKind::Pointer, 1),
        [b's', ..] => (ConversionKind::Text, 1),
        [b'g', b'r', ..] => (ConversionKind::AllocationFlags, 2),
        [b'r', b'x', ..] => (ConversionKind::EscapedHex, 2),
        [b'r', b'h', ..] => (ConversionKind::HexDump, 2),
        [b'r', ..] => (ConversionKind::Escaped, 1),
        [letter @ (b'a' | b'e' | b'E' | b'f' | b'F' | b'g' | b'G'), ..] => {
            return Err(format!("%{} takes numbers with a fraction, which there are none of", char::from(*letter)));
        }
        [b'*', ..] => return Err("a width that is an argument (*) is not possible".into()),
        [b'n', ..] => return Err("%n is not possible".into()),
        _ => return Ok(None),
    };
    conversion.kind = kind;
    Ok(Some((conversion, at + letters)))
}

fn number(bytes: &[u8], at: &mut usize) -> Result<Option<u32>, String> {
    let start = *at;
    while bytes.get(*at).is_some_and(u8::is_ascii_digit) {
        *at += 1;
    }
    if start == *at {
        return Ok(None);
    }
    let digits = String::from_utf8_lossy(&bytes[start..*at]);
    match digits.parse::<u32>() {
        Ok(number) if number <= 1 << 16 => Ok(Some(number)),
        _ => Err(format!("a width of {digits} is too large")),
    }
}

/// Aggregations have no value: the checker lets them stand right of an assignment to a map only.
pub(crate) fn unreachable_value(name: &str) -> Operand {
    unreachable!("{name}() was checked to be assigned to a map")
}
