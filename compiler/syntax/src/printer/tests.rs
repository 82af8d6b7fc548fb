//! The layout, and that printing loses nothing.

use proptest::prelude::*;

use super::*;
use crate::diagnostic::Diagnostics;
use crate::parser::parse;

/// Parses a text; gives its tree without places, and its canonical form. Nothing when it has errors.
fn printed(text: &str) -> Option<(String, String)> {
    let mut sources = SourceMap::default();
    let file = sources.add("stdin", text);
    let mut diagnostics = Diagnostics::default();
    let program = parse(&sources, file, &mut diagnostics);
    if diagnostics.has_errors() {
        return None;
    }
    let comments: Vec<&str> = program.comments.iter().map(|comment| comment.text.as_str()).collect();
    let tree = format!("{:#?}\n{comments:?}", program.items);
    let places = |line: &&str| !line.trim_start().starts_with("span:") && !line.trim_start().starts_with("value_span:");
    Some((tree.lines().filter(places).collect::<Vec<_>>().join("\n"), print(&program, &sources)))
}

/// Checks that printing keeps the tree and is stable.
fn check(text: &str) -> Result<(), TestCaseError> {
    let Some((tree, first)) = printed(text) else {
        return Err(TestCaseError::fail(format!("does not parse: {text}")));
    };
    let Some((again, second)) = printed(&first) else {
        return Err(TestCaseError::fail(format!("what was printed does not parse:\n{text}\n----\n{first}")));
    };
    prop_assert_eq!(tree, again, "\n{}\n----\n{}", text, &first);
    prop_assert_eq!(first, second);
    Ok(())
}

#[test]
fn lays_out_a_script_and_keeps_its_comments() {
    let text = "\
#!/usr/bin/env lancet
/* head */
#include <linux/errno.h>
struct  S { int a,*b; /* why */ char c[2]; } __attribute__((packed));
config = { max_map_keys=0x10; stack_mode=perf }
import \"x.bt\"; let @a = hash(100);
macro add(a,$b,@c) { let $x = a; $x+$b } // adder
kprobe:a,  // first
// second
kprobe:b
/pid == 1 && (args.x / 2) > 3/ { // after
  $x = (a & b) == 1 ? -(-5) : {1};


  if (($x)) { print(1); } else if $y { exit() } else { } // end
  for $i : 0..10 { @[pid, 'a'] = count(); }
  #ifdef FOO
  print(/* in */ 1s);
  #endif
  // last
}
";
    let expected = "\
#!/usr/bin/env lancet
/* head */
#include <linux/errno.h>

struct S {
  int a;
  int *b; /* why */
  char c[2];
} __attribute__((packed));

config = {
  max_map_keys = 0x10;
  stack_mode = perf;
}

import \"x.bt\";
let @a = hash(100);

macro add(a, $b, @c) {
  let $x = a;
  $x + $b
} // adder

kprobe:a, // first
// second
kprobe:b
/pid == 1 && (args.x / 2) > 3/ { // after
  $x = (a & b) == 1 ? -(-5) : { 1 };

  if ($x) {
    print(1);
  } else if ($y) {
    exit()
  } else {} // end
  for ($i : 0..10) {
    @[pid, 'a'] = count();
  }
#ifdef FOO
  print(1s); /* in */
#endif
  // last
}
";
    assert_eq!(printed(text).map(|(_, text)| text).as_deref(), Some(expected));
    assert!(check(text).is_ok());
}

#[test]
fn keeps_what_looks_like_something_else() {
    let expressions = [
        "-(-1)",
        "- --$x",
        "(foo)(-1)",
        "(uint8)-1",
        "(a) - 1",
        "1 / ({ 2 })",
        "({ 1 }) + 1",
        "(1, 2).0",
        "(1,)",
        "(x ? 1 : 2) + 1",
        "a ?: b",
        "comptime (1 + 2)",
        "comptime (-1)",
        "(a + b) * c",
        "a - (b - c)",
        "*(t *)p",
        "(*$p).x",
        "sizeof(uint8[4])",
        "sizeof((uint8[4]))",
        "(if (x) { 1 } else { 2 }) * 3",
        "{ { 1 }; }",
        "sizeof(typeof(*$x))",
        "offsetof(struct x, a.b[2])",
        "\"\\xff\\x01é\\\"\"",
        "f(struct x, u8 *)",
        "if (1) { 2 } else if (3) { 4 } else { 5 }",
        "{ if (1) { 2 } else { 3 } }",
        "{ f(); }",
        "@[1, 2][3]",
        "$x++ + ++$y",
    ];
    for expression in expressions {
        let outcome = check(&format!("begin {{ $r = {expression}; ({expression}); print({expression}) }}"));
        assert!(outcome.is_ok(), "{outcome:?}");
        let outcome = check(&format!("begin / {expression} / {{ }}"));
        assert!(outcome.is_ok(), "{outcome:?}");
    }
}

#[test]
fn a_directive_does_not_become_an_interpreter() {
    let outcome = check("  #!/bin/sh\nbegin {}\n");
    assert!(outcome.is_ok(), "{outcome:?}");
}

