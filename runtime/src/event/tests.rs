//! Records in, output out, to the byte.

use super::*;
use crate::format::output::Buffering;
use crate::map::fake::Entry;
use crate::map::fake::{FakeMaps, bytes_of};
use lancet_manifest::{Clock, Config, Conversion, ConversionKind, Field, Map, MapValue, Piece, ProbeName, StackMode};
use std::cell::RefCell;
use std::rc::Rc;

/// Bytes that can be looked at after they were written.
#[derive(Clone, Default)]
pub(super) struct Captured(Rc<RefCell<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Captured {
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).expect("text")
    }
}

const TEXT: Presentation = Presentation { style: Style::Text, quiet: false, no_warnings: false };
pub(super) const JSON: Presentation = Presentation { style: Style::Json, quiet: false, no_warnings: false };

fn int(size: u8, signed: bool) -> ValueType {
    ValueType::Int { size, signed }
}

fn field(name: &str, offset: u32, ty: ValueType) -> Field {
    Field { name: name.into(), offset, ty, bits: None }
}

pub(super) fn location() -> Location {
    Location { file: "stdin".into(), line: 1, column: 9, end_column: 37 }
}

pub(super) fn manifest(actions: Vec<Action>) -> Manifest {
    let config = Config::default();
    Manifest { actions, config, ..Manifest::default() }
}

/// Carries out the actions one after the other, each with a record that holds `payload`.
pub(super) fn run_with(
    presentation: Presentation,
    manifest: &Manifest,
    payload: &[u8],
    maps: &FakeMaps,
) -> (String, String) {
    let (output, diagnostics) = (Captured::default(), Captured::default());
    let destination = Output::new(Box::new(output.clone()), Buffering::Full);
    let mut printer = Printer::new(manifest, presentation, destination, Box::new(diagnostics.clone()));
    for index in 0..manifest.actions.len() as u32 {
        let mut record = index.to_ne_bytes().to_vec();
        record.extend([0; 4]);
        record.extend(payload);
        assert_eq!(printer.record(&record, maps), Flow::Continue);
    }
    printer.flush();
    (output.text(), diagnostics.text())
}

fn run(presentation: Presentation, action: Action, payload: &[u8]) -> (String, String) {
    run_with(presentation, &manifest(vec![action]), payload, &FakeMaps::default())
}

/// `print(value)` as text and as the data of JSON.
fn shown(ty: ValueType, bytes: &[u8]) -> (String, String) {
    let action = Action::Value(Argument { offset: 8, ty });
    let (text, _) = run(TEXT, action.clone(), bytes);
    let (json, _) = run(JSON, action, bytes);
    let data = json.strip_prefix("{\"type\": \"value\", \"data\": ").and_then(|rest| rest.strip_suffix("}\n"));
    (text.strip_suffix('\n').expect("a line").to_owned(), data.expect("a message").to_owned())
}

fn both(ty: ValueType, bytes: &[u8], text: &str, json: &str) {
    let (shown_text, shown_json) = shown(ty, bytes);
    assert_eq!((shown_text.as_str(), shown_json.as_str()), (text, json));
}

fn conversion(kind: ConversionKind) -> Conversion {
    Conversion {
        left: false,
        zero: false,
        plus: false,
        space: false,
        alternate: false,
        width: None,
        precision: None,
        integer_size: 4,
        kind,
    }
}

fn printf(conversion: Conversion, ty: ValueType, bytes: &[u8]) -> String {
    let pieces = vec![Piece::Text(b"[".to_vec()), Piece::Conversion(conversion), Piece::Text(b"]".to_vec())];
    let arguments = vec![Argument { offset: 8, ty }];
    run(TEXT, Action::Text { sink: TextSink::Output, format: Format { pieces }, arguments }, bytes).0
}

fn text_action(sink: TextSink, text: &str) -> Action {
    Action::Text { sink, format: Format { pieces: vec![Piece::Text(text.into())] }, arguments: Vec::new() }
}

