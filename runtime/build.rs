//! Lets libbpf ask us what the kernel can do: src/session/feature.rs.

fn main() {
    println!("cargo::rustc-link-arg=-Wl,--wrap=feat_supported");
    println!("cargo::rerun-if-changed=build.rs");
}
