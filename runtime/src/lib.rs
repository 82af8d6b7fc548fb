//! The half of lancet that runs beside the kernel: loads object files, attaches, collects, prints. It never sees a syntax
//! tree; all it knows of a script is the manifest.

pub mod event;
pub mod format;
pub mod kernel;
pub mod map;
pub mod session;
pub mod symbol;
mod unwind;
