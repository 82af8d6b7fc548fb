//! The front end on damaged scripts: it may report anything, but it always ends and never panics.

use proptest::prelude::*;

use crate::diagnostic::Diagnostics;
use crate::preprocess::{NoIncludes, parse_expanded};
use crate::render::{RenderOptions, render};
use crate::span::SourceMap;
use crate::{lexer, parse, parse_c, printer, token};

/// A script with something of everything.
const SCRIPT: &str = r##"#!/usr/bin/env lancet
#include <linux/errno.h>
#define ADD(a, b) ((a) + \
  (b))
#if defined(ADD) && ADD(1, 2) >= 3
struct S { int a, *b; char c[2][3]; union { long x; } u; unsigned f : 3; void (*g)(int); } __attribute__((packed));
#endif
enum { A, B = A << 3 }; typedef struct { int y; } t_t;
config = { max_map_keys = 0x10; stack_mode = perf }
import "x.bt"; let @m = hash(100);
macro add(a, $b, @c) { let $x = a; $x + $b } /* é */
fn f($a: uint8): (uint8, string) { return ($a, "x\n\x41é"); }
kprobe:vfs_*, uprobe:/lib/x.so:"a b"+0x10, interval:1s /pid == 1 / 2 && (args.x->y[1].0) > 'a'/ {
  $x = (struct S *)arg0; @m[$x.a, -1] += ADD(1, 25e6) ? ~2 : { 1 }; // why
  if ($1 == $#) { print((a = 1, b = (2,))); } else if !$y { none!(); } else { }
  for ($i : 0..10) { continue; } while (1) { break } unroll (3) { $i++ } _ = sizeof(u8[4]); return;
}
"##;

/// Everything that the front end does with a text.
fn run(text: &str) {
    let mut sources = SourceMap::default();
    let file = sources.add("stdin", text);
    let mut diagnostics = Diagnostics::default();
    token::print(&lexer::lex(text, file, &mut diagnostics).tokens, &sources);
    let program = parse(&sources, file, &mut diagnostics);
    printer::print(&program, &sources);
    parse_c(&sources, file);
    let expanded = parse_expanded(&mut sources, file, &NoIncludes, &mut diagnostics);
    printer::print(&expanded, &sources);
    render(&diagnostics, &sources, RenderOptions { color: true, notes: true, warnings: true });
}

/// How a script is damaged: where, how much is taken out, what is put in.
fn damage() -> impl Strategy<Value = (usize, usize, String)> {
    let piece = prop_oneof![
        prop::sample::select(vec![
            "{",
            "}",
            "(",
            ")",
            "[",
            "]",
            "\"",
            "'",
            "/",
            "/*",
            "*/",
            "//",
            "\\",
            "\n#",
            "#if 1\n",
            "#define ADD ADD(",
            "@",
            "$",
            ";",
            ":",
            ",",
            "..",
            "=",
            "++",
            "struct",
            "if",
            "else",
            "0x",
            "1e",
            "é",
            "\u{feff}",
            "\r\n",
            "\0",
            "kprobe:f",
        ])
        .prop_map(String::from),
        any::<char>().prop_map(String::from),
        (0..SCRIPT.len(), 1usize..60).prop_map(|(start, length)| SCRIPT.chars().skip(start).take(length).collect()),
        Just(String::new()),
    ];
    (0..SCRIPT.len(), 0usize..40, piece)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn damaged_scripts_do_no_harm(damages in prop::collection::vec(damage(), 1..6)) {
        let mut text: Vec<char> = SCRIPT.chars().collect();
        for (at, removed, piece) in damages {
            let at = at.min(text.len());
            let end = (at + removed).min(text.len());
            text.splice(at..end, piece.chars());
        }
        run(&text.into_iter().collect::<String>());
    }

    #[test]
    fn any_text_does_no_harm(text in "(\\PC|[\n\r\t#{}()\"'/*@$;:,]){0,80}") {
        run(&text);
    }
}

#[test]
fn every_beginning_of_a_script_does_no_harm() {
    for end in (0..SCRIPT.len()).filter(|end| SCRIPT.is_char_boundary(*end)) {
        run(&SCRIPT[..end]);
    }
}

#[test]
fn odd_line_ends_do_no_harm() {
    for text in ["#\\\r", "#\\", "begin { #\\\r", "#define A \\\r\n", "#if 1 /* \r", "\\\r", "\"\\\r"] {
        run(text);
    }
}

#[test]
fn a_whole_script_has_only_its_missing_header() {
    let mut sources = SourceMap::default();
    let file = sources.add("stdin", SCRIPT);
    let mut diagnostics = Diagnostics::default();
    parse(&sources, file, &mut diagnostics);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    parse_expanded(&mut sources, file, &NoIncludes, &mut diagnostics);
    let messages: Vec<_> = diagnostics.iter().map(|diagnostic| diagnostic.message.as_str()).collect();
    assert_eq!(messages, ["the header linux/errno.h is not found"]);
}
