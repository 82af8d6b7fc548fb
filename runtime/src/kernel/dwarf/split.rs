//! Debug information that was split off when compiling (`-gsplit-dwarf`): a unit of the program refers by a number and
//! a name to a file of its own (.dwo), or to its part of a package of such files (.dwp).
//!
//! Invariant: what has another number than the unit asks for is passed over. Files are mapped until the process ends.
//! Types in units of their own (`-fdebug-types-section`) of split files are not followed.
//! Source: the DWARF 5 standard, section 7.3.2 and appendix F.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use gimli::{DwarfPackage, DwarfPackageSections, DwarfSections, DwoId, EndianSlice, SectionId, UnitHeader};

use super::{Data, sections};
use crate::kernel::debug_file::container_root;
use crate::kernel::executable::map;

/// A unit in a file of its own.
pub(super) struct SplitUnit<'d> {
    header: UnitHeader<Data<'d>>,
    sections: Rc<gimli::Dwarf<Data<'d>>>,
}

impl<'d> SplitUnit<'d> {
    /// What the unit of the program refers to; nothing if it refers to none, or if that is nowhere to be found.
    pub(super) fn find(
        program: &Path,
        skeleton: &gimli::Unit<Data<'d>>,
        sections: &gimli::Dwarf<Data<'d>>,
    ) -> Option<Self> {
        let name = sections.attr_string(skeleton, skeleton.dwo_name().ok()??).ok()?;
        let (id, name) = (skeleton.dwo_id?, PathBuf::from(name.to_string_lossy().into_owned()));
        let compiled_in = skeleton.comp_dir.map(|directory| PathBuf::from(directory.to_string_lossy().into_owned()));
        let files = places(program, &compiled_in.unwrap_or_default(), &name);
        let alone = || files.iter().find_map(|file| from_file(file, id, sections));
        from_package(program, id, sections).or_else(alone)
    }

    /// The unit with what it shares with the program's.
    pub(super) fn open(&self, skeleton: &gimli::Unit<Data<'d>>) -> Option<gimli::Unit<Data<'d>>> {
        let mut unit = self.sections.unit(self.header).ok()?;
        unit.copy_relocated_attributes(skeleton);
        Some(unit)
    }

    pub(super) fn sections(&self) -> Rc<gimli::Dwarf<Data<'d>>> {
        self.sections.clone()
    }
}

/// Where the file may be: where it was compiled, there below a container's root, or beside the program.
fn places(program: &Path, compiled_in: &Path, name: &Path) -> Vec<PathBuf> {
    let compiled = compiled_in.join(name);
    let below_root = container_root(program).zip(compiled.strip_prefix("/").ok()).map(|(root, path)| root.join(path));
    let beside = program.parent().unwrap_or(Path::new(""));
    let file_name = name.file_name().map(|name| beside.join(name));
    below_root.into_iter().chain([compiled, beside.join(name)]).chain(file_name).collect()
}

fn from_file<'d>(file: &Path, id: DwoId, parent: &gimli::Dwarf<Data<'d>>) -> Option<SplitUnit<'d>> {
    let file = leak(file)?;
    let (file, endian, mut budget) = sections::parse(file).ok()?;
    let load = |section: SectionId| match section.dwo_name() {
        Some(name) => sections::section(&file, name, &mut budget),
        None => Ok(&[][..]),
    };
    let mut dwarf = DwarfSections::load(load).ok()?.borrow(|bytes| EndianSlice::new(bytes, endian));
    dwarf.make_dwo(parent);
    unit_of(dwarf, id)
}

/// The unit in the package that lies beside the program.
fn from_package<'d>(program: &Path, id: DwoId, parent: &gimli::Dwarf<Data<'d>>) -> Option<SplitUnit<'d>> {
    let mut package = program.as_os_str().to_owned();
    package.push(".dwp");
    let file = leak(Path::new(&package))?;
    let (file, endian, mut budget) = sections::parse(file).ok()?;
    let load = |section: SectionId| {
        let bytes = section.dwo_name().map(|name| sections::section(&file, name, &mut budget));
        Ok::<&[u8], gimli::Error>(bytes.and_then(Result::ok).unwrap_or_default())
    };
    let empty = EndianSlice::new(&[], endian);
    let loaded: DwarfPackageSections<&[u8]> = DwarfPackageSections::load(load).ok()?;
    let package: DwarfPackage<Data<'d>> = loaded.borrow(|bytes| EndianSlice::new(bytes, endian), empty).ok()?;
    unit_of(package.find_cu(id, parent).ok()??, id)
}

/// The unit with that number.
fn unit_of<'d>(dwarf: gimli::Dwarf<Data<'d>>, id: DwoId) -> Option<SplitUnit<'d>> {
    let mut units = dwarf.units();
    let header = loop {
        let header = units.next().ok()??;
        if dwarf.unit(header).is_ok_and(|unit| unit.dwo_id == Some(id)) {
            break header;
        }
    };
    Some(SplitUnit { header, sections: Rc::new(dwarf) })
}

fn leak(path: &Path) -> Option<&'static [u8]> {
    Some(Box::leak(Box::new(map(path).ok()?)))
}
