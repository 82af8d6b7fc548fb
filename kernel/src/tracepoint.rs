//! The text of a tracepoint's `format` file (Documentation/trace/events.rst) as data.
//!
//! Invariant: a file that is not understood gives `None`, never a field at a wrong place. The `print fmt` is not read.

#[cfg(test)]
mod tests;

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

impl TracepointFormat {
    /// Reads the text of a `format` file.
    pub fn parse(text: &str) -> Option<Self> {
        let mut id = None;
        let mut fields = Vec::new();
        for line in text.lines().map(str::trim) {
            if line.starts_with("print fmt:") {
                break;
            } else if let Some(number) = line.strip_prefix("ID:") {
                id = Some(number.trim().parse().ok()?);
            } else if line.starts_with("field:") {
                fields.push(TracepointField::parse(line)?);
            }
        }
        Some(Self { id: id?, fields })
    }

    /// The field of that name.
    pub fn field(&self, name: &str) -> Option<&TracepointField> {
        self.fields.iter().find(|field| field.name == name)
    }
}

impl TracepointField {
    /// One line: `field:const char * filename; offset:24; size:8; signed:0;`, with tabs.
    fn parse(line: &str) -> Option<Self> {
        let (mut field, mut offset, mut size, mut signed) = (None, None, None, None);
        for part in line.split(';') {
            match part.trim().split_once(':') {
                Some(("field", rest)) => field = field.or(Some(rest)),
                Some(("offset", rest)) => offset = offset.or(Some(rest)),
                Some(("size", rest)) => size = size.or(Some(rest)),
                Some(("signed", rest)) => signed = signed.or(Some(rest)),
                _ => {}
            }
        }
        let size = size?.trim().parse().ok()?;
        let (type_name, name, dimensions) = declaration(field?.trim())?;
        let storage = if type_name.starts_with("__data_loc ") {
            FieldStorage::DataLoc
        } else if type_name.starts_with("__rel_loc ") {
            FieldStorage::RelativeLoc
        } else {
            match dimensions {
                Some(dimensions) => FieldStorage::Array(elements(dimensions, &type_name, size)?),
                None => FieldStorage::Scalar,
            }
        };
        let offset = offset?.trim().parse().ok()?;
        // Kernels before 2.6.37 did not say.
        let signed = signed.is_some_and(|signed| signed.trim() != "0");
        Some(Self { type_name, name, offset, size, signed, storage })
    }
}

/// Type, name and array part of a C declaration: the name is the last word, but for functions (`void (*name)(int)`).
/// The array part of `__data_loc char[] name` stands at the type, and says nothing.
fn declaration(text: &str) -> Option<(String, String, Option<&str>)> {
    if let Some((before, after)) = text.split_once("(*") {
        let (name, arguments) = after.split_once(')')?;
        return Some((format!("{before}(*){arguments}"), name.trim().to_owned(), None));
    }
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let end = text.trim_end_matches(|c: char| !is_word(c) && c != ']').len();
    let name_end = if text[..end].ends_with(']') { text.find('[')? } else { end };
    let dimensions = (name_end < end).then(|| &text[name_end..end]);
    let declared = text[..name_end].trim_end();
    let before_name = declared.trim_end_matches(is_word);
    let name = &declared[before_name.len()..];
    let type_name = before_name.trim().trim_end_matches("[]").trim_end();
    (!name.is_empty() && !type_name.is_empty()).then(|| (type_name.to_owned(), name.to_owned(), dimensions))
}

/// The number of elements that `[4]`, `[2][8]` or `[]` say. Where a constant's name stands instead (older kernels), the
/// size of the field tells it.
fn elements(dimensions: &str, type_name: &str, size: u32) -> Option<u32> {
    let counts = dimensions.split('[').skip(1).map(|part| part.trim_end().trim_end_matches(']').trim());
    let mut product = 1u32;
    for count in counts {
        if count.starts_with(|c: char| c.is_alphabetic() || c == '_') {
            return Some(size / element_size(type_name));
        }
        let count = if count.is_empty() { 0 } else { count.parse().ok()? };
        product = product.checked_mul(count)?;
    }
    Some(product)
}

fn element_size(type_name: &str) -> u32 {
    match type_name.rsplit(' ').next().unwrap_or_default() {
        "char" | "bool" | "u8" | "s8" | "__u8" | "__s8" | "uint8_t" | "int8_t" => 1,
        "short" | "u16" | "s16" | "__u16" | "__s16" | "__be16" | "__le16" => 2,
        "long" | "u64" | "s64" | "__u64" | "__s64" | "__be64" | "__le64" | "size_t" | "*" => 8,
        _ => 4,
    }
}
