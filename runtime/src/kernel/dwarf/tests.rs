use std::path::Path;
use std::time::{Duration, Instant};

use lancet_kernel::Executable;
use lancet_kernel::btf::{NameKind, Type, TypeId};
use lancet_kernel::debug_info::{DebugInfo, Place, Types, UnknownLine, spell_declaration};

use super::Dwarf;
use crate::kernel::executable::{ElfExecutable, Tables};

const SHAPES: &[u8] = include_bytes!("../../../../tests/fixtures/shapes.elf");
const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/shapes.elf");

fn start_of(function: &str) -> u64 {
    let program = ElfExecutable::open(Path::new(PATH), &[]).expect("a program");
    program.function(function).expect("a function").address
}

fn parameters(function: &str) -> Vec<String> {
    let dwarf = Dwarf::new(Path::new(PATH), SHAPES).expect("debug information");
    let start = start_of(function);
    let function = dwarf.function(start, start).expect("a described function");
    function.parameters.iter().map(|parameter| spell_declaration(&dwarf, parameter.ty, &parameter.name)).collect()
}

#[test]
fn parameters_are_spelled_as_in_c() {
    assert_eq!(parameters("numbers"), ["int8_t a", "uint16_t b", "int32_t c", "uint64_t d", "_Bool e"]);
    assert_eq!(parameters("draw"), ["struct shape* shape", "const char* label"]);
    assert_eq!(parameters("paint"), ["shape_t* shape", "enum color color", "enum level level"]);
    assert_eq!(parameters("follow"), ["struct shape** shape"]);
    assert_eq!(parameters("main"), [""; 0]);
}

#[test]
fn parameters_are_where_the_compiler_put_them() {
    let dwarf = Dwarf::new(Path::new(PATH), SHAPES).expect("debug information");
    let start = start_of("many");
    let function = dwarf.function(start, start).expect("a described function");
    let places: Vec<Option<Place>> = function.parameters.iter().map(|parameter| parameter.place).collect();
    // di, si, dx, cx, r8, r9, then the caller's frame above the return address.
    let registers = [5, 4, 1, 2, 8, 9].map(|number| Some(Place::Register(number)));
    assert_eq!(places, [&registers[..], &[Some(Place::Stack(8)), Some(Place::Stack(16))]].concat());
}

#[test]
fn members_have_their_places() {
    let dwarf = Dwarf::new(Path::new(PATH), SHAPES).expect("debug information");
    let flags = dwarf.find(NameKind::Struct, "flags", None).expect("a struct");
    let Some(Type::Aggregate { members, size: 8, .. }) = dwarf.ty(flags) else { panic!("a struct of 8 bytes") };
    let places: Vec<_> =
        members.iter().map(|member| (member.name.as_str(), member.bit_offset, member.bit_size)).collect();
    assert_eq!(places, [("low", 0, 3), ("mid", 3, 7), ("sign", 10, 4), ("wide", 14, 40)]);
    let shape = dwarf.find(NameKind::Struct, "shape", None).expect("a struct");
    let Some(Type::Aggregate { members, .. }) = dwarf.ty(shape) else { panic!("a struct") };
    let spelled: Vec<String> =
        members.iter().map(|member| spell_declaration(&dwarf, member.ty, &member.name)).collect();
    let expected = [
        "char[8] name",
        "struct point at",
        "struct shape* next",
        "enum color color",
        "int[3][2] grid",
        "union (anonymous)",
        "int (*)(struct shape*) area",
    ];
    assert_eq!(spelled, expected);
}

#[test]
fn a_type_in_a_unit_of_its_own_is_named_by_it() {
    let file = include_bytes!("../../../../tests/fixtures/damage-compressed.elf");
    let dwarf = Dwarf::new(Path::new("damage.elf"), file).expect("debug information");
    let tables = Tables::parse(file).expect("a program");
    let start = tables.functions().iter().find(|symbol| symbol.name == "walk").expect("a function").address;
    let parameters = dwarf.function(start, start).expect("a described function").parameters;
    assert_eq!(spell_declaration(&dwarf, parameters[0].ty, &parameters[0].name), "struct tree* tree");
}

