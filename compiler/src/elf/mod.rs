//! Code, maps and manifest as an ELF relocatable that libbpf loads.
//!
//! What libbpf wants: programs as global functions in sections that tell their type, callbacks in `.text`, maps described
//! by BTF in `.maps`, `.BTF` and `.BTF.ext` with function and line information, a license.

mod btf;
mod describe;
mod ext;

use crate::codegen::{Code, Relocation};
use crate::compile::Section;
use crate::ir::{FunctionId, FunctionKind, MapData, Module};
use btf::BtfWriter;
pub use describe::describe;
use lancet_syntax::span::SourceMap;
use object::write::{Object, Relocation as ElfRelocation, SectionId, Symbol, SymbolId, SymbolSection};
use object::{
    Architecture, BinaryFormat, Endianness, RelocationFlags, SectionKind, SymbolFlags, SymbolKind, SymbolScope, elf,
};
use rustc_hash::FxHashMap;

/// The sections that come as bytes.
pub struct Sections<'a> {
    /// The encoded manifest.
    pub manifest: &'a [u8],
    /// What the caller wants in the file besides.
    pub other: Option<Section>,
}

/// Writes the object file; `license` is what the kernel is told, by which it lends helpers or not.
pub fn write(code: &Code, module: &Module, sections: &Sections<'_>, sources: &SourceMap, license: &str) -> Vec<u8> {
    let mut writer = Writer::new(code, module);
    writer.maps();
    writer.constants();
    writer.functions();
    writer.relocate();
    writer.debug_information(sources);
    writer.data(lancet_manifest::SECTION, sections.manifest);
    if let Some(other) = &sections.other {
        writer.data(other.name, &other.bytes);
    }
    writer.data("license", &[license.as_bytes(), b"\0"].concat());
    match writer.object.write() {
        Ok(bytes) => bytes,
        Err(error) => panic!("object file: {error}"),
    }
}

/// The section of constant bytes.
const CONSTANTS: &str = ".rodata";

struct Writer<'a> {
    code: &'a Code,
    module: &'a Module,
    object: Object<'static>,
    sections: FxHashMap<String, SectionId>,
    map_symbols: Vec<SymbolId>,
    scratch: Option<SymbolId>,
    /// By global: its offset in the section of constants.
    constants: Vec<u64>,
    /// By function: section and offset in it.
    places: Vec<(SectionId, u64)>,
    btf: BtfWriter,
    /// By function: its BTF type.
    function_types: Vec<u32>,
}

impl<'a> Writer<'a> {
    fn new(code: &'a Code, module: &'a Module) -> Self {
        Self {
            code,
            module,
            object: Object::new(BinaryFormat::Elf, Architecture::Bpf, Endianness::Little),
            sections: FxHashMap::default(),
            map_symbols: Vec::new(),
            scratch: None,
            constants: Vec::new(),
            places: Vec::new(),
            btf: BtfWriter::default(),
            function_types: Vec::new(),
        }
    }

