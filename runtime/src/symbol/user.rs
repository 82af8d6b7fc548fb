//! Functions of processes by address, through blazesym.
//!
//! What was resolved once stays resolved. A living process is asked for its mappings; of one that ended they are known if it
//! was watched, or from the first time that it was asked.

use super::mapping::{Mapping, Mappings};
use super::perf_map::PerfMap;
use super::sound::SoundFiles;
use super::watch::Watch;
use super::{Inlined, Symbol};
use crate::kernel::compressed::claims_too_much;
use blazesym::Pid;
use blazesym::helper::read_elf_build_id;
use blazesym::normalize::{NormalizeOpts, Normalizer, UserMeta};
use blazesym::symbolize::source::{Elf, Process, Source};
use blazesym::symbolize::{CodeInfo, Input, Sym, Symbolized, Symbolizer, cache};
use lancet_manifest::Config;
use rustc_hash::FxHashMap;
use std::borrow::Cow;
use std::os::fd::RawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime};

/// Resolved addresses kept at most; then all are forgotten, since programs that end make room for new ones.
const MAX_RESOLVED: usize = 1 << 20;
/// Processes that compile code of which the functions are kept at most, and how many bytes of them.
const MAX_PERF_MAPS: usize = 1024;
const MAX_PERF_MAP_BYTES: usize = 256 << 20;
/// How long an address without a name is not asked about again.
const UNRESOLVED: Duration = Duration::from_secs(1);
/// How old the mappings kept of a living process may become before an address that lies in none of them is looked for
/// anew: soon after exec, or in a library that was just loaded.
const MAX_AGE: Duration = Duration::from_millis(1);

/// Symbols that were asked for, and the processes they were asked of.
pub struct UserSymbols {
    symbolizer: Symbolizer,
    normalizer: Normalizer,
    /// Source lines and inlined functions are wanted too.
    with_source: bool,
    resolved: FxHashMap<(u32, u64), Symbol>,
    /// Addresses without a name, and when that was found: they may get one.
    unresolved: FxHashMap<(u32, u64), Instant>,
    asked: FxHashMap<u32, Instant>,
    files: SoundFiles,
    modules: FxHashMap<Box<str>, Rc<str>>,
    /// Of processes that compile code.
    perf_maps: FxHashMap<u32, PerfMap>,
    mappings: Mappings,
    watch: Option<Watch>,
}

impl UserSymbols {
    /// No symbols yet.
    pub fn new(config: &Config) -> Self {
        Self {
            symbolizer: Symbolizer::builder()
                .enable_code_info(config.show_debug_info)
                .enable_inlined_fns(config.show_debug_info)
                .enable_demangling(config.demangle)
                .build(),
            normalizer: Normalizer::builder().enable_build_ids(true).build(),
            with_source: config.show_debug_info,
            resolved: FxHashMap::default(),
            unresolved: FxHashMap::default(),
            asked: FxHashMap::default(),
            files: SoundFiles::default(),
            modules: FxHashMap::default(),
            perf_maps: FxHashMap::default(),
            mappings: Mappings::default(),
            watch: None,
        }
    }

    /// Remembers from now on what processes map; with `all` also what those have mapped that are there already.
    pub fn watch(&mut self, all: bool) {
        // Without the privilege to watch only living processes have names.
        self.watch = Watch::begin().ok();
        if all {
            self.mappings.read_all();
        }
    }

    /// Readable when the kernel's records should be taken.
    pub fn descriptor(&self) -> Option<RawFd> {
        self.watch.as_ref().map(Watch::descriptor)
    }

    /// Takes the kernel's records.
    pub fn take_mappings(&mut self) {
        if let Some(watch) = &mut self.watch {
            watch.take(&mut self.mappings);
        }
    }

    /// The function at an address of a process.
    pub fn resolve(&mut self, process: u32, address: u64) -> Option<&Symbol> {
        if !self.resolved.contains_key(&(process, address)) {
            if self.resolved.len() + self.unresolved.len() >= MAX_RESOLVED {
                self.resolved.clear();
                self.unresolved.clear();
            }
            if self.unresolved.get(&(process, address)).is_some_and(|time| time.elapsed() < UNRESOLVED) {
                return None;
            }
            match self.look_up(process, address) {
                Some(symbol) => self.resolved.insert((process, address), symbol),
                None => {
                    self.unresolved.insert((process, address), Instant::now());
                    return None;
                }
            };
        }
        self.resolved.get(&(process, address))
    }

