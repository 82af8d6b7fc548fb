//! stub
#![allow(missing_docs)]
pub struct Lowerer<'a>(pub &'a ());
