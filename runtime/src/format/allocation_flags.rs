//! `%gr`: the flags of a kernel allocation (gfp_t) by name, as the kernel's own tracepoints show them since Linux 6.12.
//!
//! Combinations with a name of their own come first, then single flags; what has no name is a number.

use super::number::write_address;

/// Bits and names, larger combinations first.
#[rustfmt::skip]
const FLAGS: [(u64, &str); 37] = [
    (0x1c_24ca, "GFP_TRANSHUGE"), (0x1c_20ca, "GFP_TRANSHUGE_LIGHT"),
    (0x10_0cca, "GFP_HIGHUSER_MOVABLE"), (0x10_0cc2, "GFP_HIGHUSER"), (0x10_0cc0, "GFP_USER"),
    (0x40_0cc0, "GFP_KERNEL_ACCOUNT"), (0xcc0, "GFP_KERNEL"), (0xc40, "GFP_NOFS"), (0x820, "GFP_ATOMIC"),
    (0xc00, "GFP_NOIO"), (0x2800, "GFP_NOWAIT"),
    (1 << 0, "GFP_DMA"), (1 << 1, "__GFP_HIGHMEM"), (1 << 2, "GFP_DMA32"), (1 << 3, "__GFP_MOVABLE"),
    (1 << 4, "__GFP_RECLAIMABLE"), (1 << 5, "__GFP_HIGH"), (1 << 6, "__GFP_IO"), (1 << 7, "__GFP_FS"),
    (1 << 8, "__GFP_ZERO"), (1 << 10, "__GFP_DIRECT_RECLAIM"), (1 << 11, "__GFP_KSWAPD_RECLAIM"),
    (1 << 12, "__GFP_WRITE"), (1 << 13, "__GFP_NOWARN"), (1 << 14, "__GFP_RETRY_MAYFAIL"),
    (1 << 15, "__GFP_NOFAIL"), (1 << 16, "__GFP_NORETRY"), (1 << 17, "__GFP_MEMALLOC"), (1 << 18, "__GFP_COMP"),
    (1 << 19, "__GFP_NOMEMALLOC"), (1 << 20, "__GFP_HARDWALL"), (1 << 21, "__GFP_THISNODE"),
    (1 << 22, "__GFP_ACCOUNT"), (1 << 23, "__GFP_ZEROTAGS"), (1 << 24, "__GFP_SKIP_ZERO"),
    (1 << 25, "__GFP_SKIP_KASAN"), (1 << 26, "__GFP_NOLOCKDEP"),
];

/// Appends the names, with `|` between.
pub fn write(out: &mut Vec<u8>, flags: u64) {
    if flags == 0 {
        out.push(b'0');
        return;
    }
    let start = out.len();
    let mut rest = flags;
    for (bits, name) in FLAGS {
        if rest & bits == bits {
            rest &= !bits;
            separate(out, start);
            out.extend_from_slice(name.as_bytes());
        }
    }
    if rest != 0 {
        separate(out, start);
        write_address(out, rest);
    }
}

fn separate(out: &mut Vec<u8>, start: usize) {
    if out.len() > start {
        out.push(b'|');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(flags: u64) -> String {
        let mut out = Vec::new();
        write(&mut out, flags);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn combinations_are_preferred_to_single_flags() {
        assert_eq!(names(0xcc0), "GFP_KERNEL");
        assert_eq!(names(0xcc0 | 0x100), "GFP_KERNEL|__GFP_ZERO");
        assert_eq!(names(0x820), "GFP_ATOMIC");
        assert_eq!(names(0x2800), "GFP_NOWAIT");
        assert_eq!(names(1 << 40), "0x10000000000");
        assert_eq!(names(0xcc0 | 1), "GFP_KERNEL|GFP_DMA");
        assert_eq!(names(0), "0");
    }
}
