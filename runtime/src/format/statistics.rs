//! What probes cost, as a table or as JSON objects.

use super::json::{self, Object};
use super::number::write_decimal;
use std::io::Write;

/// One program's figures.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Figures {
    /// How often it ran.
    pub runs: u64,
    /// How long, in nanoseconds.
    pub nanoseconds: u64,
    /// How often it was passed over, because it or another program was running on the same CPU.
    pub missed: u64,
}

/// Appends a table with a line for each program.
pub fn write_table(out: &mut Vec<u8>, rows: &[(String, Figures)]) {
    // Writing to a Vec cannot fail.
    let _ = writeln!(out, "{:>12} {:>14} {:>8} {:>10}  PROBE", "RUNS", "NANOSECONDS", "A RUN", "MISSED");
    for (name, Figures { runs, nanoseconds, missed }) in rows {
        let each = nanoseconds.checked_div(*runs).unwrap_or(0);
        let _ = writeln!(out, "{runs:>12} {nanoseconds:>14} {each:>8} {missed:>10}  {name}");
    }
}

/// Appends one program's figures as an object.
pub fn write_object(out: &mut Vec<u8>, name: &str, figures: Figures) {
    let mut object = Object::open(out);
    object.name(out, b"type");
    json::write_string(out, b"probe_statistics");
    object.name(out, b"probe");
    json::write_string(out, name.as_bytes());
    for (name, value) in [("runs", figures.runs), ("nanoseconds", figures.nanoseconds), ("missed", figures.missed)] {
        object.name(out, name.as_bytes());
        write_decimal(out, value);
    }
    object.close(out);
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probe_that_never_ran_has_no_average() {
        let mut out = Vec::new();
        let ran = Figures { runs: 4, nanoseconds: 10, missed: 1 };
        write_table(&mut out, &[("begin".into(), Figures::default()), ("end".into(), ran)]);
        let text = String::from_utf8_lossy(&out).into_owned();
        let words: Vec<Vec<&str>> = text.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(words, [["0", "0", "0", "0", "begin"], ["4", "10", "2", "1", "end"]]);
    }

    #[test]
    fn names_are_escaped_in_json() {
        let mut out = Vec::new();
        write_object(&mut out, "uprobe:/tmp/a\"b:f", Figures { runs: 1, nanoseconds: 2, missed: 3 });
        let expected =
            r#"{"type": "probe_statistics", "probe": "uprobe:/tmp/a\"b:f", "runs": 1, "nanoseconds": 2, "missed": 3}"#;
        assert_eq!(String::from_utf8_lossy(&out).trim_end(), expected);
    }
}
