//! From numbers to names: symbols of kernel and processes, users, control groups.
//!
//! Everything is loaded when first asked for and remembered. A number without a name prints as a number: nothing here
//! fails.

mod cgroup;
mod clock;
#[cfg(test)]
mod damage_tests;
mod kernel;
mod mapping;
mod perf_map;
mod sound;
mod user;
mod users;
mod watch;

pub use clock::{Clocks, wall_time};

use crate::format::number::{write_address, write_decimal};
use lancet_manifest::Config;
use std::borrow::Cow;

/// A function, and how far into it an address lies.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Symbol {
    /// Its name.
    pub name: Box<str>,
    /// Bytes from its start.
    pub offset: u64,
    /// The file it is in.
    pub module: Option<std::rc::Rc<str>>,
    /// Its source, `/path/file.c:12`, if that was asked for and is known.
    pub source: Option<Box<str>>,
    /// The functions that were inlined into it there, outermost first.
    pub inlined: Box<[Inlined]>,
}

/// A function that is part of another.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Inlined {
    /// Its name.
    pub name: Box<str>,
    /// Its source, as for a [`Symbol`].
    pub source: Option<Box<str>>,
}

/// All sources of names.
pub struct Names {
    kernel: kernel::KernelSymbols,
    user: user::UserSymbols,
    users: users::Users,
    cgroups: cgroup::Cgroups,
    clocks: Clocks,
}

impl Names {
    /// Names as the script wants them; loads nothing yet.
    pub fn new(config: &Config) -> Self {
        Self {
            kernel: kernel::KernelSymbols::default(),
            user: user::UserSymbols::new(config),
            users: users::Users::default(),
            cgroups: cgroup::Cgroups::default(),
            clocks: Clocks::now(),
        }
    }

    /// How the clocks of the kernel relate to the wall clock.
    pub fn clocks(&self) -> &Clocks {
        &self.clocks
    }

    /// From now on remembers what processes have mapped, so that addresses of those that end have names too. `all` says
    /// that processes which are there already count too.
    pub fn watch_processes(&mut self, all: bool) {
        self.user.watch(all);
    }

    /// Readable when [`Names::take_mappings`] should be called; none when processes are not watched.
    pub fn mappings_descriptor(&self) -> Option<std::os::fd::RawFd> {
        self.user.descriptor()
    }

    /// Takes what the kernel recorded of processes.
    pub fn take_mappings(&mut self) {
        self.user.take_mappings();
    }

    /// The kernel function at an address.
    pub fn kernel_symbol(&mut self, address: u64) -> Option<&Symbol> {
        self.kernel.resolve(address)
    }

    /// The function of a frame of a stack: of the innermost, or of one that called another.
    pub fn user_frame(&mut self, process: u32, address: u64, is_innermost: bool) -> Option<Cow<'_, Symbol>> {
        match is_innermost {
            true => self.user.resolve(process, address).map(Cow::Borrowed),
            false => self.user.resolve_caller(process, address),
        }
    }

    /// Build id (hexadecimal) and file offset of an address of a process.
    pub fn build_id(&mut self, process: u32, address: u64) -> Option<(String, u64)> {
        self.user.build_id(process, address)
    }

    /// Appends the name of the kernel function at an address.
    pub fn write_kernel_symbol(&mut self, out: &mut Vec<u8>, address: u64) {
        write_name(out, address, self.kernel.resolve(address));
    }

    /// Appends the name of the function at an address of a process.
    pub fn write_user_symbol(&mut self, out: &mut Vec<u8>, address: u64, process: u32) {
        write_name(out, address, self.user.resolve(process, address));
    }

    /// Appends a user's name.
    pub fn write_user_name(&mut self, out: &mut Vec<u8>, id: u64) {
        match self.users.name(id) {
            Some(name) => out.extend_from_slice(name.as_bytes()),
            None => write_decimal(out, id),
        }
    }

    /// Appends `hierarchy:path` of a control group, for each hierarchy that the wildcard lets through.
    pub fn write_cgroup_path(&mut self, out: &mut Vec<u8>, id: u64, filter: &str) {
        self.cgroups.write_path(out, id, filter);
    }
}

fn write_name(out: &mut Vec<u8>, address: u64, symbol: Option<&Symbol>) {
    match symbol {
        Some(symbol) => out.extend_from_slice(symbol.name.as_bytes()),
        None if address == 0 => out.push(b'0'),
        None => write_address(out, address),
    }
}
