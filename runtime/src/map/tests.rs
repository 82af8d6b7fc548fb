//! Maps as they print, to the byte.

use super::fake::FakeMaps;
use super::print::{Request, Selection, write_map};
use crate::format::output::{Buffering, Output};
use crate::format::{Context, Style};
use crate::symbol::Names;
use lancet_manifest::{Combine, Config, Field, Map, MapShape, MapValue, ValueType};

const I64: ValueType = ValueType::Int { size: 8, signed: true };
/// The words of a value on one CPU.
const ZERO: &[&[u64]] = &[&[0]];
const ONE: &[&[u64]] = &[&[1]];
const ALL: Selection = Selection { top: 0, divisor: 0, unset: false };

fn keyed(key: ValueType, value: MapValue) -> Map {
    let key_size = key.size();
    map(MapShape::Keyed { key, key_size, short: None }, value)
}

fn scalar(present_offset: u32, value: MapValue) -> Map {
    map(MapShape::Scalar { present_offset }, value)
}

fn map(shape: MapShape, value: MapValue) -> Map {
    Map { name: "m".into(), symbol: "m".into(), shape, value, per_cpu: true, value_size: 0, max_entries: 9 }
}

fn print(style: Style, map: &Map, maps: &FakeMaps, selection: Selection) -> String {
    let config = Config::default();
    let mut names = Names::new(&config);
    let mut context = Context { config: &config, probes: &[], names: &mut names, maps };
    let mut output = Output::new(Box::new(std::io::sink()), Buffering::Full);
    write_map(&mut output, Request { index: 0, map, style, selection }, &mut context).expect("entries");
    String::from_utf8(output.buffer().clone()).expect("text")
}

fn text(map: &Map, maps: &FakeMaps) -> String {
    print(Style::Text, map, maps, ALL)
}

fn json(map: &Map, maps: &FakeMaps) -> String {
    print(Style::Json, map, maps, ALL)
}

fn number(value: i64) -> [u8; 8] {
    value.to_ne_bytes()
}

/// A histogram without keys: counters by bucket, in a value with its flag behind.
fn hist(value: MapValue, count: u32, counters: &[(usize, u64)]) -> (Map, FakeMaps) {
    let mut words = vec![0; count as usize + 1];
    words[count as usize] = 1;
    for &(bucket, counter) in counters {
        words[bucket] = counter;
    }
    (scalar(count * 8, value), FakeMaps::with_map(&[(&[0; 4], &[&words])]))
}

fn log_hist(bits: u8, counters: &[(usize, u64)]) -> (Map, FakeMaps) {
    hist(MapValue::Histogram { bits }, lancet_manifest::hist_bucket_count(bits), counters)
}

fn linear_hist(min: u64, max: u64, step: u64, counters: &[(usize, u64)]) -> (Map, FakeMaps) {
    let count = lancet_manifest::lhist_bucket_count(min, max, step);
    hist(MapValue::LinearHistogram { min, max, step }, count, counters)
}

#[test]
fn counts_of_all_cpus_are_added_and_sorted() {
    let map = keyed(I64, MapValue::Count);
    let (one, two, three) = (number(1), number(2), number(3));
    let maps = FakeMaps::with_map(&[(&one, &[&[5], &[6]]), (&two, &[&[1], &[0]]), (&three, &[&[0], &[1]])]);
    assert_eq!(text(&map, &maps), "@m[2]: 1\n@m[3]: 1\n@m[1]: 11\n");
    assert_eq!(json(&map, &maps), "{\"type\": \"map\", \"data\": {\"@m\": {\"2\": 1, \"3\": 1, \"1\": 11}}}\n");
}

#[test]
fn signed_sums_sort_below_zero_first_and_unsigned_ones_do_not() {
    let (a, b) = (number(1), number(2));
    let maps = FakeMaps::with_map(&[(&a, &[&[-5i64 as u64]]), (&b, &[&[7]])]);
    assert_eq!(text(&keyed(I64, MapValue::Sum { signed: true }), &maps), "@m[1]: -5\n@m[2]: 7\n");
    let unsigned = keyed(I64, MapValue::Sum { signed: false });
    assert_eq!(text(&unsigned, &maps), "@m[2]: 7\n@m[1]: 18446744073709551611\n");
    assert_eq!(json(&unsigned, &maps).matches("\"18446744073709551611\"").count(), 1);
}

