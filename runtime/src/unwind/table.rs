//! The call frame information of an ELF file as rows: sections `.eh_frame` or `.debug_frame` (System V ABI for x86-64 and
//! DWARF 5, 6.4), through gimli.
//!
//! Rows say what programs can follow: the frame of most code is at a distance from the stack pointer or rbp. Everything else
//! is [`Rule::Unknown`], which ends a stack there instead of inventing frames.

use gimli::{
    BaseAddresses, CfaRule, CieOrFde, DebugFrame, EhFrame, EndianSlice, Expression, LittleEndian, Operation, Register,
    RegisterRule, Section, UnwindContext, UnwindSection, UnwindTableRow, X86_64,
};
use lancet_manifest::unwind::{Row, Rule};
use object::{Object, ObjectSection};

type Data<'d> = EndianSlice<'d, LittleEndian>;

/// Rows of one file at most.
const MOST_ROWS: usize = lancet_manifest::unwind::MOST_ROWS as usize;

/// The stack pointer that a signal handler interrupted stands so far behind the one it returns with
/// (struct rt_sigframe of arch/x86/include/asm/sigframe.h).
const SAVED_SP: i64 = 160;

/// The sorted rows of a file; none if it has no call frame information.
pub(super) fn rows(file: &[u8]) -> Result<Vec<Row>, String> {
    let file = object::File::parse(file).map_err(|error| error.to_string())?;
    if file.architecture() != object::Architecture::X86_64 {
        return Err("it is no program for x86-64".into());
    }
    let address = |name| file.section_by_name(name).map_or(0, |section| section.address());
    let bytes = |name| file.section_by_name(name).and_then(|section| section.uncompressed_data().ok());
    let bases =
        BaseAddresses::default().set_eh_frame(address(".eh_frame")).set_text(address(".text")).set_got(address(".got"));
    let mut functions = Vec::new();
    match (bytes(".eh_frame"), bytes(".debug_frame")) {
        (Some(bytes), _) if bytes.len() > 4 => {
            let mut section = EhFrame::new(&bytes, LittleEndian);
            section.set_address_size(8);
            collect(&section, &bases, &mut functions);
        }
        (_, Some(bytes)) => {
            let mut section = DebugFrame::new(&bytes, LittleEndian);
            section.set_address_size(8);
            collect(&section, &bases, &mut functions);
        }
        _ => {}
    }
    Ok(joined(functions))
}

/// A function's code and its rows.
struct Function {
    start: u64,
    end: u64,
    rows: Vec<Row>,
}

/// What the section says; damage in one function's entry leaves out that function.
fn collect<'d, S>(section: &S, bases: &BaseAddresses, functions: &mut Vec<Function>)
where
    S: UnwindSection<Data<'d>> + Section<Data<'d>>,
    S::Offset: gimli::UnwindOffset<usize>,
{
    let mut context = UnwindContext::new();
    let mut entries = section.entries(bases);
    let mut count = 0;
    while let Ok(Some(entry)) = entries.next() {
        let CieOrFde::Fde(entry) = entry else { continue };
        let Ok(entry) = entry.parse(|section, bases, offset| section.cie_from_offset(bases, offset)) else { continue };
        let Ok(mut table) = entry.rows(section, bases, &mut context) else { continue };
        let mut rows = Vec::new();
        while let Ok(Some(row)) = table.next_row() {
            rows.push(translated(row, section, entry.cie().encoding()));
        }
        count += rows.len();
        if count > MOST_ROWS {
            return;
        }
        functions.push(Function { start: entry.initial_address(), end: entry.end_address(), rows });
    }
}

fn translated<'d, S>(row: &UnwindTableRow<usize>, section: &S, encoding: gimli::Encoding) -> Row
where
    S: UnwindSection<Data<'d>>,
{
    let start = row.start_address();
    let unknown = Row { start, frame: 0, frame_pointer: 0, rule: Rule::Unknown as u16 };
    let (rule, frame) = match row.cfa() {
        CfaRule::RegisterAndOffset { register, offset } if *register == X86_64::RSP => (Rule::StackPointer, *offset),
        CfaRule::RegisterAndOffset { register, offset } if *register == X86_64::RBP => (Rule::FramePointer, *offset),
        CfaRule::RegisterAndOffset { .. } => return unknown,
        CfaRule::Expression(expression) => match expression.get(section).ok().and_then(|it| special(&it, encoding)) {
            Some((rule, frame)) => (rule, frame),
            None => return unknown,
        },
    };
    if rule == Rule::SignalFrame {
        return Row { rule: rule as u16, ..unknown };
    }
    let rule = match row.register(X86_64::RA) {
        Some(RegisterRule::Undefined) => Rule::Last,
        Some(RegisterRule::Offset(-8)) => rule,
        _ => return unknown,
    };
    let frame_pointer = match row.register(X86_64::RBP) {
        None | Some(RegisterRule::Undefined | RegisterRule::SameValue) => 0,
        Some(RegisterRule::Offset(offset)) => match i16::try_from(offset) {
            Ok(offset) => offset,
            Err(_) => return unknown,
        },
        Some(_) => return unknown,
    };
    match i32::try_from(frame) {
        Ok(frame) => Row { start, frame, frame_pointer, rule: rule as u16 },
        Err(_) => unknown,
    }
}

