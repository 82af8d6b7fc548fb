//! Where the instructions of a function start. Only x86-64 is decoded; of other machines nothing is known.

use iced_x86::{Decoder, DecoderOptions};

/// More of a function is not decoded.
pub(super) const MOST_BYTES: u64 = 1 << 20;

/// Offsets of the instructions in a function's code. Bytes that are no instruction end the list.
pub(super) fn starts(code: &[u8]) -> Vec<u64> {
    if !cfg!(target_arch = "x86_64") {
        return Vec::new();
    }
    let mut decoder = Decoder::with_ip(64, code, 0, DecoderOptions::NONE);
    let mut starts = Vec::new();
    while decoder.can_decode() {
        let start = decoder.ip();
        if decoder.decode().is_invalid() {
            break;
        }
        starts.push(start);
    }
    starts
}