#[test]
fn integers_have_the_sign_and_width_of_their_type() {
    both(int(1, true), &[0xff], "-1", "-1");
    both(int(1, false), &[0xff], "255", "255");
    both(int(8, false), &u64::MAX.to_ne_bytes(), "18446744073709551615", "\"18446744073709551615\"");
    both(int(8, true), &i64::MIN.to_ne_bytes(), "-9223372036854775808", "-9223372036854775808");
    both(int(8, true), &9_007_199_254_740_993i64.to_ne_bytes(), "9007199254740993", "\"9007199254740993\"");
    both(ValueType::Bool, &[1], "true", "true");
    both(ValueType::Pointer, &0x1234u64.to_ne_bytes(), "0x1234", "4660");
}

#[test]
fn enums_have_names_in_text_and_numbers_in_json() {
    let ty = ValueType::Enum { size: 4, signed: true, names: vec![(-1, "NONE".into()), (3, "A".into())] };
    both(ty.clone(), &(-1i32).to_ne_bytes(), "NONE", "-1");
    both(ty.clone(), &3i32.to_ne_bytes(), "A", "3");
    both(ty, &4i32.to_ne_bytes(), "4", "4");
}

#[test]
fn a_string_without_its_nul_was_cut() {
    both(ValueType::String { size: 4 }, b"ab\0x", "ab", "\"ab\"");
    both(ValueType::String { size: 4 }, b"abcdefg", "abcd..", "\"abcd..\"");
}

#[test]
fn json_is_utf8_whatever_the_bytes() {
    let action = Action::Value(Argument { offset: 8, ty: ValueType::String { size: 16 } });
    let (json, _) = run(JSON, action, b"a\xff\"\\\n\t\x01\xc3\xa9\0");
    assert_eq!(json, "{\"type\": \"value\", \"data\": \"a\u{fffd}\\\"\\\\\\n\\t\\u0001\u{e9}\"}\n");
}

#[test]
fn buffers_show_what_is_no_letter_in_hexadecimal() {
    let mut bytes = 4u32.to_ne_bytes().to_vec();
    bytes.extend(b"a\\\xffz rest");
    both(ValueType::Buffer { capacity: 8 }, &bytes, "a\\\\xffz", "[97,92,-1,122]");
}

