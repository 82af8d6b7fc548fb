//! Time series: a row for each interval, with the value as a point between the smallest and the largest.

use super::json;
use super::number::Integer;
use super::strftime;
use std::io::Write;

/// Columns of the graph with its ends.
const WIDTH: usize = 53;
/// Columns of the smallest value above and below the graph; the largest has the rest.
const LEFT: usize = 21;

/// The values of a series and where its intervals lie.
#[derive(Clone, Copy, Debug)]
pub struct Series<'a> {
    /// Values by number of the interval, counted from the epoch, in its order.
    pub values: &'a [(u64, Integer)],
    /// Length of an interval in nanoseconds.
    pub interval: u64,
}

/// How finely times are told.
#[derive(Clone, Copy)]
struct Precision {
    /// What stands at the head of the column.
    head: &'static str,
    /// strftime format.
    format: &'static str,
    /// Columns.
    width: usize,
}

/// Appends the graph, each line with its break.
pub fn write_text(out: &mut Vec<u8>, series: Series) {
    let Some((low, high)) = limits(series.values) else { return };
    let precision = precision(series);
    let indent = precision.width + 1;
    let scale = |out: &mut Vec<u8>| {
        // Writing to a Vec cannot fail; nor below.
        let _ = writeln!(out, "{:indent$}{low:<LEFT$}{high:>1$}", "", WIDTH - LEFT);
    };
    scale(out);
    let _ = writeln!(out, "{:<indent$}|{:_<2$}|", precision.head, "", WIDTH - 2);
    let zero = (low < 0 && high > 0).then(|| column(WIDTH, low, high, 0));
    for (time, value) in rows(series) {
        let mut line = [b' '; WIDTH];
        line[0] = b'|';
        line[WIDTH - 1] = b'|';
        if let Some(zero) = zero {
            line[zero.min(WIDTH - 1)] = b'.';
        }
        if let Some(value) = value {
            line[column(WIDTH - 1, low, high, value.value())] = b'*';
        }
        strftime::write_timestamp(out, precision.format, time);
        out.push(b' ');
        out.extend_from_slice(&line);
        out.push(b' ');
        match value {
            Some(value) => value.write(out),
            None => out.push(b'-'),
        }
        out.push(b'\n');
    }
    let _ = writeln!(out, "{:indent$}v{:_<2$}v", "", "", WIDTH - 2);
    scale(out);
}

/// Appends a list of objects, one for each interval.
pub fn write_json(out: &mut Vec<u8>, series: Series) {
    json::write_list(out, rows(series), |out, (time, value)| {
        out.extend_from_slice(b"{\"interval_start\":\"");
        strftime::write_timestamp(out, "%Y-%m-%d %H:%M:%S.%k", time);
        out.extend_from_slice(b"\",\"value\":");
        match value {
            Some(value) => json::write_integer(out, value),
            None => out.extend_from_slice(b"null"),
        }
        out.push(b'}');
    });
}

/// All intervals from the first to the last with a value: wall time and value.
fn rows(series: Series) -> Vec<(i128, Option<Integer>)> {
    let (Some((first, _)), Some((last, _))) = (series.values.first(), series.values.last()) else {
        return Vec::new();
    };
    let mut values = series.values.iter().peekable();
    (*first..=*last)
        .map(|number| {
            let start = i128::from(number) * i128::from(series.interval);
            (start, values.next_if(|(interval, _)| *interval == number).map(|(_, value)| *value))
        })
        .collect()
}

/// The values at the ends of the graph.
fn limits(values: &[(u64, Integer)]) -> Option<(i128, i128)> {
    let numbers = || values.iter().map(|(_, value)| value.value());
    let (low, high) = (numbers().min()?, numbers().max()?);
    if low != high {
        return Some((low, high));
    }
    let signed = values.iter().any(|(_, value)| value.signed);
    let (least, most) = if signed { (i128::from(i64::MIN), i128::from(i64::MAX)) } else { (0, i128::from(u64::MAX)) };
    Some(((low - 1).max(least), (high + 1).min(most)))
}

fn column(width: usize, low: i128, high: i128, value: i128) -> usize {
    (width as i128 * (value - low) / (high - low).max(1)) as usize
}

/// A single point is told as exactly as it is known, several as the length of their intervals needs.
fn precision(series: Series) -> Precision {
    let interval = if series.values.len() > 1 { series.interval } else { 1 };
    if interval % 1_000_000_000 == 0 {
        Precision { head: "hh:mm:ss", format: "%H:%M:%S", width: 8 }
    } else if interval % 1_000_000 == 0 {
        Precision { head: "hh:mm:ss.ms", format: "%H:%M:%S.%l", width: 12 }
    } else if interval % 1000 == 0 {
        Precision { head: "hh:mm:ss.us", format: "%H:%M:%S.%f", width: 15 }
    } else {
        Precision { head: "hh:mm:ss.ns", format: "%H:%M:%S.%k", width: 18 }
    }
}