    fn all_maps(&self) -> Vec<&'a MapData> {
        self.module.maps.values().chain(&self.code.scratch).collect()
    }

    fn maps(&mut self) {
        let all = self.all_maps();
        if all.is_empty() {
            return;
        }
        let mut defined = Vec::new();
        for map in &all {
            if is_data(map) {
                let section = self.section(&map.symbol, SectionKind::Data);
                self.object.append_section_data(section, &vec![0; map.value_size as usize], 8);
                let symbol = self.object.section_symbol(section);
                self.map_symbols.push(symbol);
                continue;
            }
            defined.push(*map);
            let section = self.section(".maps", SectionKind::Data);
            let size = btf::definition_size(map);
            let offset = self.object.append_section_data(section, &vec![0; size as usize], 8);
            let scope = SymbolScope::Dynamic;
            let symbol = self.symbol(&map.symbol, SymbolKind::Data, scope, section, offset, u64::from(size));
            self.map_symbols.push(symbol);
        }
        if self.code.scratch.is_some() {
            self.scratch = self.map_symbols.last().copied();
        }
        if !defined.is_empty() {
            self.btf.maps(&defined);
        }
    }

    /// Constants become one read-only map to libbpf.
    fn constants(&mut self) {
        for bytes in self.module.globals.values() {
            let section = self.section(CONSTANTS, SectionKind::ReadOnlyData);
            let offset = self.object.append_section_data(section, bytes, 8);
            self.constants.push(offset);
        }
    }

    fn functions(&mut self) {
        for function in &self.code.functions {
            let (name, scope) = match &function.kind {
                FunctionKind::Program { section } => (section.as_str(), SymbolScope::Dynamic),
                FunctionKind::Subprogram => (".text", SymbolScope::Dynamic),
                FunctionKind::Callback => (".text", SymbolScope::Compilation),
            };
            let section = self.section(name, SectionKind::Text);
            let bytes: Vec<u8> = function.insns.iter().flat_map(|insn| insn.encode()).collect();
            let offset = self.object.append_section_data(section, &bytes, 8);
            self.symbol(&function.name, SymbolKind::Text, scope, section, offset, bytes.len() as u64);
            self.places.push((section, offset));
            let type_id = match &function.kind {
                FunctionKind::Program { .. } => self.btf.function(&function.name, 1, true),
                FunctionKind::Callback => self.btf.function(&function.name, function.parameters, false),
                FunctionKind::Subprogram => self.btf.global_function(&function.name, function.parameters),
            };
            self.function_types.push(type_id);
        }
    }

    fn relocate(&mut self) {
        let code = self.code;
        for (index, function) in code.functions.iter().enumerate() {
            let (section, start) = self.places[index];
            for (insn, to) in &function.relocations {
                let offset = start + 8 * *insn as u64;
                let (symbol, r_type) = match *to {
                    Relocation::Map(map) | Relocation::MapValue(map, _) => {
                        (self.map_symbols[map.0 as usize], elf::R_BPF_64_64)
                    }
                    Relocation::Scratch => match self.scratch {
                        Some(symbol) => (symbol, elf::R_BPF_64_64),
                        None => panic!("object file: scratch memory without its map"),
                    },
                    Relocation::Call(callee) => {
                        (self.function_section(callee, section, offset, true), elf::R_BPF_64_32)
                    }
                    Relocation::Address(callee) => {
                        (self.function_section(callee, section, offset, false), elf::R_BPF_64_64)
                    }
                    Relocation::Global(global) => {
                        let place = self.constants[global.0 as usize] as i32;
                        let constants = self.section(CONSTANTS, SectionKind::ReadOnlyData);
                        self.set_immediate(section, offset, place);
                        (self.object.section_symbol(constants), elf::R_BPF_64_64)
                    }
                };
                let flags = RelocationFlags::Elf { r_type };
                if let Err(error) =
                    self.object.add_relocation(section, ElfRelocation { offset, symbol, addend: 0, flags })
                {
                    panic!("object file: {error}");
                }
            }
        }
    }

    /// The symbol of the callee's section; the instruction itself says where in it the callee is: a call in instructions
    /// less one, an address in bytes.
    fn function_section(&mut self, callee: FunctionId, section: SectionId, offset: u64, is_call: bool) -> SymbolId {
        let (target, start) = self.places[callee.0 as usize];
        let imm = if is_call { start as i32 / 8 - 1 } else { start as i32 };
        self.set_immediate(section, offset, imm);
        self.object.section_symbol(target)
    }

    /// Writes the immediate of the instruction at an offset.
    fn set_immediate(&mut self, section: SectionId, offset: u64, imm: i32) {
        let data = self.object.section_mut(section).data_mut();
        let at = offset as usize + 4;
        data[at..at + 4].copy_from_slice(&imm.to_le_bytes());
    }

    fn debug_information(&mut self, sources: &SourceMap) {
        let mut ext = ext::ExtWriter::default();
        for (index, function) in self.code.functions.iter().enumerate() {
            let name = match &function.kind {
                FunctionKind::Program { section } => section.as_str(),
                FunctionKind::Subprogram | FunctionKind::Callback => ".text",
            };
            let start = self.places[index].1 as u32;
            ext.function(name, start, self.function_types[index]);
            ext.lines(name, start, function, sources, &mut self.btf);
        }
        let ext = ext.finish(&mut self.btf);
        let btf = std::mem::take(&mut self.btf).finish();
        self.data(".BTF", &btf);
        self.data(".BTF.ext", &ext);
    }

    fn section(&mut self, name: &str, kind: SectionKind) -> SectionId {
        if let Some(section) = self.sections.get(name) {
            return *section;
        }
        let section = self.object.add_section(Vec::new(), name.as_bytes().to_vec(), kind);
        self.sections.insert(name.to_owned(), section);
        section
    }

    fn data(&mut self, name: &str, bytes: &[u8]) {
        let section = self.section(name, SectionKind::ReadOnlyData);
        self.object.append_section_data(section, bytes, 8);
    }

    fn symbol(
        &mut self,
        name: &str,
        kind: SymbolKind,
        scope: SymbolScope,
        section: SectionId,
        value: u64,
        size: u64,
    ) -> SymbolId {
        self.object.add_symbol(Symbol {
            name: name.as_bytes().to_vec(),
            value,
            size,
            kind,
            scope,
            weak: false,
            section: SymbolSection::Section(section),
            flags: SymbolFlags::None,
        })
    }
}

/// A one-element array that programs address directly is a data section of its own to libbpf.
fn is_data(map: &MapData) -> bool {
    map.symbol.starts_with(".data.")
}
