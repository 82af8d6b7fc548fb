//! A strict reader of JSON (RFC 8259) that accepts or refuses, nothing more.

/// Refuses all but `count` lines that are one object each.
pub fn assert_objects(output: &str, count: usize) {
    let lines: Vec<&str> = output.lines().collect();
    assert!(output.ends_with('\n'), "no line break at the end: {output:?}");
    assert_eq!(lines.len(), count, "{output}");
    for line in lines {
        let rest = line.starts_with('{').then(|| value(line.as_bytes())).flatten();
        assert_eq!(rest, Some(&b""[..]), "no JSON: {line}");
    }
}

/// What is behind a value; `None` where there is none.
fn value(text: &[u8]) -> Option<&[u8]> {
    match text.first()? {
        b'{' => list(&text[1..], b'}', |text| value(expect(spaces(string(text)?), b':')?)),
        b'[' => list(&text[1..], b']', value),
        b'"' => string(text),
        b't' => text.strip_prefix(b"true"),
        b'f' => text.strip_prefix(b"false"),
        b'n' => text.strip_prefix(b"null"),
        _ => number(text),
    }
    .map(spaces)
}

fn list(text: &[u8], close: u8, element: impl Fn(&[u8]) -> Option<&[u8]>) -> Option<&[u8]> {
    let mut text = spaces(text);
    if let Some(rest) = expect(text, close) {
        return Some(rest);
    }
    loop {
        text = spaces(element(text)?);
        match expect(text, b',') {
            Some(rest) => text = spaces(rest),
            None => return text.strip_prefix(&[close]),
        }
    }
}

fn string(text: &[u8]) -> Option<&[u8]> {
    let mut text = text.strip_prefix(b"\"")?;
    loop {
        text = match text {
            [b'"', rest @ ..] => return Some(rest),
            [b'\\', b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', rest @ ..] => rest,
            [b'\\', b'u', a, b, c, d, rest @ ..] if [a, b, c, d].iter().all(|digit| digit.is_ascii_hexdigit()) => rest,
            [b'\\' | 0..32, ..] | [] => return None,
            [_, rest @ ..] => rest,
        };
    }
}

fn number(text: &[u8]) -> Option<&[u8]> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let length = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let leading_zero = length > 1 && digits[0] == b'0';
    (length > 0 && !leading_zero).then(|| &digits[length..])
}

fn expect(text: &[u8], byte: u8) -> Option<&[u8]> {
    text.strip_prefix(&[byte]).map(spaces)
}

fn spaces(text: &[u8]) -> &[u8] {
    text.trim_ascii_start()
}

#[test]
fn the_reader_knows_what_is_wrong() {
    let whole = |text: &str| value(text.as_bytes()) == Some(b"");
    for good in ["{}", r#"{"a": [1, -2,"\u00ff"], "b": null}"#, "[[],true]", "\"ü\""] {
        assert!(whole(good), "{good}");
    }
    for bad in ["{a:1}", "{\"a\"}", "[1,]", "01", "\"\\x41\"", "\"a\nb\"", "{} {}", "nul", "-", ""] {
        assert!(!whole(bad), "{bad}");
    }
}
