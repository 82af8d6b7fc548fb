//! Output as a program reads it that trusts no one.

use serde_json::{Map, Value};

/// Refuses all but `count` lines that are one object each, whose first name is the type of the record.
pub fn assert_objects(output: &str, count: usize) {
    let lines: Vec<&str> = output.lines().collect();
    assert!(output.ends_with('\n'), "no line break at the end: {output:?}");
    assert_eq!(lines.len(), count, "{output}");
    for line in lines {
        let object: Map<String, Value> = serde_json::from_str(line).unwrap_or_else(|why| panic!("{why}: {line}"));
        assert!(object.get("type").is_some_and(Value::is_string), "no type: {line}");
    }
}