    /// The function that called another and goes on at an address. Its source line is that of the call, which is before; and
    /// where the call is the function's last instruction, because it does not return, only that is within the function.
    pub fn resolve_caller(&mut self, process: u32, address: u64) -> Option<Cow<'_, Symbol>> {
        if address == 0 || (!self.with_source && self.resolve(process, address).is_some()) {
            return self.resolve(process, address).map(Cow::Borrowed);
        }
        let call = self.resolve(process, address - 1)?.clone();
        Some(Cow::Owned(Symbol { offset: call.offset + 1, ..call }))
    }

    /// Build id (hexadecimal) of the file mapped at an address, and the offset in it.
    pub fn build_id(&mut self, process: u32, address: u64) -> Option<(String, u64)> {
        let hexadecimal = |id: &[u8]| id.iter().map(|byte| format!("{byte:02x}")).collect();
        let options = NormalizeOpts { map_files: true, ..NormalizeOpts::default() };
        let normalized = self.normalizer.normalize_user_addrs_opts(Pid::from(process), &[address], &options);
        if let Ok(normalized) = normalized
            && let Some(&(offset, meta)) = normalized.outputs.first()
            && let Some(UserMeta::Elf(file)) = normalized.meta.get(meta)
            && let Some(id) = &file.build_id
        {
            return Some((hexadecimal(id), offset));
        }
        self.take_mappings();
        let mapping = self.mappings.find(process, address)?;
        let id = read_elf_build_id(&file_of(mapping)?).ok()??;
        Some((hexadecimal(&id), address - mapping.start + mapping.offset))
    }

    fn look_up(&mut self, process: u32, address: u64) -> Option<Symbol> {
        if process == 0 || address == 0 {
            return None;
        }
        // Symbols are enough for most addresses, and much cheaper than debug information. That has more of them: the
        // functions that a stripped library keeps to itself.
        let kinds = if self.with_source { &[true][..] } else { &[false, true] };
        let found = kinds.iter().find_map(|debug| {
            self.ask_process(process, address, *debug).or_else(|| self.ask_mapping(process, address, *debug))
        });
        found.or_else(|| self.ask_perf_map(process, address))
    }

    /// Asks a living process, or what is known of it from before.
    fn ask_process(&mut self, process: u32, address: u64, debug: bool) -> Option<Symbol> {
        let is_alive = is_alive(process);
        if !is_alive && !self.asked.contains_key(&process) {
            return None;
        }
        if !self.asked.contains_key(&process) {
            self.read_mappings(process);
        }
        let known = self.symbolize_in((process, is_alive), address, debug);
        known.or_else(|| self.ask_perf_map(process, address)).or_else(|| {
            // The address may lie in what was mapped since.
            let recent = self.asked.get(&process).is_some_and(|time| time.elapsed() < MAX_AGE);
            if recent || !is_alive {
                return None;
            }
            self.read_mappings(process);
            self.symbolize_in((process, is_alive), address, debug)
        })
    }

    fn read_mappings(&mut self, process: u32) {
        let mappings = cache::Process { cache_perf_map: false, ..cache::Process::new(Pid::from(process)) };
        self.files.read(process);
        // A process that just ended keeps what was known of it.
        if self.symbolizer.cache(&mappings.into()).is_ok() {
            self.asked.insert(process, Instant::now());
        }
    }

    fn symbolize_in(&mut self, (process, is_alive): (u32, bool), address: u64, debug: bool) -> Option<Symbol> {
        if !self.files.allow(process, address) {
            return None;
        }
        // The files that a living process has mapped are reached through itself, whatever its mounts; of one that ended
        // only their paths are left.
        let map_files = is_alive;
        let source = Process { debug_syms: debug, map_files, perf_map: false, ..Process::new(Pid::from(process)) };
        self.symbolize(&Source::Process(source), Input::AbsAddr(address))
    }

    /// Asks the file that was mapped there.
    fn ask_mapping(&mut self, process: u32, address: u64, debug: bool) -> Option<Symbol> {
        self.take_mappings();
        let mapping = self.mappings.find(process, address)?;
        let offset = address - mapping.start + mapping.offset;
        let path = file_of(mapping).filter(|path| !claims_too_much(path))?;
        let source = Elf { debug_syms: debug, ..Elf::new(path) };
        let module = mapping.file.clone();
        let symbol = self.symbolize(&Source::Elf(source), Input::FileOffset(offset))?;
        Some(Symbol { module: Some(module), ..symbol })
    }

    /// Asks the file that a process which compiles code writes, or left behind.
    fn ask_perf_map(&mut self, process: u32, address: u64) -> Option<Symbol> {
        if !self.perf_maps.contains_key(&process) {
            let bytes: usize = self.perf_maps.values().map(PerfMap::bytes).sum();
            if self.perf_maps.len() >= MAX_PERF_MAPS || bytes >= MAX_PERF_MAP_BYTES {
                self.perf_maps.clear();
            }
        }
        let map = self.perf_maps.entry(process).or_default();
        map.refresh(process);
        map.find(address)
    }

    fn symbolize(&mut self, source: &Source<'_>, address: Input<u64>) -> Option<Symbol> {
        let Ok(Symbolized::Sym(symbol)) = self.symbolizer.symbolize_single(source, address) else { return None };
        let module = symbol.module.as_ref().map(|path| path.to_string_lossy());
        let module = module.map(|path| match self.modules.get(&*path) {
            Some(known) => Rc::clone(known),
            None => {
                let known: Rc<str> = Rc::from(&*path);
                self.modules.insert(path.into(), Rc::clone(&known));
                known
            }
        });
        Some(described(symbol, module))
    }
}

