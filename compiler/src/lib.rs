//! From syntax tree to eBPF object file, without I/O.
