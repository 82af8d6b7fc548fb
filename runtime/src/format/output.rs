//! Where text goes: buffered, written in blocks of whole lines, flushed when there is nothing else to do.
//!
//! A closed or failing destination is told once; what comes after that is dropped.

use std::io::{self, Write};

/// The buffer is written once it holds that much.
const BLOCK: usize = 64 * 1024;

/// Whole lines are written once they are that much, so that a reader is not kept waiting by a long burst.
const LINES: usize = 8 * 1024;

/// When text is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Buffering {
    /// In blocks, and when idle.
    #[default]
    Full,
    /// After each line, but the lines of one burst of events together: writing is what costs most of a line.
    Line,
    /// At once.
    None,
}

/// A buffered destination.
pub struct Output {
    destination: Box<dyn Write>,
    buffering: Buffering,
    pending: Vec<u8>,
    error: Option<io::Error>,
    /// Where in what is pending the text begins that is kept back.
    held_from: Option<usize>,
}

impl Output {
    /// Text to `destination`.
    pub fn new(destination: Box<dyn Write>, buffering: Buffering) -> Self {
        Self { destination, buffering, pending: Vec::with_capacity(BLOCK), error: None, held_from: None }
    }

    /// The buffer to append to; [`Output::written`] follows.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.pending
    }

    /// Keeps back what is appended from now on, until it is known what becomes of it.
    pub fn hold(&mut self) {
        self.held_from = Some(self.pending.len());
    }

    /// Ends keeping back; what was kept.
    pub fn take_held(&mut self) -> Vec<u8> {
        self.held_from.take().map_or_else(Vec::new, |start| self.pending.split_off(start))
    }

    /// True while what is appended is kept back.
    pub fn is_held(&self) -> bool {
        self.held_from.is_some()
    }

    /// Decides whether what was appended is to be written now.
    pub fn written(&mut self) {
        if self.held_from.is_some() {
            return;
        }
        match self.buffering {
            Buffering::Full if self.pending.len() < BLOCK => {}
            Buffering::Line if self.pending.len() < LINES => {}
            Buffering::Full | Buffering::Line => self.write_lines(),
            Buffering::None => self.flush(),
        }
    }

    /// Writes everything.
    pub fn flush(&mut self) {
        if self.held_from.is_some() {
            return;
        }
        self.write(self.pending.len());
    }

    /// Why nothing can be written any more.
    pub fn error(&self) -> Option<&io::Error> {
        self.error.as_ref()
    }

    fn write_lines(&mut self) {
        match self.pending.iter().rposition(|&byte| byte == b'\n') {
            Some(end) => self.write(end + 1),
            // One endless line must not fill the memory.
            None if self.pending.len() >= 16 * BLOCK => self.flush(),
            None => {}
        }
    }

    fn write(&mut self, length: usize) {
        if length > 0 && self.error.is_none() {
            let result = self.destination.write_all(&self.pending[..length]).and_then(|()| self.destination.flush());
            self.error = result.err();
        }
        self.pending.drain(..length);
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        self.flush();
    }
}
