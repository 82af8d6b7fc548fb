//! How far attaching has come: told on a terminal when it takes long, and broken off when the user wants to end.

use super::super::signal::Signals;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// What is faster needs no telling, and is not told more often.
const SLOW: Duration = Duration::from_secs(1);
const STEP: Duration = Duration::from_millis(100);

/// Goes along with attaching.
pub struct Progress<'s> {
    signals: &'s Signals,
    total: usize,
    done: usize,
    /// When to tell next; never where nobody sees it.
    next: Option<Instant>,
    /// Something is on the terminal that has to go again.
    is_told: bool,
}

impl<'s> Progress<'s> {
    /// Nothing of `total` attach points is attached; the signals that end a session are looked for.
    pub fn new(signals: &'s Signals, total: usize, quiet: bool) -> Self {
        let next = (!quiet && io::stderr().is_terminal()).then(|| Instant::now() + SLOW);
        Self { signals, total, done: 0, next, is_told: false }
    }

    /// So many more are; false when the user wants to end.
    pub fn advance(&mut self, count: usize) -> bool {
        self.done += count;
        if let Some(next) = self.next
            && Instant::now() >= next
        {
            // A terminal that cannot be written is no reason to stop.
            let _ = write!(io::stderr(), "\rAttaching probes: {} of {}", self.done, self.total);
            self.is_told = true;
            self.next = Some(Instant::now() + STEP);
        }
        !self.signals.ask_to_end()
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        if self.is_told {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
