//! From syntax tree to eBPF object file. Pure: no file is opened, no system call made; a machine is asked through
//! [`lancet_kernel::Kernel`].

pub mod ir;
