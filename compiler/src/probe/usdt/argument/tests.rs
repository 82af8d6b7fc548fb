//! What compilers write into notes, and what no compiler should.

use super::*;
use lancet_kernel::Symbol;

fn operand(text: &str) -> Operand {
    let mut arguments = parse(text);
    assert_eq!(arguments.len(), 1, "{text}");
    arguments.remove(0).operand
}

fn register(name: &str) -> Register {
    Register::parse(name).unwrap_or_else(|| panic!("no register {name}"))
}

#[test]
fn sizes_are_signed_when_negative() {
    let shown: Vec<String> = parse("-1@%al 2@%ax -4@$5 8@%rax 8f@%xmm0").iter().map(UsdtArgument::type_name).collect();
    assert_eq!(shown, ["int8", "uint16", "int32", "uint64", "float64"]);
}

#[test]
fn registers_of_each_width_are_found_in_the_kernels_struct() {
    for (name, offset) in [("rax", 80), ("eax", 80), ("ax", 80), ("al", 80), ("sil", 104), ("r8d", 72), ("r15b", 0)] {
        assert_eq!(register(name), Register { offset, is_high_byte: false }, "{name}");
    }
    assert_eq!(register("ch"), Register { offset: 88, is_high_byte: true });
    for name in ["", "r", "xmm0", "rzz", "r16", "fs:8(rax)", "é", "rä"] {
        assert_eq!(Register::parse(name), None, "{name}");
    }
}

#[test]
fn constants_keep_their_sign() {
    assert_eq!(operand("-4@$-5"), Operand::Constant(-5));
    assert_eq!(operand("8@$18446744073709551615"), Operand::Constant(-1));
    assert_eq!(operand("4@$0x10"), Operand::Constant(16));
}

#[test]
fn addresses_are_sums() {
    let memory = |address| Operand::Memory(address);
    let base = Some(register("rbp"));
    assert_eq!(operand("8@-16(%rbp)"), memory(Address { base, displacement: -16, ..Address::default() }));
    let index = Some((register("rbx"), 4));
    let base = Some(register("rax"));
    assert_eq!(operand("8@(%rax,%rbx,4)"), memory(Address { base, index, ..Address::default() }));
    assert_eq!(operand("8@8(,%rbx,4)"), memory(Address { index, displacement: 8, ..Address::default() }));
    let symbol = |from_instruction, displacement| Address {
        from_instruction,
        displacement,
        symbol: Some("limit".to_owned()),
        ..Address::default()
    };
    assert_eq!(operand("4@limit(%rip)"), memory(symbol(true, 0)));
    assert_eq!(operand("4@16+limit(%rip)"), memory(symbol(true, 16)));
    assert_eq!(operand("4@limit-4"), memory(symbol(false, -4)));
    assert_eq!(operand("8@$limit"), Operand::Address(symbol(false, 0)));
}

#[test]
fn what_probes_cannot_read_is_unknown() {
    let odd = ["8f@%xmm0", "4@%fs:x@tpoff", "3@%eax", "@", "8@", "8@%", "4@(%rax,%rbx,3)", "4@(%rax", "4@a+b", "4@-a"];
    for text in odd {
        let found = operand(text);
        // An operand that is not there is address 0, which reads as 0.
        let is_nothing = found == Operand::Memory(Address::default());
        assert!(matches!(found, Operand::Unknown(_)) || (text == "8@" && is_nothing), "{text}: {found:?}");
    }
}

struct Program(Symbol);

impl Executable for Program {
    fn functions(&self) -> &[Symbol] {
        std::slice::from_ref(&self.0)
    }

    fn file_offset(&self, _: u64) -> Option<u64> {
        None
    }
}

#[test]
fn symbols_are_found_from_the_instruction() {
    let symbol = Symbol { name: "limit".to_owned(), address: 0x4000, file_offset: 0, size: 4 };
    let program = Program(symbol);
    let placed = |text: &str| parse(text).remove(0).placed(0x1100, || Some(&program)).operand;
    let expected = Address { from_instruction: true, displacement: 0x2f08, ..Address::default() };
    assert_eq!(placed("4@limit+8(%rip)"), Operand::Memory(expected.clone()));
    assert_eq!(placed("8@$limit+8"), Operand::Address(expected));
    assert_eq!(placed("4@other(%rip)"), Operand::Unknown("other".to_owned()));
}
