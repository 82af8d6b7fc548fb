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
    /// What became of the events, if that was counted.
    pub outcomes: Option<Outcomes>,
}

/// What became of a program's events.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Outcomes {
    /// Events for which the predicate was false.
    pub filtered: u64,
    /// Records sent.
    pub sent: u64,
    /// Records that found the ring buffer full.
    pub lost: u64,
}

impl Outcomes {
    fn columns(self) -> [(&'static str, u64); 3] {
        [("filtered", self.filtered), ("sent", self.sent), ("lost", self.lost)]
    }
}

/// Appends a table with a line for each program.
pub fn write_table(out: &mut Vec<u8>, rows: &[(String, Figures)]) {
    // Writing to a Vec cannot fail.
    let _ = write!(out, "{:>12} {:>14} {:>8} {:>10}", "RUNS", "NANOSECONDS", "A RUN", "MISSED");
    if rows.iter().any(|(_, figures)| figures.outcomes.is_some()) {
        for (name, _) in Outcomes::default().columns() {
            let _ = write!(out, " {:>10}", name.to_uppercase());
        }
    }
    let _ = writeln!(out, "  PROBE");
    for (name, Figures { runs, nanoseconds, missed, outcomes }) in rows {
        let each = nanoseconds.checked_div(*runs).unwrap_or(0);
        let _ = write!(out, "{runs:>12} {nanoseconds:>14} {each:>8} {missed:>10}");
        for (_, count) in outcomes.iter().flat_map(|outcomes| outcomes.columns()) {
            let _ = write!(out, " {count:>10}");
        }
        let _ = writeln!(out, "  {name}");
    }
}

/// Appends one program's figures as an object.
pub fn write_object(out: &mut Vec<u8>, name: &str, figures: Figures) {
    let mut object = Object::open(out);
    object.name(out, b"type");
    json::write_string(out, b"probe_statistics");
    object.name(out, b"probe");
    json::write_string(out, name.as_bytes());
    let own = [("runs", figures.runs), ("nanoseconds", figures.nanoseconds), ("missed", figures.missed)];
    for (name, value) in own.into_iter().chain(figures.outcomes.into_iter().flat_map(Outcomes::columns)) {
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
        let ran = Figures { runs: 4, nanoseconds: 10, missed: 1, outcomes: None };
        write_table(&mut out, &[("begin".into(), Figures::default()), ("end".into(), ran)]);
        let text = String::from_utf8_lossy(&out).into_owned();
        let words: Vec<Vec<&str>> = text.lines().skip(1).map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(words, [["0", "0", "0", "0", "begin"], ["4", "10", "2", "1", "end"]]);
    }

    #[test]
    fn what_became_of_events_has_columns_of_its_own() {
        let mut out = Vec::new();
        let outcomes = Some(Outcomes { filtered: 5, sent: 6, lost: 7 });
        write_table(&mut out, &[("end".into(), Figures { runs: 11, outcomes, ..Figures::default() })]);
        let text = String::from_utf8_lossy(&out).into_owned();
        let words: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(words[0][5..], ["FILTERED", "SENT", "LOST", "PROBE"]);
        assert_eq!(words[1], ["11", "0", "0", "0", "5", "6", "7", "end"]);
    }

    #[test]
    fn names_are_escaped_in_json() {
        let mut out = Vec::new();
        write_object(&mut out, "uprobe:/tmp/a\"b:f", Figures { runs: 1, nanoseconds: 2, missed: 3, outcomes: None });
        let expected =
            r#"{"type": "probe_statistics", "probe": "uprobe:/tmp/a\"b:f", "runs": 1, "nanoseconds": 2, "missed": 3}"#;
        assert_eq!(String::from_utf8_lossy(&out).trim_end(), expected);
    }
}
