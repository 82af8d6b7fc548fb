//! Scripts before and after preprocessing.

use super::*;
use crate::printer::print;

/// Headers by their names.
struct Headers(&'static [(&'static str, &'static str)]);

impl SourceLoader for Headers {
    fn load(&self, name: &str, _angled: bool, _from: FileId) -> Option<(String, String)> {
        let found = self.0.iter().find(|(known, _)| *known == name)?;
        Some((format!("/include/{name}"), found.1.to_string()))
    }

    fn is_reserved(&self, name: &str) -> bool {
        name == "print"
    }
}

const NONE: Headers = Headers(&[]);

/// The script as it is compiled, and the diagnostics as `file:line:column code message`.
fn expanded(text: &str, headers: &Headers) -> (String, Vec<String>) {
    let mut sources = SourceMap::default();
    let file = sources.add("stdin", text);
    let mut diagnostics = Diagnostics::default();
    let program = parse_expanded(&mut sources, file, headers, &mut diagnostics);
    let shown = diagnostics.iter().map(|diagnostic| {
        let start = sources.start(diagnostic.span);
        let name = &sources.file(diagnostic.span.file).name;
        format!("{name}:{}:{} {} {}", start.line, start.column, diagnostic.code.as_str(), diagnostic.message)
    });
    let shown = shown.collect();
    let lines = print(&program, &sources);
    (lines.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" "), shown)
}

fn clean(text: &str, headers: &Headers) -> String {
    let (script, errors) = expanded(text, headers);
    assert_eq!(errors, Vec::<String>::new(), "{text}");
    script
}

#[test]
fn macros_are_expanded() {
    let cases = [
        ("#define A 3\n#define B (A + 4)\nbegin { print(B * A); }", "begin { print((3 + 4) * 3); }"),
        ("#define ADD(a, b) ((a) + \\\n  (b))\nbegin { $x = ADD(1, ADD(2, 3)); }", "begin { $x = 1 + (2 + 3); }"),
        ("#define S(x) #x\n#define C(a, b) a##b\nbegin { f(S(a b), C(pi, d)); }", "begin { f(\"a b\", pid); }"),
        (
            "#define V(f, ...) printf(f, __VA_ARGS__)\nbegin { V(\"%d %d\", 1, 2); }",
            "begin { printf(\"%d %d\", 1, 2); }",
        ),
        ("#define W \"a\" \"b\"\nbegin { print(W); }", "begin { print(\"ab\"); }"),
        ("#define A 1\n#undef A\nbegin { print(A); }", "begin { print(A); }"),
        ("#define x y\nbegin { $p.x = x; \"x\"; }", "begin { $p.x = y; \"x\"; }"),
        ("#define R R + 1\nbegin { $x = R; }", "begin { $x = R + 1; }"),
        ("#define PAD(n) char pad[(n)]\nstruct S { PAD(3); char c; };", "struct S { char pad[3]; char c; };"),
        ("#define F(x) x\nbegin { F; }", "begin { F; }"),
    ];
    for (text, expected) in cases {
        assert_eq!(clean(text, &NONE), expected, "{text}");
    }
}

#[test]
fn conditions_choose_lines() {
    let cases = [
        ("#ifdef BPFTRACE_HAVE_BTF\n1\n#else\n2\n#endif", "1"),
        ("#ifndef X\n1\n#else\n2\n#endif", "1"),
        ("#define V 5\n#if V >= 4 && V < 6\n1\n#elif V >= 6\n2\n#else\n3\n#endif", "1"),
        ("#if 0\n1\n#elif defined(X) || !defined X && (1 << 3) % 3 == 2\n2\n#endif", "2"),
        ("#if -1 < 0u\n1\n#else\n2\n#endif", "2"),
        ("#if 0 && 1 / 0\n1\n#else\n2\n#endif", "2"),
        ("#if UNKNOWN\n1\n#if 1\n3\n#endif\n#else\n2\n#endif", "2"),
        ("#if 1 ? 'a' == 97 : 0\n1\n#endif", "1"),
        ("/*\n#if 0\n*/\n1\n", "/* #if 0 */ 1"),
    ];
    for (lines, expected) in cases {
        assert_eq!(clean(&format!("begin {{\n{lines}\n}}"), &NONE), format!("begin {{ {expected} }}"), "{lines}");
    }
}

