//! Source lines: the addresses of their code.

use std::cmp::Ordering;

use gimli::{ColumnType, LineRow};
use lancet_kernel::debug_info::UnknownLine;

use super::{Data, Dwarf};

/// What was seen of the wanted line, and of the lines around it.
#[derive(Default)]
struct Seen {
    file: bool,
    /// Addresses with their columns.
    addresses: Vec<(u64, u32)>,
    before: Option<u32>,
    after: Option<u32>,
}

impl<'d> Dwarf<'d> {
    pub(super) fn find_line(&self, file: &str, line: u32, column: Option<u32>) -> Result<Vec<u64>, UnknownLine> {
        let mut seen = Seen::default();
        for unit in self.units() {
            let Some(unit) = unit.in_program(self) else { continue };
            self.look_in(&unit, file, line, &mut seen);
        }
        if !seen.file {
            return Err(UnknownLine::File);
        }
        if seen.addresses.is_empty() {
            return Err(UnknownLine::Line(seen.before, seen.after));
        }
        seen.addresses.sort_unstable();
        seen.addresses.dedup();
        let mut columns: Vec<u32> = seen.addresses.iter().map(|(_, column)| *column).collect();
        seen.addresses.retain(|(_, found)| column.is_none_or(|wanted| wanted == *found));
        if seen.addresses.is_empty() {
            columns.sort_unstable();
            columns.dedup();
            return Err(UnknownLine::Column(columns));
        }
        Ok(seen.addresses.into_iter().map(|(address, _)| address).collect())
    }

    fn look_in(&self, unit: &gimli::Unit<Data<'d>>, file: &str, line: u32, seen: &mut Seen) {
        let Some(program) = unit.line_program.clone() else { return };
        let count = program.header().file_names().len() as u64;
        // Files are numbered from 0 in DWARF 5, from 1 before.
        let wanted: Vec<u64> = (0..=count).filter(|index| self.is_named(unit, *index, file)).collect();
        if wanted.is_empty() {
            return;
        }
        seen.file = true;
        let mut rows = program.rows();
        while let Ok(Some((_, row))) = rows.next_row() {
            if !row.end_sequence() && wanted.contains(&row.file_index()) {
                seen.add(row, line);
            }
        }
    }

    /// Whether a file of a unit is the one that `wanted` names: by its whole path or the end of it.
    fn is_named(&self, unit: &gimli::Unit<Data<'d>>, index: u64, wanted: &str) -> bool {
        let Some(program) = &unit.line_program else { return false };
        let header = program.header();
        let Some(file) = header.file(index) else { return false };
        let text = |value| self.sections.attr_string(unit, value).map(|text| text.to_string_lossy().into_owned());
        let Ok(name) = text(file.path_name()) else { return false };
        if is_end_of(&name, wanted) {
            return true;
        }
        let directory = file.directory(header).and_then(|directory| text(directory).ok()).unwrap_or_default();
        let path = format!("{directory}/{name}");
        if directory.starts_with('/') || is_end_of(&path, wanted) {
            return is_end_of(&path, wanted);
        }
        let compiled_in = unit.comp_dir.map(|directory| directory.to_string_lossy().into_owned()).unwrap_or_default();
        is_end_of(&format!("{compiled_in}/{path}"), wanted)
    }
}

impl Seen {
    /// A row of the file.
    fn add(&mut self, row: &LineRow, wanted: u32) {
        // Line 0 is code that no line became.
        let Some(found) = row.line().map(|line| u32::try_from(line.get()).unwrap_or(u32::MAX)) else { return };
        match found.cmp(&wanted) {
            Ordering::Equal => self.addresses.push((row.address(), column_of(row))),
            Ordering::Less => self.before = self.before.max(Some(found)),
            Ordering::Greater => self.after = Some(self.after.map_or(found, |after| after.min(found))),
        }
    }
}

fn column_of(row: &LineRow) -> u32 {
    match row.column() {
        ColumnType::LeftEdge => 0,
        ColumnType::Column(column) => u32::try_from(column.get()).unwrap_or(u32::MAX),
    }
}

fn is_end_of(path: &str, end: &str) -> bool {
    path.strip_suffix(end).is_some_and(|rest| rest.is_empty() || rest.ends_with('/') || end.starts_with('/'))
}
