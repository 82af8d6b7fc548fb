//! A case file: an input, and sections in comments that say what is printed for it.

use std::path::Path;

/// What cannot be read at a glance is no case.
const MAX_LINES: usize = 75;

/// A case before it runs.
pub struct Case {
    /// The stage, by the name of the folder.
    pub stage: String,
    /// The file's name without its ending.
    pub name: String,
    /// Everything before the first section.
    pub input: String,
    comment: &'static str,
}

impl Case {
    /// Splits the input from the sections.
    pub fn parse(path: &Path, text: &str) -> Result<Self, String> {
        let component = |part: Option<&std::ffi::OsStr>| part.map(|part| part.to_string_lossy().into_owned());
        let stage = component(path.parent().and_then(Path::file_name)).ok_or("the case is in no folder")?;
        let name = component(path.file_stem()).ok_or("the case has no name")?;
        let comment = if path.extension().is_some_and(|extension| extension == "ir") { ";" } else { "//" };
        let marker = format!("{comment} --- ");
        let input = text.split_inclusive('\n').take_while(|line| !line.starts_with(&marker)).collect();
        Ok(Self { stage, name, input, comment })
    }

    /// The words after `key` in a comment line of the input.
    pub fn directive(&self, key: &str) -> Option<&str> {
        let marker = format!("{} {key}: ", self.comment);
        self.input.lines().find_map(|line| line.strip_prefix(&marker)).map(str::trim)
    }

    /// The file with these sections.
    pub fn with_sections(&self, sections: &[(String, String)]) -> Result<String, String> {
        let mut text = format!("{}\n", self.input.trim_end());
        for (name, content) in sections {
            text.push_str(&format!("{} --- {name} ---\n", self.comment));
            for line in content.lines() {
                text.push_str(format!("{} {line}", self.comment).trim_end());
                text.push('\n');
            }
        }
        let lines = text.lines().count();
        if lines > MAX_LINES {
            return Err(format!("{lines} lines, at most {MAX_LINES} can be read at a glance"));
        }
        Ok(text)
    }
}

/// The lines that differ, between the common start and end.
pub fn difference(expected: &str, actual: &str) -> String {
    let (expected, actual): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), actual.lines().collect());
    let start = expected.iter().zip(&actual).take_while(|(expected, actual)| expected == actual).count();
    let rest = (&expected[start..], &actual[start..]);
    let end = rest.0.iter().rev().zip(rest.1.iter().rev()).take_while(|(expected, actual)| expected == actual).count();
    let lines = |sign, lines: &[&str]| lines.iter().map(|line| format!("  {sign}{line}\n")).collect::<String>();
    lines('-', &rest.0[..rest.0.len() - end]) + &lines('+', &rest.1[..rest.1.len() - end])
}