#[test]
fn top_keeps_the_largest_and_division_truncates() {
    let map = keyed(I64, MapValue::Plain(I64));
    let keys: Vec<[u8; 8]> = (0..4).map(number).collect();
    let values: [[u64; 1]; 4] = [[15], [-15i64 as u64], [45], [30]];
    let entries: Vec<(&[u8], Vec<&[u64]>)> =
        keys.iter().zip(&values).map(|(key, value)| (key.as_slice(), vec![value.as_slice()])).collect();
    let entries: Vec<(&[u8], &[&[u64]])> = entries.iter().map(|(key, cpus)| (*key, cpus.as_slice())).collect();
    let maps = FakeMaps::with_map(&entries);
    let selection = Selection { top: 3, divisor: 10, unset: true };
    assert_eq!(print(Style::Text, &map, &maps, selection), "@m[0]: 1\n@m[3]: 3\n@m[2]: 4\n");
    let all = Selection { top: 0, divisor: 10, unset: true };
    assert!(print(Style::Text, &map, &maps, all).starts_with("@m[1]: -1\n"));
}

#[test]
fn extremes_look_only_at_cpus_that_have_a_value() {
    let maps = FakeMaps::with_map(&[(&[0; 4], &[&[0, 0, 0], &[-7i64 as u64, 1, 1], &[-3i64 as u64, 1, 1]])]);
    assert_eq!(text(&scalar(16, MapValue::Min { signed: true }), &maps), "@m: -7\n");
    assert_eq!(text(&scalar(16, MapValue::Max { signed: true }), &maps), "@m: -3\n");
    assert_eq!(text(&scalar(16, MapValue::Max { signed: false }), &maps), "@m: 18446744073709551613\n");
}

#[test]
fn averages_divide_the_sum_of_all_cpus_toward_zero() {
    let maps = FakeMaps::with_map(&[(&[0; 4], &[&[-5i64 as u64, 1, 1], &[-2i64 as u64, 1, 1]])]);
    assert_eq!(text(&scalar(16, MapValue::Average { signed: true }), &maps), "@m: -3\n");
    let stats = scalar(16, MapValue::Stats { signed: true });
    assert_eq!(text(&stats, &maps), "@m: { .count = 2, .average = -3, .total = -7 }\n");
    assert_eq!(
        json(&stats, &maps),
        "{\"type\": \"stats\", \"data\": {\"@m\": {\"count\": 2, \"average\": -3, \"total\": -7}}}\n"
    );
}

#[test]
fn an_unset_map_prints_its_zero_only_when_asked_for() {
    let maps = FakeMaps::with_map(&[(&[0; 4], &[&[0, 0, 0]])]);
    let asked = Selection { unset: true, ..ALL };
    let stats = scalar(16, MapValue::Stats { signed: false });
    assert_eq!(text(&stats, &maps), "");
    assert_eq!(print(Style::Text, &stats, &maps, asked), "@m: { .count = 0, .average = 0, .total = 0 }\n");
    let (hist, _) = log_hist(0, &[]);
    assert_eq!(print(Style::Text, &hist, &FakeMaps::with_map(&[]), asked), "");
    assert_eq!(print(Style::Text, &keyed(I64, MapValue::Count), &FakeMaps::with_map(&[]), asked), "");
}

#[test]
fn other_values_sort_by_key() {
    let string = ValueType::String { size: 8 };
    let map = keyed(string, MapValue::Plain(ValueType::Bool));
    let keys: [&[u8; 8]; 4] = [b"a10\0\0\0\0\0", b"a9\0\0\0\0\0\0", b"\0\0\0\0\0\0\0\0", b"Z\0\0\0\0\0\0\0"];
    let entries: Vec<(&[u8], &[&[u64]])> = keys.iter().map(|key| (key.as_slice(), ONE)).collect();
    let printed = text(&map, &FakeMaps::with_map(&entries));
    assert_eq!(printed, "@m[]: true\n@m[Z]: true\n@m[a10]: true\n@m[a9]: true\n");
}