#[test]
fn a_backslash_at_the_end_of_a_part_takes_no_colon() {
    let outcome = check("tracepoint:sched\\ :sched_switch {}");
    assert!(outcome.is_ok(), "{outcome:?}");
}

#[test]
fn c_declarators_come_back() {
    let members = [
        "int a[2][3];",
        "int *a[2];",
        "int (*a)[2];",
        "int (*(*a)[2])[3];",
        "void (*f)(int);",
        "void (*f[4])(void);",
        "void (**f)(void);",
        "struct { int x; } in;",
        "union { int x; };",
        "enum e { A, B = 2 } e;",
        "unsigned : 3;",
        "long x : 7;",
        "char tail[];",
        "struct s { int y; } __attribute__((packed)) p;",
        "int v __attribute__((aligned(8)));",
        "struct tag t, *u;",
        "unsigned long long int q;",
    ];
    for member in members {
        let outcome = check(&format!("struct S {{ {member} }};"));
        assert!(outcome.is_ok(), "{outcome:?}");
    }
}

#[test]
fn long_calls_are_broken_between_arguments() {
    let text = format!("begin {{ printf(\"{}\", {}1); }}", "%d ".repeat(20), "some_argument, ".repeat(6));
    let (_, out) = printed(&text).unwrap();
    assert!(out.lines().all(|line| line.chars().count() <= 100) && out.lines().count() > 3, "{out}");
    assert!(check(&text).is_ok());
}

fn literal() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<u64>().prop_map(|number| number.to_string()),
        any::<u32>().prop_map(|number| format!("{number:#x}")),
        prop::sample::select(vec![
            "1s", "0377", "1e6", "5ULL", "'x'", "true", "$x", "@m", "@", "pid", "$1", "$#", "args", "0_1"
        ])
        .prop_map(String::from),
        "\"([ -!#-\\[\\]-~é]|\\\\[nt\"x0]0?1)*\"".prop_map(|text| text.replace("\\x\"", "\\\"")),
    ]
    .prop_filter("escapes are whole", |text| !text.starts_with('"') || crate::literal::string(text).is_ok())
}

fn expression() -> impl Strategy<Value = String> {
    literal().prop_recursive(5, 60, 4, |inner| {
        let operator = prop::sample::select(vec![
            "+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>", "==", "!=", "<", "<=", ">", ">=", "&&", "||",
        ]);
        let unary =
            prop::sample::select(vec!["-", "+", "!", "~", "*", "(uint8)", "(struct s *)", "(foo)", "comptime "]);
        prop_oneof![
            (inner.clone(), operator, inner.clone()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
            (unary, inner.clone()).prop_map(|(op, a)| format!("{op}({a})")),
            inner.clone().prop_map(|a| format!("({a})")),
            (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, b, c)| format!("{a} ? {b} : {c}")),
            prop::collection::vec(inner.clone(), 0..3).prop_map(|list| format!("call({})", list.join(", "))),
            prop::collection::vec(inner.clone(), 1..3).prop_map(|list| format!("@map[{}]", list.join(", "))),
            prop::collection::vec(inner.clone(), 2..3).prop_map(|list| format!("({},)", list.join(", "))),
            inner.clone().prop_map(|a| format!("({a}).field->other")),
            inner.clone().prop_map(|a| format!("({{ $y = {a}; {a} }})")),
            inner.clone().prop_map(|a| format!("(a = {a}, b = 1)")),
            inner.prop_map(|a| format!("sizeof({a})")),
        ]
    })
}

fn statement() -> impl Strategy<Value = String> {
    let simple = prop_oneof![
        expression().prop_map(|a| format!("$x = {a};")),
        expression().prop_map(|a| format!("@m[1] += {a}; // comment")),
        expression().prop_map(|a| format!("({a});")),
        expression().prop_map(|a| format!("let $z: uint8[4] = {a}; /* c */")),
        Just("return;".to_string()),
        Just("$x++;\n\n\n".to_string()),
    ];
    simple.prop_recursive(3, 20, 3, |inner| {
        let body = prop::collection::vec(inner, 0..3).prop_map(|list| format!("{{ {}\n }}", list.join("\n")));
        prop_oneof![
            (expression(), body.clone(), body.clone()).prop_map(|(a, b, c)| format!("if ({a}) {b} else {c}")),
            (expression(), body.clone()).prop_map(|(a, b)| format!("while ({a}) {b}")),
            (expression(), body.clone()).prop_map(|(a, b)| format!("for ($i : 0..({a})) {b}")),
            body,
        ]
    })
}

fn script() -> impl Strategy<Value = String> {
    let probe =
        (prop::option::of(expression()), prop::collection::vec(statement(), 0..4)).prop_map(|(predicate, body)| {
            let predicate = predicate.map_or(String::new(), |predicate| format!("/ ({predicate}) /"));
            format!("kprobe:f, // why\nuprobe:/bin/x:\"a b\" {predicate} {{ {}\n }}", body.join("\n"))
        });
    prop::collection::vec(probe, 1..3).prop_map(|probes| probes.join("\n"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn printing_keeps_every_tree(text in script()) {
        check(&text)?;
    }
}
