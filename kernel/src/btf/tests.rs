//! A small blob of known types: what is read is what was written, and damage is never a panic.

use std::rc::Rc;

use super::writer::Writer;
use super::{Btf, Member, NameKind, Type, TypeId};

fn int(name: &str, size: u32, signed: bool) -> Type {
    Type::Int { name: name.into(), size, signed, is_bool: false, is_char: name == "char" }
}

fn member(name: &str, ty: TypeId, bit_offset: u32, bit_size: u32) -> Member {
    Member { name: name.into(), ty, bit_offset, bit_size }
}

fn aggregate(name: &str, is_union: bool, size: u32, members: Vec<Member>) -> Type {
    Type::Aggregate { name: name.into(), is_union, size, members }
}

/// `struct task { int pid; unsigned flag:3; union { long state; char comm[16]; }; struct task *next; }` and company.
fn sample() -> Vec<Type> {
    let enumeration = |name: &str, size, signed, variants: &[(&str, i64)]| Type::Enum {
        name: name.into(),
        size,
        signed,
        variants: variants.iter().map(|(name, value)| ((*name).into(), *value)).collect(),
    };
    vec![
        int("int", 4, true),                                                                              // 1
        int("char", 1, true),                                                                             // 2
        Type::Array { element: TypeId(2), count: 16 },                                                    // 3
        aggregate("", true, 16, vec![member("state", TypeId(1), 0, 0), member("comm", TypeId(3), 0, 0)]), // 4
        aggregate(
            "task",
            false,
            32,
            vec![
                member("pid", TypeId(1), 0, 0),
                member("flag", TypeId(1), 32, 3),
                member("", TypeId(4), 64, 0),
                member("next", TypeId(6), 192, 0),
            ],
        ), // 5
        Type::Pointer(TypeId(5)),                                                                         // 6
        Type::Typedef { name: "task_t".into(), target: TypeId(8) },                                       // 7
        Type::Modifier(TypeId(9)),                                                                        // 8
        Type::Tag { name: "user".into(), target: TypeId(5) },                                             // 9
        enumeration("state", 4, true, &[("RUNNING", 0), ("DEAD", -1)]),                                   // 10
        enumeration("", 4, false, &[("BIG", 0x8000_0000)]),                                               // 11
        enumeration("wide", 8, false, &[("WIDE", 1 << 40)]),                                              // 12
        Type::Prototype { parameters: vec![("task".into(), TypeId(6))], returns: TypeId(1) },             // 13
        Type::Function { name: "wake".into(), prototype: TypeId(13) },                                    // 14
        Type::Forward { name: "other".into(), is_union: false },                                          // 15
        Type::Variable { name: "jiffies".into(), target: TypeId(1) },                                     // 16
        Type::Float { name: "double".into(), size: 8 },                                                   // 17
    ]
}

fn bytes(types: &[Type]) -> Vec<u8> {
    let mut writer = Writer::new();
    for ty in types {
        writer.add(ty);
    }
    writer.finish()
}

fn parsed(types: &[Type]) -> Btf {
    Btf::parse(Rc::new(bytes(types)), None).expect("sound bytes")
}

#[test]
fn what_was_written_is_read() {
    let btf = parsed(&sample());
    for (ty, id) in sample().into_iter().zip(1..) {
        assert_eq!(btf.ty(TypeId(id)), Some(ty), "{id}");
    }
    assert_eq!(btf.ty(TypeId(0)), Some(Type::Void));
    assert_eq!(btf.ty(TypeId(18)), None);
    assert_eq!(btf.end_id(), 18);
}

#[test]
fn names_find_types() {
    let btf = parsed(&sample());
    for _ in 0..2 {
        assert_eq!(btf.find("task", NameKind::Struct), Some(TypeId(5)));
        assert_eq!(btf.find("task", NameKind::Union), None);
        assert_eq!(btf.find("tas", NameKind::Struct), None);
        assert_eq!(btf.find("task_t", NameKind::Type), Some(TypeId(7)));
        assert_eq!(btf.find("int", NameKind::Type), Some(TypeId(1)));
        assert_eq!(btf.find("state", NameKind::Enum), Some(TypeId(10)));
        assert_eq!(btf.find("wake", NameKind::Function), Some(TypeId(14)));
        assert_eq!(btf.find("jiffies", NameKind::Variable), Some(TypeId(16)));
        assert_eq!(btf.find("other", NameKind::Struct), Some(TypeId(15)), "a declaration where there is no definition");
        assert_eq!(btf.find("", NameKind::Union), None);
        assert_eq!(btf.enumerator("DEAD"), Some((TypeId(10), -1)));
        assert_eq!(btf.enumerator("BIG"), Some((TypeId(11), 0x8000_0000)));
        assert_eq!(btf.enumerator("WIDE"), Some((TypeId(12), 1 << 40)));
        assert_eq!(btf.enumerator("NONE"), None);
    }
    assert_eq!(btf.name_of(TypeId(5)), Some("task"));
    assert_eq!(btf.name_of(TypeId(6)), None);
    assert_eq!(btf.functions_matching("w*").collect::<Vec<_>>(), [(TypeId(14), "wake")]);
    assert_eq!(btf.enumerator_names().count(), 4);
}

