//! The maps of a loaded object as the printer reads them: [`MapAccess`] through bpf(2).
//!
//! Elements that come or go while a map is read may be missed or skipped, but none is read twice.

use super::error::RuntimeError;
use super::load::{Loaded, possible_cpus};
use crate::map::{MapAccess, Values, Visit};
use lancet_manifest::{Manifest, Map, MapShape};
use libbpf_sys as sys;
use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::io;
use std::ptr;

/// Elements that one system call reads.
const BATCH: usize = 4096;

/// The maps of the script and the map of stacks.
pub struct LoadedMaps {
    maps: Vec<LoadedMap>,
    /// Set when no program runs any more.
    are_final: Cell<bool>,
    /// Maps that were cleared since, which need not be emptied.
    cleared: RefCell<Vec<u32>>,
    stacks: Option<LoadedMap>,
}

/// One map and what its elements look like.
struct LoadedMap {
    fd: i32,
    key_size: usize,
    value_size: usize,
    /// Every CPU has its own value.
    per_cpu: bool,
    /// How many values an element has.
    copies: usize,
    max_entries: usize,
    scalar: Option<Scalar>,
    /// The map of the elements with short keys.
    short: Option<Box<LoadedMap>>,
}

/// Where the flag of a map without keys stands.
struct Scalar {
    present_offset: usize,
}

/// What is done with many elements at once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Batch {
    Read,
    Delete,
}

impl LoadedMaps {
    /// Finds the maps of the manifest in the object.
    pub fn new(loaded: &Loaded, manifest: &Manifest) -> Result<Self, RuntimeError> {
        let maps = manifest.maps.iter().map(|map| LoadedMap::of_script(loaded, map)).collect::<Result<_, _>>()?;
        let stacks = match &manifest.stacks {
            Some(symbol) => Some(LoadedMap::new(loaded, symbol, false, None)?),
            None => None,
        };
        Ok(Self { maps, are_final: Cell::new(false), cleared: RefCell::default(), stacks })
    }

    /// Tells that no program of the script runs any more.
    pub fn become_final(&self) {
        self.are_final.set(true);
    }

    fn is_cleared(&self, map: u32) -> bool {
        self.cleared.borrow().contains(&map)
    }

