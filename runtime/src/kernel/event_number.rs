//! Numbers of tracepoints, which their formats tell: who attaches a program right after it was compiled need not open another
//! file for each.

use std::collections::HashMap;
use std::sync::Mutex;

/// By category and event. An event gets another number only when the module that has it is loaded anew.
static READ: Mutex<Option<HashMap<(String, String), u64>>> = Mutex::new(None);

/// The number was read with the event's format.
pub(super) fn remember(category: &str, event: &str, number: u64) {
    if let Ok(mut read) = READ.lock() {
        read.get_or_insert_default().insert((category.to_owned(), event.to_owned()), number);
    }
}

/// The number, if this process has read the event's format.
pub(crate) fn recall(category: &str, event: &str) -> Option<u64> {
    READ.lock().ok()?.as_ref()?.get(&(category.to_owned(), event.to_owned())).copied()
}
