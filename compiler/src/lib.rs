//! From syntax tree to eBPF object file. Pure: no file is opened, no system call made; a machine is asked through
//! [`lancet_kernel::Kernel`].

pub mod builtin;
pub mod check;
pub mod codegen;
pub mod compile;
pub mod ctypes;
pub mod elf;
pub mod hir;
pub mod import;
pub mod ir;
pub mod library;
mod locked_down;
pub mod lower;
pub mod optimize;
pub mod option;
pub mod probe;
pub mod settings;
pub mod types;
