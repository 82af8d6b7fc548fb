//! Functions of processes by address, through blazesym.
//!
//! What was resolved once stays resolved. The mappings of a process are kept from the first time it is seen, so that its
//! addresses resolve after its end too; of a process that ended unseen nothing is known.

use super::Symbol;
use blazesym::Pid;
use blazesym::normalize::{NormalizeOpts, Normalizer, UserMeta};
use blazesym::symbolize::source::{Process, Source};
use blazesym::symbolize::{Input, Symbolized, Symbolizer, cache};
use rustc_hash::FxHashMap;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Resolved addresses kept at most; then all are forgotten, since programs that end make room for new ones.
const MAX_RESOLVED: usize = 1 << 20;
/// How old the mappings kept of a living process may become when there is time to look again.
const MAX_AGE: Duration = Duration::from_millis(100);
/// The same when an address lies in none of them: soon after exec, or in a library that was just loaded.
const MAX_AGE_OF_FAILURE: Duration = Duration::from_millis(1);

/// Symbols that were asked for, and the processes they were asked of.
pub struct UserSymbols {
    symbolizer: Symbolizer,
    normalizer: Normalizer,
    resolved: FxHashMap<(u32, u64), Symbol>,
    remembered: FxHashMap<u32, Instant>,
    modules: FxHashMap<Box<str>, Rc<str>>,
}

impl UserSymbols {
    /// No symbols yet.
    pub fn new(demangle: bool) -> Self {
        Self {
            symbolizer: Symbolizer::builder()
                .enable_code_info(false)
                .enable_inlined_fns(false)
                .enable_demangling(demangle)
                .build(),
            normalizer: Normalizer::builder().enable_build_ids(true).build(),
            resolved: FxHashMap::default(),
            remembered: FxHashMap::default(),
            modules: FxHashMap::default(),
        }
    }

    /// Keeps the mappings of a process, unless it was done just before.
    pub fn remember(&mut self, process: u32) {
        self.remember_unless_known_for(process, MAX_AGE);
    }

    fn remember_unless_known_for(&mut self, process: u32, age: Duration) {
        let recent = self.remembered.get(&process).is_some_and(|time| time.elapsed() < age);
        if recent || !is_alive(process) {
            return;
        }
        let mappings = cache::Process { cache_perf_map: false, ..cache::Process::new(Pid::from(process)) };
        // A process that just ended keeps what was known of it.
        if self.symbolizer.cache(&mappings.into()).is_ok() {
            self.remembered.insert(process, Instant::now());
        }
    }

    /// The function at an address of a process.
    pub fn resolve(&mut self, process: u32, address: u64) -> Option<&Symbol> {
        if !self.resolved.contains_key(&(process, address)) {
            if self.resolved.len() >= MAX_RESOLVED {
                self.resolved.clear();
            }
            let symbol = self.look_up(process, address)?;
            self.resolved.insert((process, address), symbol);
        }
        self.resolved.get(&(process, address))
    }

    /// Build id (hexadecimal) of the file mapped at an address, and the offset in it.
    pub fn build_id(&self, process: u32, address: u64) -> Option<(String, u64)> {
        let options = NormalizeOpts { map_files: true, ..NormalizeOpts::default() };
        let normalized = self.normalizer.normalize_user_addrs_opts(Pid::from(process), &[address], &options).ok()?;
        let &(offset, meta) = normalized.outputs.first()?;
        let UserMeta::Elf(file) = normalized.meta.get(meta)? else { return None };
        let build_id = file.build_id.as_ref()?;
        Some((build_id.iter().map(|byte| format!("{byte:02x}")).collect(), offset))
    }

    fn look_up(&mut self, process: u32, address: u64) -> Option<Symbol> {
        if process == 0 || address == 0 {
            return None;
        }
        if !self.remembered.contains_key(&process) {
            self.remember(process);
        }
        self.ask(process, address).or_else(|| {
            // The address may lie in what was mapped since.
            self.remember_unless_known_for(process, MAX_AGE_OF_FAILURE);
            self.ask(process, address)
        })
    }

    fn ask(&mut self, process: u32, address: u64) -> Option<Symbol> {
        // The files that a living process has mapped are reached through itself, whatever its mounts; of one that ended
        // only their paths are left.
        let source = Source::Process(Process {
            debug_syms: false,
            map_files: is_alive(process),
            ..Process::new(Pid::from(process))
        });
        let Ok(Symbolized::Sym(symbol)) = self.symbolizer.symbolize_single(&source, Input::AbsAddr(address)) else {
            return None;
        };
        let module = symbol.module.as_ref().map(|path| path.to_string_lossy());
        let module = module.map(|path| match self.modules.get(&*path) {
            Some(known) => Rc::clone(known),
            None => {
                let known: Rc<str> = Rc::from(&*path);
                self.modules.insert(path.into(), Rc::clone(&known));
                known
            }
        });
        Some(Symbol { name: symbol.name.into(), offset: symbol.offset as u64, module })
    }
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
        let mut symbols = UserSymbols::new(true);
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
        let mut symbols = UserSymbols::new(true);
        symbols.remember(process);
        child.kill().expect("kill");
        child.wait().expect("wait");
        let Some(start) = mapping else { return };
        let found = (0..4096).any(|step| symbols.resolve(process, start + step * 64).is_some());
        assert!(found, "no symbol of libc in the remembered mapping");
    }

    #[test]
    fn an_unknown_process_has_no_symbols() {
        assert_eq!(UserSymbols::new(true).resolve(u32::MAX >> 1, 0x1000), None);
    }
}
