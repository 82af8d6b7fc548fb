//! The functions that could be traced, with their parameters where there is debug information.

use super::super::list::{Listed, Query};
use super::place;
use lancet_kernel::debug_info::{DebugInfo, spell_declaration};
use lancet_kernel::{Symbol, wildcard_matches};

/// Functions of the programs and libraries that the pattern names, or that the process of `-p` runs; all programs of the
/// machine are not searched.
pub(super) fn functions(provider: &str, query: &Query<'_>) -> Vec<Listed> {
    let of_anything = query.part(0) == "*" && query.pid.is_none();
    // Where everything is listed, a function is so once.
    if of_anything || query.len() == 0 && provider != "uprobe" {
        return Vec::new();
    }
    let paths = query.found(query.kernel.executables(query.part(0), query.pid));
    let cpp = (query.part(1) == "cpp" && query.len() > 2).then(|| {
        let name: Vec<&str> = (2..query.len()).map(|index| query.part(index)).collect();
        name.join(":").replace('"', "")
    });
    let mut listed = Vec::new();
    for path in paths {
        let Some(executable) = query.found(query.kernel.executable(&path).map(Some)) else { continue };
        // What a function returns is not among what a return probe can name.
        let info = if provider == "uprobe" && query.arguments { executable.debug_info().ok() } else { None };
        let mut last = None;
        for symbol in executable.functions() {
            let (qualifier, matches) = match &cpp {
                Some(wanted) => ("cpp:", place::is_cpp_name(wanted, symbol)),
                None => ("", wildcard_matches(query.part(1), &symbol.name)),
            };
            // Static functions of several files may share a name.
            if !matches || last == Some(&symbol.name) {
                continue;
            }
            last = Some(&symbol.name);
            listed.push(Listed {
                name: format!("{provider}:{}:{qualifier}{}", path.display(), symbol.name),
                arguments: info.as_deref().map(|info| parameters(info, symbol)).unwrap_or_default(),
                ..Listed::default()
            });
        }
    }
    listed
}

fn parameters(info: &dyn DebugInfo, symbol: &Symbol) -> Vec<String> {
    let function = info.function(symbol.address, symbol.address);
    let parameters = function.map(|function| function.parameters).unwrap_or_default();
    parameters.iter().map(|parameter| spell_declaration(info, parameter.ty, &parameter.name)).collect()
}