#[test]
fn several_keys_sort_one_after_the_other_and_lose_their_parentheses() {
    let field = |offset, ty| Field { name: String::new(), offset, ty, bits: None };
    let pair = |size, fields| ValueType::Tuple { size, fields };
    let inner = pair(8, vec![field(0, ValueType::Int { size: 4, signed: true }), field(4, ValueType::Bool)]);
    let key = pair(16, vec![field(0, inner), field(8, I64)]);
    let map = keyed(key, MapValue::Plain(ValueType::Bool));
    let bytes = |a: i32, b: bool, c: i64| {
        let mut key = a.to_ne_bytes().to_vec();
        key.extend([u8::from(b), 0, 0, 0]);
        key.extend(c.to_ne_bytes());
        key
    };
    let keys = [bytes(2, false, 1), bytes(-1, true, 9), bytes(-1, true, 3)];
    let entries: Vec<(&[u8], &[&[u64]])> = keys.iter().map(|key| (key.as_slice(), ZERO)).collect();
    let maps = FakeMaps::with_map(&entries);
    let expected = "@m[(-1, true), 3]: false\n@m[(-1, true), 9]: false\n@m[(2, false), 1]: false\n";
    assert_eq!(text(&map, &maps), expected);
    assert!(json(&map, &maps).contains("{\"(-1,true),3\": false, \"(-1,true),9\": false, "));
}

#[test]
fn a_histogram_has_rows_from_the_first_to_the_last_used_bucket() {
    let (map, maps) = log_hist(0, &[(0, 2), (2, 1)]);
    let expected = "@m:\n\
        (..., 0)               2 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n\
        [0]                    0 |                                                    |\n\
        [1]                    1 |@@@@@@@@@@@@@@@@@@@@@@@@@@                          |\n\n";
    assert_eq!(text(&map, &maps), expected);
    let expected = "{\"type\": \"hist\", \"data\": {\"@m\": [{\"max\": -1, \"count\": 2},\
                    {\"min\": 0, \"max\": 0, \"count\": 0},{\"min\": 1, \"max\": 1, \"count\": 1}]}}\n";
    assert_eq!(json(&map, &maps), expected);
}

#[test]
fn labels_of_histograms_are_shortened() {
    let label = |bits, bucket| {
        let (map, maps) = log_hist(bits, &[(bucket, 1)]);
        let printed = text(&map, &maps);
        printed.lines().nth(1).expect("a row")[..16].trim_end().to_owned()
    };
    let plain: Vec<String> = [3, 10, 11, 20, 21, 31, 41, 51, 61, 63].map(|bucket| label(0, bucket)).into();
    assert_eq!(
        plain,
        [
            "[2, 4)",
            "[256, 512)",
            "[512, 1K)",
            "[256K, 512K)",
            "[512K, 1M)",
            "[512M, 1G)",
            "[512G, 1T)",
            "[512T, 1P)",
            "[512P, 1E)",
            "[2E, 4E)"
        ]
    );
    assert_eq!(label(0, 64), "[4E, 8E)");
    assert_eq!(label(1, 4), "[3]");
    assert_eq!(label(1, 5), "[4, 6)");
    // 1500 with 8 buckets per power of two: 1 + 2^4 + (10 - 4) * 8 + (1500 >> 7) & 7.
    assert_eq!(label(3, 1 + 16 + 48 + 3), "[1408, 1536)");
    assert_eq!(label(5, 1 + 62), "[62]");
    assert_eq!(label(5, 1 + 64), "[64, 66)");
}

#[test]
fn bounds_in_json_are_whole_numbers() {
    let (map, maps) = log_hist(0, &[(64, 1)]);
    let printed = json(&map, &maps);
    assert!(
        printed.contains("{\"min\": 4611686018427387904, \"max\": \"9223372036854775807\", \"count\": 1}"),
        "{printed}"
    );
}

#[test]
fn linear_histograms_are_open_at_both_ends() {
    let (map, maps) = linear_hist(0, 10, 5, &[(0, 1), (3, 1)]);
    let printed = text(&map, &maps);
    let labels: Vec<&str> = printed.lines().skip(1).filter_map(|line| line.get(..16)).map(str::trim_end).collect();
    assert_eq!(labels, ["(..., 0)", "[0, 5)", "[5, 10)", "[10, ...)"]);
    assert!(json(&map, &maps).contains("[{\"max\": -1, \"count\": 1},{\"min\": 0, \"max\": 4, \"count\": 0}"));
    assert!(json(&map, &maps).contains("{\"min\": 10, \"count\": 1}]"));
}

