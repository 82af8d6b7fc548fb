//! The forms that are written like functions but take types, or fields of them: the parser knows them, and so no builtin
//! describes them.

use super::Description;

/// How a form is called and written, and what it is.
type Form = (&'static str, &'static str, &'static str);

const FORMS: &[Form] = &[
    (
        "sizeof",
        "sizeof(type) or sizeof(expression)",
        "How many bytes a type has, or the value of an expression, which is not evaluated. Known when the script is compiled.",
    ),
    (
        "offsetof",
        "offsetof(type, field) or offsetof(expression, field)",
        "How many bytes before a field of a struct there are; `a.b` and `a[2]` lead into what it contains. Known when the script is compiled.",
    ),
    (
        "typeof",
        "typeof(type) or typeof(expression)",
        "The type of an expression, which is not evaluated. Stands where a type does: in casts, declarations and `sizeof`.",
    ),
    (
        "typeinfo",
        "typeinfo(type) or typeinfo(expression)",
        "What a type is, as a record of literals: `btf_id` (always 0 so far), `base_type` such as `int`, `string` or `pointer`, and `full_type` such as `uint32`. Known when the script is compiled, so that `if comptime` can ask.",
    ),
];

/// All forms with their names.
pub(super) fn descriptions() -> impl Iterator<Item = (String, Description)> {
    FORMS.iter().map(|(name, usage, summary)| {
        let (usage, summary) = ((*usage).to_owned(), (*summary).to_owned());
        ((*name).to_owned(), Description { usage, summary, is_unsafe: false, aliases: Vec::new() })
    })
}
