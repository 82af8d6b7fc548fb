//! Where functions find their arguments: the calling convention of x86-64 Linux (System V AMD64 ABI, 3.2.3), and the
//! registers in the kernel's `struct pt_regs` (arch/x86/include/asm/ptrace.h).

use crate::hir::{Access, Expr, ExprKind};
use crate::types::{self, Space, UINT64};
use lancet_kernel::btf::{Type, TypeId};
use lancet_kernel::debug_info::{Function, Place, Types};
use lancet_syntax::span::Span;

/// Offsets of the registers of integer arguments, in order.
pub const ARGUMENTS: [i64; 6] = [112, 104, 96, 88, 72, 64];
/// Offset of the register of a function's result.
pub const RESULT: i64 = 80;
/// Offset of the instruction pointer.
pub const INSTRUCTION_POINTER: i64 = 128;
/// Offset of the stack pointer.
pub const STACK_POINTER: i64 = 152;

/// All registers: their names without size, and their offsets.
pub const REGISTERS: &[(&str, i64)] = &[
    ("r15", 0),
    ("r14", 8),
    ("r13", 16),
    ("r12", 24),
    ("bp", 32),
    ("bx", 40),
    ("r11", 48),
    ("r10", 56),
    ("r9", 64),
    ("r8", 72),
    ("ax", 80),
    ("cx", 88),
    ("dx", 96),
    ("si", 104),
    ("di", 112),
    ("orig_ax", 120),
    ("ip", INSTRUCTION_POINTER),
    ("cs", 136),
    ("flags", 144),
    ("sp", STACK_POINTER),
    ("ss", 160),
];

/// Offsets by DWARF's numbers (figure 3.36): ax, dx, cx, bx, si, di, bp, sp, r8 to r15.
const BY_NUMBER: [i64; 16] = [80, 96, 88, 40, 104, 112, 32, STACK_POINTER, 72, 64, 56, 48, 24, 16, 8, 0];

/// Where an argument is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Location {
    /// In these registers, eight bytes in each: offsets in pt_regs.
    Registers(Vec<i64>),
    /// In memory, so many bytes above the stack pointer.
    Stack(i64),
    /// In memory, at the address that is there.
    Behind(Box<Location>),
    /// In a vector register, which probes cannot read.
    Vector,
    /// The compiler found that the function does not need it.
    Removed,
    /// Not known at this instruction.
    Unknown,
}

/// A register of the traced function.
pub fn register(offset: i64, span: Span) -> Expr {
    let context = Box::new(Expr { span, ty: types::Type::Void.pointer(Space::Trusted), kind: ExprKind::Context });
    let kind = ExprKind::Load { pointer: context, offset, access: Access::Direct, bits: None };
    Expr { span, ty: UINT64, kind }
}

/// The class of eight bytes of an argument.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Class {
    Integer,
    Vector,
}

/// How an argument is passed.
enum Passed {
    /// In registers of these classes.
    Registers(Vec<Class>),
    /// On the stack: size, alignment.
    Memory(u64, u64),
}

/// Where the parameters of a function are; at its start, or at a later instruction, where only what the debug information
/// says of each counts.
pub(super) fn locate(function: &Function, types: &dyn Types, at_start: bool) -> Vec<Location> {
    let mut convention = Convention::new(function, types);
    let mut locations: Vec<Location> = Vec::new();
    for parameter in &function.parameters {
        let is_address = matches!(parameter.place, Some(Place::Behind(_) | Place::Reference));
        let conventional = convention.next(parameter.ty, is_address);
        let register = |number: u16| match BY_NUMBER.get(usize::from(number)) {
            Some(offset) => Location::Registers(vec![*offset]),
            None => Location::Vector,
        };
        locations.push(match parameter.place {
            Some(Place::Removed) => Location::Removed,
            Some(Place::Stack(offset)) if at_start => Location::Stack(offset),
            Some(Place::Register(number)) => register(number),
            Some(Place::Behind(number)) => Location::Behind(Box::new(register(number))),
            Some(Place::Stack(_) | Place::Reference) | None if !at_start => Location::Unknown,
            Some(Place::Reference) => Location::Behind(Box::new(conventional)),
            Some(Place::Stack(_)) | None => conventional,
        });
    }
    // Of two parameters in one register the second was told to be there: the first is one that the compiler left out.
    for index in 0..locations.len() {
        let taken = |other: usize| {
            function.parameters[other].place.is_some() && locations[other] == locations[index] && other != index
        };
        if function.parameters[index].place.is_none() && (0..locations.len()).any(taken) {
            locations[index] = Location::Removed;
        }
    }
    locations
}

