//! `.BTF.ext`: which type each function has, and which line of the script each instruction serves.

use super::btf::BtfWriter;
use crate::codegen::FunctionCode;
use lancet_syntax::span::SourceMap;

/// Records by ELF section.
#[derive(Default)]
pub(super) struct ExtWriter {
    functions: Vec<(String, Vec<u8>)>,
    lines: Vec<(String, Vec<u8>)>,
}

const MAGIC: u16 = 0xeb9f;
const HEADER: u32 = 32;
const FUNCTION_RECORD: u32 = 8;
const LINE_RECORD: u32 = 16;
/// A line's column has ten bits.
const MOST_COLUMNS: u32 = 1023;

impl ExtWriter {
    /// The function at `start` bytes of the section has that type.
    pub(super) fn function(&mut self, section: &str, start: u32, type_id: u32) {
        let records = section_of(&mut self.functions, section);
        records.extend(start.to_le_bytes());
        records.extend(type_id.to_le_bytes());
    }

    /// The lines of a function: one record at its first instruction, then wherever the line or column changes.
    pub(super) fn lines(
        &mut self,
        section: &str,
        start: u32,
        function: &FunctionCode,
        sources: &SourceMap,
        btf: &mut BtfWriter,
    ) {
        let records = section_of(&mut self.lines, section);
        let mut last_offset = None;
        for (index, (insn, span)) in function.spans.iter().enumerate() {
            let insn = if index == 0 { 0 } else { *insn };
            let offset = start + 8 * insn as u32;
            if last_offset == Some(offset) || insn >= function.insns.len() {
                continue;
            }
            last_offset = Some(offset);
            let position = sources.start(*span);
            let file = btf.string(&sources.file(span.file).name);
            let text = btf.string(sources.line(span.file, position.line));
            let place = position.line << 10 | position.column.min(MOST_COLUMNS);
            for word in [offset, file, text, place] {
                records.extend(word.to_le_bytes());
            }
        }
    }

    /// The section's bytes.
    pub(super) fn finish(self, btf: &mut BtfWriter) -> Vec<u8> {
        let functions = table(&self.functions, FUNCTION_RECORD, btf);
        let lines = table(&self.lines, LINE_RECORD, btf);
        let (functions_size, lines_size) = (functions.len() as u32, lines.len() as u32);
        let mut out = Vec::new();
        out.extend(MAGIC.to_le_bytes());
        out.extend([1, 0]);
        for word in [HEADER, 0, functions_size, functions_size, lines_size, functions_size + lines_size, 0] {
            out.extend(word.to_le_bytes());
        }
        out.extend(functions);
        out.extend(lines);
        out
    }
}

fn section_of<'a>(all: &'a mut Vec<(String, Vec<u8>)>, name: &str) -> &'a mut Vec<u8> {
    let index = match all.iter().position(|(known, _)| known == name) {
        Some(index) => index,
        None => {
            all.push((name.to_owned(), Vec::new()));
            all.len() - 1
        }
    };
    &mut all[index].1
}

/// Record size, then for each section its name, the number of records, the records.
fn table(sections: &[(String, Vec<u8>)], record: u32, btf: &mut BtfWriter) -> Vec<u8> {
    let mut out = record.to_le_bytes().to_vec();
    for (name, records) in sections {
        out.extend(btf.string(name).to_le_bytes());
        out.extend((records.len() as u32 / record).to_le_bytes());
        out.extend(records);
    }
    out
}
