//! Loads, attaches, collects and prints: the half of lancet that runs beside the kernel.
