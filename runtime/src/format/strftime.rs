//! Points in time as text: strftime in the local time zone (`TZ`, else the system's), with bpftrace's extensions.
//!
//! `%f` is the microseconds (6 digits), `%k` the nanoseconds (9), `%l` the milliseconds (3) of the second. Conversions
//! that the C library does not have are copied.

use jiff::Timestamp;
use jiff::fmt::strtime::{BrokenDownTime, Config, PosixCustom};
use jiff::tz::TimeZone;
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

/// The conversions of the C library; what is none is printed as it stands.
const CONVERSIONS: &str = "aAbBcCdDeFgGhHIjmMnpPrRsStTuUVwWxXyYzZ";

/// Replaces the extensions by digits, and makes the rest a format that means here what it means to the C library.
fn expand(format: &str, nanoseconds: u32) -> String {
    let mut expanded = String::with_capacity(format.len() + 8);
    let mut rest = format;
    while let Some((before, behind)) = rest.split_once('%') {
        expanded.push_str(before);
        let flags = behind.trim_start_matches(['-', '_', '0', '^', '#', '+']);
        let width = flags.trim_start_matches(|c: char| c.is_ascii_digit());
        // Alternative forms (%Ey, %OH) exist in some languages only.
        let bare = width.strip_prefix(['E', 'O']).unwrap_or(width);
        let plain = bare.len() == behind.len();
        rest = bare.get(1..).unwrap_or_default();
        // Writing to a String cannot fail.
        let _ = match bare.chars().next() {
            Some('f') if plain => write!(expanded, "{:06}", nanoseconds / 1000),
            Some('k') if plain => write!(expanded, "{nanoseconds:09}"),
            Some('l') if plain => write!(expanded, "{:03}", nanoseconds / 1_000_000),
            Some('%') => write!(expanded, "%%"),
            Some(letter) if CONVERSIONS.contains(letter) => {
                let modifiers = &behind[..behind.len() - width.len()];
                // The other case of a name is capitals.
                let modifiers = if "aAbBh".contains(letter) { modifiers.replace('#', "^") } else { modifiers.into() };
                write!(expanded, "%{modifiers}{letter}")
            }
            _ => {
                rest = behind;
                write!(expanded, "%%")
            }
        };
    }
    expanded.push_str(rest);
    expanded
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
    fn conversions_are_those_of_the_c_library() {
        let same = "%E %Q %N %L %i %q %J %3f %.f %:z %v %+ %é %";
        assert_eq!(format(same, 1_700_000_000_000_000_000), same);
        assert_eq!(format("%#a %#B", 1_700_000_000_000_000_000), "TUE NOVEMBER");
        assert_eq!(format("%Ey %OY %010Y %^h", 1_700_000_000_000_000_000), "23 2023 0000002023 NOV");
    }

    #[test]
    fn a_time_beyond_the_calendar_is_a_question_mark() {
        assert_eq!(format("%Y", i128::MAX), "(?)");
    }
}
