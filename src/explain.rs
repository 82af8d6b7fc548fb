//! `lancet explain NAME`: what there is to say of a function.

use crate::report;
use lancet_stdlib::documentation;
use std::io::Write;

/// Explains a function of the language.
pub fn function(name: &str) -> u8 {
    let bare = name.trim_end_matches("()");
    match documentation::explain(bare) {
        Some(text) => {
            // A reader that has seen enough is no error.
            let _ = std::io::stdout().lock().write_all(text.as_bytes());
            0
        }
        None => {
            let all = documentation::descriptions();
            let nearest = lancet_kernel::nearest(bare, all.keys().map(String::as_str));
            let help = nearest.map(|nearest| format!("; did you mean {nearest}?")).unwrap_or_default();
            report::error(&format!("there is no function {bare}{help}"))
        }
    }
}
