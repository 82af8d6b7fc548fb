//! What users can write, and what they are told when they write something else.

use super::*;
use crate::ast::{ExprKind, StatementKind};

/// Parses and gives the diagnostics as `line:column code message`.
fn errors(text: &str) -> Vec<String> {
    let mut sources = SourceMap::default();
    let file = sources.add("stdin", text);
    let mut diagnostics = Diagnostics::default();
    parse(&sources, file, &mut diagnostics);
    let shown = diagnostics.iter().map(|diagnostic| {
        let start = sources.start(diagnostic.span);
        format!("{}:{} {} {}", start.line, start.column, diagnostic.code.as_str(), diagnostic.message)
    });
    shown.collect()
}

/// An action with full parentheses around every operator, as the tree has it.
fn grouped(action: &str) -> String {
    let mut sources = SourceMap::default();
    let file = sources.add("stdin", format!("begin {{ $r = {action}; }}"));
    let mut diagnostics = Diagnostics::default();
    let program = parse(&sources, file, &mut diagnostics);
    let shown: Vec<_> = diagnostics.iter().map(|diagnostic| diagnostic.message.clone()).collect();
    assert!(shown.is_empty(), "{action}: {shown:?}");
    let Some(Item::Probe(probe)) = program.items.first() else { panic!("no probe") };
    let StatementKind::Assign { value, .. } = &probe.body.statements[0].kind else { panic!("no assignment") };
    group(value)
}

