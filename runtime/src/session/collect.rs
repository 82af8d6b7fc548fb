//! Waits for records, signals and the end of processes, and hands records to the printer in their order.
//!
//! One thread does it all. Nothing that is in the ring buffer when a session ends is dropped, but what follows the record
//! of `exit()`.

use super::bpf_map::LoadedMaps;
use super::error::RuntimeError;
use super::packets::Packets;
use super::signal::Signals;
use crate::event::{Flow, Printer};
use libbpf_sys as sys;
use std::ffi::{c_int, c_void};
use std::io;
use std::os::fd::RawFd;
use std::ptr::NonNull;
use std::slice;

/// Stops consuming; any negative number but EINTR's does.
const STOP: c_int = -libc::ECANCELED;

/// Records between two looks at signals.
const AT_ONCE: sys::size_t = 16384;

/// The ring buffer and what its records go to.
pub struct Collector<'s, 'm> {
    ring: Option<NonNull<sys::ring_buffer>>,
    packets: Option<Packets<'m>>,
    /// libbpf holds its address, so it stays where it is.
    sink: NonNull<Sink<'s, 'm>>,
}

struct Sink<'s, 'm> {
    printer: &'s mut Printer<'m>,
    maps: &'s LoadedMaps,
    flow: Flow,
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
    /// Opens the ring buffer; a script that sends nothing has none.
    pub fn new(
        ring: Option<RawFd>,
        packets: Option<Packets<'m>>,
        printer: &'s mut Printer<'m>,
        maps: &'s LoadedMaps,
    ) -> Result<Self, RuntimeError> {
        let sink = Box::new(Sink { printer, maps, flow: Flow::Continue });
        let sink = NonNull::from(Box::leak(sink));
        let mut collector = Self { ring: None, packets, sink };
        if let Some(map) = ring {
            // SAFETY: the callback gets the sink, which lives as long as the ring.
            let ring = unsafe { sys::ring_buffer__new(map, Some(take_record), sink.as_ptr().cast(), std::ptr::null()) };
            let failed = || RuntimeError::system("the ring buffer cannot be mapped");
            collector.ring = Some(NonNull::new(ring).ok_or_else(failed)?);
        }
        Ok(collector)
    }

    /// Where records go.
    pub fn printer(&mut self) -> &mut Printer<'m> {
        self.sink().printer
    }

    /// Hands over records that are there, but not so many that a signal would have to wait.
    pub fn take_some(&mut self) -> Flow {
        if let Some(ring) = self.ring {
            // SAFETY: the ring is open; nobody else holds a reference to the sink meanwhile.
            unsafe { sys::ring_buffer__consume_n(ring.as_ptr(), AT_ONCE) };
        }
        self.write_packets();
        self.sink().flow
    }

    /// Hands over all records that are there.
    pub fn drain(&mut self) -> Flow {
        if let Some(ring) = self.ring {
            // SAFETY: the ring is open; nobody else holds a reference to the sink meanwhile.
            unsafe { sys::ring_buffer__consume(ring.as_ptr()) };
        }
        self.write_packets();
        self.sink().flow
    }

    fn write_packets(&mut self) {
        // SAFETY: the sink is ours; libbpf uses it only inside ring_buffer__consume.
        let printer = unsafe { &mut *self.sink.as_mut().printer };
        if let Some(packets) = &mut self.packets {
            packets.write(printer);
        }
    }

    /// Prints all maps as they are now.
    pub fn print_maps(&mut self) {
        let sink = self.sink();
        sink.printer.print_maps(sink.maps);
    }

    /// Takes records again after `exit()`, and drops those that were sent before.
    pub fn resume(&mut self) {
        self.discard();
        self.sink().flow = Flow::Continue;
    }

    /// Waits until there is something to do. The output is watched too: its reader may go while nothing is printed.
    pub fn wait(
        &mut self,
        signals: &Signals,
        process: Option<RawFd>,
        output: Option<RawFd>,
    ) -> Result<Wake, RuntimeError> {
        let ring = self.ring.map_or(-1, |ring| {
            // SAFETY: the ring is open.
            unsafe { sys::ring_buffer__epoll_fd(ring.as_ptr()) }
        });
        let poll = |fd, events| libc::pollfd { fd, events, revents: 0 };
        let mut waiting = [
            poll(ring, libc::POLLIN),
            poll(signals.descriptor(), libc::POLLIN),
            poll(process.unwrap_or(-1), libc::POLLIN),
            // Errors are told without being asked for.
            poll(output.unwrap_or(-1), 0),
            poll(self.sink().printer.names().mappings_descriptor().unwrap_or(-1), libc::POLLIN),
            poll(self.packets.as_ref().map_or(-1, Packets::descriptor), libc::POLLIN),
        ];
        // SAFETY: the kernel reads and writes the entries; negative descriptors are passed over.
        let result = unsafe { libc::poll(waiting.as_mut_ptr(), waiting.len() as _, -1) };
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

    fn discard(&mut self) {
        let Some(ring) = self.ring else { return };
        self.sink().flow = Flow::Closed;
        // A record that is refused is still consumed, one at a time.
        // SAFETY: the ring is open; nobody else holds a reference to the sink meanwhile.
        while unsafe { sys::ring_buffer__consume(ring.as_ptr()) } == STOP {}
    }

    fn sink(&mut self) -> &mut Sink<'s, 'm> {
        // SAFETY: the sink is ours; libbpf uses it only inside ring_buffer__consume.
        unsafe { self.sink.as_mut() }
    }
}

impl Drop for Collector<'_, '_> {
    fn drop(&mut self) {
        // SAFETY: both are ours, and the ring goes before the sink that it refers to.
        unsafe {
            if let Some(ring) = self.ring {
                sys::ring_buffer__free(ring.as_ptr());
            }
            drop(Box::from_raw(self.sink.as_ptr()));
        }
    }
}

/// Called by libbpf for each record.
unsafe extern "C" fn take_record(context: *mut c_void, data: *mut c_void, size: sys::size_t) -> c_int {
    // SAFETY: the context is the collector's sink, to which nothing else refers now; data and size are a record's.
    let (sink, record) =
        unsafe { (&mut *context.cast::<Sink>(), slice::from_raw_parts(data.cast::<u8>().cast_const(), size as usize)) };
    if sink.flow == Flow::Continue {
        sink.flow = sink.printer.record(record, sink.maps);
    }
    if sink.flow == Flow::Continue { 0 } else { STOP }
}
