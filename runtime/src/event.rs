//! From the records of the ring buffer to output: each record asks for an [`Action`], which is carried out here.
//!
//! The common actions allocate nothing: text is formatted into the output's buffer. Output is in the order of the
//! records; a message on standard error comes after the output before it.

use crate::format::number::word;
use crate::format::output::Output;
use crate::format::statistics::{self, Figures};
use crate::format::text::{part, string_content, write_text};
use crate::format::{Context, Style, command, json, message, printf, strftime};
use crate::map::print::{Request, Selection, write_element, write_map};
use crate::map::{MapAccess, Values};
use crate::symbol::{Names, wall_time};
use lancet_manifest::{Action, Argument, Format, Location, Manifest, MapShape, TextSink, ValueType};
use message::{Notice, Severity};
use std::io::{self, Write};

/// Whether collecting goes on after a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Flow {
    /// It does.
    Continue,
    /// The script ends, with this status.
    Exit(u8),
    /// Nobody reads the output any more.
    Closed,
}

/// How to print.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Presentation {
    /// As text or JSON.
    pub style: Style,
    /// Without the message about attached probes.
    pub quiet: bool,
    /// Without warnings.
    pub no_warnings: bool,
}

/// Carries out what records ask for.
pub struct Printer<'a> {
    manifest: &'a Manifest,
    presentation: Presentation,
    output: Output,
    diagnostics: Box<dyn Write>,
    names: Names,
    scratch: Vec<u8>,
    /// The style that holds again once nothing is captured any more.
    style_afterwards: Style,
    /// Errors that the script told.
    errors: u64,
    losses: u64,
}

impl<'a> Printer<'a> {
    /// A printer of a script's records; `diagnostics` is standard error.
    pub fn new(
        manifest: &'a Manifest,
        presentation: Presentation,
        output: Output,
        diagnostics: Box<dyn Write>,
    ) -> Self {
        let names = Names::new(&manifest.config);
        let style_afterwards = presentation.style;
        let scratch = Vec::new();
        Self { manifest, presentation, output, diagnostics, names, scratch, style_afterwards, errors: 0, losses: 0 }
    }

    /// Carries out what a record asks for.
    pub fn record(&mut self, record: &[u8], maps: &dyn MapAccess) -> Flow {
        let manifest = self.manifest;
        let Some(action) = manifest.actions.get(word(record, 0, 4) as usize) else {
            self.tell(Severity::Error, "a record of an unknown kind was dropped");
            return Flow::Continue;
        };
        match action {
            Action::Text { sink, format, arguments } => self.text(sink, format, arguments, record, maps),
            Action::Value(argument) => self.value(argument, record, maps),
            Action::PrintMap { map } => {
                let (top, divisor) = (word(record, 8, 8), word(record, 16, 8));
                self.map(*map, Selection { top, divisor, unset: true }, maps);
            }
            Action::PrintElement { map } => self.element(*map, part(record, 8), maps),
            Action::ClearMap { map } => self.check(*map, "clear", maps.clear(*map)),
            Action::ZeroMap { map } => self.check(*map, "zero", maps.zero(*map)),
            Action::Time { format } => {
                self.stream("time", |out| strftime::write_timestamp(out, format, wall_time()));
            }
            Action::Join { delimiter, arguments } => self.join(delimiter, arguments, record),
            Action::Exit => return Flow::Exit(word(record, 8, 8) as u8),
            Action::HelperError { helper, location } => self.helper_error(helper, word(record, 8, 8) as i64, location),
            // Packets come by a buffer of their own.
            Action::Packet { .. } => {}
            Action::RuntimeError { message, location } => self.notify(Notice {
                severity: Severity::Warning,
                kind: "runtime_error",
                message: message.as_bytes(),
                location,
            }),
        }
        self.output.written();
        if self.output.error().is_some() { Flow::Closed } else { Flow::Continue }
    }

    /// Writes all output; to be called when there are no records to wait for.
    pub fn flush(&mut self) -> Flow {
        self.output.flush();
        if self.output.error().is_some() { Flow::Closed } else { Flow::Continue }
    }

    /// Why nothing can be written any more.
    pub fn output_error(&self) -> Option<&io::Error> {
        self.output.error()
    }

    /// Tells that everything is attached.
    pub fn attached_probes(&mut self, count: usize) {
        if self.presentation.quiet {
            return;
        }
        match self.presentation.style {
            Style::Text => {
                let plural = if count == 1 { "" } else { "s" };
                self.diagnose(format!("Attached {count} probe{plural}\n").as_bytes());
            }
            Style::Json => self.json_counter("attached_probes", "probes", count as u64),
        }
        self.output.flush();
    }

    /// Tells how the command of `-c` ended, such as `exit code 3`.
    pub fn command_ended(&mut self, how: &str) {
        if !self.presentation.quiet {
            self.diagnose(format!("The command ended with {how}\n").as_bytes());
        }
    }