fn group(expr: &crate::ast::Expr) -> String {
    match &expr.kind {
        ExprKind::Integer(value) => value.value.to_string(),
        ExprKind::Identifier(name) => name.clone(),
        ExprKind::Variable(name) => format!("${name}"),
        ExprKind::String(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        ExprKind::Binary(operator, left, right) => format!("({} {} {})", group(left), operator.symbol(), group(right)),
        ExprKind::Unary(operator, operand) => format!("{operator:?}({})", group(operand)),
        ExprKind::Step { operator, prefix, target } => format!("{operator:?}:{prefix}({})", group(target)),
        ExprKind::Cast(_, operand) => format!("cast({})", group(operand)),
        ExprKind::Field { base, name, .. } => format!("{}.{}", group(base), name.text),
        ExprKind::TupleField(base, index) => format!("{}.{index}", group(base)),
        ExprKind::Index(base, list) => {
            format!("{}[{}]", group(base), list.iter().map(group).collect::<Vec<_>>().join(","))
        }
        ExprKind::Tuple(list) => format!("tuple{:?}", list.iter().map(group).collect::<Vec<_>>()),
        ExprKind::Ternary { condition, then, otherwise } => {
            format!("({} ? {} : {})", group(condition), then.as_deref().map_or("_".into(), group), group(otherwise))
        }
        other => format!("{other:?}").chars().take_while(|c| c.is_alphanumeric()).collect(),
    }
}

#[test]
fn operators_bind_as_in_c() {
    let cases = [
        ("1 + 2 * 3", "(1 + (2 * 3))"),
        ("1 - 2 - 3", "((1 - 2) - 3)"),
        ("a | b & c == d", "(a | (b & (c == d)))"),
        ("a || b && c", "(a || (b && c))"),
        ("1 << 2 + 3 < 4", "((1 << (2 + 3)) < 4)"),
        ("-a.b + !c", "(Negate(a.b) + Not(c))"),
        ("a ? b : c ? d : e", "(a ? b : (c ? d : e))"),
        ("a ?: b", "(a ? _ : b)"),
        ("*$p++", "Dereference(Increment:false($p))"),
        ("- -1", "Negate(Negate(1))"),
        ("(1 + 2) * 3", "((1 + 2) * 3)"),
    ];
    for (text, expected) in cases {
        assert_eq!(grouped(text), expected, "{text}");
    }
}

#[test]
fn casts_are_told_from_parentheses() {
    let cases = [
        ("(uint8)1 + 2", "(cast(1) + 2)"),
        ("(uint64)-1", "cast(Negate(1))"),
        ("(size_t)*p", "cast(Dereference(p))"),
        ("(a) - 1", "(a - 1)"),
        ("(a) * b", "(a * b)"),
        ("(a) b", "cast(b)"),
        ("(a)(b)", "cast(b)"),
        ("(struct x *)arg0", "cast(arg0)"),
        ("(unsigned long)x", "cast(x)"),
        ("(foo **)x.y", "cast(x.y)"),
        ("(uint8[4])x", "cast(x)"),
        ("(uint8, uint16)x", "cast(x)"),
        ("(a, b)", "tuple[\"a\", \"b\"]"),
        ("(a,)", "tuple[\"a\"]"),
        ("()", "tuple[]"),
        ("(a = 1, b = 2)", "Record"),
        ("(a == 1)", "(a == 1)"),
        ("((struct x *)p)->y.0[1]", "cast(p).y.0[1]"),
        ("sizeof(struct x)", "Sizeof"),
        ("offsetof(struct x, a.b[2].c)", "Offsetof"),
    ];
    for (text, expected) in cases {
        assert_eq!(grouped(text), expected, "{text}");
    }
}

#[test]
fn literals_have_their_values() {
    let cases = [
        ("0x1f", "31"),
        ("0b101", "5"),
        ("0377", "255"),
        ("1_000", "1000"),
        ("25e6", "25000000"),
        ("1s", "1000000000"),
        ("2us", "2000"),
        ("123ULL", "123"),
        ("0xFFu", "255"),
        ("'a'", "97"),
        (r"'\n'", "10"),
        (r#""a\x41\102\t""#, "aAB\t"),
        (r#""a" "b""#, "ab"),
        (r#""\u00e9""#, "é"),
    ];
    for (text, expected) in cases {
        assert_eq!(grouped(text), expected, "{text}");
    }
}

#[test]
fn the_whole_language_is_accepted() {
    let scripts = [
        "macro none { } macro m(a, $b, @c) { $b + a } fn f($a: uint8): uint64 { return 1; }",
        "config = { a = 1; b = perf; c = \"x\"; d = true } import \"x.bt\"; let @m = hash(10); let @n: uint8; begin {}",
        "begin { let $x; let $y: uint8 = 1; _ = f(); ; if $x { } else if (1) { } else { } while (1) { break; } }",
        "begin { unroll (3) { } for ($i : 0..10) { continue } for $k : @m { } { return; } return 1 }",
        "begin { $x = { let $y = 1; $y }; none!(); print(if 1 { 2 } else { 3 }); 1 == 1 ? f() : g(); comptime (1 + 1) }",
        "struct A { int a, *b; char c[2][3]; union { int x; }; unsigned f : 3, : 2; void (*g)(int, char *); } enum { X, Y = 1 }",
        "struct __attribute__((packed)) B { long l __attribute__((aligned(16))); } __attribute__((aligned(8))); begin {}",
        "typedef struct { int a; } t, *p; typedef int (*fn_t)(void); struct C; begin { sizeof(t *) }",
        "kprobe:a,\nkprobe:b,\n{ }",
    ];
    for script in scripts {
        assert_eq!(errors(script), Vec::<String>::new(), "{script}");
    }
}

#[test]
fn mistakes_are_explained_at_their_place() {
    let cases = [
        ("begin { $x = 5 + ; }", "1:18 E0201 expected an expression, found `;`"),
        ("begin { $a = 1\n  $b = 2; }", "1:15 E0201 expected `;`, found `$b`"),
        ("begin\n  print(1);\n}", "2:3 E0201 expected `{`, found `print`"),
        ("begin { print(1;  }", "1:16 E0201 expected `)`, found `;`"),
        ("{ print(1); }", "1:1 E0201 expected a probe before the action, found `{`"),
        ("begin { else { } }", "1:9 E0201 expected a statement, found `else`"),
        ("begin { 1 = 2; }", "1:9 E0506 this cannot be assigned"),
        ("begin { $t.0 = 2; }", "1:9 E0506 the elements of a tuple cannot be changed"),
        ("begin { 5++; }", "1:9 E0506 `++` and `--` need a variable or a map"),
        ("begin { &5; }", "1:10 E0502 `&` needs a variable or a map"),
        ("begin { 1.5; }", "1:9 E0104 there are no floating-point numbers"),
        ("begin { 08; }", "1:9 E0104 `08` is octal because it starts with 0, where digits go up to 7"),
        ("begin { \"a\\qb\"; }", "1:11 E0105 `\\q` is no escape; a backslash itself is written \\\\"),
        ("begin { }\nimport \"x\";", "2:1 E0201 an import stands before the first probe"),
        ("begin { }\nstruct S { };", "2:1 E0201 C definitions stand before the first probe"),
        ("begin { print(1);", "1:7 E0201 this `{` is never closed"),
        ("kprobe:f /pid == 1 { }", "1:20 E0201 expected `/`, found `{`"),
        ("begin { $0 }", "1:9 E0104 positional parameters are numbered from $1"),
        ("begin { let @a; }", "1:13 E0201 expected a variable, found `@a`"),
        ("kprobe:f,,begin { }", "1:10 E0204 a probe is missing here"),
    ];
    for (text, expected) in cases {
        assert_eq!(errors(text), [expected], "{text}");
    }
}

#[test]
fn independent_mistakes_are_reported_in_one_run() {
    let text =
        "macro oops( { 2 }\nbegin { $x = ; $y = 1; $z = *; }\nend { 1 = 2; if (1) { $q = ); } }\nstruct { int };";
    let places: Vec<String> = errors(text).iter().map(|e| e.split(' ').next().unwrap_or("").to_string()).collect();
    assert_eq!(places, ["1:13", "2:14", "2:30", "3:7", "3:28", "4:14"]);
}

#[test]
fn deep_nesting_is_an_error_and_no_overflow() {
    let deep = |open: &str, close: &str| format!("begin {{ $x = {}1{}; }}", open.repeat(10_000), close.repeat(10_000));
    let scripts = [
        deep("(", ")"),
        deep("-", ""),
        deep("!", ""),
        deep("f(", ")"),
        deep("(uint8)", ""),
        deep("1 + ", ""),
        deep("1 ? 1 : ", ""),
        deep("@a[", "]"),
        deep("{", "}"),
        deep("sizeof(typeof(", "))"),
        deep("1||1&&1|(", ")"),
        format!("begin {{ {} }}", "if (1) { } else ".repeat(10_000)),
        format!("begin {{ $x{} }}", ".a".repeat(10_000)),
        format!("struct S {{ {} }}", "struct { ".repeat(10_000)),
        format!("struct S {{ int {}x; }}", "(".repeat(10_000)),
        format!("begin {{ let $x: int{}; }}", "*".repeat(10_000)),
    ];
    for script in scripts {
        let shown = errors(&script);
        assert!(shown.len() == 1 && shown[0].contains("E0202"), "{}…: {shown:?}", &script[..40]);
    }
}

#[test]
fn headers_survive_what_is_not_understood() {
    let text = "extern int f(int a); static inline int g(void) { if (1) { return 2; } return 1; }\n\
        __extension__ typedef long long ll; _Static_assert(1, \"x\"); int table[] = { 1, 2, 3 };\n\
        struct kept { int a; ll b; } __attribute__((packed)); struct kept *h(struct kept *k);\n\
        struct odd { int [[weird]] x; }; enum e { A, B = 2 }; extern \"C\" { struct inside { int c; }; }\n\
        struct both { int z; } variable, *other;";
    let mut sources = SourceMap::default();
    let file = sources.add("x.h", text);
    let names: Vec<String> = parse_c(&sources, file)
        .iter()
        .map(|definition| match &definition.kind {
            crate::ast::CDefinitionKind::Aggregate(aggregate) => aggregate.name.as_ref(),
            crate::ast::CDefinitionKind::Enum(definition) => definition.name.as_ref(),
            crate::ast::CDefinitionKind::Typedef(declaration) => declaration.name.as_ref(),
        })
        .map(|name| name.map_or(String::new(), |name| name.text.clone()))
        .collect();
    assert_eq!(names, ["ll", "kept", "e", "inside", "both"]);
}