/// The registers and the stack as arguments take their places.
struct Convention<'t> {
    types: &'t dyn Types,
    integers: usize,
    vectors: usize,
    /// The next free byte above the stack pointer: the return address is at 0.
    stack: u64,
}

impl<'t> Convention<'t> {
    fn new(function: &Function, types: &'t dyn Types) -> Self {
        let mut convention = Self { types, integers: 0, vectors: 0, stack: 8 };
        // The caller passes where to put a large result, before all arguments.
        let is_aggregate = matches!(types.resolved(function.returns), Some(Type::Aggregate { .. }));
        let is_large = is_aggregate && matches!(convention.passed(function.returns), Passed::Memory(..));
        if is_large || function.returns_in_memory {
            convention.integers = 1;
        }
        convention
    }

    /// Where the next argument is, or its address.
    fn next(&mut self, ty: TypeId, is_address: bool) -> Location {
        let passed = if is_address { Passed::Registers(vec![Class::Integer]) } else { self.passed(ty) };
        let (size, alignment) = match passed {
            Passed::Registers(classes) => {
                let count = |wanted| classes.iter().filter(|class| **class == wanted).count();
                let (integers, vectors) = (count(Class::Integer), count(Class::Vector));
                if self.integers + integers <= ARGUMENTS.len() && self.vectors + vectors <= 8 {
                    let registers = ARGUMENTS[self.integers..self.integers + integers].to_vec();
                    self.integers += integers;
                    self.vectors += vectors;
                    return if vectors > 0 { Location::Vector } else { Location::Registers(registers) };
                }
                (8 * classes.len() as u64, 8)
            }
            Passed::Memory(size, alignment) => (size, alignment),
        };
        // The stack pointer is a multiple of 16 before the call, so 8 more than one here.
        let start = (self.stack - 8).next_multiple_of(alignment) + 8;
        self.stack = start.saturating_add(size.next_multiple_of(8));
        Location::Stack(start as i64)
    }

    fn passed(&self, ty: TypeId) -> Passed {
        let size = self.size(ty, 8);
        match self.types.resolved(ty) {
            // The x87's ten bytes; other types of this size go to vector registers.
            Some(Type::Float { name, size: 16 }) if name == "long double" => Passed::Memory(16, 16),
            Some(Type::Aggregate { .. }) if size == 0 || size > 16 => Passed::Memory(size, 8),
            _ => {
                let mut classes = vec![None; size.clamp(1, 16).div_ceil(8) as usize];
                self.classify(ty, 0, &mut classes, 8);
                Passed::Registers(classes.into_iter().map(|class| class.unwrap_or(Class::Integer)).collect())
            }
        }
    }

    /// Adds the classes of a value at an offset; any integer makes its eight bytes integer.
    fn classify(&self, ty: TypeId, offset: u64, classes: &mut [Option<Class>], depth: u32) {
        let mut add = |class| {
            let size = self.size(ty, depth).max(1);
            let last = ((offset + size - 1) / 8).min(classes.len() as u64 - 1);
            for index in offset / 8..=last {
                let known = &mut classes[index as usize];
                *known = if *known == Some(Class::Integer) { *known } else { Some(class) };
            }
        };
        match self.types.resolved(ty) {
            Some(Type::Float { .. }) => add(Class::Vector),
            Some(Type::Aggregate { members, .. }) if depth > 0 => {
                for member in members.iter().filter(|member| member.bit_offset < 128) {
                    let start = offset + u64::from(member.bit_offset) / 8;
                    self.classify(member.ty, start, classes, depth - 1);
                }
            }
            Some(Type::Array { element, count }) if depth > 0 => {
                let step = self.size(element, depth).max(1);
                let starts = (0..u64::from(count)).map(|index| offset.saturating_add(index.saturating_mul(step)));
                for start in starts.take_while(|start| *start < 16) {
                    self.classify(element, start, classes, depth - 1);
                }
            }
            _ => add(Class::Integer),
        }
    }

