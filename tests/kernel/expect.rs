//! Compares what was seen with what a case expects; a difference becomes text for people.
//!
//! Ends of lines are stripped and blank lines at both ends dropped; all else counts. Placeholders in expected lines:
//! `{*}` any text within the line, `{#}` a decimal number, a line `{...}` any number of lines.

use crate::case::{Expected, Mode};

/// What differs, or `None` when the text is as expected.
pub fn difference(expected: &Expected, text: &str) -> Option<String> {
    let wanted = tidy(&expected.lines.join("\n"));
    let seen = tidy(text);
    let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
    let seen: Vec<&str> = seen.iter().map(String::as_str).collect();
    match expected.mode {
        Mode::Whole if !lines_match(&wanted, &seen) => Some(side_by_side(&wanted, &seen)),
        Mode::AnyOrder => {
            let mut rest = seen.iter().filter(|line| !line.is_empty()).collect::<Vec<_>>();
            for line in wanted.iter().filter(|line| !line.is_empty()) {
                match rest.iter().position(|seen| line_matches(line, seen)) {
                    Some(at) => drop(rest.remove(at)),
                    None => return Some(format!("no line `{line}`\n{}", side_by_side(&wanted, &seen))),
                }
            }
            rest.first().map(|line| format!("unexpected line `{line}`\n{}", side_by_side(&wanted, &seen)))
        }
        Mode::Contains => {
            let mut rest = seen.iter();
            let missing = wanted.iter().find(|line| !rest.any(|seen| line_matches(line, seen)))?;
            Some(format!("no line `{missing}` (in this order)\n{}", side_by_side(&wanted, &seen)))
        }
        Mode::Lacks => {
            let found = seen.iter().find(|seen| wanted.iter().any(|line| line_matches(line, seen)))?;
            Some(format!("has the line `{found}`"))
        }
        Mode::Whole => None,
    }
}

fn tidy(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = text.lines().map(|line| line.trim_end().to_owned()).collect();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    let blank = lines.iter().take_while(|line| line.is_empty()).count();
    lines.split_off(blank)
}

fn lines_match(wanted: &[&str], seen: &[&str]) -> bool {
    match wanted.split_first() {
        None => seen.is_empty(),
        Some((&"{...}", rest)) => (0..=seen.len()).any(|skipped| lines_match(rest, &seen[skipped..])),
        Some((line, rest)) => {
            seen.split_first().is_some_and(|(first, others)| line_matches(line, first) && lines_match(rest, others))
        }
    }
}

/// True when one line is as expected, placeholders included.
fn line_matches(wanted: &str, seen: &str) -> bool {
    let next = [wanted.find("{*}"), wanted.find("{#}")].into_iter().flatten().min();
    let Some(at) = next else { return wanted == seen };
    let (before, rest) = wanted.split_at(at);
    let Some(seen) = seen.strip_prefix(before) else { return false };
    let (is_number, rest) = (rest.starts_with("{#}"), &rest[3..]);
    let limit = if is_number { seen.bytes().take_while(u8::is_ascii_digit).count() } else { seen.len() };
    let least = usize::from(is_number);
    (least..=limit).rev().any(|length| seen.is_char_boundary(length) && line_matches(rest, &seen[length..]))
}

fn side_by_side(wanted: &[&str], seen: &[&str]) -> String {
    let part = |mark: &str, lines: &[&str]| -> String {
        lines.iter().take(60).map(|line| format!("  {mark} {line}\n")).collect()
    };
    format!("expected (-) and seen (+):\n{}{}", part("-", wanted), part("+", seen))
}
