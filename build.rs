//! Lets libbpf ask us what the kernel can do: runtime/src/session/feature.rs.

fn main() {
    println!("cargo::rustc-link-arg=-Wl,--wrap=feat_supported");
    println!("cargo::rerun-if-changed=build.rs");
}