fn described(symbol: Sym<'_>, module: Option<Rc<str>>) -> Symbol {
    let inlined = symbol.inlined.iter();
    let inlined =
        inlined.map(|inner| Inlined { name: inner.name.as_ref().into(), source: inner.code_info.as_ref().map(place) });
    Symbol {
        inlined: inlined.collect(),
        source: symbol.code_info.as_deref().map(place),
        name: symbol.name.into(),
        offset: symbol.offset as u64,
        module,
    }
}

/// `/path/file.c:12`.
fn place(info: &CodeInfo<'_>) -> Box<str> {
    let path = info.to_path();
    let line = info.line.map(|line| format!(":{line}")).unwrap_or_default();
    format!("{}{line}", path.display()).into()
}

/// The file of a mapping, if it is still the one that was mapped.
fn file_of(mapping: &Mapping) -> Option<PathBuf> {
    let path = PathBuf::from(&*mapping.file);
    let metadata = path.metadata().ok()?;
    let changed = Duration::new(metadata.ctime().try_into().ok()?, metadata.ctime_nsec().try_into().ok()?);
    (SystemTime::UNIX_EPOCH + changed <= mapping.seen).then_some(path)
}

fn is_alive(process: u32) -> bool {
    // The directory of a process that ended but was not yet waited for is still there, without mappings.
    Path::new(&format!("/proc/{process}/exe")).read_link().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[inline(never)]
    fn landmark() -> u64 {
        std::hint::black_box(7)
    }

    #[test]
    fn a_function_of_this_process_has_its_name_offset_and_file() {
        assert_eq!(landmark(), 7);
        let mut symbols = UserSymbols::new(&Config::default());
        let address = landmark as fn() -> u64 as usize as u64;
        let symbol = symbols.resolve(std::process::id(), address + 1).expect("resolved");
        assert!(symbol.name.contains("landmark"), "{}", symbol.name);
        assert_eq!(symbol.offset, 1);
        let own = std::env::current_exe().expect("path");
        assert_eq!(symbol.module.as_deref(), own.to_str());
    }

    #[test]
    fn a_process_that_ended_is_resolved_from_what_was_remembered() {
        let mut child = std::process::Command::new("/bin/sleep").arg("30").spawn().expect("sleep");
        let process = child.id();
        let mapping = (0..100).find_map(|_| {
            std::thread::sleep(Duration::from_millis(5));
            let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).ok()?;
            let line = maps.lines().find(|line| line.contains(" r-xp ") && line.contains("/libc"))?;
            u64::from_str_radix(line.split('-').next()?, 16).ok()
        });
        let mut symbols = UserSymbols::new(&Config::default());
        symbols.mappings.read(process);
        child.kill().expect("kill");
        child.wait().expect("wait");
        let Some(start) = mapping else { return };
        let found = (0..4096).any(|step| symbols.resolve(process, start + step * 64).is_some());
        assert!(found, "no symbol of libc in the remembered mapping");
    }

    #[test]
    fn a_living_process_tells_what_it_compiles() {
        let process = std::process::id();
        let file = format!("/tmp/perf-{process}.map");
        let code = memmap2::MmapMut::map_anon(4096).expect("memory");
        let start = code.as_ptr() as u64;
        let mut symbols = UserSymbols::new(&Config::default());
        // The last line is being written.
        std::fs::write(&file, format!("{start:x} 40 first\n{:x} 4", start + 0x40)).expect("a file");
        assert_eq!(
            symbols.resolve(process, start + 4).map(|symbol| (&*symbol.name, symbol.offset)),
            Some(("first", 4))
        );
        std::fs::write(&file, format!("{start:x} 40 first\n{:x} 40 second\n", start + 0x40)).expect("a file");
        assert_eq!(symbols.resolve(process, start + 0x40).map(|symbol| &*symbol.name), Some("second"));
        std::fs::remove_file(&file).expect("our own file");
    }

    #[test]
    fn an_unknown_process_has_no_symbols() {
        assert_eq!(UserSymbols::new(&Config::default()).resolve(u32::MAX >> 1, 0x1000), None);
    }
}
