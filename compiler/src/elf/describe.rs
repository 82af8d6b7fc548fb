//! An object file's contents as text, for `-d object`.

use object::{Object, ObjectSection, ObjectSymbol};
use std::fmt::Write;

/// Lists sections, symbols and relocations; the manifest is shown as data.
pub fn describe(bytes: &[u8]) -> String {
    let mut out = String::new();
    let file = match object::File::parse(bytes) {
        Ok(file) => file,
        Err(error) => return format!("not an object file: {error}\n"),
    };
    for section in file.sections() {
        let name = section.name().unwrap_or("?");
        if section.size() == 0 || name.is_empty() || name == ".symtab" || name.ends_with("strtab") {
            continue;
        }
        let relocations = section.relocations().count();
        let _ = write!(out, "section {name}: {} bytes", section.size());
        let _ = if relocations > 0 { writeln!(out, ", {relocations} relocations") } else { writeln!(out) };
        for symbol in file.symbols() {
            let named = symbol.name().unwrap_or("");
            if symbol.section_index() == Some(section.index()) && !named.is_empty() && symbol.size() > 0 {
                let _ = writeln!(out, "  {named}: {} bytes at {}", symbol.size(), symbol.address());
            }
        }
    }
    let manifest = file.section_by_name(lancet_manifest::SECTION).and_then(|section| section.data().ok());
    if let Some(Ok(manifest)) = manifest.map(lancet_manifest::Manifest::decode) {
        let _ = writeln!(out, "manifest:\n{manifest:#?}");
    }
    out
}
