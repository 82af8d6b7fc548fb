//! The text of a tracepoint's `format` file (Documentation/trace/events.rst) as data.

/// A tracepoint: its number, its fields, its printed form.
#[derive(Clone, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
pub struct TracepointFormat {
    /// The event's number.
    pub id: u32,
    /// All fields in order, `common_*` too.
    pub fields: Vec<TracepointField>,
}

/// One field of a tracepoint's record.
#[derive(Clone, PartialEq, Debug, serde::Serialize, serde::Deserialize)]
pub struct TracepointField {
    /// The C type as written, without the array part: `const char *`, `pid_t`, `__data_loc char`.
    pub type_name: String,
    /// The field's name.
    pub name: String,
    /// Byte offset in the record.
    pub offset: u32,
    /// Size in bytes of the field in the record.
    pub size: u32,
    /// The kernel's `signed:` flag.
    pub signed: bool,
    /// What the record holds there.
    pub storage: FieldStorage,
}

/// How a tracepoint field is stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub enum FieldStorage {
    /// A scalar in place.
    Scalar,
    /// An array in place, with its number of elements.
    Array(u32),
    /// `__data_loc T[]`: 32 bits, length << 16 | offset from the start of the record.
    DataLoc,
    /// `__rel_loc T[]`: 32 bits, length << 16 | offset from the end of this field.
    RelativeLoc,
}
