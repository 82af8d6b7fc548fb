//! The contract between compiler and runtime: what an object file's manifest section says.
