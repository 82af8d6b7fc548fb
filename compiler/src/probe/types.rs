//! Listing of the kernel's types: `struct NAME`, `union NAME`, `enum NAME` as a pattern, with wildcards.

use super::is_pattern;
use super::list::Listed;
use lancet_kernel::btf::{Btf, NameKind};
use lancet_kernel::{Kernel, wildcard_matches};

/// The types that match, if the pattern asks for types; with their definitions when asked.
pub(super) fn list(pattern: &str, kernel: &dyn Kernel, definitions: bool) -> Option<Vec<Listed>> {
    let (keyword, name) = pattern.split_once(char::is_whitespace)?;
    let kind = match keyword {
        "struct" => NameKind::Struct,
        "union" => NameKind::Union,
        "enum" => NameKind::Enum,
        _ => return None,
    };
    let Some(btf) = kernel.btf() else { return Some(Vec::new()) };
    let listed = |id| {
        let name = format!("{keyword} {}", btf.name_of(id)?);
        let definition = definitions.then(|| defined(btf, id)).flatten();
        Some(Listed { name, definition, ..Listed::default() })
    };
    let name = name.trim();
    if !is_pattern(name) {
        return Some(btf.find(name, kind).and_then(listed).into_iter().collect());
    }
    let matching = btf.names(kind).filter(|(_, found)| wildcard_matches(name, found));
    let mut found: Vec<Listed> = matching.filter_map(|(id, _)| listed(id)).collect();
    found.sort_by(|one, other| one.name.cmp(&other.name));
    found.dedup_by(|one, other| one.name == other.name);
    Some(found)
}

fn defined(btf: &Btf, id: lancet_kernel::btf::TypeId) -> Option<String> {
    Some(format!("vmlinux: {};\n", btf.definition(id)?))
}