#[test]
fn addresses_of_networks() {
    let mut bytes = 2u64.to_ne_bytes().to_vec();
    bytes.extend([127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    both(ValueType::Inet, &bytes, "127.0.0.1", "\"127.0.0.1\"");
    bytes[0] = 10;
    bytes[8..].copy_from_slice(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
    both(ValueType::Inet, &bytes, "::1", "\"::1\"");
    both(ValueType::Mac, &[0xde, 0xad, 0xbe, 0xef, 0, 1], "DE:AD:BE:EF:00:01", "\"DE:AD:BE:EF:00:01\"");
}

#[test]
fn compound_values_nest() {
    let tuple = ValueType::Tuple { size: 16, fields: vec![field("", 0, int(4, true)), field("", 8, int(8, true))] };
    let record = ValueType::Record {
        size: 24,
        fields: vec![field("t", 0, tuple.clone()), field("s", 16, ValueType::String { size: 8 })],
    };
    let mut bytes = bytes_of(&[7, u64::MAX]);
    bytes.extend(b"x\0\0\0\0\0\0\0");
    both(tuple, &bytes, "(7, -1)", "[7,-1]");
    both(record, &bytes, "{ .t = (7, -1), .s = x }", "{\"t\": [7,-1], \"s\": \"x\"}");
    let array = ValueType::Array { element: Box::new(int(2, false)), count: 3 };
    both(array, &[1, 0, 2, 0, 3, 0], "[1,2,3]", "[1,2,3]");
    both(ValueType::Record { size: 0, fields: Vec::new() }, &[], "{}", "{}");
    let one = ValueType::Tuple { size: 8, fields: vec![field("", 0, int(8, true))] };
    both(one, &bytes, "(7)", "[7]");
}

#[test]
fn bit_fields_keep_their_sign_and_anonymous_members_belong_to_the_parent() {
    let bits =
        |name: &str, first, width, signed| Field { bits: Some((first, width)), ..field(name, 0, int(4, signed)) };
    let inner = ValueType::Record { size: 4, fields: vec![bits("low", 0, 3, false), bits("sign", 3, 4, true)] };
    let outer = ValueType::Record { size: 8, fields: vec![field("", 0, inner), field("next", 4, int(4, false))] };
    let bytes = [0b0111_0101, 0, 0, 0, 9, 0, 0, 0];
    both(outer, &bytes, "{ .low = 5, .sign = -2, .next = 9 }", "{\"low\": 5, \"sign\": -2, \"next\": 9}");
}

#[test]
fn names_for_numbers() {
    let eight = |number: u64| number.to_ne_bytes();
    both(ValueType::Username, &eight(0), "root", "\"root\"");
    both(ValueType::KernelSymbol, &eight(0xdead), "0xdead", "\"0xdead\"");
    both(ValueType::KernelSymbol, &eight(0), "0", "\"0\"");
    both(ValueType::UserSymbol, &bytes_of(&[0xbeef, 0x7fff_fff0]), "0xbeef", "\"0xbeef\"");
    let timestamp = ValueType::Timestamp { clock: Clock::Realtime, format: "%Y %f".into() };
    both(timestamp, &eight(1_700_000_000_123_456_789), "2023 123456", "\"2023 123456\"");
}

#[test]
fn probe_names_come_from_the_manifest() {
    let mut manifest = manifest(vec![Action::Value(Argument { offset: 8, ty: ValueType::ProbeName })]);
    manifest.probes = vec![ProbeName { name: "begin".into(), provider: "special".into(), location: location() }];
    let maps = FakeMaps::default();
    assert_eq!(run_with(TEXT, &manifest, &0u64.to_ne_bytes(), &maps).0, "begin\n");
}

#[test]
fn stacks_are_lines_of_their_own() {
    let maps = FakeMaps { stacks: vec![vec![0x10, 0x20, 0]], ..FakeMaps::default() };
    let stack = |mode| {
        let manifest = manifest(vec![Action::Value(Argument { offset: 8, ty: ValueType::UserStack(mode) })]);
        run_with(TEXT, &manifest, &bytes_of(&[1, 5 | 0x7fff_fff0 << 32]), &maps).0
    };
    assert_eq!(stack(StackMode::Bpftrace), "\n        0x10\n        0x20\n\n");
    assert_eq!(stack(StackMode::Perf), "\n\t10 0x10 ([unknown])\n\t20 0x20 ([unknown])\n\n");
    assert_eq!(stack(StackMode::Raw), "\n10\n20\n\n");
    let kernel = manifest(vec![Action::Value(Argument { offset: 8, ty: ValueType::KernelStack(StackMode::Perf) })]);
    assert_eq!(run_with(TEXT, &kernel, &bytes_of(&[1, 1]), &maps).0, "\n\t10 0x10\n\n");
    assert_eq!(run_with(TEXT, &kernel, &bytes_of(&[0, 0]), &maps).0, "\n\n");
}

#[test]
fn conversions_look_at_the_bytes_that_their_length_says() {
    let minus_one = u64::MAX.to_ne_bytes();
    let sized = |kind, integer_size| printf(Conversion { integer_size, ..conversion(kind) }, int(8, true), &minus_one);
    assert_eq!(sized(ConversionKind::Signed, 4), "[-1]");
    assert_eq!(sized(ConversionKind::Unsigned, 1), "[255]");
    assert_eq!(sized(ConversionKind::Unsigned, 2), "[65535]");
    assert_eq!(sized(ConversionKind::Hex, 4), "[ffffffff]");
    assert_eq!(sized(ConversionKind::UpperHex, 8), "[FFFFFFFFFFFFFFFF]");
    assert_eq!(sized(ConversionKind::Octal, 1), "[377]");
    let narrow = printf(Conversion { integer_size: 8, ..conversion(ConversionKind::Signed) }, int(4, true), &minus_one);
    assert_eq!(narrow, "[-1]");
}

#[test]
fn flags_and_widths() {
    let number = |value: i64, change: &dyn Fn(&mut Conversion), kind| {
        let mut conversion = conversion(kind);
        change(&mut conversion);
        printf(conversion, int(8, true), &value.to_ne_bytes())
    };
    let signed = |value, change: &dyn Fn(&mut Conversion)| number(value, change, ConversionKind::Signed);
    assert_eq!(signed(42, &|c| c.width = Some(5)), "[   42]");
    assert_eq!(signed(42, &|c| (c.width, c.left) = (Some(5), true)), "[42   ]");
    assert_eq!(signed(42, &|c| (c.width, c.zero) = (Some(5), true)), "[00042]");
    assert_eq!(signed(-42, &|c| (c.width, c.zero) = (Some(8), true)), "[00000-42]");
    assert_eq!(signed(7, &|c| (c.width, c.plus) = (Some(5), true)), "[   +7]");
    assert_eq!(signed(42, &|c| c.space = true), "[42]");
    assert_eq!(signed(12345, &|c| c.width = Some(3)), "[12345]");
    assert_eq!(signed(-42, &|c| c.precision = Some(5)), "[-00042]");
    assert_eq!(signed(42, &|c| (c.width, c.zero, c.precision) = (Some(6), true, Some(3))), "[   042]");
    let hex = |value, change: &dyn Fn(&mut Conversion)| number(value, change, ConversionKind::Hex);
    assert_eq!(hex(255, &|c| c.alternate = true), "[0xff]");
    assert_eq!(hex(0, &|c| c.alternate = true), "[0]");
    assert_eq!(hex(1, &|c| (c.alternate, c.zero, c.width) = (true, true, Some(10))), "[0x00000001]");
    assert_eq!(number(8, &|c| c.alternate = true, ConversionKind::Octal), "[010]");
    assert_eq!(number(0x1234, &|c| c.width = Some(12), ConversionKind::Pointer), "[      0x1234]");
    assert_eq!(number(0, &|_| (), ConversionKind::Pointer), "[0]");
    assert_eq!(number(65, &|c| c.width = Some(5), ConversionKind::Character), "[    A]");
}

#[test]
fn text_conversions_take_anything() {
    let text = conversion(ConversionKind::Text);
    assert_eq!(printf(text.clone(), int(4, true), &(-6i32).to_ne_bytes()), "[-6]");
    assert_eq!(printf(text.clone(), ValueType::Bool, &[0]), "[false]");
    let cut = Conversion { precision: Some(2), ..text.clone() };
    assert_eq!(printf(cut, ValueType::String { size: 8 }, b"abcdef\0\0"), "[ab]");
    let wide = Conversion { width: Some(6), ..text.clone() };
    assert_eq!(printf(wide.clone(), ValueType::String { size: 8 }, b"abc\0\0\0\0\0"), "[   abc]");
    let left = Conversion { left: true, ..wide };
    assert_eq!(printf(left, ValueType::String { size: 8 }, b"abc\0\0\0\0\0"), "[abc   ]");
    let tuple = ValueType::Tuple { size: 2, fields: vec![field("", 0, int(1, false)), field("", 1, int(1, false))] };
    assert_eq!(printf(text, tuple, &[1, 2]), "[(1, 2)]");
}

#[test]
fn buffers_convert_three_ways() {
    let mut bytes = 3u32.to_ne_bytes().to_vec();
    bytes.extend(b"h\n\xff");
    let shown = |kind| printf(conversion(kind), ValueType::Buffer { capacity: 3 }, &bytes);
    assert_eq!(shown(ConversionKind::Escaped), "[h\\x0a\\xff]");
    assert_eq!(shown(ConversionKind::EscapedHex), "[\\x68\\x0a\\xff]");
    assert_eq!(shown(ConversionKind::HexDump), "[68 0a ff]");
}

#[test]
fn text_in_json_is_a_message_each() {
    assert_eq!(run(JSON, text_action(TextSink::Output, "x\n"), &[]).0, "{\"type\": \"printf\", \"data\": \"x\\n\"}\n");
}

#[test]
fn errors_and_warnings_tell_their_place() {
    let (output, diagnostics) = run(TEXT, text_action(TextSink::Error(location()), "bad 10"), &[]);
    assert_eq!((output.as_str(), diagnostics.as_str()), ("", "stdin:1:9-37: ERROR: bad 10\n"));
    let (_, diagnostics) = run(TEXT, text_action(TextSink::Warning(location()), "hmm\n"), &[]);
    assert_eq!(diagnostics, "stdin:1:9-37: WARNING: hmm\n");
    let (output, diagnostics) = run(JSON, text_action(TextSink::Error(location()), "bad 10"), &[]);
    let expected = "{\"type\": \"errorf\", \"msg\": \"bad 10\", \"filename\": \"stdin\", \"line\": 1, \"col\": 9}\n";
    assert_eq!((output.as_str(), diagnostics.as_str()), (expected, ""));
    let silent = Presentation { no_warnings: true, ..TEXT };
    assert_eq!(run(silent, text_action(TextSink::Warning(location()), "hmm"), &[]).1, "");
    assert_ne!(run(silent, text_action(TextSink::Error(location()), "bad"), &[]).1, "");
}

#[test]
fn failed_helpers_tell_helper_and_code() {
    let action = Action::HelperError { helper: "probe_read_user".into(), location: location() };
    let code = (-14i64).to_ne_bytes();
    assert_eq!(
        run(TEXT, action.clone(), &code).1,
        "stdin:1:9-37: WARNING: Bad address\nAdditional Info - helper: probe_read_user, retcode: -14\n"
    );
    assert_eq!(
        run(JSON, action, &code).0,
        "{\"type\": \"helper_error\", \"msg\": \"Bad address\", \"helper\": \"probe_read_user\", \"retcode\": -14, \
         \"filename\": \"stdin\", \"line\": 1, \"col\": 9}\n"
    );
}

#[test]
fn a_command_prints_in_order_and_its_failure_is_told() {
    let actions = vec![
        text_action(TextSink::Output, "before\n"),
        text_action(TextSink::System, "echo hi; exit 3"),
        text_action(TextSink::Output, "after\n"),
    ];
    let (output, diagnostics) = run_with(TEXT, &manifest(actions), &[], &FakeMaps::default());
    assert_eq!(output, "before\nhi\nafter\n");
    assert!(diagnostics.contains("exit status: 3"), "{diagnostics}");
    assert_eq!(
        run(JSON, text_action(TextSink::System, "echo hi"), &[]).0,
        "{\"type\": \"syscall\", \"data\": \"hi\\n\"}\n"
    );
}

#[test]
fn a_file_is_printed_up_to_the_limit() {
    let path = std::env::temp_dir().join(format!("lancet-cat-{}", std::process::id()));
    std::fs::write(&path, "0123456789").expect("written");
    let mut manifest = manifest(vec![text_action(TextSink::Cat, path.to_str().expect("a name"))]);
    manifest.config.max_cat_bytes = 4;
    let maps = FakeMaps::default();
    assert_eq!(run_with(TEXT, &manifest, &[], &maps).0, "0123");
    assert_eq!(run_with(JSON, &manifest, &[], &maps).0, "{\"type\": \"cat\", \"data\": \"0123\"}\n");
    std::fs::remove_file(&path).expect("removed");
    let (_, diagnostics) = run_with(TEXT, &manifest, &[], &maps);
    assert!(diagnostics.contains("No such file"), "{diagnostics}");
}

#[test]
fn join_ends_at_the_first_empty_string() {
    let argument = |offset| Argument { offset, ty: ValueType::String { size: 4 } };
    let arguments = vec![argument(8), argument(12), argument(16), argument(20)];
    let action = Action::Join { delimiter: ",".into(), arguments };
    let payload = b"ab\0\0c\0\0\0\0\0\0\0d\0\0\0";
    assert_eq!(run(TEXT, action.clone(), payload).0, "ab,c\n");
    assert_eq!(run(JSON, action, payload).0, "{\"type\": \"join\", \"data\": \"ab,c\"}\n");
}

fn counter(name: &str) -> Map {
    let shape = MapShape::Keyed { key: int(8, true), key_size: 8, short: None };
    let value = MapValue::Count;
    Map { name: name.into(), symbol: name.into(), shape, value, per_cpu: true, value_size: 8, max_entries: 9 }
}

fn element(key: u64, count: u64) -> Entry {
    Entry { key: bytes_of(&[key]), values: vec![bytes_of(&[count])] }
}

#[test]
fn maps_are_cleared_zeroed_and_printed_in_the_order_of_the_records() {
    let actions = vec![
        Action::PrintElement { map: 0 },
        Action::PrintMap { map: 0 },
        Action::ZeroMap { map: 0 },
        Action::PrintMap { map: 0 },
        Action::ClearMap { map: 0 },
        Action::PrintMap { map: 0 },
    ];
    let manifest = Manifest { maps: vec![counter("c")], ..manifest(actions) };
    let maps = FakeMaps { maps: RefCell::new(vec![vec![element(5, 30)]]), stacks: Vec::new() };
    // The key, and what the value is divided by; for a map the same words are top and divisor.
    assert_eq!(run_with(TEXT, &manifest, &bytes_of(&[5, 10]), &maps).0, "3\n@c[5]: 3\n@c[5]: 0\n");
}

#[test]
fn the_end_is_a_gap_and_the_maps_that_are_not_empty() {
    let manifest = Manifest { maps: vec![counter(""), counter("empty"), counter("x")], ..manifest(Vec::new()) };
    let maps =
        FakeMaps { maps: RefCell::new(vec![vec![element(1, 2)], Vec::new(), vec![element(3, 4)]]), stacks: Vec::new() };
    let end = |presentation, manifest: &Manifest| {
        let output = Captured::default();
        let destination = Output::new(Box::new(output.clone()), Buffering::Full);
        Printer::new(manifest, presentation, destination, Box::new(io::sink())).end(&maps);
        output.text()
    };
    assert_eq!(end(TEXT, &manifest), "\n\n@[1]: 2\n@x[3]: 4\n");
    let json =
        "{\"type\": \"map\", \"data\": {\"@\": {\"1\": 2}}}\n{\"type\": \"map\", \"data\": {\"@x\": {\"3\": 4}}}\n";
    assert_eq!(end(JSON, &manifest), json);
    let config = Config { print_maps_on_exit: false, ..Config::default() };
    assert_eq!(end(TEXT, &Manifest { config, ..manifest.clone() }), "\n\n");
}

#[test]
fn attached_probes_are_told_unless_quiet() {
    let told = |presentation, count| {
        let (output, diagnostics) = (Captured::default(), Captured::default());
        let manifest = manifest(Vec::new());
        let destination = Output::new(Box::new(output.clone()), Buffering::Full);
        let mut printer = Printer::new(&manifest, presentation, destination, Box::new(diagnostics.clone()));
        printer.attached_probes(count);
        drop(printer);
        (output.text(), diagnostics.text())
    };
    assert_eq!(told(TEXT, 1), (String::new(), "Attached 1 probe\n".to_owned()));
    assert_eq!(told(TEXT, 2), (String::new(), "Attached 2 probes\n".to_owned()));
    let json = "{\"type\": \"attached_probes\", \"count\": 2, \"data\": {\"probes\": 2}}\n";
    assert_eq!(told(JSON, 2), (json.to_owned(), String::new()));
    assert_eq!(told(Presentation { quiet: true, ..JSON }, 2), (String::new(), String::new()));
}

#[test]
fn exit_ends_with_its_code_modulo_256() {
    let manifest = manifest(vec![Action::Exit]);
    let destination = Output::new(Box::new(io::sink()), Buffering::Full);
    let mut printer = Printer::new(&manifest, TEXT, destination, Box::new(io::sink()));
    let record = bytes_of(&[0, 259]);
    assert_eq!(printer.record(&record, &FakeMaps::default()), Flow::Exit(3));
}

#[test]
fn a_closed_output_ends_the_script() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let manifest = manifest(vec![text_action(TextSink::Output, "x\n")]);
    let destination = Output::new(Box::new(Closed), Buffering::Line);
    let mut printer = Printer::new(&manifest, TEXT, destination, Box::new(io::sink()));
    assert_eq!(printer.record(&[0; 8], &FakeMaps::default()), Flow::Continue);
    assert_eq!(printer.flush(), Flow::Closed);
}

#[test]
fn damaged_records_do_no_harm() {
    let ty = ValueType::Tuple { size: 16, fields: vec![field("", 0, ValueType::Inet), field("", 90, int(8, true))] };
    assert_eq!(run(TEXT, Action::Value(Argument { offset: 8, ty }), &[1]).0, "(, 0)\n");
    let manifest = manifest(Vec::new());
    let destination = Output::new(Box::new(io::sink()), Buffering::Full);
    let mut printer = Printer::new(&manifest, TEXT, destination, Box::new(io::sink()));
    assert_eq!(printer.record(&[], &FakeMaps::default()), Flow::Continue);
}
