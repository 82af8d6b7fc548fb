//! tracefs: formats and names of tracepoints, and the list of traceable functions. Read only.

use super::lockdown::Lockdown;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use lancet_kernel::tracepoint::TracepointFormat;
use lancet_kernel::{Unavailable, wildcard_matches};

use super::{event_number, is_pattern};

/// The tracefs of this kernel.
pub(super) struct Tracefs {
    root: &'static Path,
}

/// The events of the function tracer's own records: no program can be attached to them.
const NOT_ATTACHABLE: &str = "ftrace";

impl Tracefs {
    /// Looks at the usual places, and where it is not mounted takes a mount of its own.
    pub fn find() -> Result<Self, Unavailable> {
        super::tracefs_mount::root().map(|root| Self { root })
    }

    /// The format of one tracepoint.
    pub fn format(&self, category: &str, event: &str) -> Result<TracepointFormat, Unavailable> {
        let shown = format!("tracepoint {category}:{event}");
        if [category, event].iter().any(|part| part.is_empty() || part.contains('/') || part.starts_with('.')) {
            return Err(Unavailable::Missing(format!("{shown} does not exist")));
        }
        let path = self.root.join("events").join(category).join(event).join("format");
        let text = read_at_once(&path).map_err(|error| explain(&error, &shown))?;
        let format = TracepointFormat::parse(&text)
            .ok_or_else(|| Unavailable::Malformed(format!("the format of {shown} is not understood")))?;
        event_number::remember(category, event, format.id.into());
        Ok(format)
    }

    /// Tracepoints whose category and event match, sorted.
    pub fn events(&self, category: &str, event: &str) -> Result<Vec<(String, String)>, Unavailable> {
        let events = self.root.join("events");
        let categories = if is_pattern(category) {
            let all = directories(&events).map_err(|error| explain(&error, "tracefs"))?;
            all.into_iter().filter(|name| name != NOT_ATTACHABLE && wildcard_matches(category, name)).collect()
        } else {
            vec![category.to_owned()]
        };
        let mut found = Vec::new();
        for category in categories {
            let names = match directories(&events.join(&category)) {
                Ok(names) => names,
                // A module may have gone meanwhile.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(explain(&error, &format!("tracepoints of {category}"))),
            };
            let matching = names.into_iter().filter(|name| wildcard_matches(event, name));
            found.extend(matching.map(|name| (category.clone(), name)));
        }
        found.sort();
        Ok(found)
    }

    /// Opens the list of functions that the function tracer can trace.
    pub fn open_functions(&self) -> io::Result<File> {
        File::open(self.root.join("available_filter_functions"))
    }

    /// The text of the list of functions that kprobes must not be put on; empty when it cannot be read.
    pub fn kprobe_blacklist(&self) -> String {
        fs::read_to_string("/sys/kernel/debug/kprobes/blacklist").unwrap_or_default()
    }
}

/// A file whose text the kernel makes anew for each read: one buffer that is large enough takes it in one.
fn read_at_once(path: &Path) -> io::Result<String> {
    let mut text = String::with_capacity(8192);
    File::open(path)?.read_to_string(&mut text)?;
    Ok(text)
}

fn directories(path: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            names.extend(entry.file_name().into_string().ok());
        }
    }
    Ok(names)
}

/// Why it cannot be read, and what to do.
pub(super) fn closed(what: &str) -> String {
    let reason = Lockdown::met_by_root().explains_denial().unwrap_or("it takes root, or CAP_DAC_READ_SEARCH");
    format!("{what} cannot be read: {reason}")
}

fn explain(error: &io::Error, what: &str) -> Unavailable {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Unavailable::Missing(format!("{what} does not exist")),
        ErrorKind::PermissionDenied => Unavailable::Denied(closed(what)),
        _ => Unavailable::Denied(format!("{what} cannot be read: {error}")),
    }
}
