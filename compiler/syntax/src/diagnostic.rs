//! What users are told about their script: a code, a place, a cause, a help.
//!
//! Invariant: stages collect diagnostics and go on where they can; only [`crate::render`] turns them into text.

use crate::code::Code;
use crate::span::Span;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Shown only with `-v`.
    Note,
    /// Probably wrong; compilation goes on.
    Warning,
    /// Nothing is attached.
    Error,
}

/// A second place that explains the first.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What is there.
    pub message: String,
}

/// One finding.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    /// Error, warning or note.
    pub severity: Severity,
    /// Stable code.
    pub code: Code,
    /// One sentence: what is wrong.
    pub message: String,
    /// The primary place.
    pub span: Span,
    /// A few words under the primary place; empty for none.
    pub primary: String,
    /// Other places.
    pub labels: Vec<Label>,
    /// What to do.
    pub help: Option<String>,
}

impl Diagnostic {
    /// An error at `span`.
    pub fn error(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, code, span, message)
    }

    /// A warning at `span`.
    pub fn warning(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, code, span, message)
    }

    /// A note at `span`, shown with `-v` only.
    pub fn note(code: Code, span: Span, message: impl Into<String>) -> Self {
        Self::new(Severity::Note, code, span, message)
    }

    fn new(severity: Severity, code: Code, span: Span, message: impl Into<String>) -> Self {
        Self { severity, code, message: message.into(), span, primary: String::new(), labels: Vec::new(), help: None }
    }

    /// Adds the words under the primary place.
    pub fn primary(mut self, text: impl Into<String>) -> Self {
        self.primary = text.into();
        self
    }

    /// Adds another place.
    pub fn label(mut self, span: Span, message: impl Into<String>) -> Self {
        self.labels.push(Label { span, message: message.into() });
        self
    }

    /// Says what to do.
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.help = Some(text.into());
        self
    }
}

/// The findings of a compilation, in the order they were made.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    all: Vec<Diagnostic>,
}

impl Diagnostics {
    /// Adds a finding; the same message at the same place is kept once.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let known = self.all.iter().any(|d| d.span == diagnostic.span && d.message == diagnostic.message);
        if !known {
            self.all.push(diagnostic);
        }
    }

    /// True when any is an error.
    pub fn has_errors(&self) -> bool {
        self.all.iter().any(|d| d.severity == Severity::Error)
    }

    /// How many errors there are.
    pub fn errors(&self) -> usize {
        self.all.iter().filter(|d| d.severity == Severity::Error).count()
    }

    /// All findings in order.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.all.iter()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// How many there are: a mark for [`Diagnostics::truncate`].
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Forgets the findings after a mark (of a speculative parse or check).
    pub fn truncate(&mut self, mark: usize) {
        self.all.truncate(mark);
    }
}