#[test]
fn enumerators_have_their_values() {
    let dwarf = Dwarf::new(Path::new(PATH), SHAPES).expect("debug information");
    let level = dwarf.find(NameKind::Enum, "level", None).and_then(|id| dwarf.ty(id));
    let variants = vec![("LOW".to_owned(), -1), ("HIGH".to_owned(), 1)];
    assert_eq!(level, Some(Type::Enum { name: "level".to_owned(), size: 4, signed: true, variants }));
}

#[test]
fn lines_have_code_or_say_which_do() {
    let dwarf = Dwarf::new(Path::new(PATH), SHAPES).expect("debug information");
    let source = include_str!("../../../../tests/programs/shapes.c");
    let line = source.lines().position(|line| line.contains("int set(")).expect("a line") as u32 + 1;
    let last = source.lines().count() as u32;
    let start = start_of("set");
    for file in ["shapes.c", "programs/shapes.c", "tests/programs/shapes.c"] {
        assert_eq!(dwarf.line(file, line, None).map(|found| found[0]), Ok(start), "{file}");
    }
    assert_eq!(dwarf.line("other.c", line, None), Err(UnknownLine::File));
    assert_eq!(dwarf.line("hapes.c", line, None), Err(UnknownLine::File));
    assert_eq!(dwarf.line("shapes.c", 100_000, None), Err(UnknownLine::Line(Some(last), None)));
    let Err(UnknownLine::Column(columns)) = dwarf.line("shapes.c", line, Some(999)) else { panic!("no column") };
    assert!(!columns.is_empty());
}

/// Everything that a script can ask, each answer bounded.
fn ask_everything(file: &[u8]) {
    let Ok(dwarf) = Dwarf::new(Path::new(PATH), file) else { return };
    let tables = Tables::parse(file).unwrap_or_default();
    for symbol in tables.functions() {
        let function = dwarf.function(symbol.address, symbol.address + 4);
        let parameters = function.map(|function| function.parameters).unwrap_or_default();
        for parameter in parameters.iter().take(20) {
            spell_declaration(&dwarf, parameter.ty, &parameter.name);
        }
    }
    // Each type that is asked about brings more: those it is made of.
    for id in 0..2000 {
        let Some(ty) = dwarf.ty(TypeId(id)) else { break };
        drop(ty);
        dwarf.resolve(TypeId(id));
    }
    for kind in [NameKind::Struct, NameKind::Union, NameKind::Enum, NameKind::Type] {
        dwarf.find(kind, "shape_t", Some(start_of_nothing()));
    }
    let _ = dwarf.line("shapes.c", 50, None);
}

fn start_of_nothing() -> u64 {
    0x40_1136
}

#[test]
fn a_thousand_kinds_of_damage_are_survived() {
    let mut state = 1u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    // Where the debug information lies; the headers say where that is.
    let debug_sections = debug_sections();
    for number in 0..1000 {
        let mut damaged = SHAPES.to_vec();
        for _ in 0..1 + number % 8 {
            let position = match random(4) {
                0 => random(0x1000),
                1 => damaged.len() - 1 - random(0x800),
                _ => debug_sections.start + random(debug_sections.len()),
            };
            damaged[position] = match random(3) {
                0 => 0xff,
                1 => 0,
                _ => random(256) as u8,
            };
        }
        if number % 10 == 0 {
            damaged.truncate(random(SHAPES.len()));
        }
        let start = Instant::now();
        ask_everything(&damaged);
        assert!(start.elapsed() < Duration::from_secs(10), "damage {number} takes {:?}", start.elapsed());
    }
}

fn debug_sections() -> std::ops::Range<usize> {
    use object::{Object, ObjectSection};
    let file = object::File::parse(SHAPES).expect("a program");
    let is_debug = |section: &object::Section<'_, '_>| section.name().is_ok_and(|name| name.starts_with(".debug_"));
    let ranges: Vec<(u64, u64)> = file.sections().filter(is_debug).filter_map(|section| section.file_range()).collect();
    let start = ranges.iter().map(|(start, _)| *start).min().expect("sections");
    let end = ranges.iter().map(|(start, size)| start + size).max().expect("sections");
    start as usize..end as usize
}
