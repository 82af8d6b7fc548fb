//! What tests and benchmarks of a script came to, as JSON objects of a line each.

use super::json::{self, Object};
use std::time::Duration;

/// Appends how a test ended: how many nanoseconds it took, and what it printed.
pub fn write_test(out: &mut Vec<u8>, name: &str, took: Duration, passed: bool, output: &[u8]) {
    write(out, "test_result", name, |out, result| {
        result.name(out, b"duration");
        out.extend_from_slice(took.as_nanos().to_string().as_bytes());
        result.name(out, b"passed");
        out.extend_from_slice(if passed { b"true" } else { b"false" });
        result.name(out, b"output");
        json::write_string(out, output);
    });
}

/// Appends what a run of a benchmark took on average, in nanoseconds, and how many runs there were.
pub fn write_benchmark(out: &mut Vec<u8>, name: &str, average: u64, runs: u64) {
    write(out, "benchmark_result", name, |out, result| {
        result.name(out, b"average");
        out.extend_from_slice(average.to_string().as_bytes());
        result.name(out, b"iters");
        out.extend_from_slice(runs.to_string().as_bytes());
    });
}

fn write(out: &mut Vec<u8>, kind: &str, name: &str, write_result: impl FnOnce(&mut Vec<u8>, &mut Object)) {
    let mut object = Object::open(out);
    object.name(out, b"type");
    json::write_string(out, kind.as_bytes());
    object.name(out, b"data");
    let mut data = Object::open(out);
    data.name(out, name.as_bytes());
    let mut result = Object::open(out);
    write_result(out, &mut result);
    result.close(out);
    data.close(out);
    object.close(out);
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_an_object_by_the_name_of_the_test() {
        let mut out = Vec::new();
        write_test(&mut out, "adds", Duration::from_nanos(791), false, b"5\n");
        write_benchmark(&mut out, "hist", 64, 20000);
        let expected = concat!(
            r#"{"type": "test_result", "data": {"adds": {"duration": 791, "passed": false, "output": "5\n"}}}"#,
            "\n",
            r#"{"type": "benchmark_result", "data": {"hist": {"average": 64, "iters": 20000}}}"#,
            "\n"
        );
        assert_eq!(String::from_utf8(out).expect("text"), expected);
    }
}