    fn size(&self, ty: TypeId, depth: u32) -> u64 {
        match self.types.resolved(ty) {
            Some(Type::Int { size, .. } | Type::Float { size, .. } | Type::Enum { size, .. }) => u64::from(size),
            Some(Type::Aggregate { size, .. }) => u64::from(size),
            Some(Type::Array { element, count }) if depth > 0 => {
                self.size(element, depth - 1).saturating_mul(u64::from(count))
            }
            _ => 8,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lancet_kernel::btf::Member;
    use lancet_kernel::debug_info::Parameter;

    const INT: TypeId = TypeId(0);
    const DOUBLE: TypeId = TypeId(1);
    /// Two ints: 8 bytes.
    const POINT: TypeId = TypeId(2);
    /// A double and an int.
    const MIXED: TypeId = TypeId(3);
    /// Three doubles.
    const LARGE: TypeId = TypeId(4);

    struct Known;

    impl Types for Known {
        fn ty(&self, id: TypeId) -> Option<Type> {
            let aggregate = |size, members: &[(TypeId, u32)]| {
                let member = |(ty, bit_offset): &(TypeId, u32)| Member {
                    name: "member".into(),
                    ty: *ty,
                    bit_offset: *bit_offset,
                    bit_size: 0,
                };
                let members = members.iter().map(member).collect();
                Type::Aggregate { name: "aggregate".into(), is_union: false, size, members }
            };
            Some(match id {
                INT => Type::Int { name: "int".into(), size: 4, signed: true, is_bool: false, is_char: false },
                DOUBLE => Type::Float { name: "double".into(), size: 8 },
                POINT => aggregate(8, &[(INT, 0), (INT, 32)]),
                MIXED => aggregate(16, &[(DOUBLE, 0), (INT, 64)]),
                LARGE => aggregate(24, &[(DOUBLE, 0), (DOUBLE, 64), (DOUBLE, 128)]),
                _ => return None,
            })
        }
    }

    fn located(parameters: &[(TypeId, Option<Place>)], returns: TypeId) -> Vec<Location> {
        let parameters = parameters.iter().map(|(ty, place)| Parameter { name: "p".into(), ty: *ty, place: *place });
        let function = Function { parameters: parameters.collect(), returns, returns_in_memory: false };
        locate(&function, &Known, true)
    }

    fn registers(offsets: &[i64]) -> Location {
        Location::Registers(offsets.to_vec())
    }

    #[test]
    fn floating_point_numbers_take_no_integer_register() {
        let places = located(&[(DOUBLE, None), (INT, None), (MIXED, None), (POINT, None)], INT);
        let expected = [Location::Vector, registers(&[112]), Location::Vector, registers(&[96])];
        assert_eq!(places, expected);
    }

    #[test]
    fn what_is_large_or_comes_late_is_on_the_stack() {
        let mut parameters = vec![(INT, None); 6];
        parameters.insert(0, (LARGE, None));
        parameters.push((POINT, None));
        let places = located(&parameters, INT);
        assert_eq!(places[0], Location::Stack(8));
        assert_eq!(places[1], registers(&[112]));
        assert_eq!(places[7], Location::Stack(32));
    }

    #[test]
    fn the_place_of_a_large_result_is_an_argument() {
        assert_eq!(located(&[(INT, None)], LARGE), [registers(&[104])]);
        assert_eq!(located(&[(INT, None)], POINT), [registers(&[112])]);
    }

    #[test]
    fn debug_information_knows_better() {
        // The first was left out, so that the second moved up.
        let places = located(&[(INT, None), (INT, Some(Place::Register(5)))], INT);
        assert_eq!(places, [Location::Removed, registers(&[112])]);
        let places = located(&[(LARGE, Some(Place::Reference)), (INT, None)], INT);
        assert_eq!(places, [Location::Behind(Box::new(registers(&[112]))), registers(&[104])]);
    }
}