#[test]
fn sizes_and_members() {
    let btf = parsed(&sample());
    assert_eq!(btf.resolve(TypeId(7)), Some(TypeId(5)));
    assert_eq!(btf.size_of(TypeId(7)), Some(32));
    assert_eq!(btf.size_of(TypeId(3)), Some(16));
    assert_eq!(btf.size_of(TypeId(6)), Some(8));
    assert_eq!(btf.size_of(TypeId(14)), None);
    assert_eq!(btf.size_of(TypeId(0)), None);
    assert_eq!(btf.member(TypeId(7), "comm"), Some(member("comm", TypeId(3), 64, 0)), "within an anonymous union");
    assert_eq!(btf.member(TypeId(5), "flag"), Some(member("flag", TypeId(1), 32, 3)));
    assert_eq!(btf.member(TypeId(5), "none"), None);
}

#[test]
fn a_module_continues_its_base() {
    let base = Rc::new(parsed(&sample()));
    let mut writer = Writer::after(base.end_id(), base.end_string());
    let own = writer.add(&aggregate("own", false, 8, vec![member("task", TypeId(6), 0, 0)]));
    let function = writer.add(&Type::Function { name: "own_function".into(), prototype: TypeId(13) });
    let module = Btf::parse(Rc::new(writer.finish()), Some(base)).expect("sound bytes");
    assert_eq!(module.find("own", NameKind::Struct), Some(own));
    assert_eq!(own, TypeId(18));
    assert_eq!(module.find("task", NameKind::Struct), Some(TypeId(5)));
    assert_eq!(module.ty(TypeId(1)), Some(int("int", 4, true)));
    assert_eq!(module.names(NameKind::Function).collect::<Vec<_>>(), [(function, "own_function")]);
    assert_eq!(module.enumerator("DEAD"), Some((TypeId(10), -1)));
}

#[test]
fn other_bytes_are_refused() {
    for damaged in [&b""[..], b"\x9f", b"\x9f\xeb\x01\x00", b"\xeb\x9f\x01\x00", b"\x9f\xeb\x02\x00", b"\x7fELF"] {
        assert!(Btf::parse(Rc::new(damaged.to_vec()), None).is_err(), "{damaged:?}");
    }
    let sound = bytes(&sample());
    assert!(Btf::parse(Rc::new(sound[..sound.len() - 1].to_vec()), None).is_err());
}

#[test]
fn cycles_end() {
    let btf = parsed(&[
        Type::Typedef { name: "a".into(), target: TypeId(2) },
        Type::Modifier(TypeId(1)),
        Type::Array { element: TypeId(3), count: 1 },
        aggregate("", false, 8, vec![member("", TypeId(4), 0, 0), member("", TypeId(4), 0, 0)]),
    ]);
    assert_eq!(btf.resolve(TypeId(1)), None);
    assert_eq!(btf.size_of(TypeId(1)), None);
    assert_eq!(btf.size_of(TypeId(3)), None);
    assert_eq!(btf.member(TypeId(4), "x"), None);
}

#[test]
fn damage_is_never_a_panic() {
    let sound = bytes(&sample());
    let mut state = 1u64;
    let mut random = |below: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for _ in 0..3000 {
        let mut damaged = sound.clone();
        for _ in 0..=random(4) {
            let position = random(damaged.len());
            damaged[position] = random(256) as u8;
        }
        let Ok(btf) = Btf::parse(Rc::new(damaged), None) else { continue };
        for id in (0..20).chain([u32::MAX]).map(TypeId) {
            let _ = (btf.ty(id), btf.resolve(id), btf.size_of(id), btf.member(id, "comm"), btf.name_of(id));
            let _ = (btf.definition(id), btf.declaration(id, "name"));
        }
        let _ = (btf.find("task", NameKind::Struct), btf.enumerator("WIDE"), btf.names(NameKind::Type).count());
    }
}

#[test]
fn types_read_as_c() {
    let btf = parsed(&sample());
    let struct_text = "struct task {\n\tint pid;\n\tint flag: 3;\n\tunion {\n\t\tint state;\n\t\tchar comm[16];\n\t};\n\tstruct task *next;\n}";
    assert_eq!(btf.definition(TypeId(5)).as_deref(), Some(struct_text));
    assert_eq!(btf.definition(TypeId(10)).as_deref(), Some("enum state {\n\tRUNNING = 0,\n\tDEAD = -1,\n}"));
    assert_eq!(btf.declaration(TypeId(6), ""), "struct task *");
    assert_eq!(btf.declaration(TypeId(3), "name"), "char name[16]");
    assert_eq!(btf.declaration(TypeId(7), "x"), "task_t x");
    assert_eq!(btf.definition(TypeId(1)), None);
}