    /// Tells where a program can be run from.
    pub fn pinned(&mut self, path: &str) {
        if self.presentation.quiet || self.presentation.style == Style::Json {
            return;
        }
        // Writing to a Vec cannot fail.
        let _ = writeln!(self.output.buffer(), "Program pinned to {path}");
        self.output.flush();
    }

    /// Tells that events found no room; `advice` says what to do.
    pub fn lost_events(&mut self, count: u64, advice: &str) {
        self.lost("lost_events", count, &format!("lost {count} events: {advice}"));
    }

    /// Tells that something was lost: a record of this kind in JSON, the message on standard error.
    pub fn lost(&mut self, kind: &str, count: u64, message: &str) {
        self.losses += count;
        if self.presentation.style == Style::Json {
            self.json_counter(kind, kind.rsplit('_').next().unwrap_or(kind), count);
        }
        self.tell(Severity::Warning, message);
    }

    /// How much was lost, as far as it has been told.
    pub fn losses(&self) -> u64 {
        self.losses
    }

    /// Tells what probes cost: a table on standard error, or a record for each in JSON.
    pub fn statistics(&mut self, rows: &[(String, Figures)]) {
        if self.presentation.style == Style::Json {
            rows.iter().for_each(|(name, figures)| statistics::write_object(self.output.buffer(), name, *figures));
            return;
        }
        let mut table = Vec::new();
        statistics::write_table(&mut table, rows);
        self.diagnose(&table);
    }

    /// Tells something that no place in the script is to blame for.
    pub fn tell(&mut self, severity: Severity, message: &str) {
        let line = match severity {
            Severity::Error => format!("ERROR: {message}\n"),
            Severity::Warning if self.presentation.no_warnings => return,
            Severity::Warning => format!("WARNING: {message}\n"),
        };
        self.diagnose(line.as_bytes());
    }

    /// Keeps what the script prints and tells, as text, until [`Printer::captured`].
    pub fn capture(&mut self) {
        self.output.hold();
        self.style_afterwards = std::mem::replace(&mut self.presentation.style, Style::Text);
    }

    /// Ends [`Printer::capture`]: what was printed and told.
    pub fn captured(&mut self) -> Vec<u8> {
        self.presentation.style = self.style_afterwards;
        self.output.take_held()
    }

    /// Prints what was captured.
    pub fn print(&mut self, captured: &[u8]) {
        self.output.buffer().extend_from_slice(captured);
        self.output.written();
    }

    /// How many errors the script told.
    pub fn errors(&self) -> u64 {
        self.errors
    }

    /// As text or JSON.
    pub fn style(&self) -> Style {
        self.presentation.style
    }

    /// Prints a line of this tool's own.
    pub fn line(&mut self, text: &str) {
        self.print(text.as_bytes());
        self.print(b"\n");
    }

    /// Where numbers get their names.
    pub fn names(&mut self) -> &mut Names {
        &mut self.names
    }

    /// Prints all maps that are not empty.
    pub fn print_maps(&mut self, maps: &dyn MapAccess) {
        for map in 0..self.manifest.maps.len() as u32 {
            self.map(map, Selection::default(), maps);
            self.output.written();
        }
    }

    /// Prints what comes at the end of a script: a gap, and all maps unless the script does not want that.
    pub fn end(&mut self, maps: &dyn MapAccess) {
        if self.presentation.style == Style::Text {
            self.output.buffer().extend_from_slice(b"\n\n");
        }
        if self.manifest.config.print_maps_on_exit {
            self.print_maps(maps);
        }
        self.output.flush();
    }

    fn text(&mut self, sink: &TextSink, format: &Format, arguments: &[Argument], record: &[u8], maps: &dyn MapAccess) {
        let mut context = context(self.manifest, &mut self.names, maps);
        if let (TextSink::Output, Style::Text) = (sink, self.presentation.style) {
            printf::write_format(self.output.buffer(), format, arguments, record, &mut context);
            return;
        }
        let mut text = std::mem::take(&mut self.scratch);
        text.clear();
        printf::write_format(&mut text, format, arguments, record, &mut context);
        match sink {
            TextSink::Output => message::write_json_text(self.output.buffer(), "printf", &text),
            TextSink::Error(location) => {
                self.notify(Notice { severity: Severity::Error, kind: "errorf", message: &text, location });
            }
            TextSink::Warning(location) => {
                self.notify(Notice { severity: Severity::Warning, kind: "warnf", message: &text, location });
            }
            TextSink::System => {
                // The command may write to the same terminal.
                self.output.flush();
                let mut result = Ok(());
                self.stream("syscall", |out| result = command::run(out, &text));
                if let Err(message) = result {
                    self.tell(Severity::Warning, &message);
                }
            }
            TextSink::Cat => self.cat(&text),
        }
        self.scratch = text;
    }

    fn cat(&mut self, path: &[u8]) {
        let limit = self.manifest.config.max_cat_bytes;
        let mut content = Vec::new();
        match command::read(&mut content, path, limit) {
            Ok(()) => self.stream("cat", |out| out.extend_from_slice(&content)),
            Err(message) => self.tell(Severity::Error, &message),
        }
    }

