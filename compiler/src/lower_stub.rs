//! stub: what stdlib calls
#![allow(missing_docs, unused_variables, clippy::all, clippy::unimplemented)]
use crate::hir::*;
use crate::ir::*;
use crate::types::*;
use lancet_manifest::{Action, Format, InitialValue, Location, TextSink};
use lancet_syntax::span::Span;
pub struct Lowerer<'a>(pub &'a ());
impl<'a> Lowerer<'a> {
    pub fn process_id(&mut self) -> Value { unimplemented!() }
    pub fn thread_id(&mut self) -> Value { unimplemented!() }
    pub fn possible_cpus(&self) -> u32 { unimplemented!() }
    pub fn initial(&mut self, value: InitialValue) -> Value { unimplemented!() }
    pub fn call(&mut self, helper: Helper, arguments: &[Value]) -> Value { unimplemented!() }
    pub fn constant(&mut self, value: i64) -> Value { unimplemented!() }
    pub fn add_constant(&mut self, value: Value, n: i64) -> Value { unimplemented!() }
    pub fn binary(&mut self, op: BinaryOp, a: Value, b: Value) -> Value { unimplemented!() }
    pub fn compare(&mut self, op: Comparison, a: Value, b: Value) -> Value { unimplemented!() }
    pub fn if_else(&mut self, condition: Value, then: impl FnOnce(&mut Self), otherwise: impl FnOnce(&mut Self)) { unimplemented!() }
    pub fn choose(&mut self, condition: Value, then: impl FnOnce(&mut Self) -> Value, otherwise: impl FnOnce(&mut Self) -> Value) -> Value { unimplemented!() }
    pub fn load8(&mut self, address: Address) -> Value { unimplemented!() }
    pub fn store8(&mut self, address: Address, value: Value) { unimplemented!() }
    pub fn atomic_add(&mut self, address: Address, value: Value) { unimplemented!() }
    pub fn value(&mut self, instruction: Instruction) -> Value { unimplemented!() }
    pub fn push(&mut self, instruction: Instruction) { unimplemented!() }
    pub fn context(&mut self) -> Value { unimplemented!() }
    pub fn context_kind(&self) -> ContextKind { unimplemented!() }
    pub fn slot(&mut self, size: u32, align: u32, name: &str) -> Slot { unimplemented!() }
    pub fn address_of(&mut self, address: Address) -> Value { unimplemented!() }
    pub fn offset_address(&mut self, address: Address, bytes: u32) -> Address { unimplemented!() }
    pub fn scalar(&mut self, expr: &Expr) -> Value { unimplemented!() }
    pub fn memory(&mut self, expr: &Expr) -> Address { unimplemented!() }
    pub fn emit(&mut self, action: Action, words: &[Value]) { unimplemented!() }
    pub fn emit_text(&mut self, sink: TextSink, format: Format, arguments: &[Expr]) { unimplemented!() }
    pub fn emit_value(&mut self, value: &Expr) { unimplemented!() }
    pub fn emit_element(&mut self, map: u32, key_and_divisor: &[Expr]) { unimplemented!() }
    pub fn emit_strings(&mut self, delimiter: &str, count: u32, size: u32, fill: impl FnMut(&mut Self, u32, Address)) { unimplemented!() }
    pub fn assign_from_element(&mut self, place: &Place, map: MapIndex, element: Value) { unimplemented!() }
    pub fn return_from_probe(&mut self) { unimplemented!() }
    pub fn location(&self, span: Span) -> Location { unimplemented!() }
    pub fn helper_error(&mut self, helper: Helper, result: Value, span: Span) { unimplemented!() }
    pub fn map_pointer(&mut self, map: MapIndex, key: Option<&Expr>) -> Value { unimplemented!() }
    pub fn map_length(&mut self, map: MapIndex) -> Value { unimplemented!() }
    pub fn delete(&mut self, map: MapIndex, key: Option<&Expr>, span: Span) -> Value { unimplemented!() }
    pub fn probe_index(&mut self) -> Value { unimplemented!() }
    pub fn function_address(&mut self) -> Value { unimplemented!() }
    pub fn stack_trace(&mut self, user: bool, stack: StackType, into: Option<Address>) -> Address { unimplemented!() }
    pub fn string_length(&mut self, string: &Expr) -> Value { unimplemented!() }
    pub fn strings_equal(&mut self, a: &Expr, b: &Expr, bytes: Option<u32>) -> Value { unimplemented!() }
    pub fn count_bucket(&mut self, element: Value, bucket: Value, buckets: u32) { unimplemented!() }
}
