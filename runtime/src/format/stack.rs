//! Stack traces: a line break, then one frame a line, in the mode that the script asked for.
//!
//! The stored value is an id in the map of stacks; the frames are addresses that are resolved here, when printed.

use super::Context;
use super::number::{word, write_address, write_decimal, write_hex};
use crate::symbol::Symbol;
use lancet_manifest::StackMode;

/// How far frames are indented in mode bpftrace.
const INDENT: &[u8] = b"        ";

/// Appends a kernel stack.
pub fn write_kernel(out: &mut Vec<u8>, mode: StackMode, bytes: &[u8], context: &mut Context) {
    out.push(b'\n');
    for address in frames(bytes, context) {
        match mode {
            StackMode::Bpftrace => out.extend_from_slice(INDENT),
            StackMode::Perf => write_perf_address(out, address),
            // Kernel frames have no build id of their own to tell.
            StackMode::Raw | StackMode::BuildId => {
                write_hex(out, address);
                out.push(b'\n');
                continue;
            }
        }
        write_symbol(out, address, context.names.kernel_symbol(address));
        out.push(b'\n');
    }
}

/// Appends a user stack.
pub fn write_user(out: &mut Vec<u8>, mode: StackMode, bytes: &[u8], context: &mut Context) {
    let process = word(bytes, 12, 4) as u32;
    out.push(b'\n');
    for (index, address) in frames(bytes, context).into_iter().enumerate() {
        let names = &mut *context.names;
        match mode {
            StackMode::Bpftrace => {
                write_source_frame(out, address, names.user_frame(process, address, index == 0).as_deref())
            }
            StackMode::Perf => {
                write_perf_frame(out, address, names.user_frame(process, address, index == 0).as_deref())
            }
            StackMode::Raw => write_hex(out, address),
            StackMode::BuildId => match names.build_id(process, address) {
                Some((build_id, offset)) => {
                    out.extend_from_slice(build_id.as_bytes());
                    out.push(b' ');
                    write_address(out, offset);
                }
                None => write_address(out, address),
            },
        }
        out.push(b'\n');
    }
}

/// The addresses of the stored stack: as many as were counted, up to the terminating zero.
fn frames(bytes: &[u8], context: &Context) -> Vec<u64> {
    let (id, count) = (word(bytes, 0, 8), word(bytes, 8, 4) as usize);
    let mut frames = if id == 0 { None } else { context.maps.stack(id) }.unwrap_or_default();
    let end = frames.iter().position(|&address| address == 0).unwrap_or(frames.len());
    frames.truncate(end.min(count));
    frames
}

fn write_symbol(out: &mut Vec<u8>, address: u64, symbol: Option<&Symbol>) {
    match symbol {
        Some(symbol) => {
            out.extend_from_slice(symbol.name.as_bytes());
            out.push(b'+');
            write_decimal(out, symbol.offset);
        }
        None => write_address(out, address),
    }
}

fn write_perf_address(out: &mut Vec<u8>, address: u64) {
    out.push(b'\t');
    write_hex(out, address);
    out.push(b' ');
}

/// A frame with its source line, and before it the functions that are part of it, one a line.
fn write_source_frame(out: &mut Vec<u8>, address: u64, symbol: Option<&Symbol>) {
    for inner in symbol.iter().flat_map(|symbol| symbol.inlined.iter().rev()) {
        out.extend_from_slice(INDENT);
        out.extend_from_slice(b"[inlined] ");
        out.extend_from_slice(inner.name.as_bytes());
        write_source(out, inner.source.as_deref());
        out.push(b'\n');
    }
    out.extend_from_slice(INDENT);
    write_symbol(out, address, symbol);
    write_source(out, symbol.and_then(|symbol| symbol.source.as_deref()));
}

fn write_source(out: &mut Vec<u8>, source: Option<&str>) {
    if let Some(source) = source {
        out.push(b'@');
        out.extend_from_slice(source.as_bytes());
    }
}

fn write_perf_frame(out: &mut Vec<u8>, address: u64, symbol: Option<&Symbol>) {
    for inner in symbol.iter().flat_map(|symbol| symbol.inlined.iter().rev()) {
        write_perf_address(out, address);
        out.extend_from_slice(inner.name.as_bytes());
        out.extend_from_slice(b" (inlined)\n");
    }
    write_perf_address(out, address);
    write_symbol(out, address, symbol);
    out.extend_from_slice(b" (");
    let module = symbol.and_then(|symbol| symbol.module.as_deref());
    out.extend_from_slice(module.unwrap_or("[unknown]").as_bytes());
    out.push(b')');
}