#[test]
fn braces_of_inactive_lines_do_not_count() {
    let text = "#if 0\nkprobe:a {\n#else\nkprobe:b {\n#endif\n  f();\n}\nuprobe:/lib/*:x {\n}\n#define LATE 1\n";
    assert_eq!(clean(text, &NONE), "kprobe:b { f(); } uprobe:/lib/*:x {}");
}

#[test]
fn headers_give_definitions_and_macros() {
    let headers = Headers(&[
        ("a.h", "#ifndef A_H\n#define A_H\n#include <b.h>\n#define OWN (DEEP * 2)\nstruct a { b_t x; };\n#endif\n"),
        (
            "b.h",
            "#pragma once\n#define DEEP 7\ntypedef unsigned long b_t;\nstatic inline int f(void) { return DEEP; }\n",
        ),
        ("hides.h", "#define print(x) broken(x)\n#define other(x) (x + 1)\n"),
    ]);
    let script = clean("#include \"a.h\"\n#include <a.h>\n#include <b.h>\nbegin { print(OWN); }", &headers);
    assert_eq!(script, "typedef unsigned long b_t; struct a { b_t x; }; begin { print(7 * 2); }");
    let script = clean("#include <hides.h>\nmacro other(a, b) { a } begin { }", &headers);
    assert_eq!(script, "macro other(a, b) { a } begin {}");
    let script = clean("#include <hides.h>\nbegin { print(other(1)); }", &headers);
    assert_eq!(script, "begin { print(1 + 1); }");
}

#[test]
fn mistakes_are_reported_at_the_lines_of_the_script() {
    let headers = Headers(&[("bad.h", "int a;\n#include <gone.h>\n#error no\n"), ("loop.h", "#include <loop.h>\n")]);
    let cases = [
        ("#include <gone.h>", "stdin:1:1 E0310 the header gone.h is not found"),
        ("\n  #if 1", "stdin:2:3 E0206 this #if has no #endif"),
        ("#endif", "stdin:1:1 E0206 #endif without #if"),
        ("#if 1\n#else\n#else\n#endif", "stdin:3:1 E0206 #else behind #else"),
        ("#if 1 +\n#endif", "stdin:1:1 E0206 this condition cannot be read: a value is missing"),
        ("#if 1 / 0\n#endif", "stdin:1:1 E0206 this condition cannot be read: it divides by zero"),
        ("#error say so", "stdin:1:1 E0206 #error: say so"),
        ("#nonsense", "stdin:1:1 E0206 `#nonsense` is no preprocessor directive"),
        ("#define 1", "stdin:1:1 E0206 #define needs a name"),
        ("#define F(a, b) a\nbegin { F(1); }", "stdin:2:9 E0307 the macro `F` takes 2 arguments, not 1"),
        ("#include <loop.h>", "stdin:1:1 E0310 headers include each other more than 100 levels deep at loop.h"),
        (
            "#define X 08\nbegin { $x = X; }",
            "stdin:2:14 E0104 `08` is octal because it starts with 0, where digits go up to 7",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(expanded(text, &headers).1, [expected], "{text}");
    }
    let errors = expanded("\n#include <bad.h>\n", &headers).1;
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(errors.iter().all(|error| error.starts_with("stdin:2:1 ")), "{errors:?}");
}

#[test]
fn expansion_has_an_end() {
    let doubled: String = (b'a'..=b'y').map(|c| format!("#define {0} {1} {1}\n", c as char, (c + 1) as char)).collect();
    let errors = expanded(&format!("{doubled}begin {{ a }}"), &NONE).1;
    assert!(errors[0].ends_with("the macros of this script expand to too much"), "{errors:?}");
    let nested = format!("#define F(x) x\nbegin {{ {}1{} }}", "F(".repeat(5000), ")".repeat(5000));
    assert!(expanded(&nested, &NONE).1[0].contains("E0202"));
}
