//! Writes the captured kernel that tests compile for: `cargo run -p lancet-runtime --example capture`, as root, on a kernel
//! with BTF and with tracefs mounted.

use lancet_runtime::kernel::{LiveKernel, capture};

fn main() -> Result<(), String> {
    let captured = capture::fixture(&LiveKernel::new()).map_err(|error| error.message().to_owned())?;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/kernel.capture");
    std::fs::write(path, captured.to_bytes()).map_err(|error| format!("{path}: {error}"))
}
