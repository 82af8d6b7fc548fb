//! A file that the tests put together themselves, whole and damaged.

use super::*;

/// One segment: `size` bytes of the file from offset 0 at this address.
const START: u64 = 0x40_0000;
/// Where `.stapsdt.base` is.
const BASE: u64 = START + 0x40;

/// A 64-bit little-endian file with those notes.
fn file(notes: &[Vec<u8>]) -> Vec<u8> {
    let names = b"\0.note.stapsdt\0.stapsdt.base\0.shstrtab\0";
    let notes = notes.concat();
    let (notes_at, names_at) = (64 + 56, 64 + 56 + notes.len());
    let headers_at = (names_at + names.len()).next_multiple_of(8);
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    file.extend([3, 0, 62, 0, 1, 0, 0, 0]);
    for number in [0, 64, headers_at as u64] {
        file.extend(number.to_le_bytes());
    }
    file.extend([0; 4]);
    for number in [64u16, 56, 1, 64, 4, 3] {
        file.extend(number.to_le_bytes());
    }
    let size = headers_at as u64 + 4 * 64;
    file.extend([1, 0, 0, 0, 5, 0, 0, 0]);
    for number in [0, START, START, size, size, 0x1000] {
        file.extend(number.to_le_bytes());
    }
    file.extend(&notes);
    file.extend(names);
    file.resize(headers_at, 0);
    for (name, kind, address, offset, size) in
        [(0, 0, 0, 0, 0), (1, 7, 0, notes_at, notes.len()), (15, 1, BASE, 0, 1), (29, 3, 0, names_at, names.len())]
    {
        file.extend([name, 0, 0, 0, kind, 0, 0, 0]);
        for number in [0, address, offset as u64, size as u64, 0, 4, 0] {
            file.extend(number.to_le_bytes());
        }
    }
    file
}

fn note(addresses: [u64; 3], name: &str, arguments: &str) -> Vec<u8> {
    let mut description: Vec<u8> = addresses.iter().flat_map(|address| address.to_le_bytes()).collect();
    description.extend(format!("shop\0{name}\0{arguments}\0").bytes());
    let mut note = Vec::new();
    for number in [8, description.len() as u32, PROBE] {
        note.extend(number.to_le_bytes());
    }
    note.extend(b"stapsdt\0");
    note.extend(&description);
    note.resize(note.len().next_multiple_of(4), 0);
    note
}

fn some_notes() -> Vec<u8> {
    file(&[
        note([START + 0x20, BASE, 0], "opened", "-4@%edi 8@-16(%rbp)"),
        note([START + 0x21, BASE, START + 0x30], "sold", ""),
        note([START + 0x120, BASE + 0x100, START + 0x130], "moved", "8@(%rax,%rbx,4)"),
        note([START + 0x22, 0, 0], "no_base", "-4@%edi"),
        note([3, BASE, 0], "outside", "-4@%edi"),
    ])
}

#[test]
fn notes_say_where_probes_are() {
    let notes = parse(&some_notes()).expect("it is whole");
    let found: Vec<_> = notes.iter().map(|note| (note.name.as_str(), note.file_offset, note.semaphore)).collect();
    assert_eq!(found, [("opened", 0x20, 0), ("sold", 0x21, 0x30), ("moved", 0x20, 0x30), ("no_base", 0x22, 0)]);
    assert_eq!(notes[0].namespace, "shop");
    assert_eq!(notes[0].arguments, "-4@%edi 8@-16(%rbp)");
    assert_eq!(notes[2].address, START + 0x20);
}

#[test]
fn files_without_notes_have_no_probes() {
    assert_eq!(parse(&file(&[])), Ok(Vec::new()));
    assert!(parse(b"#!/bin/sh\n").is_err());
    assert!(parse(b"").is_err());
}

#[test]
fn a_thousand_kinds_of_damage_are_survived() {
    let mut state = 1u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    let whole = some_notes();
    for number in 0..1000 {
        let mut damaged = whole.clone();
        for _ in 0..1 + number % 8 {
            let position = random(damaged.len());
            damaged[position] = [0xff, 0, random(256) as u8][random(3)];
        }
        if number % 10 == 0 {
            damaged.truncate(random(whole.len()));
        }
        // An error or a result, and never more notes than there is room for.
        if let Ok(notes) = parse(&damaged) {
            assert!(notes.len() <= whole.len() / 12, "damage {number}");
        }
    }
}
