//! Integers: from the bytes of a record to digits, without an allocation.
//!
//! An [`Integer`] keeps 64 bits (sign-extended from the stored width) and whether they are signed; nothing here fails:
//! bytes that are missing read as zero.

/// Digits up to base 16.
pub const LOWER: &[u8; 16] = b"0123456789abcdef";
/// The same in capitals.
pub const UPPER: &[u8; 16] = b"0123456789ABCDEF";

/// An integer of a script.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Integer {
    /// The value, extended to 64 bits according to its sign.
    pub bits: u64,
    /// Two's complement.
    pub signed: bool,
}

impl Integer {
    /// Reads `size` bytes (1, 2, 4, 8).
    pub fn read(bytes: &[u8], size: u8, signed: bool) -> Self {
        Self { bits: word(bytes, 0, usize::from(size)), signed }.wrapped_to(size)
    }

    /// A number without a sign.
    pub fn unsigned(bits: u64) -> Self {
        Self { bits, signed: false }
    }

    /// What is left of it in `size` bytes.
    pub fn wrapped_to(self, size: u8) -> Self {
        let width = u32::from(size).clamp(1, 8) * 8;
        let bits = if self.signed { sign_extend(self.bits, width) } else { self.bits & (u64::MAX >> (64 - width)) };
        Self { bits, ..self }
    }

    /// Its value.
    pub fn value(self) -> i128 {
        if self.signed { i128::from(self.bits as i64) } else { i128::from(self.bits) }
    }

    /// The quotient, truncated toward zero; a zero divisor changes nothing.
    pub fn divided_by(self, divisor: u64) -> Self {
        if divisor <= 1 {
            return self;
        }
        Self { bits: (self.value() / i128::from(divisor)) as u64, signed: self.signed }
    }

    /// Whether a double holds it exactly, as readers of JSON expect.
    pub fn fits_double(self) -> bool {
        (self.value() as f64) as i128 == self.value()
    }

    /// Appends its decimal digits.
    pub fn write(self, out: &mut Vec<u8>) {
        if self.signed && (self.bits as i64) < 0 {
            out.push(b'-');
            write_decimal(out, self.bits.wrapping_neg());
        } else {
            write_decimal(out, self.bits);
        }
    }
}

/// The unsigned integer of `size` bytes (at most 8) at `offset`, in the byte order of this machine.
pub fn word(bytes: &[u8], offset: usize, size: usize) -> u64 {
    let mut raw = [0; 8];
    let stored = bytes.get(offset..).unwrap_or_default();
    let size = size.min(8).min(stored.len());
    if cfg!(target_endian = "big") {
        raw[8 - size..].copy_from_slice(&stored[..size]);
    } else {
        raw[..size].copy_from_slice(&stored[..size]);
    }
    u64::from_ne_bytes(raw)
}

/// Extends the lowest `width` bits of `bits` by their sign.
pub fn sign_extend(bits: u64, width: u32) -> u64 {
    let unused = 64 - width.clamp(1, 64);
    (((bits << unused) as i64) >> unused) as u64
}

/// Appends decimal digits.
pub fn write_decimal(out: &mut Vec<u8>, value: u64) {
    write_digits(out, value, 10, LOWER);
}

/// Appends lower-case hexadecimal digits without a prefix.
pub fn write_hex(out: &mut Vec<u8>, value: u64) {
    write_digits(out, value, 16, LOWER);
}

/// Appends an address: `0x` and hexadecimal digits.
pub fn write_address(out: &mut Vec<u8>, value: u64) {
    out.extend_from_slice(b"0x");
    write_hex(out, value);
}

/// Appends the digits of `value` in a base from 2 to 16. Inlined, since dividing by a known base is much faster.
#[inline]
pub fn write_digits(out: &mut Vec<u8>, mut value: u64, base: u64, alphabet: &[u8; 16]) {
    let mut digits = [0; 64];
    let mut start = digits.len();
    loop {
        start -= 1;
        digits[start] = alphabet[(value % base) as usize];
        value /= base;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[start..]);
}