#[test]
fn linear_labels_are_shortened_for_steps_of_1024_only() {
    let label = |min, max, step, bucket| {
        let (map, maps) = linear_hist(min, max, step, &[(bucket, 1)]);
        text(&map, &maps).lines().nth(1).expect("a row")[..16].trim_end().to_owned()
    };
    assert_eq!(label(0, 5000, 1000, 2), "[1000, 2000)");
    assert_eq!(label(0, 4 << 20, 1 << 20, 1), "[0, 1M)");
    assert_eq!(label(0, 4096, 1024, 2), "[1K, 2K)");
    assert_eq!(label(0, 5, 1, 3), "[2]");
    assert_eq!(label(0, 10, 3, 4), "[9, ...)");
}

#[test]
fn division_of_a_histogram_divides_its_counters_and_keeps_its_rows() {
    let (map, maps) = log_hist(0, &[(1, 9), (2, 30)]);
    let printed = print(Style::Text, &map, &maps, Selection { top: 0, divisor: 10, unset: true });
    assert!(printed.starts_with("@m:\n[0]                    0 |    "), "{printed}");
    assert!(printed.contains("\n[1]                    3 |@@@@"), "{printed}");
}

fn series(interval: u64, combine: Combine) -> Map {
    let intervals = 3;
    scalar(72, MapValue::TimeSeries { interval, intervals, combine, signed: true })
}

#[test]
fn a_time_series_shows_intervals_without_values() {
    const NEGATIVE: u64 = -2i64 as u64;
    let one: &[u64] = &[11, NEGATIVE, 1, 0, 0, 0, 0, 0, 0, 1];
    let other: &[u64] = &[13, 6, 1, 0, 0, 0, 0, 0, 0, 1];
    let maps = FakeMaps::with_map(&[(&[0; 4], &[one, other])]);
    let printed = text(&series(100_000_000, Combine::Last), &maps);
    let lines: Vec<&str> = printed.lines().collect();
    let bar = "_".repeat(51);
    assert_eq!(lines[0], "@m:");
    assert_eq!(lines[1], format!("{:13}-2{:50}6", "", ""));
    assert_eq!(lines[2], format!("hh:mm:ss.ms  |{bar}|"));
    assert_eq!(lines[3][12..], format!(" *{:12}.{:38}| -2", "", ""));
    assert_eq!(lines[4][12..], format!(" |{:12}.{:38}| -", "", ""));
    assert_eq!(lines[5][12..], format!(" |{:12}.{:38}* 6", "", ""));
    assert_eq!(lines[6], format!("{:13}v{bar}v", ""));
    assert_eq!(lines[7], lines[1]);
    assert!(printed.ends_with("6\n\n"));
}

#[test]
fn values_of_one_interval_combine() {
    let value = |combine| {
        let maps =
            FakeMaps::with_map(&[(&[0; 4], &[&[8, 9, 2, 0, 0, 0, 0, 0, 0, 1], &[8, 4, 3, 0, 0, 0, 0, 0, 0, 1]])]);
        let printed = text(&series(1_000_000_000, combine), &maps);
        let row = printed.lines().nth(3).expect("a row").to_owned();
        row[row.len() - 2..].trim().parse::<u64>().expect("a number")
    };
    assert_eq!(value(Combine::Last), 4);
    assert_eq!(value(Combine::Sum), 13);
    assert_eq!(value(Combine::Average), 2);
    assert_eq!(value(Combine::Max), 9);
    assert_eq!(value(Combine::Min), 4);
}

#[test]
fn intervals_that_another_cpu_has_left_behind_are_not_shown() {
    let maps = FakeMaps::with_map(&[(&[0; 4], &[&[3, 1, 1, 0, 0, 0, 0, 0, 0, 1], &[9, 2, 1, 0, 0, 0, 0, 0, 0, 1]])]);
    let printed = json(&series(1_000_000_000, Combine::Last), &maps);
    assert_eq!(printed.matches("interval_start").count(), 1, "{printed}");
    assert!(printed.starts_with("{\"type\": \"tseries\", \"data\": {\"@m\": [{\"interval_start\":\""), "{printed}");
    assert!(printed.ends_with(",\"value\":2}]}}\n"), "{printed}");
}
