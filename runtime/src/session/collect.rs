//! Waits for records, signals and the end of processes, and hands records to the printer in their order.
//!
//! One thread does it all. Nothing that is in the ring buffer when a session ends is dropped, but what follows the record
//! of `exit()`.

use super::bpf_map::LoadedMaps;
use super::error::RuntimeError;
use super::packets::Packets;
use super::ring::{Ring, Taken};
use super::signal::Signals;
use crate::event::{Flow, Printer};
use crate::format::message::Severity;
use std::io;
use std::os::fd::RawFd;
use std::time::{Duration, Instant};

/// Records between two looks at signals.
const AT_ONCE: usize = 16384;

/// When records keep coming within that, we rest as long before the next look. While we rest the kernel does not wake us,
/// which costs the traced process and us more than a record does.
const REST: Duration = Duration::from_millis(1);

/// How many looks in a row must have found records. A few records are printed at once: what the traced process prints
/// itself is to follow what was seen before.
const STREAK: u32 = 16;

/// Bytes in one look that come from a stream of records, however late the look is.
const STREAM: u64 = 16384;

/// The ring buffer and what its records go to.
pub struct Collector<'s, 'm> {
    ring: Option<Ring>,
    packets: Option<Packets<'m>>,
    printer: &'s mut Printer<'m>,
    maps: &'s LoadedMaps,
    flow: Flow,
    pace: Pace,
}

/// How fast records come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Pace {
    /// None came last time.
    Idle,
    /// Some came the last times.
    Some {
        /// When the last did.
        at: Instant,
        /// How many times in a row, each not longer than a rest after the one before, or with as much as a stream brings.
        times: u32,
        /// So much that a rest would be dangerous.
        is_much: bool,
    },
}

impl Pace {
    /// The pace after another look at the ring buffer.
    fn after(self, taken: Taken, at: Instant) -> Self {
        let (bytes, is_much) = (taken.bytes, taken.is_much);
        let times = match self {
            _ if bytes == 0 => return Self::Idle,
            // Who was kept from looking for long finds more; that is no end of a stream.
            Self::Some { at: before, times, .. } if at - before < 2 * REST || bytes >= STREAM => {
                times.saturating_add(1)
            }
            Self::Idle | Self::Some { .. } => 1,
        };
        Self::Some { at, times, is_much }
    }

    /// Whether records come so steadily that nobody needs to tell us of the next one.
    fn is_steady(self) -> bool {
        matches!(self, Self::Some { times, is_much: false, .. } if times >= STREAK)
    }
}

/// What ended the waiting.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wake {
    /// There may be records.
    Records,
    /// The signal came.
    Signal(i32),
    /// Processes mapped code, and there is not much room for more records of that.
    Mappings,
    /// The process ended.
    ProcessEnded,
    /// Nobody reads the output any more.
    OutputClosed,
}

impl<'s, 'm> Collector<'s, 'm> {
    /// Prints the records of the ring buffer; a script that sends nothing has none.
    pub fn new(
        ring: Option<Ring>,
        packets: Option<Packets<'m>>,
        printer: &'s mut Printer<'m>,
        maps: &'s LoadedMaps,
    ) -> Self {
        Self { ring, packets, printer, maps, flow: Flow::Continue, pace: Pace::Idle }
    }

