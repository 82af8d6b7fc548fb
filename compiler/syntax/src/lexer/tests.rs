//! Tokens as `-d tokens` shows them.

use super::*;
use crate::span::SourceMap;
use crate::token::print;

/// The tokens of a text as lines of kind and text, and its diagnostics as `line:column code`.
fn tokens(text: &str) -> (Vec<String>, Vec<String>) {
    let mut sources = SourceMap::default();
    let file = sources.add("stdin", text);
    let mut diagnostics = Diagnostics::default();
    let lexed = lex(text, file, &mut diagnostics);
    let kinds = lexed.tokens.iter().map(|token| format!("{:?} {}", token.kind, token.text(&sources))).collect();
    let place = |diagnostic: &Diagnostic| {
        let start = sources.start(diagnostic.span);
        format!("{}:{} {}", start.line, start.column, diagnostic.code.as_str())
    };
    (kinds, diagnostics.iter().map(place).collect())
}

/// The parts of the attach points of a text, separated as they were.
fn parts(text: &str) -> String {
    let (tokens, diagnostics) = tokens(text);
    assert!(diagnostics.is_empty(), "{text}: {diagnostics:?}");
    let parts = tokens.iter().take_while(|token| !token.starts_with("LeftBrace"));
    parts
        .map(|token| token.strip_prefix("ProbePart ").map_or(token.split_once(' ').unwrap().1, |t| t))
        .collect::<Vec<_>>()
        .join("|")
}

#[test]
fn prints_one_token_a_line() {
    let mut sources = SourceMap::default();
    let text = "begin {\n  @a[$x] += 0x1f; // c\n}";
    let file = sources.add("stdin", text);
    let lexed = lex(text, file, &mut Diagnostics::default());
    let expected = "\
1:1     ProbePart         begin
1:7     LeftBrace         {
2:3     Map               @a
2:5     LeftBracket       [
2:6     Variable          $x
2:8     RightBracket      ]
2:10    AddAssign         +=
2:13    Integer           0x1f
2:17    Semicolon         ;
3:1     RightBrace        }
3:2     End               
";
    assert_eq!(print(&lexed.tokens, &sources), expected);
    assert_eq!(lexed.comments[0].text, "// c");
}

#[test]
fn attach_points_are_split_at_their_colons() {
    let cases = [
        ("kprobe:vfs_read {", "kprobe|:|vfs_read"),
        ("BEGIN,END {", "BEGIN|,|END"),
        ("kprobe:a,\n  kretprobe:b* {", "kprobe|:|a|,|kretprobe|:|b*"),
        ("interval:s:1 {", "interval|:|s|:|1"),
        ("interval:1_000ms {", "interval|:|1_000ms"),
        ("uprobe:/bin/bash:readline {", "uprobe|:|/bin/bash|:|readline"),
        ("uprobe:/lib/*/x:f {", "uprobe|:|/lib/*/x|:|f"),
        ("uprobe:libc.so.6:puts+0x10 {", "uprobe|:|libc.so.6|:|puts+0x10"),
        ("uprobe:/p/with,odd/-c_+.so.6:\"q::n<int>\"+0x10 {", "uprobe|:|/p/with,odd/-c_+.so.6|:|\"q::n<int>\"+0x10"),
        ("u:/a:f,u:/b:g {", "u|:|/a|:|f|,|u|:|/b|:|g"),
        ("uprobe:./x:cpp:\"a(b, c)\" {", "uprobe|:|./x|:|cpp|:|\"a(b, c)\""),
        ("usdt:./x:prov:name {", "usdt|:|./x|:|prov|:|name"),
        ("uprobe:$1:$2 {", "uprobe|:|$1|:|$2"),
        ("kprobe:mod:fn+4 {", "kprobe|:|mod|:|fn+4"),
        ("iter:task_file:/sys/fs/bpf/files {", "iter|:|task_file|:|/sys/fs/bpf/files"),
        ("tracepoint:*:sys_[ab]? {", "tracepoint|:|*|:|sys_[ab]?"),
        ("x=kprobe:f {", "x|=|kprobe|:|f"),
        ("software:faults: {", "software|:|faults|:|"),
    ];
    for (text, expected) in cases {
        assert_eq!(parts(text), expected, "{text}");
    }
}

#[test]
fn a_slash_divides_or_ends_the_predicate() {
    let (tokens, _) = tokens("kprobe:f /a / 2 == (b /2)/ { $x = 1 / 2; }");
    let slashes: Vec<&str> = tokens.iter().map(String::as_str).filter(|token| token.ends_with('/')).collect();
    assert_eq!(slashes, ["Slash /", "Slash /", "Slash /", "EndPredicate /", "Slash /"]);
    let (tokens, _) = self::tokens("uprobe:/bin/bash:f/pid/{}");
    assert_eq!(tokens[4..8], ["ProbePart f", "Slash /", "Identifier pid", "EndPredicate /"]);
    let (tokens, _) = self::tokens("kprobe:f /pid /\n#endif // {\n{}");
    assert_eq!(tokens[3..6], ["Slash /", "Identifier pid", "EndPredicate /"], "{tokens:?}");
}

#[test]
fn reports_what_it_cannot_read_once() {
    let cases = [
        ("BEGIN { \"abc }\n", vec!["1:9 E0102"]),
        ("BEGIN { 'a }\n", vec!["1:9 E0102"]),
        ("BEGIN { $a ` é }", vec!["1:12 E0101", "1:14 E0101"]),
        ("BEGIN { } /* x", vec!["1:11 E0103"]),
        ("BEGIN { $t = (1, 2}; }", vec!["1:19 E0201"]),
        ("BEGIN { $ @ }", vec!["1:9 E0101"]),
        ("uprobe:/x:\"f { }\n", vec!["1:11 E0102"]),
    ];
    for (text, expected) in cases {
        assert_eq!(tokens(text).1, expected, "{text}");
    }
}

#[test]
fn windows_line_ends_marks_and_shebangs_are_read() {
    let text = "#!/usr/bin/env lancet\r\n#define A \\\r\n 1\r\nBEGIN {\r\n  1; // c\r\n}\r\n";
    let lexed = lex(text, FileId(0), &mut Diagnostics::default());
    assert_eq!(lexed.shebang.as_deref(), Some("#!/usr/bin/env lancet"));
    assert_eq!(lexed.comments[0].text, "// c");
    assert_eq!(lexed.tokens[0].kind, TokenKind::Directive);
    assert_eq!(&text[lexed.tokens[0].span.start as usize..lexed.tokens[0].span.end as usize], "#define A \\\r\n 1");
    assert_eq!(tokens("\u{feff}BEGIN {}").0[0], "ProbePart BEGIN");
}