    fn get(&self, map: u32) -> io::Result<&LoadedMap> {
        self.maps.get(map as usize).ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

impl MapAccess for LoadedMaps {
    fn visit(&self, map: u32, visit: &mut Visit) -> io::Result<()> {
        let whole = self.get(map)?;
        if self.is_cleared(map) {
            return Ok(());
        }
        if let Some(short) = &whole.short {
            let mut key = Vec::new();
            short.visit(&mut |first_bytes, values| {
                key.clear();
                key.extend_from_slice(first_bytes);
                key.resize(whole.key_size, 0);
                visit(&key, values);
            })?;
        }
        whole.visit(visit)
    }

    fn lookup(&self, map: u32, key: &[u8], visit: &mut Visit) -> io::Result<()> {
        let (map, is_cleared) = (self.get(map)?, self.is_cleared(map));
        let key = map.own_key(key);
        if !is_cleared && let Some(bytes) = map.map_of(&key).lookup(&key)? {
            visit(&key, map.values(&bytes));
        }
        Ok(())
    }

    fn clear(&self, map: u32) -> io::Result<()> {
        let loaded = self.get(map)?;
        if self.are_final.get() && loaded.scalar.is_none() {
            self.cleared.borrow_mut().push(map);
            return Ok(());
        }
        loaded.parts().try_for_each(LoadedMap::clear)
    }

    fn zero(&self, map: u32) -> io::Result<()> {
        self.get(map)?.parts().try_for_each(LoadedMap::zero)
    }

    fn stack(&self, id: u64) -> Option<Vec<u64>> {
        let bytes = self.stacks.as_ref()?.lookup(&id.to_ne_bytes()).ok()??;
        let frames = bytes.chunks_exact(8).map(|word| u64::from_ne_bytes(word.try_into().unwrap_or_default()));
        Some(frames.take_while(|&frame| frame != 0).collect())
    }
}

impl LoadedMap {
    fn of_script(loaded: &Loaded, map: &Map) -> Result<Self, RuntimeError> {
        let (scalar, short) = match &map.shape {
            MapShape::Scalar { present_offset } => (Some(Scalar { present_offset: *present_offset as usize }), None),
            MapShape::Keyed { short: None, .. } => (None, None),
            MapShape::Keyed { short: Some(short), .. } => {
                (None, Some(Box::new(Self::new(loaded, &short.symbol, map.per_cpu, None)?)))
            }
        };
        Ok(Self { short, ..Self::new(loaded, &map.symbol, map.per_cpu, scalar)? })
    }

    fn new(loaded: &Loaded, symbol: &str, per_cpu: bool, scalar: Option<Scalar>) -> Result<Self, RuntimeError> {
        let map = loaded.map(symbol)?;
        // SAFETY: the map belongs to the loaded object.
        let (fd, key_size, value_size, max_entries) = unsafe {
            let sizes = (sys::bpf_map__key_size(map), sys::bpf_map__value_size(map));
            (sys::bpf_map__fd(map), sizes.0, sizes.1, sys::bpf_map__max_entries(map))
        };
        Ok(Self {
            fd,
            key_size: key_size as usize,
            value_size: value_size as usize,
            per_cpu,
            copies: if per_cpu { possible_cpus() } else { 1 },
            max_entries: max_entries as usize,
            scalar,
            short: None,
        })
    }

    /// The maps of the kernel that it consists of.
    fn parts(&self) -> impl Iterator<Item = &LoadedMap> {
        self.short.as_deref().into_iter().chain([self])
    }

    /// The one that has a key, which is a whole one.
    fn map_of(&self, key: &[u8]) -> &LoadedMap {
        let is_short = |short: &&LoadedMap| key.get(short.key_size - 1) == Some(&0);
        self.short.as_deref().filter(is_short).unwrap_or(self)
    }

    fn clear(&self) -> io::Result<()> {
        if self.scalar.is_some() {
            return self.update(&self.own_key(&[]), &vec![0; self.element_size()]);
        }
        if self.visit_in_batches(Batch::Delete, &mut |_, _| {})? {
            return Ok(());
        }
        self.keys()?.iter().try_for_each(|key| self.delete(key))
    }

    fn zero(&self) -> io::Result<()> {
        for key in self.keys()? {
            let Some(mut bytes) = self.lookup(&key)? else { continue };
            self.zero_values(&mut bytes);
            self.update(&key, &bytes)?;
        }
        Ok(())
    }

    /// The kernel pads each CPU's value to 8 bytes.
    fn stride(&self) -> usize {
        if self.per_cpu { self.value_size.next_multiple_of(8) } else { self.value_size }
    }

    /// Bytes that the kernel reads or writes for one element.
    fn element_size(&self) -> usize {
        self.value_size.next_multiple_of(8) * self.copies
    }

    /// A key of exactly the map's size.
    fn own_key(&self, key: &[u8]) -> Vec<u8> {
        let mut own = key.to_vec();
        own.resize(self.key_size, 0);
        own
    }

    fn values<'b>(&self, bytes: &'b [u8]) -> Values<'b> {
        let stride = self.stride();
        Values::new(&bytes[..bytes.len().min(stride * self.copies)], self.value_size, stride)
    }

    fn zero_values(&self, bytes: &mut [u8]) {
        for value in bytes.chunks_mut(self.stride().max(1)) {
            let is_assigned = value.iter().any(|byte| *byte != 0);
            value.fill(0);
            let flag = self.scalar.as_ref().and_then(|scalar| value.get_mut(scalar.present_offset..));
            if let Some(flag) = flag.filter(|_| is_assigned).and_then(<[u8]>::first_mut) {
                *flag = 1;
            }
        }
    }

    fn visit(&self, visit: &mut Visit) -> io::Result<()> {
        if self.scalar.is_none() && self.visit_in_batches(Batch::Read, visit)? {
            return Ok(());
        }
        for key in self.keys()? {
            if let Some(bytes) = self.lookup(&key)? {
                visit(&key, self.values(&bytes));
            }
        }
        Ok(())
    }

