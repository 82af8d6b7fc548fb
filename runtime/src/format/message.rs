//! Messages around values: the JSON objects that carry them, and lines about errors and warnings.

use super::json::{self, Object};
use super::number::{Integer, write_decimal};
use lancet_kernel::name;
use lancet_manifest::Location;
use std::io::Write;

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Severity {
    /// `ERROR`.
    Error,
    /// `WARNING`; can be silenced.
    Warning,
}

/// Something to tell about a place of the script.
pub struct Notice<'a> {
    /// How bad it is.
    pub severity: Severity,
    /// Its type in JSON: `errorf`, `warnf`, `runtime_error`.
    pub kind: &'static str,
    /// What.
    pub message: &'a [u8],
    /// Where.
    pub location: &'a Location,
}

/// Appends `{"type": "kind", "data": "text"}`.
pub fn write_json_text(out: &mut Vec<u8>, kind: &str, text: &[u8]) {
    open_json_data(out, kind);
    json::write_string(out, text);
    close_json_data(out);
}

/// Appends what comes before the data of a message.
pub fn open_json_data(out: &mut Vec<u8>, kind: &str) {
    out.extend_from_slice(b"{\"type\": \"");
    out.extend_from_slice(kind.as_bytes());
    out.extend_from_slice(b"\", \"data\": ");
}

/// Appends what comes after the data of a message.
pub fn close_json_data(out: &mut Vec<u8>) {
    out.extend_from_slice(b"}\n");
}

impl Notice<'_> {
    /// Appends `stdin:1:9-37: ERROR: message`.
    pub fn write_text(&self, out: &mut Vec<u8>) {
        write_place(out, self.location, self.severity);
        out.extend_from_slice(self.message);
        if !self.message.ends_with(b"\n") {
            out.push(b'\n');
        }
    }

    /// Appends an object with type, message and location.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        let mut object = Object::open(out);
        object.name(out, b"type");
        json::write_string(out, self.kind.as_bytes());
        object.name(out, b"msg");
        json::write_string(out, self.message);
        close_with_location(out, object, self.location);
    }
}

/// Appends that a helper of the kernel failed.
pub fn write_helper_error_text(out: &mut Vec<u8>, helper: &str, code: i64, location: &Location) {
    write_place(out, location, Severity::Warning);
    // Writing to a Vec cannot fail.
    let _ = writeln!(out, "{}\nAdditional Info - helper: {helper}, retcode: {code}", failure(helper, code));
}

/// Appends the same as an object.
pub fn write_helper_error_json(out: &mut Vec<u8>, helper: &str, code: i64, location: &Location) {
    let mut object = Object::open(out);
    object.name(out, b"type");
    json::write_string(out, b"helper_error");
    object.name(out, b"msg");
    json::write_string(out, failure(helper, code).as_bytes());
    object.name(out, b"helper");
    json::write_string(out, helper.as_bytes());
    object.name(out, b"retcode");
    json::write_integer(out, Integer { bits: code as u64, signed: true });
    close_with_location(out, object, location);
}

/// What a helper's return value says, in bpftrace's words: an error number, or that there was nothing to find.
fn failure(helper: &str, code: i64) -> String {
    match (helper, i32::try_from(code.unsigned_abs())) {
        ("map_lookup_elem", _) => "Can't lookup map element because it does not exist.".to_owned(),
        ("map_delete_elem", Ok(NO_SUCH_ENTRY)) => "Can't delete map element because it does not exist.".to_owned(),
        ("map_update_elem", Ok(TOO_BIG)) => "Map full; can't update element. Try increasing max_map_keys config or \
            manually setting the max entries in a map declaration e.g. `let @a = hash(5000)`"
            .to_owned(),
        (_, Ok(number)) => name::error(number),
        (_, Err(_)) => format!("the code {code} is not known"),
    }
}

/// ENOENT (include/uapi/asm-generic/errno-base.h).
const NO_SUCH_ENTRY: i32 = 2;

/// E2BIG, of the same header.
const TOO_BIG: i32 = 7;

fn write_place(out: &mut Vec<u8>, location: &Location, severity: Severity) {
    let Location { file, line, column, end_column } = location;
    let severity = match severity {
        Severity::Error => "ERROR",
        Severity::Warning => "WARNING",
    };
    // Writing to a Vec cannot fail.
    let _ = write!(out, "{file}:{line}:{column}-{end_column}: {severity}: ");
}

fn close_with_location(out: &mut Vec<u8>, mut object: Object, location: &Location) {
    object.name(out, b"filename");
    json::write_string(out, location.file.as_bytes());
    object.name(out, b"line");
    write_decimal(out, u64::from(location.line));
    object.name(out, b"col");
    write_decimal(out, u64::from(location.column));
    object.close(out);
    out.push(b'\n');
}
