//! Damaged programs that are mapped: whatever their files say, addresses have names or none.

use super::user::UserSymbols;
use lancet_manifest::Config;
use memmap2::MmapOptions;
use std::fs::{self, File};
use std::time::{Duration, Instant};

const FORMS: [(&str, &[u8]); 3] = [
    ("plain", include_bytes!("../../../tests/fixtures/damage-plain.elf")),
    ("compressed", include_bytes!("../../../tests/fixtures/damage-compressed.elf")),
    ("split", include_bytes!("../../../tests/fixtures/damage-split.elf")),
];

/// Where in the files the code is.
const CODE: std::ops::Range<u64> = 0x150..0x230;

#[test]
fn a_thousand_kinds_of_damage_to_mapped_programs_are_survived() {
    let directory = std::env::temp_dir().join(format!("lancet-mapped-{}", std::process::id()));
    fs::create_dir_all(&directory).expect("a directory");
    for (form, whole) in FORMS {
        let mut named = 0;
        for seed in 0..1000 {
            let path = directory.join(format!("{form}-{}", seed % 4));
            // What is mapped is never written to again.
            let _ = fs::remove_file(&path);
            fs::write(&path, damaged(whole, seed)).expect("a file");
            let start = Instant::now();
            named += names(&path);
            assert!(start.elapsed() < Duration::from_secs(10), "{form} {seed} takes {:?}", start.elapsed());
        }
        assert!(named > 1000, "{form}: only {named} addresses have names: the changes are too coarse to test anything");
    }
    fs::remove_dir_all(directory).expect("our own directory");
}

/// How many places in the code have names.
fn names(path: &std::path::Path) -> usize {
    let file = File::open(path).expect("a file");
    // SAFETY: nothing is run or read there, and nobody else knows the file.
    let Ok(mapping) = (unsafe { MmapOptions::new().map_exec(&file) }) else { return 0 };
    let base = mapping.as_ptr() as u64;
    let mut symbols = UserSymbols::new(&Config { show_debug_info: true, ..Config::default() });
    let found = CODE.step_by(16).filter(|offset| symbols.resolve(std::process::id(), base + offset).is_some()).count();
    symbols.build_id(std::process::id(), base + CODE.start);
    found
}

/// A few changes, most of them to the tables and the debug information.
fn damaged(whole: &[u8], seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let mut bytes = whole.to_vec();
    for _ in 0..=random(6) {
        let at = match random(8) {
            0 => random(0x150),
            1 => whole.len() - 1 - random(1024),
            _ => CODE.end as usize + random(whole.len() - CODE.end as usize),
        };
        let room = (whole.len() - at).min(1 << random(4));
        match random(3) {
            0 => bytes[at] = random(256) as u8,
            1 => bytes[at..at + room].fill([0, 0xff, 0x7f, 0x80][random(4)]),
            _ => bytes[at] ^= 1 << random(8),
        }
    }
    if random(20) == 0 {
        bytes.truncate(CODE.end as usize + random(whole.len() - CODE.end as usize));
    }
    bytes
}
