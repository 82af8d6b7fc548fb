//! Kernel functions by address, from /proc/kallsyms through blazesym.

use super::Symbol;
use blazesym::symbolize::source::{Kernel, Source};
use blazesym::symbolize::{Input, Symbolizer};
use blazesym::{MaybeDefault, symbolize::Symbolized};
use rustc_hash::FxHashMap;

/// Symbols that were asked for; kallsyms is read with the first.
#[derive(Default)]
pub struct KernelSymbols {
    symbolizer: Option<Symbolizer>,
    resolved: FxHashMap<u64, Option<Symbol>>,
}

impl KernelSymbols {
    /// The function at an address.
    pub fn resolve(&mut self, address: u64) -> Option<&Symbol> {
        let symbolizer = &mut self.symbolizer;
        self.resolved.entry(address).or_insert_with(|| look_up(symbolizer, address)).as_ref()
    }
}

fn look_up(symbolizer: &mut Option<Symbolizer>, address: u64) -> Option<Symbol> {
    // Addresses of user space are no kernel function, and reading all symbols is not cheap.
    if (address as i64) >= 0 {
        return None;
    }
    let symbolizer = symbolizer
        .get_or_insert_with(|| Symbolizer::builder().enable_code_info(false).enable_inlined_fns(false).build());
    let source = Source::Kernel(Kernel { vmlinux: MaybeDefault::None, debug_syms: false, ..Kernel::default() });
    match symbolizer.symbolize_single(&source, Input::AbsAddr(address)) {
        Ok(Symbolized::Sym(symbol)) => {
            Some(Symbol { name: symbol.name.into(), offset: symbol.offset as u64, module: None })
        }
        Ok(Symbolized::Unknown(_)) | Err(_) => None,
    }
}
