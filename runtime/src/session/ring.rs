//! The ring buffer of the kernel (BPF_MAP_TYPE_RINGBUF), from which one thread takes records in their order.
//!
//! It is mapped piece by piece, when the records come to it: all of it would be resident at once, and most scripts send
//! little. Behind the last byte the kernel maps the first again, so that no record is in two parts.
//!
//! Invariant: a record is given back to the kernel only after it has been taken.

use super::error::RuntimeError;
use std::io;
use std::os::fd::RawFd;
use std::ptr::{self, NonNull};
use std::slice;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Bytes that are mapped at a time.
const PIECE: usize = 128 << 10;

/// Bytes after which the kernel is told how far records were taken: it reads that for every record that it writes.
const GIVEN_BACK_AT: u64 = 4 << 10;

/// The length of a record has two flags (include/uapi/linux/bpf.h): it is being written, and it was given up.
const BUSY: u32 = 1 << 31;
const DISCARDED: u32 = 1 << 30;

/// Bytes of a record's length and of what the kernel keeps beside it.
const HEADER: usize = 8;

/// A mapped ring buffer.
pub struct Ring {
    map: RawFd,
    page: usize,
    size: usize,
    /// How far records were taken, a page of its own that we write to.
    taken: NonNull<AtomicU64>,
    /// How far the kernel has written.
    written: NonNull<AtomicU64>,
    /// Room for the records, twice; only some pieces are mapped.
    records: NonNull<u8>,
    mapped: Vec<bool>,
    /// Bytes of a piece, as a power of two.
    piece_shift: u32,
}

/// What was taken from the ring buffer at one go.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Taken {
    /// Bytes with all headers.
    pub bytes: u64,
    /// A large part of the buffer: who waits before the next go risks that it is full by then.
    pub is_much: bool,
}

/// A record in the buffer.
struct Record<'r> {
    /// Its length with the header, up to the next record.
    whole: u64,
    /// What was sent, unless it was given up.
    bytes: Option<&'r [u8]>,
}