    /// Where records go.
    pub fn printer(&mut self) -> &mut Printer<'m> {
        self.printer
    }

    /// Hands over records that are there, but not so many that a signal would have to wait.
    pub fn take_some(&mut self) -> Flow {
        self.take(AT_ONCE)
    }

    /// Hands over all records that are there.
    pub fn drain(&mut self) -> Flow {
        self.take(usize::MAX)
    }

    fn take(&mut self, most: usize) -> Flow {
        if let Some(ring) = &mut self.ring {
            let (printer, flow) = (&mut *self.printer, &mut self.flow);
            let taken = ring.take(most, |record| {
                if *flow == Flow::Continue {
                    *flow = printer.record(record, self.maps);
                }
                *flow == Flow::Continue
            });
            match taken {
                Ok(taken) => self.pace = self.pace.after(taken, Instant::now()),
                Err(error) => {
                    self.printer.tell(Severity::Error, &error.to_string());
                    self.flow = Flow::Exit(1);
                }
            }
        }
        if let Some(packets) = &mut self.packets {
            packets.write(self.printer);
        }
        self.flow
    }

    /// Prints all maps as they are now.
    pub fn print_maps(&mut self) {
        self.printer.print_maps(self.maps);
    }

    /// Tells that only records are left.
    pub fn programs_have_ended(&self) {
        self.maps.become_final();
    }

    /// Takes records again after `exit()`, and drops those that were sent before.
    pub fn resume(&mut self) {
        if let Some(ring) = &mut self.ring {
            // What cannot be mapped cannot be printed later either, and is told then.
            let _ = ring.take(usize::MAX, |_| true);
        }
        self.flow = Flow::Continue;
    }

    /// Waits until there is something to do. The output is watched too: its reader may go while nothing is printed.
    pub fn wait(
        &mut self,
        signals: &Signals,
        process: Option<RawFd>,
        output: Option<RawFd>,
        at_most: Option<Duration>,
    ) -> Result<Wake, RuntimeError> {
        let rests = self.pace.is_steady();
        let timeout = if rests { Some(REST) } else { at_most }.map_or(-1, |time| time.as_millis() as i32);
        let ring = self.ring.as_ref().filter(|_| !rests).map_or(-1, Ring::descriptor);
        let poll = |fd, events| libc::pollfd { fd, events, revents: 0 };
        let mut waiting = [
            poll(ring, libc::POLLIN),
            poll(signals.descriptor(), libc::POLLIN),
            poll(process.unwrap_or(-1), libc::POLLIN),
            // Errors are told without being asked for.
            poll(output.unwrap_or(-1), 0),
            poll(self.printer.names().mappings_descriptor().unwrap_or(-1), libc::POLLIN),
            poll(self.packets.as_ref().map_or(-1, Packets::descriptor), libc::POLLIN),
        ];
        // SAFETY: the kernel reads and writes the entries; negative descriptors are passed over.
        let result = unsafe { libc::poll(waiting.as_mut_ptr(), waiting.len() as _, timeout) };
        if result < 0 && io::Error::last_os_error().kind() != io::ErrorKind::Interrupted {
            return Err(RuntimeError::system("events cannot be waited for"));
        }
        if let Some(signal) = signals.next() {
            return Ok(Wake::Signal(signal));
        }
        Ok(match (waiting[2].revents, waiting[3].revents & (libc::POLLERR | libc::POLLHUP)) {
            (0, 0) if waiting[0].revents == 0 && waiting[4].revents != 0 => Wake::Mappings,
            (0, 0) => Wake::Records,
            (0, _) => Wake::OutputClosed,
            _ => Wake::ProcessEnded,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(looks: &[(u64, u64)]) -> Pace {
        let start = Instant::now();
        let look = |pace: Pace, &(ms, bytes): &(u64, u64)| {
            pace.after(Taken { bytes, is_much: bytes > 1 << 20 }, start + Duration::from_millis(ms))
        };
        looks.iter().fold(Pace::Idle, look)
    }

    fn steady() -> Vec<(u64, u64)> {
        (0..u64::from(STREAK)).map(|ms| (ms, 100)).collect()
    }

    #[test]
    fn a_few_records_are_no_stream() {
        assert!(after(&steady()).is_steady());
        assert!(!after(&steady()[1..]).is_steady());
        assert!(!after(&[steady(), vec![(16, 0)]].concat()).is_steady());
        assert!(!after(&[steady(), vec![(30, 100)]].concat()).is_steady());
    }

    #[test]
    fn a_stream_goes_on_when_a_look_comes_late_or_finds_much() {
        assert!(after(&[steady(), vec![(30, 50_000)]].concat()).is_steady());
        let much = [steady(), vec![(16, 2 << 20)]].concat();
        assert!(!after(&much).is_steady());
        assert!(after(&[much, vec![(17, 100)]].concat()).is_steady());
    }
}