    fn value(&mut self, argument: &Argument, record: &[u8], maps: &dyn MapAccess) {
        let mut context = context(self.manifest, &mut self.names, maps);
        let out = self.output.buffer();
        let bytes = part(record, argument.offset);
        match self.presentation.style {
            Style::Text => {
                write_text(out, &argument.ty, bytes, &mut context);
                out.push(b'\n');
            }
            Style::Json => {
                message::open_json_data(out, "value");
                json::write_json(out, &argument.ty, bytes, &mut context);
                message::close_json_data(out);
            }
        }
    }

    fn map(&mut self, index: u32, selection: Selection, maps: &dyn MapAccess) {
        let Some(map) = self.manifest.maps.get(index as usize) else { return };
        let request = Request { index, map, style: self.presentation.style, selection };
        let mut context = context(self.manifest, &mut self.names, maps);
        let result = write_map(&mut self.output, request, &mut context);
        self.check(index, "read", result);
    }

    /// The key lies at the start of `arguments`, the divisor behind it.
    fn element(&mut self, index: u32, arguments: &[u8], maps: &dyn MapAccess) {
        let Some(map) = self.manifest.maps.get(index as usize) else { return };
        let size = match &map.shape {
            MapShape::Scalar { .. } => 0,
            MapShape::Keyed { key_size, .. } => *key_size as usize,
        };
        let key = &arguments[..size.min(arguments.len())];
        let divisor = word(arguments, size.next_multiple_of(8), 8);
        let mut context = context(self.manifest, &mut self.names, maps);
        let (out, style) = (self.output.buffer(), self.presentation.style);
        let mut found = false;
        let result = maps.lookup(index, key, &mut |_, values| {
            found = true;
            write_element(out, style, map, values, divisor, &mut context);
        });
        if result.is_ok() && !found {
            write_element(out, style, map, Values::default(), divisor, &mut context);
        }
        self.check(index, "read", result);
    }

    fn join(&mut self, delimiter: &str, arguments: &[Argument], record: &[u8]) {
        let style = self.presentation.style;
        self.stream("join", |out| {
            let mut separator = "";
            for argument in arguments {
                let ValueType::String { size } = argument.ty else { continue };
                let (text, _) = string_content(part(record, argument.offset), size);
                if text.is_empty() {
                    break;
                }
                out.extend_from_slice(separator.as_bytes());
                out.extend_from_slice(text);
                separator = delimiter;
            }
            if style == Style::Text {
                out.push(b'\n');
            }
        });
    }

    fn helper_error(&mut self, helper: &str, code: i64, location: &Location) {
        if self.presentation.no_warnings {
            return;
        }
        match self.presentation.style {
            Style::Text => {
                let mut line = Vec::new();
                message::write_helper_error_text(&mut line, helper, code, location);
                self.diagnose(&line);
            }
            Style::Json => message::write_helper_error_json(self.output.buffer(), helper, code, location),
        }
    }

    fn notify(&mut self, notice: Notice) {
        self.errors += u64::from(notice.severity == Severity::Error);
        if notice.severity == Severity::Warning && self.presentation.no_warnings {
            return;
        }
        match self.presentation.style {
            Style::Text => {
                let mut line = Vec::new();
                notice.write_text(&mut line);
                self.diagnose(&line);
            }
            Style::Json => notice.write_json(self.output.buffer()),
        }
    }

    /// Text that is one message in JSON.
    fn stream(&mut self, kind: &str, write: impl FnOnce(&mut Vec<u8>)) {
        match self.presentation.style {
            Style::Text => write(self.output.buffer()),
            Style::Json => {
                let mut text = Vec::new();
                write(&mut text);
                message::write_json_text(self.output.buffer(), kind, &text);
            }
        }
    }

    fn json_counter(&mut self, kind: &str, name: &str, count: u64) {
        // Writing to a Vec cannot fail.
        let _ = writeln!(
            self.output.buffer(),
            "{{\"type\": \"{kind}\", \"count\": {count}, \"data\": {{\"{name}\": {count}}}}}"
        );
    }

    fn check(&mut self, map: u32, what: &str, result: io::Result<()>) {
        if let (Err(error), Some(map)) = (result, self.manifest.maps.get(map as usize)) {
            self.tell(Severity::Error, &format!("cannot {what} the map @{}: {error}", map.name));
        }
    }

    /// Standard error that is closed is no reason to stop.
    fn diagnose(&mut self, line: &[u8]) {
        if self.output.is_held() {
            self.output.buffer().extend_from_slice(line);
            return;
        }
        self.output.flush();
        let _ = self.diagnostics.write_all(line);
    }
}

fn context<'c>(manifest: &'c Manifest, names: &'c mut Names, maps: &'c dyn MapAccess) -> Context<'c> {
    Context { config: &manifest.config, probes: &manifest.probes, names, maps }
}

#[cfg(test)]
mod json_tests;
#[cfg(test)]
mod tests;