impl Ring {
    /// Maps what is needed to wait for records. The map stays open as long as the ring.
    pub fn new(map: RawFd, size: usize) -> Result<Self, RuntimeError> {
        // SAFETY: takes a number only.
        let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096);
        let piece = PIECE.min(size).max(page);
        let failed = |_| RuntimeError::system("the ring buffer cannot be mapped");
        let taken = map_pages(None, page, libc::PROT_READ | libc::PROT_WRITE, map, 0).map_err(failed)?;
        let written = map_pages(None, page, libc::PROT_READ, map, page).map_err(failed)?;
        let records = map_pages(None, 2 * size, libc::PROT_NONE, -1, 0).map_err(failed)?;
        let mapped = vec![false; 2 * size / piece];
        // Both are powers of two: the kernel asks for that.
        let piece_shift = piece.trailing_zeros();
        Ok(Self { map, page, size, taken: taken.cast(), written: written.cast(), records, mapped, piece_shift })
    }

    /// Can be waited for: it is readable when there are records.
    pub fn descriptor(&self) -> RawFd {
        self.map
    }

    /// Hands over records that are there, at most so many, until one is refused; that one is gone too.
    pub fn take(&mut self, most: usize, mut record: impl FnMut(&[u8]) -> bool) -> Result<Taken, RuntimeError> {
        // SAFETY: both are mapped as long as the ring; the kernel writes to one atomically, and nobody else to the other.
        let (taken, written) = unsafe { (self.taken.as_ref(), self.written.as_ref()) };
        let first = taken.load(Ordering::Relaxed);
        let (mut position, mut given_back, mut end) = (first, first, first);
        let mut result = Ok(());
        for _ in 0..most {
            if position >= end {
                end = written.load(Ordering::Acquire);
                if position >= end {
                    break;
                }
            }
            let goes_on = match self.record_at((position & (self.size as u64 - 1)) as usize) {
                Ok(Some(Record { whole, bytes })) => {
                    position += whole;
                    bytes.is_none_or(&mut record)
                }
                Ok(None) => break,
                Err(error) => {
                    result = Err(error);
                    break;
                }
            };
            if position - given_back >= GIVEN_BACK_AT {
                taken.store(position, Ordering::Release);
                given_back = position;
            }
            if !goes_on {
                break;
            }
        }
        taken.store(position, Ordering::Release);
        let bytes = position - first;
        result.map(|()| Taken { bytes, is_much: bytes > self.size as u64 / 4 })
    }

    /// The record at an offset; nothing while it is being written.
    #[inline]
    fn record_at(&mut self, start: usize) -> Result<Option<Record<'_>>, RuntimeError> {
        self.map_to(start, start + HEADER)?;
        // SAFETY: the header is mapped, aligned to 8 bytes, and the kernel writes the length atomically.
        let length = unsafe { self.records.add(start).cast::<AtomicU32>().as_ref() }.load(Ordering::Acquire);
        if length & BUSY != 0 {
            return Ok(None);
        }
        let bytes = (length & !DISCARDED) as usize;
        let whole = (HEADER + bytes).next_multiple_of(8) as u64;
        if length & DISCARDED != 0 {
            return Ok(Some(Record { whole, bytes: None }));
        }
        self.map_to(start, start + HEADER + bytes)?;
        // SAFETY: the record is mapped, and the kernel does not change it until it has been taken.
        let bytes = unsafe { slice::from_raw_parts(self.records.add(start + HEADER).as_ptr(), bytes) };
        Ok(Some(Record { whole, bytes: Some(bytes) }))
    }

    /// Maps the pieces from `start` to `end` that are not mapped yet.
    #[inline]
    fn map_to(&mut self, start: usize, end: usize) -> Result<(), RuntimeError> {
        for index in start >> self.piece_shift..=(end - 1) >> self.piece_shift {
            if self.mapped.get(index) != Some(&true) {
                self.map_piece(index)?;
            }
        }
        Ok(())
    }

    #[cold]
    fn map_piece(&mut self, index: usize) -> Result<(), RuntimeError> {
        let Some(mapped) = self.mapped.get_mut(index) else {
            return Err(RuntimeError::BadObject("a record is longer than the ring buffer".into()));
        };
        let start = index << self.piece_shift;
        // SAFETY: the place is within the room that was kept free for it.
        let place = unsafe { self.records.add(start) };
        map_pages(Some(place), 1 << self.piece_shift, libc::PROT_READ, self.map, 2 * self.page + start)
            .map_err(|_| RuntimeError::system("the ring buffer cannot be mapped"))?;
        *mapped = true;
        Ok(())
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: these are ours, with these lengths, and nothing refers to them afterwards.
        unsafe {
            libc::munmap(self.taken.as_ptr().cast(), self.page);
            libc::munmap(self.written.as_ptr().cast(), self.page);
            libc::munmap(self.records.as_ptr().cast(), 2 * self.size);
        }
    }
}

/// Maps a part of a file, or keeps room free; at a place or wherever the kernel likes.
fn map_pages(
    place: Option<NonNull<u8>>,
    length: usize,
    protection: i32,
    file: RawFd,
    offset: usize,
) -> io::Result<NonNull<u8>> {
    let fixed = if place.is_some() { libc::MAP_FIXED } else { 0 };
    let kind = if file < 0 { libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE } else { libc::MAP_SHARED };
    let wanted = place.map_or(ptr::null_mut(), |place| place.as_ptr().cast());
    // SAFETY: a fixed place is within a mapping of ours; otherwise the kernel finds one.
    let address = unsafe { libc::mmap(wanted, length, protection, kind | fixed, file, offset as libc::off_t) };
    match NonNull::new(address.cast::<u8>()) {
        Some(mapped) if address != libc::MAP_FAILED => Ok(mapped),
        _ => Err(io::Error::last_os_error()),
    }
}