/// The two expressions that toolchains write: that of a procedure linkage table, which counts what was pushed by the address
/// of the instruction, and that of the code behind a signal handler, which reads what the kernel saved.
fn special(expression: &Expression<Data<'_>>, encoding: gimli::Encoding) -> Option<(Rule, i64)> {
    let mut operations = expression.operations(encoding);
    let first = operations.next().ok()??;
    let Operation::RegisterOffset { register, offset, .. } = first else { return None };
    let second = operations.next().ok()??;
    match (register, second) {
        (X86_64::RSP, Operation::Deref { .. }) if offset == SAVED_SP => Some((Rule::SignalFrame, 0)),
        (X86_64::RSP, Operation::RegisterOffset { register: Register(16), offset: 0, .. }) => {
            Some((Rule::Linkage, offset))
        }
        _ => None,
    }
}

/// The rows of all functions in the order of their addresses, those that say the same as the one before left out; between
/// functions nothing is known.
fn joined(mut functions: Vec<Function>) -> Vec<Row> {
    functions.sort_by_key(|function| function.start);
    let mut rows: Vec<Row> = Vec::new();
    let mut end = 0;
    for function in functions {
        if function.start >= function.end || function.start < end {
            continue;
        }
        if function.start > end {
            add(&mut rows, Row { start: end, frame: 0, frame_pointer: 0, rule: Rule::Unknown as u16 });
        }
        let inside = function.rows.into_iter().filter(|row| (function.start..function.end).contains(&row.start));
        inside.for_each(|row| add(&mut rows, row));
        end = function.end;
    }
    add(&mut rows, Row { start: end, frame: 0, frame_pointer: 0, rule: Rule::Unknown as u16 });
    rows
}

fn add(rows: &mut Vec<Row>, row: Row) {
    if let Some(last) = rows.last_mut() {
        if last.start == row.start {
            *last = row;
            return;
        }
        if (Row { start: row.start, ..*last }) == row {
            return;
        }
    }
    rows.push(row);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_code_has_rows_in_order() {
        let own = std::fs::read("/proc/self/exe").expect("this program");
        let rows = rows(&own).expect("its rows");
        assert!(rows.len() > 1000, "{} rows", rows.len());
        assert!(rows.windows(2).all(|pair| pair[0].start < pair[1].start));
        let known = rows.iter().filter(|row| row.rule == Rule::StackPointer as u16).count();
        assert!(known * 2 > rows.len(), "{known} of {} rows follow the stack pointer", rows.len());
    }

    #[test]
    fn between_functions_nothing_is_known() {
        let row = |start| Row { start, frame: 8, frame_pointer: 0, rule: Rule::StackPointer as u16 };
        let function =
            |start, end, rows: &[u64]| Function { start, end, rows: rows.iter().map(|at| row(*at)).collect() };
        let rows = joined(vec![
            function(0x40, 0x50, &[0x40, 0x44]),
            function(0x10, 0x20, &[0x10]),
            function(0x20, 0x30, &[0x20]),
        ]);
        let seen: Vec<_> = rows.iter().map(|row| (row.start, row.rule == Rule::Unknown as u16)).collect();
        assert_eq!(seen, [(0, true), (0x10, false), (0x30, true), (0x40, false), (0x50, true)]);
    }

    #[test]
    fn a_thousand_kinds_of_damage_are_survived() {
        let whole = include_bytes!("../../../tests/fixtures/shapes.elf");
        let file = object::File::parse(&whole[..]).expect("the fixture");
        let section = file.section_by_name(".eh_frame").expect("its call frame information");
        let (start, size) = section.file_range().expect("its bytes");
        let (mut state, mut known) = (1u64, 0);
        for _ in 0..1000 {
            let mut bytes = whole.to_vec();
            for _ in 0..3 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                bytes[(start + (state >> 33) % size) as usize] = state as u8;
            }
            let rows = rows(&bytes).expect("the file is still one");
            assert!(rows.windows(2).all(|pair| pair[0].start < pair[1].start));
            known += rows.iter().filter(|row| row.rule != Rule::Unknown as u16).count();
        }
        assert!(known > 1000, "only {known} rows are left: the changes are too coarse to test anything");
    }

    #[test]
    fn other_bytes_are_refused() {
        assert!(rows(b"\x7fELF and no more").is_err());
    }
}
