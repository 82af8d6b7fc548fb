//! Packets that `skboutput()` sent: from a perf buffer to pcap files.
//!
//! A file is made when its first packet comes, and holds raw IP packets with times to the microsecond.

use super::error::RuntimeError;
use crate::event::Printer;
use crate::format::message::Severity;
use crate::format::number::word;
use lancet_manifest::{Action, Clock, Manifest};
use libbpf_sys as sys;
use rustc_hash::FxHashMap;
use std::ffi::{c_int, c_void};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::os::fd::RawFd;
use std::ptr::NonNull;
use std::slice;

/// Bytes before a packet's in a record.
const HEADER: usize = 24;
/// Pages of each CPU's buffer unless the script says how many.
const PAGES: u32 = 64;

/// The perf buffer, and what came by it.
pub struct Packets<'m> {
    manifest: &'m Manifest,
    buffer: NonNull<sys::perf_buffer>,
    /// libbpf holds its address, so it stays where it is.
    arrived: NonNull<Arrived>,
    files: FxHashMap<String, Option<BufWriter<File>>>,
}

#[derive(Default)]
struct Arrived {
    records: Vec<Vec<u8>>,
    lost: u64,
}

impl<'m> Packets<'m> {
    /// Opens the buffers of all CPUs.
    pub fn new(map: RawFd, manifest: &'m Manifest) -> Result<Self, RuntimeError> {
        let arrived = NonNull::from(Box::leak(Box::<Arrived>::default()));
        let pages = match manifest.config.ring_buffer_pages {
            0 => PAGES,
            pages => pages.next_power_of_two(),
        };
        // SAFETY: the callbacks get what arrived, which lives as long as the buffer.
        let buffer = unsafe {
            sys::perf_buffer__new(
                map,
                pages as sys::size_t,
                Some(take),
                Some(lose),
                arrived.as_ptr().cast(),
                std::ptr::null(),
            )
        };
        match NonNull::new(buffer) {
            Some(buffer) => Ok(Self { manifest, buffer, arrived, files: FxHashMap::default() }),
            None => {
                let failed = RuntimeError::system("the buffer for packets cannot be opened");
                // SAFETY: nobody else has its address any more.
                drop(unsafe { Box::from_raw(arrived.as_ptr()) });
                Err(failed)
            }
        }
    }

    /// Readable when there are packets.
    pub fn descriptor(&self) -> RawFd {
        // SAFETY: the buffer is open.
        unsafe { sys::perf_buffer__epoll_fd(self.buffer.as_ptr()) }
    }

    /// Writes the packets that have come.
    pub fn write(&mut self, printer: &mut Printer) {
        // SAFETY: the buffer is open; the callbacks alone use what arrived meanwhile.
        let (records, lost) = unsafe {
            sys::perf_buffer__consume(self.buffer.as_ptr());
            let arrived = self.arrived.as_mut();
            (std::mem::take(&mut arrived.records), std::mem::take(&mut arrived.lost))
        };
        if lost > 0 {
            printer.lost_events(
                lost,
                "there was no room for packets; give them more with `config = { perf_rb_pages = … }`",
            );
        }
        for record in records {
            if let Err((path, error)) = self.write_one(&record, printer) {
                printer.tell(Severity::Error, &format!("cannot write {path}: {}", super::plain(&error)));
            }
        }
        for file in self.files.values_mut().flatten() {
            // What cannot be written is told when the next packet comes, or not at all when there is none.
            let _ = file.flush();
        }
    }

    fn write_one(&mut self, record: &[u8], printer: &mut Printer) -> Result<(), (String, io::Error)> {
        let action = self.manifest.actions.get(word(record, 0, 8) as usize);
        let Some(Action::Packet { path, offset }) = action else { return Ok(()) };
        let (time, length) = (word(record, 8, 8), word(record, 16, 8) as usize);
        let packet = record.get(HEADER..).unwrap_or_default();
        let packet = &packet[..length.min(packet.len())];
        let packet = packet.get(*offset as usize..).unwrap_or_default();
        let failed = |error| (path.clone(), error);
        if !self.files.contains_key(path) {
            // A file that cannot be made is told of once.
            self.files.insert(path.clone(), None);
            let mut file = BufWriter::new(File::create(path).map_err(failed)?);
            file.write_all(&file_header()).map_err(failed)?;
            self.files.insert(path.clone(), Some(file));
        }
        let Some(Some(file)) = self.files.get_mut(path) else { return Ok(()) };
        let time = printer.names().clocks().wall(Clock::Boot, time);
        file.write_all(&packet_header(time, packet.len() as u32)).and_then(|()| file.write_all(packet)).map_err(failed)
    }
}

impl Drop for Packets<'_> {
    fn drop(&mut self) {
        // SAFETY: both are ours, and the buffer goes before what its callbacks write to.
        unsafe {
            sys::perf_buffer__free(self.buffer.as_ptr());
            drop(Box::from_raw(self.arrived.as_ptr()));
        }
    }
}

/// Called by libbpf for each packet.
unsafe extern "C" fn take(context: *mut c_void, _cpu: c_int, data: *mut c_void, size: u32) {
    // SAFETY: the context is what arrived, to which nothing else refers now; data and size are a record's.
    let (arrived, record) = unsafe {
        (&mut *context.cast::<Arrived>(), slice::from_raw_parts(data.cast::<u8>().cast_const(), size as usize))
    };
    arrived.records.push(record.to_vec());
}

/// Called by libbpf for packets that found no room.
unsafe extern "C" fn lose(context: *mut c_void, _cpu: c_int, count: u64) {
    // SAFETY: the context is what arrived, to which nothing else refers now.
    unsafe { (*context.cast::<Arrived>()).lost += count }
}

/// The header of a pcap file, version 2.4: times in microseconds, raw IP packets (LINKTYPE_RAW).
fn file_header() -> Vec<u8> {
    const MAGIC: u32 = 0xa1b2_c3d4;
    const LONGEST: u32 = 0x4_0000;
    const RAW_IP: u32 = 101;
    let mut header = MAGIC.to_ne_bytes().to_vec();
    header.extend([2u16, 4].iter().flat_map(|part| part.to_ne_bytes()));
    header.extend([0, 0, LONGEST, RAW_IP].iter().flat_map(|part| part.to_ne_bytes()));
    header
}

fn packet_header(time: i128, length: u32) -> Vec<u8> {
    let (seconds, nanoseconds) = (time.div_euclid(1_000_000_000), time.rem_euclid(1_000_000_000));
    let words = [seconds as u32, nanoseconds as u32 / 1000, length, length];
    words.iter().flat_map(|word| word.to_ne_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_those_of_pcap() {
        let header = file_header();
        assert_eq!(header.len(), 24);
        assert_eq!((word(&header, 0, 4), word(&header, 4, 2), word(&header, 20, 4)), (0xa1b2_c3d4, 2, 101));
        let packet = packet_header(1_700_000_000_123_456_789, 60);
        let words: Vec<u64> = (0..4).map(|index| word(&packet, 4 * index, 4)).collect();
        assert_eq!(words, [1_700_000_000, 123_456, 60, 60]);
    }
}
