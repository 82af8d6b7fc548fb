//! The page of globals: start values go in, counters of what was lost come out and are reported.

use super::error::RuntimeError;
use super::load::{Loaded, possible_cpus};
use crate::event::Printer;
use crate::format::message::Severity;
use crate::format::statistics::Outcomes;
use lancet_manifest::{Counter, Manifest, Outcome};
use libbpf_sys as sys;
use std::io;

/// The map with the page of globals, if the script has one.
pub struct Globals {
    map: Option<(i32, usize)>,
}

impl Globals {
    /// Finds the page.
    pub fn new(loaded: &Loaded, manifest: &Manifest) -> Result<Self, RuntimeError> {
        let Some(page) = &manifest.globals else { return Ok(Self { map: None }) };
        let map = loaded.map(&page.symbol)?;
        // SAFETY: the map belongs to the loaded object.
        let (fd, size) = unsafe { (sys::bpf_map__fd(map), sys::bpf_map__value_size(map)) };
        Ok(Self { map: Some((fd, size as usize)) })
    }

    /// Writes u64 values at their offsets.
    pub fn write(&self, values: &[(u32, u64)]) -> Result<(), RuntimeError> {
        let (Some((fd, _)), Some(mut page)) = (self.map, self.read()) else { return Ok(()) };
        for &(offset, value) in values {
            if let Some(bytes) = page.get_mut(offset as usize..offset as usize + 8) {
                bytes.copy_from_slice(&value.to_ne_bytes());
            }
        }
        let key = 0u32;
        // SAFETY: key and page have the sizes that the kernel reads.
        match unsafe { sys::bpf_map_update_elem(fd, (&raw const key).cast(), page.as_ptr().cast(), 0) } {
            0 => Ok(()),
            error => Err(RuntimeError::System {
                what: "the values of globals cannot be written".into(),
                reason: io::Error::from_raw_os_error(-error),
            }),
        }
    }

    /// Reports every counter above zero.
    pub fn report(&self, manifest: &Manifest, printer: &mut Printer) {
        for (counter, count) in self.counters(manifest).filter(|(_, count)| *count > 0) {
            report(manifest, printer, counter, count);
        }
    }

    /// What became of each program's events, if that was counted.
    pub fn outcomes(&self, manifest: &Manifest) -> Vec<Outcomes> {
        let mut outcomes = vec![Outcomes::default(); manifest.programs.len()];
        for (counter, count) in self.counters(manifest) {
            let Counter::Outcome(program, outcome) = counter else { continue };
            let Some(of_program) = outcomes.get_mut(program as usize) else { continue };
            match outcome {
                Outcome::Filtered => of_program.filtered += count,
                Outcome::Sent => of_program.sent += count,
                Outcome::Lost => of_program.lost += count,
            }
        }
        outcomes
    }

    fn counters<'m>(&self, manifest: &'m Manifest) -> impl Iterator<Item = (Counter, u64)> + use<'m> {
        let page = manifest.globals.as_ref().and_then(|_| self.read()).unwrap_or_default();
        manifest.globals.iter().flat_map(|globals| &globals.counters).filter_map(move |(offset, counter)| {
            let bytes = page.get(*offset as usize..*offset as usize + 8)?;
            Some((*counter, u64::from_ne_bytes(bytes.try_into().ok()?)))
        })
    }

    fn read(&self) -> Option<Vec<u8>> {
        let (fd, size) = self.map?;
        let key = 0u32;
        let mut page = vec![0u8; size.next_multiple_of(8)];
        // SAFETY: key and page have the sizes that the kernel reads and writes.
        let result = unsafe { sys::bpf_map_lookup_elem(fd, (&raw const key).cast(), page.as_mut_ptr().cast()) };
        (result == 0).then_some(page)
    }
}

/// Reports events that found all memory for large values in use.
pub fn report_dropped(loaded: &Loaded, manifest: &Manifest, printer: &mut Printer) {
    let Some(dropped) = &manifest.dropped else { return };
    let Ok(map) = loaded.map(&dropped.symbol) else { return };
    // SAFETY: the map belongs to the loaded object.
    let (fd, size, kind) = unsafe { (sys::bpf_map__fd(map), sys::bpf_map__value_size(map), sys::bpf_map__type(map)) };
    let copies = if kind == sys::BPF_MAP_TYPE_PERCPU_ARRAY { possible_cpus() } else { 1 };
    let stride = (size as usize).next_multiple_of(8);
    let mut values = vec![0u8; stride * copies];
    let mut count = 0;
    for element in &dropped.elements {
        // SAFETY: key and values have the sizes that the kernel reads and writes.
        let result = unsafe { sys::bpf_map_lookup_elem(fd, (&raw const *element).cast(), values.as_mut_ptr().cast()) };
        let start = dropped.offset as usize;
        let counters = values.chunks_exact(stride).filter_map(|value| value.get(start..start + 8)?.try_into().ok());
        if result == 0 {
            count += counters.map(u64::from_ne_bytes).sum::<u64>();
        }
    }
    if count > 0 {
        let advice = "they interrupted events of the same probe, more often than there is memory for large values";
        printer.lost_events(count, advice);
    }
}

fn report(manifest: &Manifest, printer: &mut Printer, counter: Counter, count: u64) {
    match counter {
        Counter::RecordsLost => printer
            .lost_events(count, "the ring buffer was full; give it more room with `config = { perf_rb_pages = … }`"),
        Counter::MapFull(map) => {
            let name = manifest.maps.get(map as usize).map_or("", |map| map.name.as_str());
            printer.lost(
                "lost_updates",
                count,
                &format!(
                    "{count} updates of the map @{name} found it full; give it more room with `config = {{ max_map_keys = … }}`"
                ),
            );
        }
        Counter::AbsentDeleted(map) => {
            let name = manifest.maps.get(map as usize).map_or("", |map| map.name.as_str());
            let times = if count == 1 { "once" } else { &format!("{count} times") };
            printer.tell(
                Severity::Warning,
                &format!("delete() did not find its key in the map @{name} {times}; -k tells where that happens"),
            );
        }
        Counter::Outcome(..) => {}
        Counter::StacksCut => printer.tell(
            Severity::Warning,
            &format!("{count} stack traces of dw_ustack end early: nothing tells what called the code there"),
        ),
        Counter::StacksWithoutTables => printer.tell(
            Severity::Warning,
            &format!(
                "{count} stack traces of dw_ustack are empty: they are of processes that -p, -c or --dwarf-pid do not name"
            ),
        ),
        Counter::StacksLost => {
            printer.lost("lost_stacks", count, &format!("{count} stack traces could not be stored"));
        }
    }
}