    /// All elements with few system calls (Linux 5.6); false, and none visited, where the kernel cannot do that for
    /// this map.
    fn visit_in_batches(&self, batch: Batch, visit: &mut Visit) -> io::Result<bool> {
        let size = if self.per_cpu { self.element_size() } else { self.value_size };
        let mut room = BATCH.min(self.max_entries.max(1));
        let (mut keys, mut values) = (Vec::new(), Vec::new());
        // The kernel's position: as large as a key, but at least a u32.
        let mut position = vec![0u8; self.key_size.max(8)];
        let mut next = position.clone();
        let mut first = true;
        loop {
            keys.resize(self.key_size * room, 0);
            values.resize(size * room, 0);
            let mut count = room as u32;
            let from = if first { ptr::null_mut() } else { position.as_mut_ptr().cast() };
            let (keys_out, values_out) = (keys.as_mut_ptr().cast(), values.as_mut_ptr().cast());
            let next_out = next.as_mut_ptr().cast();
            let call = match batch {
                Batch::Read => sys::bpf_map_lookup_batch,
                Batch::Delete => sys::bpf_map_lookup_and_delete_batch,
            };
            // SAFETY: the buffers have room for `count` keys and values, the position for the kernel's.
            let result = unsafe { call(self.fd, from, next_out, keys_out, values_out, &mut count, ptr::null()) };
            match result {
                // One bucket of the kernel's table holds more than there is room for.
                error if error == -libc::ENOSPC && room < self.max_entries => {
                    room = (room * 4).min(self.max_entries);
                    continue;
                }
                // Another CPU holds a bucket: we have what comes before it, and go on there.
                0 => {}
                error if [-libc::ENOENT, -libc::EBUSY, -libc::EAGAIN].contains(&error) => {}
                _ if first => return Ok(false),
                error => return Err(io::Error::from_raw_os_error(-error)),
            }
            let pairs = keys.chunks(self.key_size.max(1)).zip(values.chunks(size.max(1))).take(count as usize);
            pairs.for_each(|(key, value)| visit(key, self.values(value)));
            if result == -libc::ENOENT {
                return Ok(true);
            }
            position.copy_from_slice(&next);
            first = false;
        }
    }

    /// All keys. When another CPU deletes the key at which we stand, the kernel starts again, so keys are kept once.
    fn keys(&self) -> io::Result<Vec<Vec<u8>>> {
        let mut keys = Vec::new();
        let mut seen = rustc_hash::FxHashSet::default();
        let mut key = vec![0u8; self.key_size];
        let mut previous: *const c_void = ptr::null();
        let mut current = vec![0u8; self.key_size];
        // A map that changes faster than it is read must not keep us for ever.
        for _ in 0..self.max_entries.saturating_mul(4).max(16) {
            // SAFETY: both keys have the map's key size.
            let result = unsafe { sys::bpf_map_get_next_key(self.fd, previous, key.as_mut_ptr().cast()) };
            match result {
                0 => {}
                error if error == -libc::ENOENT => break,
                error => return Err(io::Error::from_raw_os_error(-error)),
            }
            if seen.insert(key.clone()) {
                keys.push(key.clone());
            }
            current.copy_from_slice(&key);
            previous = current.as_ptr().cast();
        }
        Ok(keys)
    }

    fn lookup(&self, key: &[u8]) -> io::Result<Option<Vec<u8>>> {
        if key.len() < self.key_size {
            return Ok(None);
        }
        let mut value = vec![0u8; self.element_size()];
        // SAFETY: key and value have at least the sizes that the kernel reads and writes.
        match unsafe { sys::bpf_map_lookup_elem(self.fd, key.as_ptr().cast(), value.as_mut_ptr().cast()) } {
            0 => Ok(Some(value)),
            error if error == -libc::ENOENT => Ok(None),
            error => Err(io::Error::from_raw_os_error(-error)),
        }
    }

    fn update(&self, key: &[u8], value: &[u8]) -> io::Result<()> {
        // SAFETY: key and value have the sizes that the kernel reads.
        match unsafe { sys::bpf_map_update_elem(self.fd, key.as_ptr().cast(), value.as_ptr().cast(), 0) } {
            0 => Ok(()),
            error => Err(io::Error::from_raw_os_error(-error)),
        }
    }

    fn delete(&self, key: &[u8]) -> io::Result<()> {
        // SAFETY: the key has the map's key size.
        match unsafe { sys::bpf_map_delete_elem(self.fd, key.as_ptr().cast()) } {
            0 => Ok(()),
            error if error == -libc::ENOENT => Ok(()),
            error => Err(io::Error::from_raw_os_error(-error)),
        }
    }
}
