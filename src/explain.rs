//! `lancet explain NAME`: what there is to say of a function, or of the code of a diagnostic.

use crate::report;
use lancet_stdlib::documentation;
use std::io::Write;

/// Explains the code of a diagnostic, or a function.
pub fn explain(name: &str) -> u8 {
    match PAGES.iter().find(|(code, _)| code.eq_ignore_ascii_case(name)) {
        Some((_, page)) => {
            // A reader that has seen enough is no error.
            let _ = std::io::stdout().lock().write_all(page.as_bytes());
            0
        }
        None => function(name),
    }
}

/// Explains a function of the language.
fn function(name: &str) -> u8 {
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

/// The pages of docs/errors.
static PAGES: &[(&str, &str)] = &[
    ("E0101", include_str!("../docs/errors/E0101.md")),
    ("E0102", include_str!("../docs/errors/E0102.md")),
    ("E0103", include_str!("../docs/errors/E0103.md")),
    ("E0104", include_str!("../docs/errors/E0104.md")),
    ("E0105", include_str!("../docs/errors/E0105.md")),
    ("E0106", include_str!("../docs/errors/E0106.md")),
    ("E0201", include_str!("../docs/errors/E0201.md")),
    ("E0202", include_str!("../docs/errors/E0202.md")),
    ("E0203", include_str!("../docs/errors/E0203.md")),
    ("E0204", include_str!("../docs/errors/E0204.md")),
    ("E0205", include_str!("../docs/errors/E0205.md")),
    ("E0206", include_str!("../docs/errors/E0206.md")),
    ("E0301", include_str!("../docs/errors/E0301.md")),
    ("E0302", include_str!("../docs/errors/E0302.md")),
    ("E0303", include_str!("../docs/errors/E0303.md")),
    ("E0304", include_str!("../docs/errors/E0304.md")),
    ("E0305", include_str!("../docs/errors/E0305.md")),
    ("E0306", include_str!("../docs/errors/E0306.md")),
    ("E0307", include_str!("../docs/errors/E0307.md")),
    ("E0308", include_str!("../docs/errors/E0308.md")),
    ("E0309", include_str!("../docs/errors/E0309.md")),
    ("E0310", include_str!("../docs/errors/E0310.md")),
    ("E0401", include_str!("../docs/errors/E0401.md")),
    ("E0402", include_str!("../docs/errors/E0402.md")),
    ("E0403", include_str!("../docs/errors/E0403.md")),
    ("E0404", include_str!("../docs/errors/E0404.md")),
    ("E0405", include_str!("../docs/errors/E0405.md")),
    ("E0406", include_str!("../docs/errors/E0406.md")),
    ("E0407", include_str!("../docs/errors/E0407.md")),
    ("E0408", include_str!("../docs/errors/E0408.md")),
    ("E0501", include_str!("../docs/errors/E0501.md")),
    ("E0502", include_str!("../docs/errors/E0502.md")),
    ("E0503", include_str!("../docs/errors/E0503.md")),
    ("E0504", include_str!("../docs/errors/E0504.md")),
    ("E0505", include_str!("../docs/errors/E0505.md")),
    ("E0506", include_str!("../docs/errors/E0506.md")),
    ("E0507", include_str!("../docs/errors/E0507.md")),
    ("E0508", include_str!("../docs/errors/E0508.md")),
    ("E0509", include_str!("../docs/errors/E0509.md")),
    ("E0510", include_str!("../docs/errors/E0510.md")),
    ("E0511", include_str!("../docs/errors/E0511.md")),
    ("E0512", include_str!("../docs/errors/E0512.md")),
    ("E0513", include_str!("../docs/errors/E0513.md")),
    ("E0514", include_str!("../docs/errors/E0514.md")),
    ("E0515", include_str!("../docs/errors/E0515.md")),
    ("E0516", include_str!("../docs/errors/E0516.md")),
    ("E0601", include_str!("../docs/errors/E0601.md")),
    ("E0602", include_str!("../docs/errors/E0602.md")),
    ("E0603", include_str!("../docs/errors/E0603.md")),
    ("E0604", include_str!("../docs/errors/E0604.md")),
    ("E0605", include_str!("../docs/errors/E0605.md")),
];
