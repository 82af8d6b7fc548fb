//! Points in time as text: strftime in the local time zone (`TZ`, else the system's), with bpftrace's extensions.
//!
//! `%f` is the microseconds (6 digits), `%k` the nanoseconds (9), `%l` the milliseconds (3) of the second. Conversions
//! that do not exist are copied.

use jiff::Timestamp;
use jiff::fmt::strtime::{BrokenDownTime, Config, PosixCustom};
use jiff::tz::TimeZone;
use std::borrow::Cow;
use std::fmt::Write;

/// Appends the point `nanoseconds` after the epoch; `(?)` if no calendar reaches that far.
pub fn write_timestamp(out: &mut Vec<u8>, format: &str, nanoseconds: i128) {
    let Ok(timestamp) = Timestamp::from_nanosecond(nanoseconds) else {
        out.extend_from_slice(b"(?)");
        return;
    };
    let time = BrokenDownTime::from(&timestamp.to_zoned(TimeZone::system()));
    let config = Config::new().custom(PosixCustom::new()).lenient(true);
    let expanded = expand(format, nanoseconds.rem_euclid(1_000_000_000) as u32);
    let start = out.len();
    if time.format_with_config(&config, expanded.as_bytes(), &mut Text(out)).is_err() {
        out.truncate(start);
        out.extend_from_slice(b"(?)");
    }
}

/// Text that is appended to bytes.
struct Text<'a>(&'a mut Vec<u8>);

impl jiff::fmt::Write for Text<'_> {
    fn write_str(&mut self, text: &str) -> Result<(), jiff::Error> {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

/// Replaces the extensions by digits.
fn expand(format: &str, nanoseconds: u32) -> Cow<'_, str> {
    if !["%f", "%k", "%l"].iter().any(|extension| format.contains(extension)) {
        return Cow::Borrowed(format);
    }
    let mut expanded = String::with_capacity(format.len() + 8);
    let mut characters = format.chars();
    while let Some(character) = characters.next() {
        if character != '%' {
            expanded.push(character);
            continue;
        }
        // Writing to a String cannot fail.
        let _ = match characters.next() {
            Some('f') => write!(expanded, "{:06}", nanoseconds / 1000),
            Some('k') => write!(expanded, "{nanoseconds:09}"),
            Some('l') => write!(expanded, "{:03}", nanoseconds / 1_000_000),
            Some(other) => write!(expanded, "%{other}"),
            None => write!(expanded, "%%"),
        };
    }
    Cow::Owned(expanded)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(format: &str, nanoseconds: i128) -> String {
        let mut out = Vec::new();
        write_timestamp(&mut out, format, nanoseconds);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn parts_of_a_second_have_fixed_widths() {
        assert_eq!(format("%f %k %l", 1_700_000_000_001_002_003), "001002 001002003 001");
    }

    #[test]
    fn a_doubled_percent_sign_protects_what_follows() {
        assert_eq!(format("%%f|%Y|%", 1_700_000_000_000_000_000), "%f|2023|%");
        assert_eq!(format("%Y|%!|%", 1_700_000_000_000_000_000), "2023|%!|%");
    }

    #[test]
    fn a_time_beyond_the_calendar_is_a_question_mark() {
        assert_eq!(format("%Y", i128::MAX), "(?)");
    }
}
