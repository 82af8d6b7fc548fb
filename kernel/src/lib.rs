//! What the compiler asks of a machine: the Kernel trait, BTF and tracepoint formats.
